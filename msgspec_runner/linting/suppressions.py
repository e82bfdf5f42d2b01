"""Findings that a spec's author has looked at and lets be: the comments that say so.

``# msgspec: ignore[MSG203]`` behind something is about its line; alone on a line it is about the next one that is no
comment. ``{# msgspec: ignore[MSG402] #}`` does the same inside a text, where YAML has no comments.
``# msgspec: ignore-file[MSG203]`` is about the whole spec. Several codes or names are divided by commas, and a reason
may follow the bracket.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from msgspec_runner.content.patterns import later
from msgspec_runner.source.document import Document
from msgspec_runner.spec import Field, Spec

if TYPE_CHECKING:
    from msgspec_runner.templates.comments import Comment

MARK = "msgspec:"
"""What such a comment begins with."""

MAX_SUPPRESSIONS = 500
"""How many comments of one kind are heard, and how many codes of one comment; what is beyond suppresses nothing."""

# In YAML another comment may stand behind it on the line; it begins with the next ` #`.
_IN_YAML = later(rf"#[ \t]*{MARK}[ \t]*(?P<rest>(?:[^ \t]|[ \t]++(?!#))*+)")
_IN_TEXT = later(rf"(?:^|(?<=[ \t]))#[ \t]*{MARK}[ \t]*ignore[^\n]*", re.MULTILINE)
_IN_JINJA = later(rf"\s*{MARK}\s*(?P<rest>.*)", re.DOTALL)
_IGNORE = later(r"(?P<kind>ignore-file|ignore)\s*\[(?P<codes>[^\]]*)\]")
_SELECTOR = later(r"[^\s,]+")


class Selector(NamedTuple):
    """A code or a name in the brackets.

    Attributes:
        text: as written.
        start: offset of its first character in the document.
        end: offset behind its last one.
        code: of the rule that it means; empty where there is none.
    """

    text: str
    start: int
    end: int
    code: str


class Suppression(NamedTuple):
    """One comment.

    Attributes:
        start: offset of the comment's first character in the document, ``#`` or ``{#``.
        end: offset behind its last one.
        selectors: what it suppresses; none where it is not written as it should be.
        lines: the 1-based lines that it is about; None for all.
        field: the field whose text it stands in; None for a comment of YAML.
    """

    start: int
    end: int
    selectors: tuple[Selector, ...]
    lines: range | None
    field: Field | None = None

    def is_sent(self, document: Document) -> bool:
        """Say whether it is no comment at all but a part of the text that it stands in."""
        return self.field is not None and document.text.startswith("#", self.start)


def read_suppressions(document: Document, spec: Spec, codes: Mapping[str, str]) -> tuple[Suppression, ...]:
    """Return a spec's suppressions in the order of the file; a spec that could not be parsed has none.

    Args:
        document: the file.
        spec: its meaning.
        codes: every rule's code, by its code and by its name, in lower case.
    """
    if document.root is None or MARK not in document.text:
        return ()
    # By their places: an alias is a second field with the same text.
    texts = _Texts(document, spec)
    of_yaml = _bounded(_of_yaml(document, texts, codes))
    of_jinja = _bounded(_of_jinja(document, spec, texts, codes))
    found = {item.start: item for item in (*of_yaml, *of_jinja, *_bounded(_sent(document, spec)))}
    return tuple(found[start] for start in sorted(found))


def _bounded(suppressions: Iterator[Suppression]) -> Iterator[Suppression]:
    """Yield the first ones, and after them one that suppresses nothing, so that MSG902 says where hearing ends."""
    yield from islice(suppressions, MAX_SUPPRESSIONS)
    for beyond in islice(suppressions, 1):
        yield beyond._replace(selectors=())


def _of_yaml(document: Document, texts: _Texts, codes: Mapping[str, str]) -> Iterator[Suppression]:
    after = _next_lines({document.position(comment.start).line for comment in document.comments() if comment.alone})
    for comment in document.comments():
        line = document.position(comment.start).line
        for match in _IN_YAML.finditer(comment.text):

            def place(first: int, last: int, offset: int = comment.start) -> tuple[int, int]:
                return offset + first, offset + last

            start, end = place(match.start(), match.start() + len(match[0].rstrip()))
            selectors, everywhere = _selectors(match, place, codes)
            lines = None if everywhere else texts.widened(line, after.get(line, line))
            yield Suppression(start, end, selectors, lines)


def _sent(document: Document, spec: Spec) -> Iterator[Suppression]:
    """Yield comments of YAML in block texts, where they are none: they suppress nothing, and recipients read them."""
    for field in spec.fields:
        if field.node.style in {"literal", "folded"} and MARK in field.node.text:
            for match in _IN_TEXT.finditer(field.node.text):
                yield Suppression(*document.offsets(field.node, *match.span()), (), None, field)


def _of_jinja(document: Document, spec: Spec, texts: _Texts, codes: Mapping[str, str]) -> Iterator[Suppression]:
    places: list[tuple[Field, Comment, re.Match[str], tuple[int, int]]] = []
    for field in (*spec.fields, *([spec.key] if spec.key else [])):
        if "{#" in field.node.text and MARK in field.node.text:
            from msgspec_runner.templates.comments import comments  # with Jinja, which most specs do not need

            for comment in comments(field.node.text):
                match = _IN_JINJA.fullmatch(comment.text)
                if match is not None and len(places) <= MAX_SUPPRESSIONS:
                    places.append((field, comment, match, document.offsets(field.node, comment.start, comment.end)))
    after = _next_lines(
        {
            document.position(start).line
            for _, _, _, (start, end) in places
            if document.line(document.position(start).line).strip() == document.text[start:end]
        }
    )
    for field, comment, match, (start, end) in places:

        def place(first: int, last: int, field: Field = field, offset: int = comment.text_start) -> tuple[int, int]:
            return document.offsets(field.node, offset + first, offset + last)

        first, last = document.position(start).line, document.position(end).line
        selectors, everywhere = _selectors(match, place, codes)
        lines = None if everywhere else texts.widened(first, after.get(last, last))
        yield Suppression(start, end, selectors, lines, field)


def _selectors(
    match: re.Match[str], place: Callable[[int, int], tuple[int, int]], codes: Mapping[str, str]
) -> tuple[tuple[Selector, ...], bool]:
    """Return what is in the brackets, and whether it is about the whole file.

    Args:
        match: has a group ``rest``, all that follows the mark.
        place: takes a range of the matched string and returns where it stands in the document.
        codes: see :func:`read_suppressions`.
    """
    ignore = _IGNORE.match(match["rest"])
    if ignore is None:
        return (), False
    offset = match.start("rest") + ignore.start("codes")
    found = tuple(
        Selector(item[0], *place(offset + item.start(), offset + item.end()), codes.get(item[0].lower(), ""))
        for item in islice(_SELECTOR.finditer(ignore["codes"]), MAX_SUPPRESSIONS + 1)
    )
    if len(found) > MAX_SUPPRESSIONS:
        return (), False
    return found, ignore["kind"] == "ignore-file"


def _next_lines(alone: set[int]) -> dict[int, int]:
    """Return for every line with nothing but a comment the next line that is another."""
    following: dict[int, int] = {}
    for line in sorted(alone, reverse=True):
        following[line] = following.get(line + 1, line + 1)
    return following


class _Texts:
    """The quoted and plain texts of a spec that go over several lines: there is no place for a comment in them."""

    def __init__(self, document: Document, spec: Spec) -> None:
        found = (
            document.span(field.node.start, field.node.end)
            for field in spec.fields
            if field.node.style not in {"literal", "folded"}
        )
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted((span.start.line, span.end.line) for span in found):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            elif end > start:
                self._starts.append(start)
                self._ends.append(end)

    def widened(self, first: int, last: int) -> range:
        """Return the lines, and the other lines of the texts that they are part of."""
        before, after = bisect_right(self._starts, first) - 1, bisect_right(self._starts, last) - 1
        if before >= 0 and self._ends[before] >= first:
            first = self._starts[before]
        if after >= 0:
            last = max(last, self._ends[after])
        return range(first, last + 1)
