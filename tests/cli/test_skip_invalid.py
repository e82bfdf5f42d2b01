"""Which rows are left out: lint and send agree, whatever the rows are."""

from __future__ import annotations

import os
from contextlib import chdir
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgspec_runner.cli.options import Terminal
from msgspec_runner.cli.preparing import NotSound, lint_first, make_plan
from msgspec_runner.dispatch.plan import Decision
from msgspec_runner.errors import UnsendableError
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.project import load

QUIET = Terminal(quiet=True, verbose=False, color="never")

SPEC = """\
spec: hello
message: {provider: twlo, channel_key: ch, to: "{{ phone }}", text: "Hi {{ name }}"}
recipients: {columns: {phone: {type: phone}}, file: hello.csv}
"""
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["+16175551212", "+16175551213", "+16175551214", "617", ""]),
        st.sampled_from(["Ann", "Bob", "", "x" * 1700]),
    ).filter(any),
    max_size=8,
)


def write(root: Path, rows: list[tuple[str, str]]) -> None:
    (root / "hello.yaml").write_text(SPEC, encoding="utf-8")
    (root / "hello.csv").write_text("".join(f"{to},{name}\n" for to, name in [("phone", "name"), *rows]), "utf-8")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_without_the_rows_that_are_left_out_lint_finds_nothing(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    write(tmp_path, rows)
    with chdir(tmp_path), PlanSpool(tmp_path) as spool, Path(os.devnull).open("w") as nowhere:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stderr", nowhere)
            sound = lint_first(load([Path("hello.yaml")], None), {}, None, QUIET, skip_invalid=True)
        plan = make_plan(sound, spool, None, "sandbox")
        left_out = {skip.row for skip in spool.left_out()}
        assert plan.count(Decision.INVALID) == len(left_out)
        assert {message.row for message in spool} | left_out | {twin.row for twin in spool.duplicates()} == set(
            range(1, len(rows) + 1)
        )
        # Blank lines are no rows, so a row that is left out is replaced by one that is sound and nobody else's.
        sound_rows = [
            (f"+1617556{row:04d}", "Ann") if row in left_out else values for row, values in enumerate(rows, 1)
        ]
        write(tmp_path, sound_rows)
        lint_first(load([Path("hello.yaml")], None), {}, None, QUIET)
        assert left_out == {row for row in range(1, len(rows) + 1) if is_bad(rows, row)}


def is_bad(rows: list[tuple[str, str]], row: int) -> bool:
    """Say by hand whether a row is to be left out."""
    to, name = rows[row - 1]
    if len(to) < 8 or not name or len(name) > 1000:
        return True
    return any(other == to and another not in {"", name} for other, another in rows)


def test_without_the_flag_a_bad_row_refuses_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, [("+16175551212", "Ann"), ("617", "Bob")])
    with chdir(tmp_path), pytest.raises(NotSound):
        lint_first(load([Path("hello.yaml")], None), {}, None, QUIET)
    assert "nothing was sent" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "problem"),
    [("", "no-content"), ("Hi {{ name", "template-syntax"), ("{% include 'x' %}", "missing-include")],
)
def test_what_is_wrong_with_the_spec_is_refused_although_its_rule_is_ignored(
    tmp_path: Path, text: str, problem: str
) -> None:
    write(tmp_path, [("+16175551212", "Ann")])
    (tmp_path / "hello.yaml").write_text(SPEC.replace("Hi {{ name }}", text), encoding="utf-8")
    (tmp_path / "msgspec-runner.toml").write_text('ignore = ["MSG201", "MSG4"]\n', encoding="utf-8")
    with chdir(tmp_path), PlanSpool(tmp_path) as spool:
        sound = lint_first(load([Path("hello.yaml")], None), {}, None, QUIET, skip_invalid=True)
        with pytest.raises(UnsendableError, match=rf"row 1 cannot be sent .*{problem}"):
            make_plan(sound, spool, None, "sandbox")
