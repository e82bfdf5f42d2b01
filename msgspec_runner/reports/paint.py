"""Colour for text at a terminal: few colours, each with one meaning."""

from __future__ import annotations

from collections.abc import Callable

from msgspec_runner.diagnostics import Severity

Paint = Callable[[str, str], str]
"""Takes a text and the name of a colour (``red``, ``yellow``, ``green``, ``cyan``, ``dim``, ``bold``)."""

COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
"""Of findings."""

_CODES = {"red": "31;1", "yellow": "33;1", "cyan": "36;1", "green": "32;1", "dim": "2", "bold": "1"}


def painter(*, color: bool) -> Paint:
    """Return what puts ANSI colours around text, or what leaves it alone."""
    if not color:
        return lambda text, _: text
    return lambda text, name: f"\x1b[{_CODES[name]}m{text}\x1b[0m"
