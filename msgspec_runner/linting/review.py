"""What is left of a spec's findings when its suppressions are heard, and which of these suppressed nothing."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from msgspec_runner.diagnostics import Diagnostic, Severity
from msgspec_runner.linting.suppressions import Selector, Suppression, read_suppressions
from msgspec_runner.source.document import Document

if TYPE_CHECKING:
    from msgspec_runner.linting.rule import Rule
    from msgspec_runner.linting.subject import Subject

AS_WRITTEN = ("MSG1", "MSG2", "MSG3")
"""Families whose spec rules need no recipients."""


class Review(NamedTuple):
    """A spec's suppressions after all else was found.

    Attributes:
        document: the file.
        suppressions: in the order of the file.
        unused: selectors that suppressed nothing, although their rules have seen all that there is to see.
        known: the code and the name of every rule.
    """

    document: Document
    suppressions: tuple[Suppression, ...]
    unused: frozenset[Selector]
    known: tuple[str, ...]


def without_suppressed(diagnostics: Iterable[Diagnostic], suppressions: Sequence[Suppression]) -> list[Diagnostic]:
    """Return the findings of a spec that none of its suppressions covers: those that begin on other lines."""
    everywhere: set[str] = set()
    ranges: dict[str, list[range]] = defaultdict(list)
    for suppression, selector in _each(suppressions):
        if suppression.lines is None:
            everywhere.add(selector.code)
        else:
            ranges[selector.code].append(suppression.lines)
    covered = {code: _Lines(found) for code, found in ranges.items()}
    return [
        item
        for item in diagnostics
        if item.code not in everywhere and (item.code not in covered or item.span.start.line not in covered[item.code])
    ]


class _Lines:
    """Lines in any of some ranges. A spec may have thousands, so they are searched and not tried one by one."""

    def __init__(self, ranges: Iterable[range]) -> None:
        ordered = sorted(ranges, key=lambda lines: lines.start)
        self._starts = [lines.start for lines in ordered]
        self._stops = list(accumulate((lines.stop for lines in ordered), max))

    def __contains__(self, line: int) -> bool:
        place = bisect_right(self._starts, line) - 1
        return place >= 0 and line < self._stops[place]


def review(
    subject: Subject, diagnostics: Sequence[Diagnostic], rules: Iterable[Rule], all_rules: Iterable[Rule]
) -> Review:
    """Judge a spec's suppressions.

    Args:
        subject: the spec.
        diagnostics: everything that was found in it.
        rules: those that ran.
        all_rules: those that exist.
    """
    known = {word: rule.code for rule in all_rules for word in (rule.code, rule.name)}
    codes = {word.lower(): code for word, code in known.items()}
    suppressions = read_suppressions(subject.document, subject.spec, codes)
    watched = _watched(subject, diagnostics, rules) if suppressions else frozenset()
    lines: dict[str, list[int]] = defaultdict(list)
    for item in diagnostics:
        lines[item.code].append(item.span.start.line)
    for found in lines.values():
        found.sort()
    unused = frozenset(
        selector
        for suppression, selector in _each(suppressions)
        if selector.code in watched and not _any_in(lines.get(selector.code, ()), suppression.lines)
    )
    return Review(subject.document, suppressions, unused, tuple(known))


def _any_in(found: Sequence[int], lines: range | None) -> bool:
    """Say whether any line of some, which are sorted, is in a range; None is all lines."""
    if lines is None:
        return bool(found)
    place = bisect_left(found, lines.start)
    return place < len(found) and found[place] < lines.stop


def _each(suppressions: Iterable[Suppression]) -> Iterable[tuple[Suppression, Selector]]:
    return ((suppression, selector) for suppression in suppressions for selector in suppression.selectors)


def _watched(subject: Subject, diagnostics: Iterable[Diagnostic], rules: Iterable[Rule]) -> frozenset[str]:
    """Return the codes of rules that found all they ever could: what they did not find is not there.

    A text that cannot be read hides findings, a broken message hides what its recipients would get, and other vars,
    profiles or recipients (such as a file that is kept out of git) have findings of their own. Rules about several
    specs have seen those that were named only.
    """
    fields = (*subject.spec.fields, *([subject.spec.key] if subject.spec.key else []))
    if not subject.as_committed or subject.document.problems or any(field.template.problems for field in fields):
        return frozenset()
    whole = not any(item.severity is Severity.ERROR for item in diagnostics)
    return frozenset(
        rule.code
        for rule in rules
        if (subject.rows_seen and whole if _is_about_rows(rule) else _has_looked(rule, subject))
    )


def _is_about_rows(rule: Rule) -> bool:
    return rule.row_check is not None or rule.wording is not None


def _has_looked(rule: Rule, subject: Subject) -> bool:
    return rule.check is not None and (subject.rows_seen or rule.code.startswith(AS_WRITTEN))
