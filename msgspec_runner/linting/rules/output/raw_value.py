"""MSG612."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from msgspec_runner.audience import RenderedRow
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.origins import Origins
from msgspec_runner.linting.row_context import RowContext
from msgspec_runner.linting.rule import RowCheck, row_rule
from msgspec_runner.rendering import RowProblem

_SIGN = re.compile(r":\d\d|True|False|\.\d{7}|E\+\d")
"""Each of them has one of these, which most texts have not, and which are found five times as fast."""
_LOOKED_AT = 10_000
"""Characters of a text that are searched: six times what any provider takes."""

_WORDS = {
    "moment": (
        "a moment as computers write it",
        'add `| datetime` with a pattern, such as `| datetime("d MMMM HH:mm")`',
    ),
    "boolean": ("`True` or `False`", "write the words that you mean: `{{ 'yes' if … else 'no' }}`"),
    "number": ("a number with all its decimals", 'add `| number(2)`, or `| currency("USD")`'),
}


@row_rule("MSG612", Severity.WARNING)
def raw_value(context: RowContext) -> RowCheck | None:
    """A recipient would read a value as computers write it: ``2031-01-02T15:04:00``, ``True``, ``3.3333333333333335``.

    The template says what is meant and not how it is written. Dates without a time are left alone: ``2031-01-02`` is
    how some people write them.

    Bad::

        message:
          text: "See you at {{ starts_at }}."
        recipients:
          columns: {phone: {type: phone}, starts_at: {type: datetime}}
          rows: [{phone: "+16175551212", starts_at: "2031-01-02T15:04:00-05:00"}]

    Good::

        message:
          text: "See you at {{ starts_at | datetime('h:mm a') }}."
        recipients:
          columns: {phone: {type: phone}, starts_at: {type: datetime}}
          rows: [{phone: "+16175551212", starts_at: "2031-01-02T15:04:00-05:00"}]
        locale: en_US
        timezone: America/New_York
    """
    fields = [(name, field) for name in ("text", "name") if (field := context.spec.field(name)) is not None]
    fields = [(name, field) for name, field in fields if not field.template.is_static]

    def check(row: RenderedRow) -> Iterable[RowProblem]:
        body = row.rendered.body
        for name, _ in fields:
            text = body.get(name)
            if isinstance(text, str) and _SIGN.search(text, 0, _LOOKED_AT):
                return problems(row)
        return ()

    def problems(row: RenderedRow) -> Iterator[RowProblem]:
        for name, field in fields:
            text = row.rendered.body.get(name)
            if not isinstance(text, str):
                continue
            origins = Origins(context.renderer, field, row.values, text)
            told = set()
            for match in _raw().finditer(text, 0, _LOOKED_AT):
                origin = origins.of(*match.span())
                kind = match.lastgroup or ""
                is_word = kind == "boolean" and isinstance(row.values.get(origin.column), str)
                if origin.literal or is_word or origin in told:
                    continue  # the author's own words, or the recipient's
                told.add(origin)
                what, cure = _WORDS[kind]
                detail = f"people would read {what}: {cure}"
                yield RowProblem("raw-value", field, detail, origin.start, origin.end, origin.column)

    return check if fields else None


@cache
def _raw() -> re.Pattern[str]:
    """Return the pattern; it takes half a millisecond to make, and most texts have no sign of it."""
    return re.compile(
        r"(?P<moment>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)"
        r"|(?P<boolean>\b(?:True|False)\b)"
        r"|(?P<number>\d\.\d{7,}|\d(?:\.\d+)?E\+\d+)"
    )
