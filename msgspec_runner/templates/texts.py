"""What a value looks like in a text: for ``{{ … }}``, for ``~``, and as JSON."""

from __future__ import annotations

from datetime import date
from typing import Any

from msgspec_runner.templates.limits import MAX_INTEGER, check_length, has_absent, weigh
from msgspec_runner.templates.problems import Refusal, describe_type
from msgspec_runner.templates.values import ABSENT

MISSING = Refusal("missing", "a value is missing here")


def to_text(value: Any) -> str:
    """Return the characters that a value puts into the text.

    A text stands as it is, a number as Python writes it, a date in ISO 8601, a list or mapping as JSON.

    Raises:
        Refusal: there is no value (absent or null), or it is of a type that has no text.
    """
    kind = value.__class__
    if kind is str:
        return value  # type: ignore[no-any-return]
    if value is None:
        raise Refusal("missing", "null reached the text; give it a default: {{ … | default('…', true) }}")
    if value is ABSENT:
        raise MISSING
    if kind in (int, bool, float):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple, dict)):
        return to_json(value)
    from decimal import Decimal  # a millisecond to load; where there is one, it is loaded

    if isinstance(value, (str, Decimal)):
        return str(value)
    raise Refusal("type", f"{describe_type(value)} cannot be put into a text")


def to_json(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON: characters as they are, dates in ISO 8601, keys in their order.

    Raises:
        Refusal: an absent value is inside, or something that JSON does not have.
    """
    import json

    weigh(value)
    if has_absent(value):
        raise MISSING
    try:
        text = json.dumps(value, ensure_ascii=False, indent=indent, default=_json_default)
    except (TypeError, RecursionError):
        raise Refusal("type", "this cannot be written as JSON") from None
    check_length(len(text))
    return text


def _json_default(value: object) -> object:
    from decimal import Decimal

    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) <= MAX_INTEGER else float(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError
