"""From parser events to nodes, without recursion and within bounds.

The parser is libyaml, or ruamel.yaml's where that is not built in: both give every event's offsets. libyaml reads
YAML 1.1; where that differs from 1.2 in characters, :mod:`~msgspec_runner.source.document` hands over a text
with stand-ins, and what plain scalars mean is :mod:`~msgspec_runner.source.core_schema`'s.

Specs come from pull requests, so everything is bounded before it is built.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from collections.abc import Mapping as Map
from typing import Any, Final, NamedTuple, NoReturn, Protocol

import yaml

from msgspec_runner.content.patterns import later
from msgspec_runner.source.bounds import MAX_DEPTH, MAX_PROBLEMS, Bounds
from msgspec_runner.source.core_schema import PREFIX, resolve, resolve_tagged
from msgspec_runner.source.nodes import Entry, Mapping, Node, Problem, Scalar, Sequence
from msgspec_runner.source.scalars import fold_plain, quoted

_STYLES: Final[dict[str | None, str]] = {
    None: "plain", "": "plain", "'": "single", '"': "double", "|": "literal", ">": "folded"
}  # fmt: skip
_PROPERTIES: Final = later(r"(?:[&!][^ \t\r\n]*+|[ \t\r\n]++|#[^\r\n]*+)*+")
_HEADER: Final = re.compile(r"[|>][-+0-9]*+")
_LINE_END: Final = re.compile(r"[^\r\n]*+(?:\r\n|\r|\n)?")
_SURROGATE: Final = later(r"[\ud800-\udfff]")


class Events(Protocol):
    """What a parser offers: its next event, None after the last."""

    def get_event(self) -> Any:
        """Return the next event; raises :class:`yaml.YAMLError`."""


def _libyaml_or_ruamel() -> Callable[[str], Events]:
    """Return libyaml's parser (0.05 ms for a spec), or ruamel.yaml's (2 ms) where libyaml is not built in."""
    if not yaml.__with_libyaml__:
        from msgspec_runner.source.ruamel_events import RuamelEvents

        return RuamelEvents
    from yaml._yaml import CParser

    return CParser


PARSER: Final[Callable[[str], Events]] = _libyaml_or_ruamel()
"""Makes a parser of a text."""


class Tree(NamedTuple):
    """What the events made.

    Attributes:
        root: the whole document; None where it is empty or could not be read.
        problems: in the order of their discovery.
        opaque: the ranges in which a ``#`` is no comment (scalars), in the order of the file.
        error: what the parser gave up with, None where it reached the end.
        flows: offsets of the flow collections that were still open then, outermost first.
        last: the last scalar before it gave up.
        unmasked: which masked values were found to be plain scalars, and read from the text again.
    """

    root: Node | None
    problems: tuple[Problem, ...]
    opaque: tuple[tuple[int, int], ...]
    error: yaml.YAMLError | None
    flows: tuple[int, ...]
    last: Scalar | None
    unmasked: frozenset[int]


class _StopError(Exception):
    """The document cannot be read on; carries the problem that says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Anchored(NamedTuple):
    """A node that aliases may stand for: its nodes, and how deeply they are nested."""

    node: Node
    nodes: int
    characters: int
    height: int


class _Frame:
    """A collection whose end was not read yet."""

    __slots__ = (
        "anchor", "by_name", "characters_before", "end", "flow", "height", "is_mapping", "items", "key", "merges",
        "nodes_before", "problems_before", "start", "template",
    )  # fmt: skip

    def __init__(
        self, start: int, anchor: str | None, nodes: int, characters: int, problems: int, *, mapping: bool, flow: bool
    ) -> None:
        self.start = start
        self.end = start
        self.anchor = anchor
        self.is_mapping = mapping
        self.flow = flow
        self.nodes_before = nodes
        self.characters_before = characters
        self.problems_before = problems
        self.height = 0  # of the highest child
        self.template = False  # opened by two braces, which a template does and a spec never
        self.items: list[Node] = []
        self.by_name: dict[str, Entry] = {}
        self.key: Node | None = None
        self.merges: list[tuple[Scalar, Node]] = []


class _Builder:
    """The state of one :func:`build`: a method for each kind of event."""

    def __init__(self, text: str, masks: Collection[int], standins: Map[int, str]) -> None:
        self.text = text
        self.masks = masks
        self.standins = standins
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self.opaque: list[tuple[int, int]] = []
        self.frames: list[_Frame] = []
        self.anchors: dict[str, _Anchored | None] = {}
        self.bounds = Bounds()
        self.documents = 0
        self.last: Scalar | None = None
        self.unmasked: set[int] = set()
        self.on_event: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self.scalar,
            yaml.AliasEvent: self.alias,
            yaml.MappingStartEvent: self.open,
            yaml.SequenceStartEvent: self.open,
            yaml.MappingEndEvent: self.close,
            yaml.SequenceEndEvent: self.close,
            yaml.DocumentStartEvent: self.document,
        }

    def document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self.stop(
                "invalid-yaml",
                "a second document begins here: one file is one spec; move it to a file of its own",
                event.start_mark.index,
                event.end_mark.index,
            )

    def scalar(self, event: Any) -> None:
        start: int = event.start_mark.index
        end: int = event.end_mark.index
        text: str = event.value
        style = _STYLES[event.style]
        tag: str | None = event.tag
        self.count(1, len(text), start, end)
        if tag is not None or event.anchor is not None:
            start = self.after_properties(start, end)
        if self.standins:
            text = text.translate(self.standins)
        header_end = start
        if style == "plain":
            self.opaque.append((start, end))
            if self.masks and self.unmask(start, end):
                self.last = node = self.template(start, end)
            else:
                value = resolve(text) if tag is None else self.tagged(text, tag, event.start_mark.index, end)
                self.last = node = Scalar(value, text, style, start, end, header_end, tag)
        else:
            if style == "literal" or style == "folded":
                start, header_end, end = self.block(text, start, end)
            else:
                self.opaque.append((start, end))
                if style == "double" and not text.isascii():
                    self.refuse_surrogates(text, start, end)
            value = text if tag is None else self.tagged(text, tag, event.start_mark.index, end)
            self.last = node = Scalar(value, text, style, start, end, header_end, tag)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(node, 1, len(text), 0)
        self.attach(node, start, end)

    def unmask(self, start: int, end: int) -> bool:
        """Whether a plain scalar holds masked values: then they were templates indeed, without quotes."""
        masked = [mask for mask in self.masks if start <= mask < end]
        self.unmasked.update(masked)
        return bool(masked)

    def tagged(self, text: str, tag: str, start: int, end: int) -> str | int | float | bool | None:
        try:
            return resolve_tagged(text, tag)
        except ValueError as error:
            self.problems.append(Problem("invalid-yaml", str(error), start, end))
            return text

    def block(self, text: str, start: int, limit: int) -> tuple[int, int, int]:
        """Return a block scalar's start, the end of its header, and the end of its last line with content."""
        header = _HEADER.match(self.text, start, limit)
        header_end = start if header is None else header.end()
        line = _LINE_END.match(self.text, header_end, limit)
        body = header_end if line is None else line.end()
        self.opaque.append((body, limit))
        content = text.rstrip("\n")
        if not content:
            return start, header_end, header_end
        source = self.text[body:limit].rstrip("\r\n ")
        if content[-1] == " ":  # spaces that count: those at the end of the last line, or a line of nothing else
            last_line = content.rpartition("\n")[2]
            if last_line.strip(" "):
                return start, header_end, body + len(source) + len(content) - len(content.rstrip(" "))
            return start, header_end, body + len(self.text[body:limit].rstrip("\r\n"))
        return start, header_end, body + len(source)

    def refuse_surrogates(self, text: str, start: int, end: int) -> None:
        if _SURROGATE.search(text):
            self.stop("invalid-yaml", "an escape is half of a character; write the character itself", start, end)

    def template(self, start: int, end: int) -> Scalar:
        """Read a range as the string that was meant, and say that it needs quotes."""
        text = fold_plain(self.text, start, end)
        shown = f": {quoted(text)}" if len(text) <= 60 and text.isprintable() else ""
        single = " and each ' written as ''" if "'" in text else ""
        kind = f"single quotes{single}" if '"' in text and not shown else "quotes"
        message = f"a template needs {kind}, because YAML reads a brace as the beginning of a mapping{shown}"
        self.problems.append(Problem("unquoted-template", message, start, end))
        return Scalar(text, text, "plain", start, end, start)

    def alias(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        name: str = event.anchor
        found = self.anchors.get(name)
        if found is None:
            if name in self.anchors:
                self.stop("invalid-yaml", f"*{name} lies inside what &{name} names; it would never end", start, end)
            self.stop("invalid-yaml", f"no anchor &{name} comes before this alias; quote the value if it is text",
                      start, end)  # fmt: skip
        self.count(found.nodes, found.characters, start, end)
        if len(self.frames) + found.height > MAX_DEPTH:
            self.too_deep(start, end)
        if self.frames:
            self.frames[-1].height = max(self.frames[-1].height, found.height)
        self.attach(found.node, start, end)

    def open(self, event: Any) -> None:
        mapping = type(event) is yaml.MappingStartEvent
        start, end = event.start_mark.index, event.end_mark.index
        self.count(1, 0, start, end)
        self.bounds.lists += not mapping
        if len(self.frames) >= MAX_DEPTH:
            self.too_deep(start, max(end, start + 1))
        problems = len(self.problems)
        if event.tag is not None and event.tag not in (PREFIX + ("map" if mapping else "seq"), "!"):
            self.problems.append(
                Problem(
                    "invalid-yaml", "this tag is not supported; remove it, or quote the value if it is text", start, end
                )
            )
        if event.tag is not None or event.anchor is not None:
            start = self.after_properties(start, end)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        before = self.bounds.nodes - 1, self.bounds.characters, problems
        frame = _Frame(start, event.anchor, *before, mapping=mapping, flow=bool(event.flow_style))
        self.frames.append(frame)

    def close(self, event: Any) -> None:
        frame = self.frames.pop()
        self.bounds.lists -= not frame.is_mapping
        if frame.flow:
            frame.end = event.end_mark.index
        node: Node
        if not frame.is_mapping:
            node = Sequence(tuple(frame.items), frame.start, frame.end, flow=frame.flow)
        elif frame.template and self.text.endswith("}}", frame.start, frame.end):
            del self.problems[frame.problems_before :]
            node = self.template(frame.start, frame.end)
            frame.height = -1
        else:
            for key, value in frame.merges:
                self.merge(frame, key, value)
            node = Mapping(frame.by_name, frame.start, frame.end, flow=frame.flow)
        height = frame.height + 1
        if frame.anchor is not None:
            self.anchors[frame.anchor] = _Anchored(
                node,
                self.bounds.nodes - frame.nodes_before,
                self.bounds.characters - frame.characters_before,
                height,
            )
        if self.frames:
            self.frames[-1].height = max(self.frames[-1].height, height)
        self.attach(node, frame.start, frame.end)

    def attach(self, node: Node, start: int, end: int) -> None:
        """Put a finished node into its parent."""
        if not self.frames:
            self.root = node
            return
        frame = self.frames[-1]
        frame.end = end
        if not frame.is_mapping:
            frame.items.append(node)
        elif frame.key is None:
            frame.key = node
            if not isinstance(node, Scalar):
                frame.template |= frame.flow and self.text.startswith("{{", frame.start)
                message = "a key must be a word or a text; write `name: value`, and quote a text that has braces"
                self.problems.append(Problem("invalid-yaml", message, start, end))
            elif node.text in frame.by_name:
                first = frame.by_name[node.text].key
                message = f"{node.text!r} is here a second time; the first one counts; remove one of them"
                self.problems.append(Problem("duplicate-key", message, start, end, (first.start, first.end)))
        else:
            key, frame.key = frame.key, None
            if not isinstance(key, Scalar):
                return
            if key.text == "<<" and key.style == "plain" and key.tag is None:
                frame.merges.append((key, node))
            elif key.text not in frame.by_name:
                frame.by_name[key.text] = Entry(key, node)

    def merge(self, frame: _Frame, key: Scalar, value: Node) -> None:
        """Add the entries of ``<<`` whose keys the mapping does not have itself; earlier sources win."""
        for source in value.items if isinstance(value, Sequence) else (value,):
            if not isinstance(source, Mapping):
                message = "<< takes a mapping, an alias of one, or a list of these; quote the key if it is text"
                self.problems.append(Problem("invalid-yaml", message, key.start, key.end))
                return
            for entry in source.entries:
                frame.by_name.setdefault(entry.key.text, entry)

    def after_properties(self, start: int, end: int) -> int:
        """Return the offset behind an anchor and a tag."""
        found = _PROPERTIES.match(self.text, start, end)
        return start if found is None else found.end()

    def count(self, nodes: int, characters: int, start: int, end: int) -> None:
        """Count values, and stop where there are too many of them or of their problems."""
        message = self.bounds.count(nodes, characters)
        if message is not None:
            self.stop("oversized-document", message, start, end)
        if len(self.problems) >= MAX_PROBLEMS:
            message = f"{MAX_PROBLEMS} problems stand above; mend them first, the rest was not looked at"
            self.stop("invalid-yaml", message, start, end)

    def too_deep(self, start: int, end: int) -> None:
        self.stop("oversized-document", f"nested more than {MAX_DEPTH} levels deep; flatten it", start, end)

    def stop(self, kind: str, message: str, start: int, end: int) -> NoReturn:
        raise _StopError(Problem(kind, message, start, end))


def build(
    text: str,
    source: str,
    masks: Collection[int] = (),
    standins: Map[int, str] | None = None,
    parser: Callable[[str], Events] = PARSER,
) -> Tree:
    """Parse a text into a tree.

    Args:
        text: the document's text.
        source: the same text for the parser, character for character: with stand-ins, and with masked values.
        masks: where masked values begin: unquoted templates over which the parser stumbles.
        standins: what to translate the parser's strings with.
        parser: makes the parser.
    """
    builder = _Builder(text, masks, standins or {})
    on_event = builder.on_event
    error = None
    try:
        events = parser(source)
        while (event := events.get_event()) is not None:
            handle = on_event.get(type(event))
            if handle is not None:
                handle(event)
    except _StopError as stopped:
        builder.root = None
        builder.problems.append(stopped.problem)
    except yaml.YAMLError as raised:
        builder.root = None
        error = raised
    flows = tuple(frame.start for frame in builder.frames if frame.flow)
    return Tree(
        builder.root,
        tuple(builder.problems),
        tuple(builder.opaque),
        error,
        flows,
        builder.last,
        frozenset(builder.unmasked),
    )
