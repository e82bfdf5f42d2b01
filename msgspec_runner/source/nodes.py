"""The values of a document's tree. Offsets are code points into ``Document.text``; ``end`` is exclusive.

Plain classes with slots, not frozen dataclasses: one ``lint`` makes hundreds of them and imports them
first. Treat them as immutable; they are compared by identity, because an alias *is* its anchor's node.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

CoreValue: TypeAlias = str | int | float | bool | None
"""What a scalar can mean in YAML 1.2's core schema."""


class Scalar:
    """A piece of text and what it means.

    Attributes:
        value: its meaning in YAML 1.2's core schema; quoted and block scalars are always strings.
        text: its characters after decoding: escapes resolved, lines folded, indentation removed.
        style: ``"plain"``, ``"single"``, ``"double"``, ``"literal"`` or ``"folded"``.
        start: offset of the first character of the token: quotes and block indicator are part of it, an
            anchor or a tag is not.
        end: offset after its last character; for block scalars after the last content character, so the
            line break that ``|`` keeps lies behind it.
        header_end: for block scalars the offset after the header (``|-``), which begins at ``start``; for
            other styles the same as ``start``.
        tag: the tag as resolved (``tag:yaml.org,2002:str``), None where there is none.
    """

    __slots__ = ("end", "header_end", "start", "style", "tag", "text", "value")

    def __init__(
        self,
        value: CoreValue,
        text: str,
        style: str,
        start: int,
        end: int,
        header_end: int,
        tag: str | None = None,
    ) -> None:
        self.value = value
        self.text = text
        self.style = style
        self.start = start
        self.end = end
        self.header_end = header_end
        self.tag = tag

    def __repr__(self) -> str:
        return f"Scalar({self.value!r}, {self.style}, {self.start}:{self.end})"


class Entry:
    """One key of a mapping and its value."""

    __slots__ = ("key", "value")

    def __init__(self, key: Scalar, value: Node) -> None:
        self.key = key
        self.value = value

    def __repr__(self) -> str:
        return f"Entry({self.key.text!r}: {self.value!r})"


class Mapping:
    """Keys and values, in the order of the file; merged keys (``<<``) come last.

    No key occurs twice: of duplicates the first stays and the second is a problem of the document. Keys are
    compared by their text, so ``1`` and ``"1"`` are the same key.

    Attributes:
        entries: the keys and values.
        start: offset of the first key, or of ``{``.
        end: offset after the last value, or after ``}``.
        flow: whether it is written with braces.
    """

    __slots__ = ("_by_name", "end", "entries", "flow", "start")

    def __init__(self, by_name: dict[str, Entry], start: int, end: int, *, flow: bool) -> None:
        self.entries = tuple(by_name.values())
        self.start = start
        self.end = end
        self.flow = flow
        self._by_name = by_name

    def entry(self, name: str) -> Entry | None:
        """Return the entry whose key has this text, or None."""
        return self._by_name.get(name)

    def get(self, name: str) -> Node | None:
        """Return the value whose key has this text, or None."""
        entry = self._by_name.get(name)
        return None if entry is None else entry.value

    def __repr__(self) -> str:
        return f"Mapping({list(self.entries)!r})"


class Sequence:
    """A list of nodes.

    Attributes:
        items: the nodes, in order.
        start: offset of the first ``-``, or of ``[``.
        end: offset after the last item, or after ``]``.
        flow: whether it is written with brackets.
    """

    __slots__ = ("end", "flow", "items", "start")

    def __init__(self, items: tuple[Node, ...], start: int, end: int, *, flow: bool) -> None:
        self.items = items
        self.start = start
        self.end = end
        self.flow = flow

    def __repr__(self) -> str:
        return f"Sequence({list(self.items)!r})"


Node: TypeAlias = Scalar | Mapping | Sequence


class Problem(NamedTuple):
    """Something wrong with the text itself.

    Attributes:
        kind: the name of the rule that reports it: ``"invalid-yaml"``, ``"duplicate-key"``,
            ``"oversized-document"`` or ``"unquoted-template"``.
        message: what is wrong and what to type next.
        start: offset of the offending characters.
        end: offset after them.
        related: the offsets of another place that explains it (the first of two equal keys), if any.
    """

    kind: str
    message: str
    start: int
    end: int
    related: tuple[int, int] | None = None
