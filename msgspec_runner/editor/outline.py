"""The keys of a spec and where the cursor is among them, in a text that may be no YAML yet.

While a line is being typed, a parser sees a quote that nobody closed and gives up on the rest. So questions about a
place (what may be typed here, what is this key) are answered by the lines around it; what a value *means* is the
parser's business.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final, NamedTuple

from msgspec_runner.editor.lines import Flow, Key, Lines, Path

__all__ = ["Flow", "Key", "Outline", "Path", "Place"]

_DASHES: Final = re.compile(r"[ ]*(?:-[ ]+)*(-)[ ]+")


class Place(NamedTuple):
    """What is at an offset.

    Attributes:
        role: ``key`` (a key, or where one could be), ``value`` or ``comment``.
        path: of the value; of the mapping that a key would belong to.
        start: offset where the word under the cursor begins; of a value, where it begins.
        end: offset behind it.
        key: the key under the cursor, or whose value it is; None where there is none yet.
        flow: whether it lies in brackets.
    """

    role: str
    path: Path
    start: int
    end: int
    key: Key | None = None
    flow: bool = False


class Outline:
    """The keys of one text.

    Attributes:
        text: the text.
        keys: in the order of the file.
        flows: what stands in brackets, outer ones first.
        comments: their beginnings and ends.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        lines = Lines(text)
        self.keys = lines.keys
        self.flows = lines.flows
        self.comments = lines.comments
        self._items = lines.items

    def members(self, path: Path) -> list[Key]:
        """Return the keys of the mapping at a path."""
        return [key for key in self.keys if key.path[:-1] == path]

    def key(self, *path: str | int) -> Key | None:
        """Return the first key at a path, or None."""
        return next((key for key in self.keys if key.path == path), None)

    def at(self, offset: int) -> Place:
        """Say what is at an offset."""
        for start, end in self.comments:
            if start < offset <= end:
                return Place("comment", (), start, end)
        index = bisect_right(self.keys, offset, key=lambda key: key.start)
        before = self.keys[index - 1] if index else None
        if before is not None and before.start <= offset <= before.end:
            return Place("key", before.path[:-1], before.start, before.end, before, before.column < 0)
        inner = [flow for flow in self.flows if flow.start < offset < flow.end]
        for key in reversed(self.keys[:index]):
            if key.style != "flow" and key.end < offset and key.value <= offset <= key.stop:
                return Place("value", key.path, *self._trimmed(key.value, key.stop), key, key.column < 0)
            if key.column >= 0:
                break
        if inner:
            flow = inner[-1]
            start, end = self._word(offset, ",[]{}\r\n")
            start = max(start, flow.start + 1)
            return Place("key" if flow.mapping else "value", flow.path, start, end, None, flow=True)
        return self._in_block(offset, index)

    def _in_block(self, offset: int, index: int) -> Place:
        start, end = self._word(offset, "\r\n")
        line = self._line_start(offset)
        dash = _DASHES.match(self.text, line, max(line, offset))
        if dash is not None:
            item = self._items.get(dash.start(1))
            if item is not None:
                return Place("key", item, min(max(start, dash.end()), offset), end)
        column = (start if self.text[start:offset].strip() else offset) - line
        for key in reversed(self.keys[:index]):
            if key.column < 0 or key.start > offset:
                continue
            same_line = self._line_start(key.start) == line
            if same_line and key.end < offset:
                return Place("value", key.path, *self._trimmed(key.value, max(key.stop, end)), key)
            if key.column == column:
                return Place("key", key.path[:-1], start, end)
            if key.column < column:
                return Place("key", key.path, start, end)
        return Place("key", (), start, end)

    def _trimmed(self, start: int, end: int) -> tuple[int, int]:
        """Return a range without white space at its end; it never gets empty from behind its beginning."""
        return start, max(start, start + len(self.text[start:end].rstrip()))

    def _word(self, offset: int, stops: str) -> tuple[int, int]:
        start = end = offset
        while start > 0 and self.text[start - 1] not in stops:
            start -= 1
        while end < len(self.text) and self.text[end] not in stops:
            end += 1
        text = self.text[start:end]
        start += len(text) - len(text.lstrip())
        return min(start, offset), max(offset, end - (len(text) - len(text.rstrip())))

    def _line_start(self, offset: int) -> int:
        return max(self.text.rfind("\n", 0, offset), self.text.rfind("\r", 0, offset)) + 1
