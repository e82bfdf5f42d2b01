"""Markdown that shows what others wrote as what it is: a hover must not load a picture that a spec names."""

from __future__ import annotations

import re
from typing import Final

from msgspec_runner.reports.text import printable

# Of those that mean something only at a line's beginning (a list, a heading, a quote), the first.
_MARKS: Final = re.compile(r"(?<!\w)(_)|(_)(?!\w)|([\\`*\[\]<>&~$])|^(?=[#+=|-])")
_TICKS: Final = re.compile(r"`+")

MAX_SHOWN: Final = 4_000
"""Characters of one text that are shown."""


def words(text: str) -> str:
    """Return text whose signs mean nothing to Markdown, on one line."""
    return _MARKS.sub(lambda mark: f"\\{mark[0]}", clipped(" ".join(printable(part) for part in text.split())))


def code(text: str) -> str:
    """Return text as code inside of a line."""
    shown = clipped(printable(text)) or " "
    ticks = "`" * (1 + _longest(shown))
    space = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{ticks}{space}{shown}{space}{ticks}"


def block(text: str, language: str = "text") -> str:
    """Return text as a block of code."""
    shown = "\n".join(printable(line) for line in clipped(text).split("\n"))
    fence = "`" * max(3, 1 + _longest(shown))
    return f"{fence}{language}\n{shown}\n{fence}"


def clipped(text: str, most: int = MAX_SHOWN) -> str:
    """Return a text short enough to be shown."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _longest(text: str) -> int:
    return max(map(len, _TICKS.findall(text)), default=0)
