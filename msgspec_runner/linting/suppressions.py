"""Findings that a spec's author has looked at and lets be: the comments that say so.

``# msgspec: ignore[MSG203]`` behind something is about its line; alone on a line it is about the next one that is no
comment. ``{# msgspec: ignore[MSG402] #}`` does the same inside a text, where YAML has no comments.
``# msgspec: ignore-file[MSG203]`` is about the whole spec. Several codes or names are divided by commas, and a reason
may follow the bracket.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from msgspec_runner.diagnostics import Diagnostic
from msgspec_runner.source.document import Document
from msgspec_runner.spec import Field, Spec

MARK = "msgspec:"
"""What such a comment begins with."""

# In YAML another comment may stand behind it on the line; it begins with the next ` #`.
_IN_YAML = re.compile(rf"#[ \t]*{MARK}[ \t]*(?P<rest>(?:(?![ \t]+#).)*)")
_IN_JINJA = re.compile(rf"\s*{MARK}\s*(?P<rest>.*)", re.DOTALL)
_IGNORE = re.compile(r"(?P<kind>ignore-file|ignore)\s*\[(?P<codes>[^\]]*)\]")
_SELECTOR = re.compile(r"[^\s,]+")


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

    def covers(self, selector: Selector, diagnostic: Diagnostic) -> bool:
        """Say whether one of its selectors suppresses a finding: those that begin on its lines."""
        return selector.code == diagnostic.code and (self.lines is None or diagnostic.span.start.line in self.lines)


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
    found = {item.start: item for item in (*_of_yaml(document, spec, codes), *_of_jinja(document, spec, codes))}
    return tuple(found[start] for start in sorted(found))


def _of_yaml(document: Document, spec: Spec, codes: Mapping[str, str]) -> Iterator[Suppression]:
    alone = {document.position(comment.start).line for comment in document.comments() if comment.alone}
    for comment in document.comments():
        line = document.position(comment.start).line
        for match in _IN_YAML.finditer(comment.text):

            def place(first: int, last: int, offset: int = comment.start) -> tuple[int, int]:
                return offset + first, offset + last

            about = range(line, (_next_line(line, alone) if comment.alone else line) + 1)
            start, end = place(match.start(), match.start() + len(match[0].rstrip()))
            selectors, everywhere = _selectors(match, place, codes)
            yield Suppression(start, end, selectors, None if everywhere else _widened(about, document, spec))


def _of_jinja(document: Document, spec: Spec, codes: Mapping[str, str]) -> Iterator[Suppression]:
    places = []
    for field in (*spec.fields, *([spec.key] if spec.key else [])):
        if "{#" in field.node.text and MARK in field.node.text:
            from msgspec_runner.templates.comments import comments  # with Jinja, which most specs do not need

            for comment in comments(field.node.text):
                match = _IN_JINJA.fullmatch(comment.text)
                if match is not None:
                    places.append((field, comment, match, document.offsets(field.node, comment.start, comment.end)))
    alone = {
        document.position(start).line
        for _, _, _, (start, end) in places
        if document.line(document.position(start).line).strip() == document.text[start:end]
    }
    for field, comment, match, (start, end) in places:

        def place(first: int, last: int, field: Field = field, offset: int = comment.text_start) -> tuple[int, int]:
            return document.offsets(field.node, offset + first, offset + last)

        first, last = document.position(start).line, document.position(end).line
        about = range(first, _next_line(last, alone) + 1)
        selectors, everywhere = _selectors(match, place, codes)
        yield Suppression(start, end, selectors, None if everywhere else _widened(about, document, spec), field)


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
        for item in _SELECTOR.finditer(ignore["codes"])
    )
    return found, ignore["kind"] == "ignore-file"


def _next_line(line: int, skipped: set[int]) -> int:
    while line in skipped:
        line += 1
    return line


def _widened(lines: range, document: Document, spec: Spec) -> range:
    """Add the other lines of a quoted or plain text that goes over several: there is no place for a comment in it."""
    first, last = lines.start, lines.stop - 1
    for field in spec.fields:
        if field.node.style not in {"literal", "folded"}:
            start, end = document.position(field.node.start).line, document.position(field.node.end).line
            if start <= last and end >= lines.start:
                first, last = min(first, start), max(last, end)
    return range(first, last + 1)
