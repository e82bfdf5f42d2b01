"""MSG610."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from msgspec_runner.audience import RenderedRow
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.origins import Origin, Origins
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck, row_rule
from msgspec_runner.rendering import RowProblem
from msgspec_runner.spec import Field

_LOOKED_AT = 10_000
"""Characters of a text that are searched: six times what any provider takes."""
_BREAKS = frozenset({"br", "div", "li", "p", "tr"})


@row_rule("MSG610", Severity.WARNING)
def html_in_text(context: RowContext) -> RowCheck | None:
    """A recipient would read HTML: ``<br>``, ``<b>`` or ``&amp;``.

    A message is plain text: nothing turns a tag into a line break, or ``&amp;`` into a character. It comes from a
    newsletter that was copied, or from a shop system that has names as they stand in a web page.

    Bad::

        message:
          text: "Your order is ready.<br>See you soon!"

    Good::

        message:
          text: |-
            Your order is ready.
            See you soon!
    """
    prose = [field for field in context.spec.fields if is_prose(field)]

    def check(row: RenderedRow) -> Iterable[RowProblem]:
        body = row.rendered.body
        for field in prose:
            text = sent_text(body, field)
            if "<" in text or "&" in text:
                return problems(row)
        return ()

    def problems(row: RenderedRow) -> Iterator[RowProblem]:
        for field in prose:
            text = sent_text(row.rendered.body, field)
            if _html().search(text, 0, _LOOKED_AT):
                yield from _problems(context, field, row, text)

    return check if prose else None


def is_prose(field: Field) -> bool:
    """Say whether people read a field: the text, the name, a template's variables."""
    path = field.path[1:]
    return path in {("text",), ("name",)} or (path[:2] == ("template", "variables") and path[-1] != "MEDIA_URL")


def sent_text(body: Mapping[str, object], field: Field) -> str:
    """Return what a rendered body has in such a field; nothing where it has no text there."""
    path = field.path
    value = body.get(path[1])
    for key in path[2:]:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


@cache
def _html() -> re.Pattern[str]:
    """Return the pattern; it takes 1 ms to make, and most texts have neither ``<`` nor ``&``."""
    # Elements and character references that newsletters and shop systems write; `<3` and `a < b` are people's own.
    return re.compile(
        r"</?(?P<tag>a|b|br|div|em|font|h[1-6]|i|img|li|ol|p|span|strong|table|td|tr|u|ul)(?:\s[^<>]{0,200})?/?>"
        r"|&(?:#[0-9]{1,6}|#x[0-9a-f]{1,6}|amp|apos|copy|euro|gt|hellip|[lr][ds]quo|lt|[mn]dash|nbsp|pound|quot);",
        re.IGNORECASE,
    )


def _problems(context: RowContext, field: Field, row: RenderedRow, text: str) -> Iterator[RowProblem]:
    """Yield the first of the template's own, with a count of the others, and one for each place that data come to."""
    origins = Origins(context.renderer, field, row.values, text)
    own: list[tuple[re.Match[str], int, int]] = []
    theirs: dict[Origin, None] = {}
    for match in _html().finditer(text, 0, _LOOKED_AT):
        first, last = (origins.of(place, place + 1) for place in (match.start(), match.end() - 1))
        if first.literal and last.literal:  # with data between them, it may be: <a href="{{ url }}">
            own.append((match, first.start, last.end))
        else:
            theirs[origins.of(*match.span())] = None
    if own:
        match, start, end = own[0]
        more = f" (and {len(own) - 1} more)" if len(own) > 1 else ""
        written = field.node.text[start:end]
        detail = f"people would read `{written}`{more}: a message is plain text; {_cure(match)}"
        yield RowProblem("html-in-text", field, detail, start, end)
    for origin in theirs:
        column = f" that stands in column “{origin.column}”" if origin.column else ""
        detail = f"people would read the HTML{column}: clean the data, or add `| striptags`"
        yield RowProblem("html-in-text", field, detail, origin.start, origin.end, origin.column)


def _cure(match: re.Match[str]) -> str:
    tag = (match["tag"] or "").lower()
    if not tag:
        from html import unescape  # 2 ms that only a mistake waits for

        meant = unescape(match[0])
        return "write a space" if meant.isspace() else f"write `{meant}`"
    if tag in _BREAKS:
        return "write a line break, in a text that begins with `|-`"
    return {"a": "write the address itself", "img": "write `image_url`"}.get(tag, "remove it")
