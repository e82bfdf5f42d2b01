"""MSG606."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from itertools import islice

from msgspec_runner.audience import RenderedRow
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.origins import Origin, Origins
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck, row_rule
from msgspec_runner.linting.rules.output.html_in_text import is_prose, sent_text
from msgspec_runner.rendering import RowProblem
from msgspec_runner.spec import Field

_LEFT_OVER = re.compile(r"\{\{|\}\}|\{%|%\}|(?<!\{)\{[ \t]*(?P<name>[^\W\d]\w*)[ \t]*\}(?!\})")
_NAME = "leftover-braces"
_MOST = 20
"""Braces of one text that are looked at: whoever fills in these sees the others."""
_RAW = "endraw"  # who writes braces on purpose may write any


@row_rule("MSG606", Severity.WARNING)
def leftover_braces(context: RowContext) -> RowCheck | None:
    """A recipient would read ``{{`` or ``%}``: a template that was never filled in.

    Usually a cell holds a placeholder of another tool, such as ``{{CUSTOMER_NAME}}``. Cells are data, and so are vars:
    what stands in them is not rendered again. Single braces are left over too where the name of a column or of a var
    stands between them, as other tools write it: ``{first_name}``. Any others are the author's.

    Bad::

        message:
          text: "Hi {{ greeting }}"
        recipients:
          rows: [{phone: "+16175551212", greeting: "{{ first_name }}"}]

    Good::

        message:
          text: "Hi {{ greeting }}"
        recipients:
          rows: [{phone: "+16175551212", greeting: Ann}]
    """
    prose = [field for field in context.spec.fields if is_prose(field)]
    variables = context.renderer.variables

    def check(row: RenderedRow) -> Iterable[RowProblem]:
        body = row.rendered.body
        for field in prose:
            text = sent_text(body, field)
            if "{" in text or "}" in text:
                return problems(row)
        return ()

    def problems(row: RenderedRow) -> Iterator[RowProblem]:
        values = {**variables, **row.values}
        for number, field in enumerate(prose):
            text = sent_text(row.rendered.body, field)
            braces = list(islice(_left_over(text, values), _MOST))
            if not braces:
                continue
            origins = Origins(context.renderer, field, values, text)
            places = [(match, origins.of(*match.span())) for match in braces]
            if _RAW not in field.node.text:
                own = {(place.start, place.end, match["name"]) for match, place in places if place.literal}
                for start, end, name in sorted(item for item in own if item[2]):
                    yield single(number, start, end, name)
            shown = _shown(values, text, (place for _, place in places))
            for column in row.values:
                if column in shown:
                    detail = f"`{field.name}` would show the braces that stand in column “{column}”: fill the cell in"
                    yield RowProblem(_NAME, field, detail, column=column)
            for name in variables:
                if name in shown and name not in row.values:
                    detail = (
                        f"`{field.name}` would show the braces of the var `{name}`, which is no template: "
                        "write its words where they belong, or into a partial"
                    )
                    yield RowProblem(_NAME, field, detail, *_use(field, name))

    @cache
    def single(number: int, start: int, end: int, name: str) -> RowProblem:
        return _single(context, prose[number], start, end, name)

    return check if prose else None


def _left_over(text: str, names: Collection[str]) -> Iterator[re.Match[str]]:
    """Yield the braces of templates, and the single ones around one of the names."""
    return (match for match in _LEFT_OVER.finditer(text) if match["name"] is None or match["name"] in names)


def _single(context: RowContext, field: Field, start: int, end: int, name: str) -> RowProblem:
    """Word the finding for single braces that the template itself writes; with the repair where the place is exact."""
    from msgspec_runner.linting.rewriting import rewritten  # few specs have such braces

    source = field.node.text
    cure = f"{{{{ {name} }}}}"
    is_exact = (
        source[start : start + 1] == "{"
        and source[end - 1 : end] == "}"
        and source[start + 1 : end - 1].strip() == name
    )
    # ${name} may mean a dollar and the name, or the name.
    is_plain = is_exact and source[max(start - 1, 0) : start] not in {"$", "%", "#"}
    fix = rewritten(context.spec.document, field, [(start, end, cure)]) if is_plain else None
    detail = f"people would read `{{{name}}}`, for single braces fill nothing in: write {cure}"
    return RowProblem(_NAME, field, detail, start, end, fix=fix)


def _shown(values: Mapping[str, object], text: str, places: Iterable[Origin]) -> frozenset[str]:
    """Return the columns and vars whose braces a text shows; those that the template itself writes are meant.

    Args:
        values: of the row and the vars.
        text: that shows braces.
        places: where those come from.
    """
    holding = {
        name: value for name, value in values.items() if isinstance(value, str) and any(_left_over(value, values))
    }
    found = {place.column for place in places if not place.literal}
    # A partial or a macro may have shown it.
    found |= {name for name, value in holding.items() if value in text}
    return frozenset(found & holding.keys())


def _use(field: Field, name: str) -> tuple[int, int]:
    """Return where a field uses a name first; (-1, -1) where only a partial of it does."""
    return next(((use.start, use.end) for use in field.template.names if use.name == name), (-1, -1))
