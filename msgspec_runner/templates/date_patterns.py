"""CLDR date patterns as people write them: ``EEEE d MMMM``, and the mistakes that format something else in silence.

``YYYY`` is the year of the week and ``DD`` the day of the year: both are right most of the year and wrong on the
days when nobody looks. Patterns of strftime and of JavaScript's libraries have other letters (Unicode TS #35, "Date
Field Symbol Table").
"""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec_runner.templates.problems import Refusal

MAX_PATTERN = 100
"""Characters of a pattern: the longest sensible one has about 40."""

STYLES = frozenset({"short", "medium", "long", "full"})
"""Names that stand for a pattern of the locale."""

_QUOTED = re.compile(r"'[^']*'")
_MEANT = {
    "%": "`%` belongs to strftime: write a CLDR pattern, such as dd/MM/yyyy or HH:mm",
    "Y": "`Y` is the year of the week and wrong around New Year: write yyyy",
    "D": "`D` is the day of the year: write dd",
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
    letters = _QUOTED.sub("", pattern)
    for letter, message in _MEANT.items():
        if letter in letters:
            raise Refusal("value", message)
    for run in re.finditer(r"([A-Za-z])\1*", letters):
        letter = run[1]
        if letter not in _LETTERS or len(run[0]) > _LONGEST.get(letter, 9):
            hint = "put words in quotes, as in \"d 'of' MMMM\""
            raise Refusal("value", f"{run[0]!r} means nothing in a date pattern: {hint}")
    if "m" in letters and not re.search("[hHkK]", letters):
        raise Refusal("value", "`m` is minutes: months are M, as in dd/MM/yyyy")
    if re.search("[hHkK]:M", letters):
        raise Refusal("value", "`M` is months: minutes are m, as in HH:mm")
    if re.search("hh|K", letters) and not re.search("[abB]", letters):
        raise Refusal("value", "`hh` is the 12-hour clock, and nothing says am or pm: write HH:mm, or h:mm a")
    if not re.search("[A-Za-z]", letters):
        raise Refusal("value", "this format has no date in it: write a pattern such as 'EEEE d MMMM'")
    return pattern


def has_time(pattern: str) -> bool:
    """Say whether a checked pattern shows a time of day, which a date does not have."""
    return pattern not in STYLES and re.search("[abBhHKkmsSAzZOvVXx]", _QUOTED.sub("", pattern)) is not None
