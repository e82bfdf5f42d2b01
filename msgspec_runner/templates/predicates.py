"""The tests behind ``is``: those of Jinja that look at a value and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from jinja2 import tests

from msgspec_runner.templates.values import ABSENT

_NAMES = (
    "odd even divisibleby none boolean false true integer float lower upper string mapping number sequence iterable"
    " in == eq equalto != ne > gt greaterthan >= ge < lt lessthan <= le"
)

PREDICATES: dict[str, Callable[..., bool]] = {
    "defined": lambda value: value is not ABSENT,
    "undefined": lambda value: value is ABSENT,
    **{name: cast("Callable[..., bool]", tests.TESTS[name]) for name in _NAMES.split()},
}
"""Every test that a template may use, by name."""

CALM = frozenset({"defined", "undefined", "none", "boolean", "false", "true", "integer", "float", "string"}) | {
    "mapping",
    "number",
    "sequence",
}
"""Tests that an absent value may take: they ask what it is, not what it holds."""
