"""CLDR date patterns as people write them: ``EEEE d MMMM``, and the mistakes that format something else in silence.

``YYYY`` is the year of the week and ``DD`` the day of the year: both are right most of the year and wrong on the
days when nobody looks. Patterns of strftime and of JavaScript's libraries have other letters (Unicode TS #35, "Date
Field Symbol Table").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from msgspec_runner.templates.problems import Fault, Refusal

MAX_PATTERN = 100
"""Characters of a pattern: the longest sensible one has about 40."""

STYLES = frozenset({"short", "medium", "long", "full"})
"""Names that stand for a pattern of the locale."""

_QUOTED = re.compile(r"'[^']*'")
_MEANT = {
    "Y": "`Y` is the year of the week and wrong around New Year",
    "D": "`D` is the day of the year",
}
_LETTERS = frozenset("GyuQqMLwWdFgEecabBhHKkmsSAzZOvVXx")
_LONGEST = {"d": 2, "h": 2, "H": 2, "m": 2, "s": 2, "M": 5, "E": 6, "a": 5}


@lru_cache(maxsize=256)
def checked_pattern(pattern: object) -> str:
    """Return a pattern that formats what it says.

    Args:
        pattern: a CLDR pattern, or one of :data:`STYLES`.

    Raises:
        Refusal: it is none, or has letters that mean something else than people expect.
    """
    if not isinstance(pattern, str) or not pattern.strip():
        raise Refusal("type", "a format is a CLDR pattern such as 'EEEE d MMMM', or short, medium, long, full")
    if len(pattern) > MAX_PATTERN:
        raise Refusal("bound", f"a format has at most {MAX_PATTERN} characters")
    if pattern in STYLES:
        return pattern
    faults = tuple(_faults(pattern))
    if faults:
        raise Refusal("value", "; ".join(fault.message for fault in faults), faults)
    return pattern


def _faults(pattern: str) -> Iterator[Fault]:
    """Yield what is wrong with a pattern: each letter that means something else, or else the first other mistake."""
    letters = _QUOTED.sub(lambda found: " " * len(found[0]), pattern)
    if "%" in letters:
        start = letters.index("%")
        message = "`%` belongs to strftime: write a CLDR pattern, such as dd/MM/yyyy or HH:mm"
        yield Fault(message, start, start + 1)
        return
    runs = list(re.finditer(r"([A-Za-z])\1*", letters))
    found = {letter: next((run for run in runs if run[1] == letter), None) for letter in _MEANT}
    meant = sorted((run for run in found.values() if run is not None), key=lambda run: run.start())
    for run in meant:
        cure = run[0].lower() if run[1] == "Y" or len(run[0]) == len("dd") else "d"
        yield Fault(f"{_MEANT[run[1]]}: write {cure}", *run.span())
    if not meant:
        other = _other_fault(letters, runs)
        if other is not None:
            yield other


def _other_fault(letters: str, runs: list[re.Match[str]]) -> Fault | None:
    for run in runs:
        letter = run[1]
        if letter not in _LETTERS or len(run[0]) > _LONGEST.get(letter, 9):
            name = {"ddd": "EEE", "dddd": "EEEE"}.get(run[0])
            hint = f"the name of the day is {name}" if name else "put words in quotes, as in \"d 'of' MMMM\""
            return Fault(f"{run[0]!r} means nothing in a date pattern: {hint}", *run.span())
    if not re.search("[hHkK]", letters) and (found := re.search("m+", letters)):
        return Fault("`m` is minutes: months are M, as in dd/MM/yyyy", *found.span())
    if found := re.search("[hHkK]:(M+)", letters):
        return Fault("`M` is months: minutes are m, as in HH:mm", *found.span(1))
    if not re.search("[abB]", letters) and (found := re.search("hh|K+", letters)):
        message = "`hh` is the 12-hour clock, and nothing says am or pm: write HH:mm, or h:mm a"
        return Fault(message, *found.span())
    if not runs:
        message = "this format has no date in it: write a pattern such as 'EEEE d MMMM'"
        return Fault(message, 0, len(letters))
    return None


def has_time(pattern: str) -> bool:
    """Say whether a checked pattern shows a time of day, which a date does not have."""
    return pattern not in STYLES and re.search("[abBhHKkmsSAzZOvVXx]", _QUOTED.sub("", pattern)) is not None
