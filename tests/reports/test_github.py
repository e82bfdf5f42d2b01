from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.linter import LintResult
from msgspec_runner.reports.github import github
from msgspec_runner.reports.text import printable

ANY = st.text(st.characters())  # lone surrogates too: what a file's name has that is no UTF-8
UNESCAPED = {"%25": "%", "%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}


class Command(NamedTuple):
    level: str
    properties: dict[str, str]
    message: str


def parse(line: str) -> Command:
    """Read a line as the runner of GitHub Actions does: up to the second ``::``, split at commas, then unescaped."""
    assert line.startswith("::")
    head, _, message = line[2:].partition("::")
    level, _, words = head.partition(" ")
    pairs = (word.split("=", 1) for word in words.split(","))
    return Command(level, {key: unescape(value, ":,") for key, value in pairs}, unescape(message, ""))


def unescape(text: str, more: str) -> str:
    return re.sub("%(25|0D|0A)" if not more else "%(25|0D|0A|3A|2C)", lambda match: UNESCAPED[match[0]], text)


def test_the_report(result: LintResult, golden: Callable[[str, str], None]) -> None:
    golden("github.txt", github(result))


def test_nothing_is_said_where_nothing_is_found(result: LintResult) -> None:
    assert github(LintResult((), result.documents)) == ""


def test_errors_come_first_then_warnings_then_notices(result: LintResult) -> None:
    levels = [parse(line).level for line in github(result).splitlines()]
    assert levels == sorted(levels, key=["error", "warning", "notice"].index)
    assert set(levels) == {"error", "warning", "notice"}


def test_more_than_ten_are_summed_up_in_the_first_notice(result: LintResult) -> None:
    ten = LintResult(result.diagnostics[:1] * 9 + result.diagnostics[5:6], result.documents)
    assert "GitHub shows" not in github(ten)
    many = LintResult(result.diagnostics[:1] * 1204 + result.diagnostics[5:6] * 30, result.documents)
    commands = [parse(line) for line in github(many).splitlines()]
    notices = [command for command in commands if command.level == "notice"]
    assert len(commands) == 1204 + 1 + 30
    assert notices[0].properties == {"title": "msgspec-runner"}
    assert notices[0].message.startswith("1,204 errors, 30 infos in 3 specs. GitHub shows 10 ")


def test_a_range_of_several_lines_has_no_columns(result: LintResult) -> None:
    found = {parse(line).properties["title"]: parse(line).properties for line in github(result).splitlines()}
    block = found["MSG106 trailing-newline-in-text"]
    assert (block["line"], block["endLine"]) == ("6", "7")
    assert "col" not in block
    assert "endColumn" not in block
    assert found["MSG205 invalid-schedule"]["endColumn"] == "20"  # the last character's, where ours is behind it
    assert found["MSG108 missing-field"]["endColumn"] == "1"


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY, ANY, st.sampled_from(Severity))
def test_no_text_ends_its_command_or_begins_another(
    odd_result: Callable[..., LintResult], message: str, file: str, severity: Severity
) -> None:
    (line,) = re.split("[\r\n]", github(odd_result(message, file, severity)).removesuffix("\n"))
    assert printable(line) == line
    command = parse(line)
    assert set(command.properties) == {"file", "line", "endLine", "col", "endColumn", "title"}
    assert shown(command.properties["file"]) == shown(file)
    place, cell = f"{shown(file)}:1:1: MSG107 {shown(message)}", f"{shown(file)}:2:1  {shown(message)}"
    assert shown(command.message) == shown(f"{place}\n{cell}")


def shown(text: str) -> str:
    """Return a text as a terminal shows it; how a line ends is no matter here."""
    return printable(text.replace("\r", "␍").replace("\n", "⏎"))
