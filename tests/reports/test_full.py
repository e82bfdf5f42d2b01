"""``full``: the carets stand under the characters, whatever the line holds."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.diagnostics import Diagnostic, Edit, Fix, Position, Related, Rows, Severity, Span
from msgspec_runner.linting.linter import LintResult
from msgspec_runner.reports.full import MAX_LINE, full, snippet, summary
from msgspec_runner.reports.text import printable
from msgspec_runner.source.document import parse_document

# What each character looks like: two columns, one, or none.
WIDE, NARROW, NONE = "漢字한あ😀👍Ａ", "aé—ﾊß•", "\u0301\u20dd\u200d\ufe0f\u0e34"
ANSI = re.compile("\x1b\\[[0-9;]*m")


def on_line(first: int, last: int, line: int = 1) -> Span:
    return Span(Position(line, first), Position(line, last))


def columns(text: str) -> int:
    """Return how wide a text of the characters above is."""
    return sum(2 if char in WIDE else 0 if char in NONE else 1 for char in text)


def result_of(text: str, span: Span, **fields: object) -> LintResult:
    item = Diagnostic("specs/s.yaml", "MSG101", "invalid-yaml", Severity.ERROR, "no", span)._replace(**fields)
    return LintResult((item,), {"specs/s.yaml": parse_document("specs/s.yaml", text)})


def test_the_report(result: LintResult, golden: Callable[[str, str], None]) -> None:
    golden("full.txt", full(result, color=False))


def test_colours_are_the_same_words(result: LintResult) -> None:
    colored = full(result, color=True)
    assert ANSI.search(colored)
    assert ANSI.sub("", colored) == full(result, color=False)
    assert ANSI.sub("", summary(result, color=True)) == summary(result, color=False)


def test_the_summary_counts(result: LintResult) -> None:
    assert summary(result, color=False) == (
        "5 errors, 1 warning and 1 info in 3 specs, the first error at specs/reminder.yaml:5:7; "
        "`msgspec-runner rule CODE` explains one"
    )
    assert summary(LintResult((), result.documents), color=False) == "ok: no findings in 3 specs"
    one = LintResult(result.diagnostics[:1], {"a": result.documents["specs/clean.yaml"]})
    assert summary(one, color=False).startswith("1 error in 1 spec;")


def test_the_summary_points_at_an_error_among_others_only(result: LintResult) -> None:
    mild = tuple(item._replace(severity=Severity.INFO) for item in result.diagnostics)
    last = mild[-1]._replace(severity=Severity.ERROR)
    assert ", the first error at specs/año, 100%.yaml:1:1; " in summary(
        LintResult((*mild[:-1], last), result.documents), color=False
    )
    assert "first error" not in summary(LintResult(mild, result.documents), color=False)
    assert "first error" not in summary(LintResult((last, last), result.documents), color=False)


class TestInfosInARow:
    """An error must not be pushed off the screen by what is only worth a line."""

    TEXT = "a: 1\nb: 2\nc: 3\nd: 4\n"

    def report(self, *changes: dict[str, object]) -> str:
        base = Diagnostic("specs/s.yaml", "MSG409", "unused-name", Severity.INFO, "nothing uses it", on_line(1, 2))
        found = tuple(base._replace(span=on_line(1, 2, line), **fields) for line, fields in enumerate(changes, 1))
        return full(LintResult(found, {"specs/s.yaml": parse_document("specs/s.yaml", self.TEXT)}), color=False)

    def test_those_of_one_rule_are_a_line_each_below_the_first(self) -> None:
        report = self.report({}, {"message": "nor this\x1b[2J"}, {}, {"code": "MSG411", "name": "other"})
        assert report == (
            "info[MSG409] unused-name: nothing uses it\n"
            "  ┌─ specs/s.yaml:1:1\n"
            "  │\n"
            "1 │ a: 1\n"
            "  │ ^\n"
            "  ├─ specs/s.yaml:2:1  nor this<U+001B>[2J\n"
            "  └─ specs/s.yaml:3:1  nothing uses it\n"
            "\n"
            "info[MSG411] other: nothing uses it\n"
            "  ┌─ specs/s.yaml:4:1\n"
            "  │\n"
            "4 │ d: 4\n"
            "  └ ^\n"
            "\n"
        )

    @pytest.mark.parametrize(
        "second",
        [
            {"severity": Severity.WARNING},
            {"severity": Severity.ERROR},
            {"related": (Related("r.csv", 2, 1, "row 1"),)},
            {"rows": Rows(2, (1, 2), 3)},
            {"fix": Fix("safe", (Edit(on_line(1, 2), "x"),))},
        ],
        ids=lambda second: next(iter(second)),
    )
    def test_what_is_worse_or_has_notes_stays_whole(self, second: dict[str, object]) -> None:
        assert "2 │ b: 2" in self.report({}, second)

    @pytest.mark.parametrize("severity", [Severity.ERROR, Severity.WARNING])
    def test_of_errors_and_warnings_each_is_whole(self, severity: Severity) -> None:
        report = self.report(*[{"severity": severity}] * 3)
        assert [line for line in ("1 │ a: 1", "2 │ b: 2", "3 │ c: 3") if line in report] == [
            "1 │ a: 1",
            "2 │ b: 2",
            "3 │ c: 3",
        ]

    def test_the_order_is_that_of_the_file(self) -> None:
        report = self.report({}, {"severity": Severity.ERROR, "code": "MSG402"}, {}, {})
        places = re.findall(r"specs/s\.yaml:(\d)", report)
        assert places == ["1", "2", "3", "4"]


class TestCarets:
    @pytest.mark.parametrize(
        ("line", "first", "last", "shown", "carets"),
        [
            ("to: abc", 5, 8, "to: abc", "    ^^^"),
            ("漢字: あb", 5, 7, "漢字: あb", "      ^^^"),
            ("e\u0301e\u0301 x", 6, 7, "e\u0301e\u0301 x", "   ^"),
            ("\tto:\tx", 6, 7, " to: x", "     ^"),
            ("a\x1b[31mb", 7, 8, "a<U+001B>[31mb", "             ^"),
            ("a\x1b[31mb", 2, 3, "a<U+001B>[31mb", " ^^^^^^^^"),
            ("a\u202eb", 3, 4, "a<U+202E>b", "         ^"),
            ("abc", 2, 2, "abc", " ^"),  # an empty range still has a caret
            ("abc", 4, 4, "abc", "   ^"),  # behind the last character
            ("", 1, 1, "", "^"),
        ],
    )
    def test_they_are_as_wide_as_the_characters(
        self, line: str, first: int, last: int, shown: str, carets: str
    ) -> None:
        assert snippet(line, on_line(first, last)) == (shown, carets)

    def test_a_range_of_several_lines_is_marked_to_the_end_of_the_first(self) -> None:
        span = Span(Position(1, 7), Position(3, 2))
        assert snippet("text: |  ", span) == ("text: |  ", "      ^")
        report = full(result_of("text: |\n  a\n  b\n", span), color=False)
        assert "1 │ text: |\n  └       ^\n" in report

    def test_a_long_line_is_cut_around_the_finding(self) -> None:
        line = "a" * 500 + "BAD" + "c" * 500
        shown, carets = snippet(line, on_line(501, 504))
        assert shown[0] == shown[-1] == "…"
        assert len(shown) == MAX_LINE + 2
        assert shown[carets.index("^") :][:3] == "BAD"
        assert carets.count("^") == 3

    def test_at_the_ends_of_a_long_line(self) -> None:
        line = "BAD" + "c" * 500
        assert snippet(line, on_line(1, 4)) == (line[:MAX_LINE] + "…", "^^^")
        shown, carets = snippet("c" * 500 + "BAD", on_line(501, 504))
        assert shown.endswith("BAD")
        assert len(carets) == len(shown)

    def test_a_range_that_is_longer_than_the_line_may_be(self) -> None:
        shown, carets = snippet("x" * 10_000, on_line(1, 10_001))
        assert shown == "x" * MAX_LINE + "…"
        assert carets == "^" * MAX_LINE

    def test_a_line_of_exactly_the_width_is_whole(self) -> None:
        line = "x" * MAX_LINE
        assert snippet(line, on_line(MAX_LINE, MAX_LINE + 1)) == (line, " " * (MAX_LINE - 1) + "^")

    @settings(max_examples=300, deadline=None)
    @given(st.text(st.sampled_from(WIDE + NARROW + NONE), max_size=2 * MAX_LINE), st.data())
    def test_any_line(self, line: str, data: st.DataObject) -> None:
        first = data.draw(st.integers(0, len(line)))
        last = data.draw(st.integers(first, len(line)))
        shown, carets = snippet(line, on_line(first + 1, last + 1))
        assert len(shown) <= MAX_LINE + 2
        assert re.fullmatch(r" *\^+", carets)
        start = 0 if len(line) <= MAX_LINE else max(0, first - MAX_LINE // 2)
        prefix = "…" if start else ""
        assert carets.index("^") == columns(prefix + line[start:first])
        marked = line[first : min(max(last, first + 1), start + MAX_LINE)]
        assert carets.count("^") == max(1, columns(marked))


class TestLines:
    def test_the_gutter_is_as_wide_as_the_lines_number(self) -> None:
        text = "# a comment\n" * 1233 + "foo: 1\n"
        report = full(result_of(text, on_line(1, 4, 1234)), color=False)
        assert report == (
            "error[MSG101] invalid-yaml: no\n     ┌─ specs/s.yaml:1234:1\n     │\n1234 │ foo: 1\n     └ ^^^\n\n"
        )

    def test_an_empty_line_is_not_shown(self) -> None:
        assert full(result_of("", on_line(1, 1)), color=False) == (
            "error[MSG101] invalid-yaml: no\n  └─ specs/s.yaml:1:1\n\n"
        )

    def test_cells_rows_and_fixes_stand_below(self) -> None:
        related = (Related("r.csv", 14, 1, "row 13, column `phone`"), Related("r.csv", 15, 1, "row 14"))
        report = full(
            result_of("a: 1\n", on_line(1, 2), related=related, rows=Rows(1237, (13, 14), 12480)), color=False
        )
        assert report.splitlines()[4:] == [
            "  │ ^",
            "  ├─ r.csv:14:1  row 13, column `phone`",
            "  ├─ r.csv:15:1  row 14",
            "  └─ 1,237 of 12,480 rows; 2 shown",
            "",
        ]

    @settings(max_examples=200, deadline=None)
    @given(st.text(max_size=60), st.text(max_size=20), st.data())
    def test_nothing_that_a_terminal_obeys_is_printed(self, line: str, words: str, data: st.DataObject) -> None:
        text = re.sub(r"[\r\n]", " ", line)
        first = data.draw(st.integers(1, len(text) + 1))
        last = data.draw(st.integers(first, len(text) + 1))
        related = (Related(words, 1, 1, words),)
        result = result_of(text, on_line(first, last), message=words, related=related)
        shown = full(result, color=False)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", shown)
        line_is_shown = printable(result.documents["specs/s.yaml"].line(1)).strip()
        assert len(shown.splitlines()) == (7 if line_is_shown else 4)
