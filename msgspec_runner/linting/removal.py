"""Taking a suppression out of a spec, and whether everything else stays what it is."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Edit, Fix
from msgspec_runner.linting.suppressions import Suppression
from msgspec_runner.source.document import Document, Scalar, parse_document

CHECKED_CHARACTERS = 1024 * 1024
"""How many characters may be parsed again to see what removals change: hundreds in a spec of usual size."""

_BLANKS = " \t"


def most_removals(document: Document) -> int:
    """Return of how many comments of a spec it may be asked what their removal changes: at least one."""
    return max(1, CHECKED_CHARACTERS // (len(document.text) + 1))


def removal(document: Document, suppression: Suppression) -> Fix | None:
    """Return how to remove a whole comment: with its line where it stands alone.

    It is safe where the rest means the same without it. A comment of Jinja may have taken a line's end out of the text,
    which would come back. None where the comment's place is not known exactly.
    """
    if not document.text.startswith(("#", "{#"), suppression.start):
        return None
    ways = list(_ways(document, suppression))
    safe = next((way for way in ways if _means_the_same(document, suppression, *way)), None)
    return Fix("unsafe" if safe is None else "safe", (Edit(document.span(*(safe or ways[0])), ""),))


def selector_removal(document: Document, suppression: Suppression, index: int) -> Fix | None:
    """Return how to remove one of several codes, with the comma that divides it from its neighbour.

    None where its place is not known exactly.
    """
    selector = suppression.selectors[index]
    if document.text[selector.start : selector.end] != selector.text:
        return None
    if index + 1 < len(suppression.selectors):
        span = document.span(selector.start, suppression.selectors[index + 1].start)
    else:
        span = document.span(suppression.selectors[index - 1].end, selector.end)
    return Fix("safe", (Edit(span, ""),))


def _ways(document: Document, suppression: Suppression) -> Iterator[tuple[int, int]]:
    """Yield ranges that could be cut out, the most natural one first."""
    text, start, end = document.text, suppression.start, suppression.end
    line_start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    line_end = min(place for place in (text.find("\n", end), text.find("\r", end), len(text)) if place >= 0)
    before, after = text[line_start:start], text[end:line_end]
    if not before.strip(_BLANKS) and not after.strip(_BLANKS):
        next_line = line_end + 2 if text.startswith("\r\n", line_end) else min(line_end + 1, len(text))
        yield line_start, next_line
    elif not after.strip(_BLANKS):
        yield line_start + len(before.rstrip(_BLANKS)), end
    elif suppression.field is None:
        yield start, line_end - len(after.lstrip(_BLANKS))
    yield start, end


def _means_the_same(document: Document, suppression: Suppression, start: int, end: int) -> bool:
    edited = parse_document(document.file, document.text[:start] + document.text[end:])
    if len(edited.problems) != len(document.problems):
        return False
    if suppression.field is None:
        return edited.value == document.value
    node = edited.node(suppression.field.path)
    from msgspec_runner.templates.comments import uncommented  # with Jinja, which most specs do not need

    return isinstance(node, Scalar) and uncommented(node.text) == uncommented(suppression.field.node.text)
