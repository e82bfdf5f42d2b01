"""The lines of a spec read as keys and values, in a text that may be no YAML yet.

This reads indentation and brackets where a parser would give up: it takes as a mistake what would swallow the lines
below (a quote or a bracket that nobody closed), and goes on.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final, NamedTuple

Path = tuple[str | int, ...]
"""Keys and 0-based indexes, from the root."""

MAX_DEPTH: Final = 64
"""Brackets inside brackets, or dashes on a line, that are followed, as in :mod:`msgspec_runner.source.bounds`."""

_QUOTED_KEY: Final = r"""(?:(?:"(?P<double>(?:[^"\\\r\n]|\\.)*+)"|'(?P<single>(?:[^'\r\n]|'')*+)')[ \t]*+"""
_FIRST: Final = r"""[^\s\-?:,\[\]{}\#&*!|>'"%@`]"""
# Possessive: a line of a million blanks must not be tried from each of them.
_KEY: Final = re.compile(rf"{_QUOTED_KEY}|(?P<plain>{_FIRST}[^\r\n:#{{}}]*+|-[^\s][^\r\n:#]*+)):(?=[ \t\r\n]|$)")
_FLOW_KEY: Final = re.compile(rf"{_QUOTED_KEY}|(?P<plain>{_FIRST}[^\r\n:,\[\]{{}}]*+)):")
_BREAK: Final = re.compile(r"\r\n|\r|\n")
_PROPERTIES: Final = re.compile(r"(?:[&!][^\s,\[\]{}]*[ \t]+)*")
_COMMENT: Final = re.compile(r"(?:^|(?<=[ \t]))#[^\r\n]*")
_BLOCK_HEADER: Final = re.compile(r"[|>][-+0-9]*[ \t]*(?=#|\r|\n|$)")
_FLOW_END: Final = re.compile(r"[,\[\]{}\r\n]|(?<=[ \t])#")


class Key(NamedTuple):
    """One key.

    Attributes:
        path: from the root to it, itself included.
        start: offset of its first character, quotes left out.
        end: offset behind its last one.
        column: how far its line is moved to the right; -1 inside of brackets, where that means nothing.
        style: of its value: ``none``, ``plain``, ``single``, ``double``, ``block``, ``flow``.
        value: offset where its value begins, or could begin.
        stop: offset behind its value.
    """

    path: Path
    start: int
    end: int
    column: int
    style: str
    value: int
    stop: int


class Flow(NamedTuple):
    """A list or mapping in brackets: its path, where its bracket stands, where it ends, whether it is a mapping."""

    path: Path
    start: int
    end: int
    mapping: bool


class _Frame(NamedTuple):
    """A collection whose lines begin at ``column``."""

    column: int
    path: Path
    mapping: bool


class Lines:
    """What stands on the lines of one text.

    Attributes:
        text: the text.
        keys: in the order of the file.
        flows: what stands in brackets, outer ones first.
        comments: their beginnings and ends.
        items: the paths of the items of lists, by the offsets of their dashes.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.keys: list[Key] = []
        self.flows: list[Flow] = []
        self.comments: list[tuple[int, int]] = []
        self.items: dict[int, Path] = {}
        self._frames: list[_Frame] = []
        self._last: dict[int, Path] = {}  # by a frame's column: the path of what was last written there
        self._indexes: dict[Path, int] = {}
        position = 0
        while position < len(text):
            position = self._block_line(position)

    # Reading. Each method takes where it begins and returns where the next one goes on.

    def _block_line(self, line: int) -> int:
        """Read a line of block YAML; return where the next one begins."""
        text, end = self.text, self._line_end(line)
        content = self._content(line, end)
        for _ in range(MAX_DEPTH):
            if text[content : content + 1] != "-" or (content + 1 < end and text[content + 1] not in " \t"):
                break
            self._item(content, content - line)
            content = self._content(content + 1, end)
        if content >= end:
            return self._next_line(end)
        if text[content] == "#":
            self.comments.append((content, end))
            return self._next_line(end)
        match = _KEY.match(text, content, end)
        if match is None:
            return self._loose(content, end)
        return self._key(match, content - line)

    def _content(self, start: int, end: int) -> int:
        while start < end and self.text[start] in " \t":
            start += 1
        return start

    def _item(self, dash: int, column: int) -> None:
        while self._frames and self._frames[-1].column > column:
            self._frames.pop()
        top = self._frames[-1] if self._frames else None
        if top is None or top.mapping or top.column < column:
            path = self._last.get(top.column, ()) if top is not None else ()
            top = _Frame(column, path, mapping=False)
            self._frames.append(top)
        number = self._indexes.get(top.path, 0)
        self._indexes[top.path] = number + 1
        self._last[column] = self.items[dash] = (*top.path, number)

    def _loose(self, content: int, end: int) -> int:
        """Read a line that is no key: an item of a list, or what is not finished yet."""
        path = self._last.get(self._frames[-1].column, ()) if self._frames else ()
        if self.text[content] in "{[" and not self.text.startswith(("{{", "{%", "{#"), content):
            return self._after_value(self._flow(content, path, content, 0))
        comment = _COMMENT.search(self.text, content, end)
        if comment is not None:
            self.comments.append(comment.span())
        return self._next_line(end)

    def _key(self, match: re.Match[str], column: int) -> int:
        while self._frames and (
            self._frames[-1].column > column or (self._frames[-1].column == column and not self._frames[-1].mapping)
        ):
            self._frames.pop()
        top = self._frames[-1] if self._frames else None
        if top is None or top.column < column:
            path = self._last.get(top.column, ()) if top is not None else ()
            top = _Frame(column, path, mapping=True)
            self._frames.append(top)
        name, start, end = _name(match)
        path = (*top.path, name)
        self._last[column] = path
        self._indexes.pop(path, None)
        style, value, stop = self._value(match.end(), path, column)
        self.keys.append(Key(path, start, end, column, style, value, stop))
        self._sort_last()
        return self._after_value(stop)

    def _sort_last(self) -> None:
        """Put a key before those in its brackets, which were read before it was known where it ends."""
        key = self.keys.pop()
        index = bisect_right(self.keys, key.start, key=lambda other: other.start)
        self.keys.insert(index, key)

    def _after_value(self, position: int) -> int:
        end = self._line_end(position)
        comment = _COMMENT.search(self.text, position, end)
        if comment is not None:
            self.comments.append(comment.span())
        return self._next_line(end)

    def _value(self, position: int, path: Path, column: int) -> tuple[str, int, int]:
        """Read the value behind a key's colon; return its style, its beginning and its end."""
        text, end = self.text, self._line_end(position)
        while position < end and text[position] in " \t":
            position += 1
        properties = _PROPERTIES.match(text, position, end)
        start = properties.end() if properties is not None else position
        if start >= end or _COMMENT.match(text, start, end):
            return "none", min(start, end), min(start, end)
        if _BLOCK_HEADER.match(text, start, end):
            comment = _COMMENT.search(text, start, end)
            if comment is not None:
                self.comments.append(comment.span())
            return "block", start, self._block_end(end, column)
        if text[start] in "\"'":
            return ("double" if text[start] == '"' else "single"), start, self._quote_end(start, column)
        if text[start] in "{[" and not text.startswith(("{{", "{%", "{#"), start):
            return "flow", start, self._flow(start, path, column, 0)
        return "plain", start, self._plain_end(start, end, column)

    def _block_end(self, position: int, column: int) -> int:
        """Return where the lines of a block scalar end: before the first that is moved no further than its key."""
        stop = position
        while (line := self._next_line(position)) > position and line < len(self.text):
            end = self._line_end(line)
            content = self.text[line:end]
            if content.strip(" \t") and len(content) - len(content.lstrip(" ")) <= column:
                return stop
            stop = position = end
        return len(self.text) if self._next_line(position) == len(self.text) else stop

    def _plain_end(self, start: int, end: int, column: int) -> int:
        stop = end
        while True:
            comment = _COMMENT.search(self.text, start, stop)
            if comment is not None:
                return start + len(self.text[start : comment.start()].rstrip())
            line = self._next_line(stop)
            following = self._line_end(line)
            content = self.text[line:following]
            stripped = content.lstrip(" ")
            if line >= len(self.text) or not stripped or len(content) - len(stripped) <= column:
                return stop
            if stripped[0] in "#-" or _KEY.match(stripped):
                return stop
            start, stop = line, following

    def _quote_end(self, start: int, column: int) -> int:
        """Return where a quoted text ends; with its first line where it would swallow a key below."""
        quote, position = self.text[start], start + 1
        first_end = self._line_end(start)
        while position < len(self.text):
            character = self.text[position]
            if character == quote:
                if quote == "'" and self.text.startswith("''", position):
                    position += 2
                    continue
                return position + 1
            if character == "\\" and quote == '"':
                position += 2
                continue
            if character in "\r\n" and self._is_key_below(position, column):
                return first_end
            position += 1
        return min(first_end, len(self.text))

    def _is_key_below(self, position: int, column: int) -> bool:
        """Say whether the line below begins with a key that is moved no further than the one that we are in."""
        line = self._next_line(position)
        end = self._line_end(line)
        content = self.text[line:end]
        stripped = content.lstrip(" -")
        return len(content) - len(stripped) <= column and _KEY.match(stripped) is not None

    def _flow(self, start: int, path: Path, column: int, depth: int) -> int:
        """Read a collection in brackets; return where it ends, which may be where a key below takes over."""
        text = self.text
        mapping = text[start] == "{"
        number = len(self.flows)
        self.flows.append(Flow(path, start, len(text), mapping))
        position, index = start + 1, 0
        while position < len(text):
            character = text[position]
            if character in "\r\n":
                if self._is_key_below(position, column):
                    break
                position += 1
            elif character in " \t":
                position += 1
            elif character == "#" and text[position - 1] in " \t\r\n":
                end = self._line_end(position)
                self.comments.append((position, end))
                position = end
            elif character in "]}":
                self.flows[number] = Flow(path, start, position + 1, mapping)
                return position + 1
            elif character == ",":
                index += 1
                position += 1
            else:
                here = path if mapping else (*path, index)
                found = _FLOW_KEY.match(text, position) if mapping else None
                if found is not None:
                    position = self._flow_pair(found, here, column, depth)
                else:
                    position = max(self._flow_value(position, here, column, depth)[1], position + 1)
        self.flows[number] = Flow(path, start, position + 1, mapping)
        return position

    def _flow_pair(self, found: re.Match[str], path: Path, column: int, depth: int) -> int:
        name, start, end = _name(found)
        position = found.end()
        while position < len(self.text) and self.text[position] in " \t":
            position += 1
        style, stop = self._flow_value(position, (*path, name), column, depth)
        self.keys.append(Key((*path, name), start, end, -1, style, position, max(stop, position)))
        self._sort_last()
        return max(stop, found.end())

    def _flow_value(self, start: int, path: Path, column: int, depth: int) -> tuple[str, int]:
        """Read a value in brackets; return its style and its end."""
        text = self.text
        if start >= len(text) or text[start] in ",]}\r\n":
            return "none", start
        if text[start] in "\"'":
            return ("double" if text[start] == '"' else "single"), self._quote_end(start, column)
        if text[start] in "{[" and not text.startswith("{{", start) and depth < MAX_DEPTH:
            return "flow", self._flow(start, path, column, depth + 1)
        if text.startswith("{{", start):
            close = text.find("}}", start, self._line_end(start))
            return "plain", close + 2 if close > 0 else self._line_end(start)
        found = _FLOW_END.search(text, start)
        stop = len(text) if found is None else found.start()
        return "plain", start + len(text[start:stop].rstrip())

    def _line_end(self, offset: int) -> int:
        found = _BREAK.search(self.text, offset)
        return len(self.text) if found is None else found.start()

    def _next_line(self, offset: int) -> int:
        found = _BREAK.search(self.text, offset)
        return len(self.text) if found is None else found.end()


def _name(match: re.Match[str]) -> tuple[str, int, int]:
    """Return a key's name, and where it begins and ends."""
    group = next(name for name in ("double", "single", "plain") if match[name] is not None)
    name = match[group] if group != "plain" else match[group].rstrip()
    start = match.start(group)
    return name, start, start + len(name)
