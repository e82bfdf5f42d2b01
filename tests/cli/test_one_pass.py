"""Rows are rendered once, on their way to the linter: what comes of it is what rendering them apart would give."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import chdir, closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgspec_runner.cli import run
from msgspec_runner.cli.options import Terminal
from msgspec_runner.cli.preparing import NotSound, lint_first, make_plan
from msgspec_runner.dispatch.drafting import Drafts
from msgspec_runner.dispatch.plan import Decision
from msgspec_runner.errors import RunnerError, UsageError
from msgspec_runner.ledger import open_ledger
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.project import load
from msgspec_runner.rendering import Renderer

QUIET = Terminal(quiet=True, verbose=False, color="never")

SPEC = """\
spec: {name}
message:
  provider: "{{{{ by }}}}"
  channel_key: ch
  to: "{{{{ phone }}}}"
  name: "{{{{ name }}}}"
  text: "Hi {{{{ name }}}}{{% if late %}}, be quick{{% endif %}}"
recipients:
  columns: {{phone: {{type: phone}}, name: {{}}, late: {{type: boolean, required: false}}, by: {{default: twlo}}}}
  file: {name}.csv
  key: "{{{{ key }}}}"
  samples: [{{phone: "+16175559999", name: Sam, key: k}}]
{delivery}
"""
CELLS = st.tuples(
    st.sampled_from(["+16175551212", "+16175551213", "+16175551214", "617", ""]),
    st.sampled_from(["Ann", "Bob", "", "x" * 1700]),
    st.sampled_from(["yes", "no", "", "maybe"]),
    st.sampled_from(["twlo", "gswa", "", "x"]),
    st.sampled_from(["a", "b"]),
)
GOOD = st.tuples(
    st.sampled_from(["+16175551212", "+16175551213", "+16175551214"]),
    st.sampled_from(["Ann", "Bob", "Chloé"]),
    st.sampled_from(["yes", "no", ""]),
    st.sampled_from(["twlo", "gswa"]),
    st.sampled_from(["a", "b"]),
)
DELIVERY = st.sampled_from(["", "", "delivery: {max_recipients: 3}", "delivery: {hold: 5m}"])
IGNORED = st.sampled_from(["", 'ignore = ["MSG1", "MSG2", "MSG4", "MSG5", "MSG6"]\n'])


def write(root: Path, name: str, rows: Sequence[tuple[str, ...]], delivery: str = "") -> Path:
    (root / f"{name}.yaml").write_text(SPEC.format(name=name, delivery=delivery), encoding="utf-8")
    lines = "".join(f'"{phone}",{name},{late},{by},{key}\n' for phone, name, late, by, key in rows)
    (root / f"{name}.csv").write_text("phone,name,late,by,key\n" + lines, encoding="utf-8")
    return root / f"{name}.yaml"


def planned(paths: list[Path], *, drafted: bool, skips: bool) -> object:
    """Return all that a plan holds and says, or why there is none."""
    with PlanSpool(batch=3) as spool:
        drafts = Drafts(spool, "sandbox", leaves_out=skips) if drafted else None
        try:
            sound = lint_first(load(paths, None), {}, None, QUIET, skip_invalid=skips, drafts=drafts)
            if drafted:
                assert all(target.draft is not None for target in sound.targets), "each was read whole"
            plan = make_plan(sound, spool, None, "sandbox")
        except (NotSound, RunnerError) as error:
            return type(error), str(error)
        skipped, twins = list(spool.left_out()), list(spool.duplicates())
        return list(spool), skipped, twins, [spec.as_dict() for spec in plan.specs]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.one_of(st.lists(CELLS, max_size=7), st.lists(GOOD, max_size=7)),
    others=st.lists(GOOD, max_size=4),
    delivery=DELIVERY,
    ignored=IGNORED,
    skips=st.booleans(),
)
def test_the_plan_is_that_of_rows_rendered_apart(
    tmp_path: Path, rows: list[tuple[str, ...]], others: list[tuple[str, ...]], delivery: str, ignored: str, skips: bool
) -> None:
    (tmp_path / "msgspec-runner.toml").write_text(ignored, encoding="utf-8")
    paths = [write(tmp_path, "one", rows, delivery), write(tmp_path, "two", others)]
    with chdir(tmp_path), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", io.StringIO())
        patch.setattr("sys.stderr", io.StringIO())
        once, apart = (planned(paths, drafted=drafted, skips=skips) for drafted in (True, False))
    assert once == apart


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "msgspec-runner.toml").touch()
    return tmp_path


ROWS = [(f"+1617555{row:04}", "Ann", "yes" if row % 2 else "", "twlo", "k") for row in range(1, 8)]


@pytest.fixture
def renderings(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return what grows with every row that is rendered."""
    seen: list[object] = []
    render = Renderer.render

    def counted(self: Renderer, values: dict[str, object]) -> object:
        seen.append(values)
        return render(self, values)

    monkeypatch.setattr(Renderer, "render", counted)
    return seen


@pytest.mark.parametrize("words", [["plan"], ["send", "--sandbox"]], ids=lambda words: words[0])
def test_each_row_is_rendered_once(words: list[str], project: Path, renderings: list[object]) -> None:
    write(project, "one", ROWS)
    assert run([*words, "one.yaml", "--quiet"]) == 0
    assert len(renderings) == len(ROWS) + 1  # the sample


def test_samples_are_never_drafted(project: Path) -> None:
    path = write(project, "one", ROWS)
    with PlanSpool() as spool:
        lint_first(load([path], None), {}, None, QUIET, drafts=Drafts(spool, "sandbox", leaves_out=False))
        assert [message.to for message in spool] == [phone for phone, *_ in ROWS]


def test_a_file_that_changes_after_its_rows_were_drafted_is_refused(project: Path) -> None:
    path = write(project, "one", ROWS)
    with PlanSpool() as spool:
        drafts = Drafts(spool, "sandbox", leaves_out=False)
        sound = lint_first(load([path], None), {}, None, QUIET, drafts=drafts)
        write(project, "one", ROWS[:3])
        with pytest.raises(UsageError, match=r"one\.csv was changed .* Nothing was sent"):
            make_plan(sound, spool, None, "sandbox")


def test_findings_come_before_a_refusal(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = [*ROWS, ("617", "Ann", "", "twlo", "k")]
    write(project, "one", bad, "delivery: {max_recipients: 2}")
    assert run(["plan", "one.yaml"]) == 1
    told = capsys.readouterr()
    assert "MSG503" in told.out + told.err
    assert "max_recipients" not in told.err
    write(project, "one", ROWS, "delivery: {max_recipients: 2}")
    assert run(["plan", "one.yaml"]) == 2
    assert "more than 2 recipients" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_to_its_end_leaves_nothing_behind(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(project, "one", ROWS)
    with (project / "one.csv").open("a", encoding="utf-8") as file:
        file.write("+16175551299,too,few\n")
    assert run(["plan", "one.yaml"]) == 1
    told = capsys.readouterr()
    assert "MSG506" in told.out + told.err
    (project / "msgspec-runner.toml").write_text('ignore = ["MSG506"]\n', encoding="utf-8")
    with PlanSpool() as spool:
        drafts = Drafts(spool, "sandbox", leaves_out=False)
        sound = lint_first(load([path], None), {}, None, QUIET, drafts=drafts)
        assert sound.targets[0].draft is None
        assert len(spool) == 0
        with pytest.raises(RunnerError, match="3 cells"):
            make_plan(sound, spool, None, "sandbox")


def test_recipients_from_standard_input(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, "one", ROWS[:1])
    other = write(project, "two", ROWS)
    with closing(io.BytesIO(other.with_suffix(".csv").read_bytes())) as rows:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(rows))
        assert run(["plan", "one.yaml", "--recipients", "-", "--out", "plan.json", "--sandbox"]) == 0
    assert run(["send", "one.yaml", "--recipients", "two.csv", "--sandbox", "--ledger", "book.db", "--limit", "5"]) == 0
    with PlanSpool() as spool:
        drafts = Drafts(spool, "sandbox", leaves_out=False)
        sound = lint_first(load([project / "one.yaml"], None), {}, project / "two.csv", QUIET, drafts=drafts)
        with closing(open_ledger("book.db", project, loopback_or_sandbox=True, create=False)) as book:
            plan = make_plan(sound, spool, book, "sandbox")
    assert (plan.count(Decision.SENT), plan.count(Decision.NEW)) == (5, 2)
