"""What a spec's text is: a tree of nodes with exact positions, problems, comments.

Reading never raises for what is in the text: a problem in a spec is data. Positions are 1-based lines and
columns in code points; ``\\n``, ``\\r\\n`` and ``\\r`` end a line, as YAML 1.2 has it, and nothing else does.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from itertools import islice
from typing import Final, NamedTuple

from msgspec_runner.content.patterns import later
from msgspec_runner.diagnostics import Position, Span
from msgspec_runner.source.nodes import Entry, Mapping, Node, Problem, Scalar, Sequence
from msgspec_runner.source.scalars import CharacterMap, character_map
from msgspec_runner.source.tree import PARSER, Events, Tree, build

__all__ = [
    "MAX_BYTES",
    "Comment",
    "Document",
    "Entry",
    "Mapping",
    "Node",
    "Problem",
    "Scalar",
    "Sequence",
    "parse_document",
    "read_document",
]

MAX_BYTES: Final = 1024 * 1024
"""The largest spec, 1 MiB: a thousand times a usual one. Larger ones are refused unread."""

REPAIR_CHARACTERS: Final = MAX_BYTES
"""How many characters may be parsed again to look past unquoted templates: one parse for each of them, so
hundreds in a spec of usual size, and one in the largest."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_NO_CHARACTER: Final = later(r"[\ud800-\udfff\ufffe\uffff]")
"""With the controls, what YAML 1.2 does not allow in a text (all but the production c-printable). Two patterns,
because one over both takes 3 ms to compile."""

MAX_DIRECTIVES: Final = 20
"""``%`` lines before a document; libyaml compares each with all before it. A spec needs none."""

_DIRECTIVE: Final = later(r"^%", re.MULTILINE)

_STOOD_IN: Final = "\x85\u2028\u2029\ufeff"
"""Characters that libyaml takes for line breaks or skips, and YAML 1.2 for characters like any other."""

_NUMERIC_ESCAPE: Final = later(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))")
_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
_COMMENT: Final = re.compile(r"(#[^\r\n]*+)")  # outside of scalars; no anchor and no tag can hold a #
_ONLY_COMMENT: Final = later(r"^[ \t]*+(#[^\r\n]*+)", re.MULTILINE)


class Comment(NamedTuple):
    """A YAML comment.

    Attributes:
        start: offset of the ``#``.
        end: offset after its last character.
        text: with the ``#``.
        alone: whether nothing but white space comes before it on its line.
    """

    start: int
    end: int
    text: str
    alone: bool


class Document:
    """A spec's text and what it says. Immutable; what is costly is computed when first asked for.

    Attributes:
        file: the file as shown to the user.
        text: its characters, without a byte order mark; every offset counts in it.
        bom: whether the file began with a byte order mark (whoever writes it back puts it there again).
        root: the tree; None for an empty file and where it could not be parsed.
        problems: what is wrong with the text itself, in the order of the file.
    """

    __slots__ = ("_comments", "_line_starts", "_maps", "_opaque", "_values", "bom", "file", "problems", "root", "text")

    def __init__(
        self,
        file: str,
        text: str,
        root: Node | None,
        problems: tuple[Problem, ...],
        opaque: tuple[tuple[int, int], ...] = (),
        *,
        bom: bool = False,
    ) -> None:
        self.file = file
        self.text = text
        self.root = root
        self.problems = problems
        self.bom = bom
        self._opaque = opaque
        self._line_starts: list[int] | None = None
        self._comments: tuple[Comment, ...] | None = None
        self._maps: dict[Scalar, CharacterMap | None] = {}
        self._values: dict[Node, object] = {}

    @property
    def value(self) -> object:
        """The tree as plain dicts, lists and scalars; the keys of a dict are their source text.

        Aliases share one object, so nobody may change it.
        """
        return None if self.root is None else self._value(self.root)

    def _value(self, node: Node) -> object:
        if isinstance(node, Scalar):
            return node.value
        known = self._values.get(node)
        if known is not None:
            return known
        value: object
        if isinstance(node, Mapping):
            value = {
                entry.key.text: found.value if isinstance(found := entry.value, Scalar) else self._value(found)
                for entry in node.entries
            }
        else:
            value = [self._value(item) for item in node.items]
        self._values[node] = value
        return value

    def node(self, path: tuple[str | int, ...]) -> Node | None:
        """Return the node at a path of keys and 0-based indexes, or None; the empty path is the root."""
        node = self.root
        for step in path:
            if isinstance(node, Mapping):
                node = node.get(step if isinstance(step, str) else str(step))
            elif isinstance(node, Sequence) and isinstance(step, int) and 0 <= step < len(node.items):
                node = node.items[step]
            else:
                return None
        return node

    def position(self, offset: int) -> Position:
        """Return line and column of an offset; one behind the text's end is where the next character would be."""
        if self._line_starts is None:
            self._line_starts = [0, *(found.end() for found in _LINE_BREAK.finditer(self.text))]
        line = bisect_right(self._line_starts, offset)
        return Position(line, offset - self._line_starts[line - 1] + 1)

    def span(self, start: int, end: int) -> Span:
        """Return the range of the characters ``start`` to ``end`` (exclusive)."""
        return Span(self.position(start), self.position(end))

    def offset(self, position: Position) -> int:
        """Return the offset of a position: the reverse of :meth:`position`, never beyond the text's end."""
        self.position(0)
        starts = self._line_starts or [0]
        if position.line > len(starts):
            return len(self.text)
        return min(starts[position.line - 1] + position.col - 1, len(self.text))

    def line(self, number: int) -> str:
        """Return a line of the text without its break; empty where there is no such line. The first is 1."""
        start, end = self.offset(Position(number, 1)), self.offset(Position(number + 1, 1))
        return self.text[start:end].rstrip("\r\n")

    def offsets(self, scalar: Scalar, first: int, last: int) -> tuple[int, int]:
        """Return where the characters ``first`` to ``last`` (exclusive) of ``scalar.text`` stand, as offsets.

        Exact, or the whole scalar where no exact place is known (see :mod:`~msgspec_runner.source.scalars`).
        """
        if scalar not in self._maps:
            self._maps[scalar] = character_map(self.text, scalar)
        found = self._maps[scalar]
        return (scalar.start, scalar.end) if found is None else found.range(first, last)

    def locate(self, scalar: Scalar, first: int, last: int) -> Span:
        """Return where the characters ``first`` to ``last`` (exclusive) of ``scalar.text`` stand, as a range."""
        return self.span(*self.offsets(scalar, first, last))

    def comments(self) -> tuple[Comment, ...]:
        """Return the comments, in order. Where parsing stopped, only those alone on their line from there on."""
        if self._comments is None:
            self._comments = tuple(self._find_comments())
        return self._comments

    def _find_comments(self) -> list[Comment]:
        if "#" not in self.text:
            return []
        found: list[Comment] = []
        start = 0
        for opaque_start, opaque_end in (*self._opaque, (len(self.text), len(self.text))):
            stopped = self.root is None and opaque_start == len(self.text)
            pattern = _ONLY_COMMENT if stopped else _COMMENT
            for match in pattern.finditer(self.text, start, opaque_start):
                first, last = match.span(1)
                line = self.text[first - self.position(first).col + 1 : first]
                found.append(Comment(first, last, match[1], not line.strip(" \t")))
            start = opaque_end
        return found


def read_document(file: str, data: bytes) -> Document:
    """Parse a file's content.

    Args:
        file: the file as shown to the user.
        data: its bytes; UTF-8, with or without a byte order mark.
    """
    if len(data) > MAX_BYTES:
        return _too_large(file)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or data[:1] == b"\0" or data[1:2] == b"\0":
        return Document(
            file, "", None, (Problem("invalid-yaml", "this is not UTF-8 but UTF-16; save it as UTF-8", 0, 0),)
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        text = data.decode("utf-8", "replace")
        bom = text.startswith("\ufeff")
        place = len(data[: error.start].decode("utf-8")) - bom
        message = f"byte 0x{data[error.start]:02x} is no UTF-8; save the file as UTF-8"
        return Document(file, text[bom:], None, (Problem("invalid-yaml", message, place, place + 1),), bom=bom)
    return parse_document(file, text)


def parse_document(file: str, text: str, *, parser: Callable[[str], Events] = PARSER) -> Document:
    """Parse a text.

    Args:
        file: the file as shown to the user.
        text: its characters; a byte order mark at the beginning is taken off.
        parser: makes the parser of events; libyaml's, where it is there.
    """
    if len(text) > MAX_BYTES:
        return _too_large(file)
    bom = text.startswith("\ufeff")
    if bom:
        text = text[1:]
    unprintable = _CONTROL.search(text) or (None if text.isascii() else _NO_CHARACTER.search(text))
    if unprintable is not None:
        place = unprintable.start()
        message = f'U+{ord(unprintable[0]):04X} is no printable character; remove it, or write it as an escape in "…"'
        return Document(file, text, None, (Problem("invalid-yaml", message, place, place + 1),), bom=bom)
    if "%" in text:
        beyond = next(islice(_DIRECTIVE.finditer(text.replace("\r", "\n")), MAX_DIRECTIVES, None), None)
        if beyond is not None:
            message = f"more than {MAX_DIRECTIVES} lines begin with %; a spec needs no such directives, remove them"
            problem = Problem("oversized-document", message, beyond.start(), beyond.end())
            return Document(file, text, None, (problem,), bom=bom)
    source, standins = (text, {}) if text.isascii() else _stand_in(text)
    tree = _parse(text, source, standins, parser)
    problems = tree.problems
    if tree.error is not None:
        from msgspec_runner.source.mistakes import explain  # 2 ms that most runs do without

        problems += (explain(text, tree),)
    if len(problems) > 1:
        problems = tuple(sorted(problems, key=lambda problem: problem[2:4]))
    return Document(file, text, tree.root, problems, tree.opaque, bom=bom)


def _parse(text: str, source: str, standins: dict[int, str], parser: Callable[[str], Events]) -> Tree:
    """Build the tree; where an unquoted template stops the parser, hide it behind letters and look further.

    The letters are as many as the template's characters, so every offset stays. It was a template only if the
    parser then finds a plain value there (and not the inside of an open quote).
    """
    tree = build(text, source, (), standins, parser)
    if tree.error is None:
        return tree
    from msgspec_runner.source.mistakes import find_unquoted_template

    masks: list[int] = []
    repairs = max(1, REPAIR_CHARACTERS // (len(text) + 1))
    while tree.error is not None and len(masks) < repairs:
        hidden = find_unquoted_template(source, tree)
        if hidden is None:
            break
        start, end = hidden
        masked = source[:start] + "x" * (end - start) + source[end:]
        retried = build(text, masked, (*masks, start), standins, parser)
        if start not in retried.unmasked:
            break
        masks.append(start)
        source, tree = masked, retried
    return tree


def _stand_in(text: str) -> tuple[str, dict[int, str]]:
    """Replace characters that libyaml reads differently by others that the text does not have.

    Returns:
        The text with stand-ins, and the translation back. The text cannot denote a stand-in by an escape either.
    """
    present = [character for character in _STOOD_IN if character in text]
    if not present:
        return text, {}
    taken = set(map(ord, text))
    taken.update(int(four or eight, 16) for four, eight in _NUMERIC_ESCAPE.findall(text))
    free = (code for code in range(0xE000, 0x110000) if code not in taken and code & 0xFFFE != 0xFFFE)
    standins = dict(zip(present, free, strict=False))
    source = text.translate({ord(character): chr(code) for character, code in standins.items()})
    return source, {code: character for character, code in standins.items()}


def _too_large(file: str) -> Document:
    message = f"larger than {MAX_BYTES // 1024:,} KiB; move the rows to a recipients file"
    return Document(file, "", None, (Problem("oversized-document", message, 0, 0),))
