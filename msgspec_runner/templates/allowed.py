"""The allow-list: every filter that a template may use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec_runner.templates.filters import FORMATTING_FILTERS, formatting_filters
from msgspec_runner.templates.limits import Budget
from msgspec_runner.templates.list_filters import CHOOSERS, LIST_FILTERS, choosers
from msgspec_runner.templates.predicates import PREDICATES
from msgspec_runner.templates.text_filters import TEXT_FILTERS

FILTER_NAMES = frozenset(TEXT_FILTERS) | frozenset(LIST_FILTERS) | frozenset(CHOOSERS) | frozenset(FORMATTING_FILTERS)
"""The names of all filters."""
TEST_NAMES = frozenset(PREDICATES)
"""The names of all tests."""

SLOW_FILTERS = (*FORMATTING_FILTERS, "striptags", "wordwrap")
"""Filters that take as long as fifty steps, and some more for each character."""


def _paid(function: Callable[..., Any], budget: Budget) -> Callable[..., Any]:
    def paid(value: Any, *args: Any, **options: Any) -> Any:
        budget.spend(50 + (len(value) >> 2 if isinstance(value, str) else 0))
        return function(value, *args, **options)

    return paid


def all_filters(locale: str | None, timezone: str | None, budget: Budget) -> dict[str, Callable[..., Any]]:
    """Make the filters of an environment.

    Args:
        locale: for dates and numbers; None where the spec names none.
        timezone: IANA name; None where the spec names none.
        budget: pays for what filters do to each item of a list.
    """
    filters = {**TEXT_FILTERS, **LIST_FILTERS, **formatting_filters(locale, timezone)}
    for name in SLOW_FILTERS:
        filters[name] = _paid(filters[name], budget)
    # map('select') would hide work inside work: the choosers apply the others, never each other.
    return {**filters, **choosers(filters, PREDICATES, budget)}
