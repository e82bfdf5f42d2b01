"""What ``plan`` and ``send`` refuse before they send anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from msgspec_runner.cli import run
from msgspec_runner.cli.options import Terminal
from msgspec_runner.cli.preparing import lint_first, make_plan, plan_lines
from msgspec_runner.dispatch.plan import Decision, SpecPlan
from msgspec_runner.dispatch.planner import Plan
from msgspec_runner.errors import UsageError
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.project import load
from msgspec_runner.timing import Reason

QUIET = Terminal(quiet=True, verbose=False, color="never")


@pytest.mark.parametrize("command", [["plan", "specs"], ["send", "specs", "--sandbox"]], ids=lambda words: words[0])
@pytest.mark.parametrize("profile", [[], ["--profile", "careful"]], ids=["bare", "profile"])
def test_suppressions_that_cannot_be_read_are_told_before_anything_else(
    command: list[str],
    profile: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    run(["init", "--quiet"])
    with Path("msgspec-runner.toml").open("a", encoding="utf-8") as config:
        config.write("\n[profiles.careful]\n" if profile else "")
    text = Path("msgspec-runner.toml").read_text(encoding="utf-8")
    key = 'suppressions = ["never.txt"]\n'
    Path("msgspec-runner.toml").write_text(text + key if profile else key + text, encoding="utf-8")
    assert run([*command, *profile]) == 2
    assert "suppressions: no file never.txt in the project" in capsys.readouterr().err
    assert run(["lint"]) == 0
    Path("never.txt").write_text("Ann\n", encoding="utf-8")
    assert run([*command, *profile]) == 2
    assert "never.txt:1: has letters" in capsys.readouterr().err
    Path("never.txt").write_text("+16175551212\n", encoding="utf-8")
    assert run([*command, *profile]) == 0
    told = capsys.readouterr()
    assert "1 skipped (suppressed)" in told.out + told.err


@pytest.mark.parametrize("test", [[], ["--test-to", "+16175551299"]], ids=["send", "test"])
def test_findings_that_nobody_reads_are_no_success(
    test: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.yaml").write_text("spec: bad\n", encoding="utf-8")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as nobody:
        monkeypatch.setattr("sys.stdout", nobody)
        assert run(["send", "bad.yaml", "--sandbox", *test]) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["send", "specs/welcome.yaml", "--sandbox", "--ledger", "book.db", "--results", "book.db"],
        ["send", "specs/welcome.yaml", "--sandbox", "--junit", "recipients/members.csv"],
        ["send", "specs/welcome.yaml", "--sandbox", "--results", "specs/../specs/welcome.yaml"],
        ["send", "specs/welcome.yaml", "--sandbox", "--results", "both", "--junit", "both"],
        ["send", "specs/welcome.yaml", "--sandbox", "--ledger", "book.db", "--junit", "book.db-wal"],
        ["send", "specs/welcome.yaml", "--sandbox", "--results", "msgspec-runner.ledger-id"],
        ["send", "specs/welcome.yaml", "--sandbox", "--results", "partials/foot.txt"],
        ["plan", "specs/welcome.yaml", "--sandbox", "--out", "msgspec-runner.toml"],
        ["plan", "specs/welcome.yaml", "--sandbox", "--out", "specs/welcome.yaml"],
        ["retry", "2", "--sandbox", "--ledger", "book.db", "--results", "book.db"],
        ["retry", "2", "--sandbox", "--ledger", "book.db", "--junit", "specs/welcome.yaml"],
        ["retry", "2", "--sandbox", "--ledger", "book.db", "--results", "both", "--junit", "both"],
    ],
    ids=" ".join,
)
def test_no_file_is_written_over_one_that_is_read(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run(["init", "--quiet"])
    Path("partials").mkdir()
    Path("partials/foot.txt").write_text("Bye", encoding="utf-8")
    run(["ledger", "init"])
    assert run(["send", "specs/order-shipped.yaml", "--sandbox", "--ledger", "book.db", "--quiet"]) == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    assert run(words) == 2
    assert "is in use by this command: name another file. Nothing was sent." in capsys.readouterr().err
    assert {path: path.read_bytes() for path in before} == before


def test_a_plan_says_what_will_wait_and_for_what(tmp_path: Path) -> None:
    spec = SpecPlan("hello", 1, "hello.yaml", opens="09:00", hold="5m")
    for reason in (Reason.WINDOW, Reason.WINDOW, Reason.HOLD, Reason.SCHEDULE, None):
        spec.add(Decision.NEW, 1, reason)
    spec.add(Decision.SUPPRESSED, 1)
    with PlanSpool(tmp_path) as spool:
        assert plan_lines(Plan(spool, [spec])) == [
            "hello (edition 1)  hello.yaml",
            "          5 new  5 segments",
            "          1 of them scheduled as written (schedule)",
            "          1 of them scheduled 5m later (hold)",
            "          2 of them scheduled for 09:00 (window)",
            "          1 skipped (suppressed)",
        ]


def test_recipients_that_change_between_lint_and_plan_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(["init", "--quiet"])
    spec = Path("specs/welcome.yaml")
    sound = lint_first(load([spec], None), {}, None, QUIET)
    with Path("recipients/members.csv").open("a", encoding="utf-8") as recipients:
        recipients.write("\n")
    with PlanSpool() as spool, pytest.raises(UsageError, match=r"members\.csv was changed .* Nothing was sent"):
        make_plan(sound, spool, None, "sandbox")

    unchanged = lint_first(load([spec], None), {}, None, QUIET)
    with PlanSpool() as spool:
        plan = make_plan(unchanged, spool, None, "sandbox")
        lines = plan_lines(plan)
    new = plan.count(Decision.NEW)
    assert new > 0
    assert lines[0].endswith("specs/welcome.yaml")
    assert lines[1].split()[:2] == [str(new), "new"]


def without_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(["init", "--quiet"])
    Path("recipients/people.csv").write_text("phone\n", encoding="utf-8")
    message = "provider: twlo, channel_key: your_channel_key, to: '{{ phone }}', text: Hello"
    spec = f"spec: notice\nmessage: {{{message}}}\nrecipients: {{file: ../recipients/people.csv}}\n"
    Path("specs/notice.yaml").write_text(spec, encoding="utf-8")
    text = Path("msgspec-runner.toml").read_text(encoding="utf-8")
    Path("msgspec-runner.toml").write_text(f'fail-level = "info"\n{text}', encoding="utf-8")


@pytest.mark.parametrize("words", [["plan", "--sandbox"], ["send", "--sandbox"], ["send", "--sandbox", "--yes"]])
def test_recipients_without_rows_are_named_and_are_no_failure(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without_rows(tmp_path, monkeypatch)
    assert run([*words, "specs/notice.yaml"]) == 0
    told = capsys.readouterr()
    assert "nothing to send: recipients/people.csv has no rows\n" in told.out + told.err
    assert "0 new: no rows\n" in told.out + told.err
    assert "MSG508" not in told.out + told.err
    assert run(["lint", "specs/notice.yaml"]) == 1
    assert "MSG508 recipients/people.csv has no rows" in capsys.readouterr().out


def test_recipients_of_the_command_line_are_named_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without_rows(tmp_path, monkeypatch)
    capsys.readouterr()
    Path("New List.csv").write_text("phone\n", encoding="utf-8")
    command = ["plan", "--sandbox", "specs/notice.yaml", "--recipients", "New List.csv", "--output"]
    assert run([*command, "markdown"]) == 0
    assert capsys.readouterr().out.startswith("**Nothing to send: `New List.csv` has no rows.**")
    assert run([*command, "json"]) == 0
    assert '"recipients": 0' in capsys.readouterr().out


def test_that_one_spec_of_several_has_no_rows_is_told_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without_rows(tmp_path, monkeypatch)
    assert run(["plan", "--sandbox", "specs/notice.yaml", "specs/order-shipped.yaml"]) == 0
    out = capsys.readouterr().out
    assert "specs/notice.yaml\n          0 new: no rows\n" in out
    assert "`send` would send 2 messages" in out
    assert out.count("no rows") == 1


def test_whose_rows_are_all_left_out_is_not_said_to_have_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without_rows(tmp_path, monkeypatch)
    Path("never.txt").write_text("+16175551212\n", encoding="utf-8")
    text = Path("msgspec-runner.toml").read_text(encoding="utf-8")
    Path("msgspec-runner.toml").write_text(f'suppressions = ["never.txt"]\n{text}', encoding="utf-8")
    notice = Path("specs/notice.yaml").read_text(encoding="utf-8").replace("spec: notice", "spec: other")
    Path("specs/other.yaml").write_text(notice.replace("people.csv", "one.csv"), encoding="utf-8")
    Path("recipients/one.csv").write_text("phone\n+16175551212\n", encoding="utf-8")
    assert run(["plan", "--sandbox", "specs/notice.yaml", "specs/other.yaml"]) == 0
    assert "nothing to send: recipients/people.csv has no rows\n" in capsys.readouterr().out
    assert run(["plan", "--sandbox", "specs/other.yaml"]) == 0
    assert capsys.readouterr().out.endswith("nothing to send\n")
