"""Comments that suppress findings: writing one where it means what it should, and proposing what stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec_runner.editor.questions import Proposal
from msgspec_runner.editor.reading import Reading
from msgspec_runner.linting.rules import RULES
from msgspec_runner.linting.suppressions import MARK, read_suppressions
from msgspec_runner.reports.rule_help import summary
from msgspec_runner.source.document import Document, Scalar, parse_document
from msgspec_runner.spec import Field, build_spec

Edit = tuple[int, int, str]
"""Offsets in a document, end exclusive, and what comes in place of these characters."""

_WRITTEN: Final = re.compile(rf"#[ \t]*{MARK}[ \t]*ignore\[([^\]\r\n]*)\]")
_BEING_TYPED: Final = re.compile(rf"#\s*{MARK}\s*(?P<word>[\w-]*)(?P<codes>\[[^\]\r\n]*)?$")
_CODES: Final = {word.lower(): rule.code for rule in RULES for word in (rule.code, rule.name)}


def codes_proposed(reading: Reading, start: int) -> Iterator[Proposal]:
    """Yield what may be typed in a comment that begins at an offset: ``ignore[…]``, and in its brackets every rule."""
    match = _BEING_TYPED.search(reading.text[start : reading.offset])
    if match is None:
        return
    if match["codes"] is None:
        extent = reading.word(reading.offset - len(match["word"]), reading.offset)
        for word, detail in (("ignore", "this line, or the next one"), ("ignore-file", "the whole file")):
            yield Proposal(f"{word}[…]", "word", f"{word}[", extent, detail)
        return
    typed = re.split(r"[\[,\s]", match["codes"])[-1]
    extent = reading.word(reading.offset - len(typed), reading.offset)
    for rule in RULES:
        yield Proposal(rule.code, "rule", rule.code, extent, rule.name, summary(rule))


def suppression(document: Document, offset: int, code: str) -> Edit | None:
    """Return how to write a comment that suppresses a rule's findings at an offset; None where there is no place.

    Nothing but the comment may be new: the text that is sent stays the same, which is tried before it is proposed.
    """
    if document.root is None:
        return None
    return next((edit for edit in _ways(document, offset, code) if _does(document, edit, offset, code)), None)


def file_suppression(document: Document, code: str) -> Edit | None:
    """Return how to suppress a rule's findings in the whole file, in a new first line; None where that is no place."""
    if document.root is None:
        return None
    edit = (0, 0, f"# {MARK} ignore-file[{code}]{_line_break(document.text)}")
    return edit if _does(document, edit, None, code) else None


def _ways(document: Document, offset: int, code: str) -> Iterator[Edit]:
    """Yield edits that may do, the one that people would write first."""
    text, position = document.text, document.position(offset)
    line_start = document.offset(position._replace(col=1))
    line_end = line_start + len(document.line(position.line))
    written = _WRITTEN.search(text, line_start, line_end)
    if written is not None:
        yield written.end(1), written.end(1), f", {code}"
    field = _field_at(document, offset)
    if field is not None and field.node.style in ("literal", "folded") and offset >= field.node.header_end:
        indent = text[line_start:line_end]
        indent = indent[: len(indent) - len(indent.lstrip(" "))]
        comment = f"{{# {MARK} ignore[{code}] #}}"
        yield line_start, line_start, f"{indent}{comment}{_line_break(text)}"
        yield line_start + len(indent), line_start + len(indent), comment
        return
    yield line_end, line_end, f"  # {MARK} ignore[{code}]"
    first = field.node.start if field is not None else offset
    above = document.offset(document.position(first)._replace(col=1))
    line = document.line(document.position(first).line)
    yield above, above, f"{line[: len(line) - len(line.lstrip(' '))]}# {MARK} ignore[{code}]{_line_break(text)}"


def _does(document: Document, edit: Edit, offset: int | None, code: str) -> bool:
    start, end, new = edit
    made = parse_document(document.file, document.text[:start] + new + document.text[end:])
    if made.root is None or not _means_the_same(document, made):
        return False
    found = read_suppressions(made, build_spec(made), _CODES)
    if offset is None:
        return any(item.lines is None and any(s.code == code for s in item.selectors) for item in found)
    moved = offset + (len(new) - (end - start) if start <= offset else 0)
    line = made.position(moved).line
    return any(
        item.lines is not None and line in item.lines and any(selector.code == code for selector in item.selectors)
        for item in found
    )


def _means_the_same(before: Document, after: Document) -> bool:
    if before.value == after.value:
        return True
    from msgspec_runner.templates.comments import uncommented  # with Jinja, which most specs do not need

    old, new = build_spec(before), build_spec(after)
    if [field.path for field in old.fields] != [field.path for field in new.fields]:
        return False
    return all(
        one.node.text == two.node.text or uncommented(one.node.text) == uncommented(two.node.text)
        for one, two in zip(old.fields, new.fields, strict=True)
    )


def _field_at(document: Document, offset: int) -> Field | None:
    for field in build_spec(document).fields:
        if isinstance(field.node, Scalar) and field.node.start <= offset <= field.node.end:
            return field
    return None


def _line_break(text: str) -> str:
    """Return how the text's lines end."""
    found = re.search(r"\r\n|\r|\n", text)
    return found[0] if found is not None else "\n"
