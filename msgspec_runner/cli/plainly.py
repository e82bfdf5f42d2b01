"""What a terminal shows that knows ASCII only, or Latin-1: our own signs have a plain one each.

For standard error alone: its words are for people. Standard output may be data, which must stay what it is.
"""

from __future__ import annotations

import codecs

NAME = "msgspec_runner.plainly"
"""Of the handler of errors, for ``reconfigure``."""

_PLAIN = {
    **dict.fromkeys("•", "*"),
    **dict.fromkeys("─━–—╸╺", "-"),
    **dict.fromkeys("│┃", "|"),
    **dict.fromkeys("┌┐└┘├┤╭╮╰╯", "+"),
    **dict.fromkeys("‘’", "'"),
    **dict.fromkeys("“”„", '"'),
    "…": "...",
    "→": "->",
    "⏎": "\\n",
    "␍": "\\r",
    "\u00a0": " ",
}
"""Signs of ours, and those that a spec's words are most likely to hold."""


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    words = (_PLAIN.get(char) or char.encode("ascii", "backslashreplace").decode("ascii") for char in characters)
    return "".join(words), error.end


def register() -> None:
    """Make the handler known under :data:`NAME`."""
    codecs.register_error(NAME, _replaced)
