"""``--diff``: what ``--fix`` would do, as a patch."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.reports.full import painter
from msgspec_runner.reports.text import printable
from msgspec_runner.source.document import Document

_COLORS = {"+": "green", "-": "red", "@": "cyan"}


def diff(before: Document, after: Document, *, terminal: bool, color: bool) -> str:
    """Return a unified diff of a spec, which ``patch -p0`` takes; empty where nothing changes.

    Args:
        before: the spec as it is.
        after: as it would be.
        terminal: whether a person reads it there: characters that a terminal would obey are shown as their codes.
        color: whether to colour it.
    """
    paint = painter(color=color)
    shown = []
    for line in _lines(before, after):
        text = printable(line) if terminal else line
        shown.append(paint(text, _COLORS[line[0]]) if line[0] in _COLORS else text)
    return "".join(f"{line}\n" for line in shown)


def _lines(before: Document, after: Document) -> Iterator[str]:
    from difflib import unified_diff  # only who asks for a diff waits for it

    for line in unified_diff(_split(before), _split(after), before.file, after.file):
        if line.endswith("\n"):
            yield line[:-1]
        else:
            yield line
            yield "\\ No newline at end of file"


def _split(document: Document) -> list[str]:
    """Return the file's lines as a patch counts them: each with its line feed, the last one perhaps without."""
    text = "\ufeff" * document.bom + document.text
    return [line + "\n" for line in text.split("\n")[:-1]] + [line for line in text.split("\n")[-1:] if line]
