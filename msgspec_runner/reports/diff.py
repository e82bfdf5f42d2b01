"""``--diff``: what ``--fix`` would do, as a patch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec_runner.reports.paint import painter
from msgspec_runner.reports.text import count, printable
from msgspec_runner.source.document import Document

if TYPE_CHECKING:
    from difflib import SequenceMatcher

_Opcode = tuple[str, int, int, int, int]
_Hunk = list[_Opcode]

_COLORS = {"+": "green", "-": "red", "@": "cyan"}


def diff(before: Document, after: Document, *, terminal: bool, color: bool, show_data: bool = False) -> str:
    """Return a unified diff of a spec, which ``patch -p0`` takes; empty where nothing changes.

    Args:
        before: the spec as it is.
        after: as it would be.
        terminal: whether a person reads it there: characters that a terminal would obey are shown as their codes.
        color: whether to colour it.
        show_data: whether recipients that stand in the spec may be seen; else the lines about them are left out.
    """
    paint = painter(color=color)
    shown = []
    for line in _lines(before, after, show_data=show_data):
        text = printable(line) if terminal else line
        shown.append(paint(text, _COLORS[line[0]]) if line[0] in _COLORS else text)
    return "".join(f"{line}\n" for line in shown)


def _lines(before: Document, after: Document, *, show_data: bool) -> Iterator[str]:
    from difflib import SequenceMatcher  # only who asks for a diff waits for it

    old, new = _split(before), _split(after)
    matcher = SequenceMatcher(None, old, new)
    old_rows, new_rows = (range(0), range(0)) if show_data else (_rows(before), _rows(after))
    changes = [each for each in matcher.get_opcodes() if each[0] != "equal"]
    public = {each for each in changes if not _is_about(each, old_rows, new_rows)}
    shown = _hunks(matcher, public, old_rows)
    if shown:
        yield f"--- {before.file}"
        yield f"+++ {after.file}"
    for hunk in shown:
        yield f"@@ -{_range(hunk[0][1], hunk[-1][2])} +{_range(hunk[0][3], hunk[-1][4])} @@"
        for tag, start, end, new_start, new_end in hunk:
            if tag == "equal":
                yield from _signed(" ", old[start:end])
            else:
                yield from _signed("-", old[start:end])
                yield from _signed("+", new[new_start:new_end])
    if len(public) < len(changes):
        number = len(changes) - len(public)
        yield f"# {count(number, 'change')} in recipients.rows: people's data, which --show-data shows"


def _hunks(matcher: SequenceMatcher[str], public: Collection[_Opcode], rows: range) -> list[_Hunk]:
    """Return the changes with as many lines around them as there are without a recipient among them, at most 3.

    As many above as below: a patch with fewer on one side is taken for one at the file's beginning or end.
    """
    hunks: list[_Hunk] = []
    for context in (3, 2, 1, 0):
        hunks = [list(hunk) for hunk in matcher.get_grouped_opcodes(context) if any(each in public for each in hunk)]
        parts = [each for hunk in hunks for each in hunk]
        if all(each in public or (each[0] == "equal" and not _is_about(each, rows, range(0))) for each in parts):
            break
    return hunks


def _is_about(opcode: _Opcode, old_rows: range, new_rows: range) -> bool:
    _, start, end, new_start, new_end = opcode
    return _overlap(start, end, old_rows) or _overlap(new_start, new_end, new_rows)


def _overlap(start: int, end: int, rows: range) -> bool:
    return max(start, rows.start) < min(end, rows.stop)


def _rows(document: Document) -> range:
    """Return the lines, counted from 0, on which recipients stand in a spec."""
    node = document.node(("recipients", "rows"))
    if node is None:
        return range(0)
    start = document.text.count("\n", 0, node.start)
    return range(start, start + document.text[node.start : node.end].rstrip().count("\n") + 1)


def _range(start: int, end: int) -> str:
    """Return a range of lines as a patch has it: first line and length, or the line before where there is none."""
    length = end - start
    return f"{start + 1}" if length == 1 else f"{start + bool(length)},{length}"


def _signed(sign: str, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield sign + line.removesuffix("\n")
        if not line.endswith("\n"):
            yield "\\ No newline at end of file"


def _split(document: Document) -> list[str]:
    """Return the file's lines as a patch counts them: each with its line feed, the last one perhaps without."""
    text = "\ufeff" * document.bom + document.text
    return [line + "\n" for line in text.split("\n")[:-1]] + [line for line in text.split("\n")[-1:] if line]
