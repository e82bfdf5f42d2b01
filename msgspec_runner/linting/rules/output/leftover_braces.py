"""MSG606."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice

from msgspec_runner.audience import RenderedRow
from msgspec_runner.content.patterns import later
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.origins import Origin, Origins
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck, row_rule
from msgspec_runner.linting.rules.output.html_in_text import is_prose, sent_text
from msgspec_runner.rendering import RowProblem
from msgspec_runner.spec import Field

_LEFT_OVER = later(r"\{\{|\}\}|\{%|%\}|(?<!\{)\{[ \t]*(?P<name>[^\W\d]\w*)[ \t]*\}(?!\})")
_NAME = "leftover-braces"
_MOST = 20
"""Braces of one text that are looked at: whoever fills in these sees the others."""
_RAW = "endraw"  # who writes braces on purpose may write any


@row_rule("MSG606", Severity.WARNING)
def leftover_braces(context: RowContext) -> RowCheck | None:
    """A recipient would read ``{{`` or ``%}``: a template that was never filled in.

    Usually a cell holds a placeholder of another tool, such as ``{{CUSTOMER_NAME}}``. Cells are data, and so are vars:
    what stands in them is not rendered again. Single braces are left over too where the name of a column or of a var
    stands between them, as other tools and the shell write it: ``{first_name}``, ``${first_name}``. Any others are the
    author's. Of double braces the template itself can leave over those that close; where they are meant, write
    ``{{ '}}' }}``.

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
    written: dict[tuple[int, int, int, str], RowProblem] = {}

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
                own = {
                    (place.start, place.end, match["name"] or "")
                    for match, place in places
                    if place.literal and not _closes_single_ones(match)
                }
                for start, end, name in sorted(own):
                    key = (number, start, end, name)
                    if key not in written:
                        written[key] = _written(context, field, start, end, name)
                    yield written[key]
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

    return check if prose else None


def _left_over(text: str, names: Collection[str]) -> Iterator[re.Match[str]]:
    """Yield the braces of templates, and the single ones around one of the names."""
    return (match for match in _LEFT_OVER.finditer(text) if match["name"] is None or match["name"] in names)


def _closes_single_ones(match: re.Match[str]) -> bool:
    """Say whether ``}}`` stands behind two single braces that are open: ``{"a": {"b": 1}}``."""
    before = match.string[: match.start()]
    return match.group() == "}}" and before.count("{") - before.count("}") >= len("}}")


def _written(context: RowContext, field: Field, start: int, end: int, name: str) -> RowProblem:
    """Word the finding for braces that the template itself writes; with the repair where the place is exact.

    Args:
        context: of the spec.
        field: that writes them.
        start: offset in its text.
        end: offset behind them.
        name: of a column or var between single braces; empty where the braces are double ones.
    """
    from msgspec_runner.linting.rewriting import rewritten  # few specs have such braces

    source = field.node.text
    if not name:
        braces = source[start:end]
        cure = f"remove it, or write {{{{ '{braces}' }}}} if it is meant"
        return RowProblem(
            _NAME, field, f"people would read `{braces}`, for nothing in front of it opens it: {cure}", start, end
        )
    cure = f"{{{{ {name} }}}}"
    is_exact = (
        source[start : start + 1] == "{"
        and source[end - 1 : end] == "}"
        and source[start + 1 : end - 1].strip() == name
    )
    before = source[max(start - 1, 0) : start]
    if is_exact and before == "$":
        # The shell's way to write the name; or a dollar, and then the name.
        detail = (
            f"people would read `${{{name}}}`, for nothing fills it in: write {cure}, and $ in front if it is a price"
        )
        return RowProblem(_NAME, field, detail, start - 1, end)
    is_plain = is_exact and before not in {"%", "#"}
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
