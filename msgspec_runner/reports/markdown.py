"""Text in Markdown that stays text: a spec is hostile until proven otherwise, and a forge acts on what it reads.

``@somebody`` would be notified, ``#12`` and a commit's name become links, HTML is obeyed, ``|`` ends a cell and a run
of backticks a block. Code is where GitHub and GitLab look for none of these, so foreign words only stand in code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec_runner.reports.text import printable

_PLAIN = re.compile(r"[A-Za-z0-9 ./_:,+-]+")
_SPECIAL = re.compile(r"[^A-Za-z0-9 -]")
_BACKTICKS = re.compile(r"`+")

MAX_WORDS = 500
"""Characters of one foreign text that are shown in a line."""


def code(text: str, *, html: bool = False) -> str:
    """Return a foreign text as code within a line or a table's cell.

    Args:
        text: it.
        html: whether it stands in an HTML element, where Markdown's own marks mean nothing.
    """
    shown = cut(printable(text), MAX_WORDS)
    if not html and _PLAIN.fullmatch(shown) and shown == shown.strip():
        return f"`{shown}`"
    # As references to characters, nothing in it is a mark of Markdown's.
    return f"<code>{_SPECIAL.sub(lambda found: f'&#{ord(found.group())};', shown)}</code>"


def fenced(lines: Iterable[str], language: str) -> list[str]:
    """Return foreign lines as a block of code, which none of them can end.

    Args:
        lines: what it holds.
        language: how it is to be coloured.
    """
    shown = [printable(line) for line in lines]
    longest = max((len(found) for line in shown for found in _BACKTICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *shown, fence]


def cut(text: str, characters: int) -> str:
    """Return a text of at most so many characters, with a word on how many more there were."""
    return text if len(text) <= characters else f"{text[:characters]}… ({len(text) - characters:,} more)"
