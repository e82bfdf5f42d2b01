"""Patterns that are compiled late are patterns like others, and none of the package's own is a mistake."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

import msgspec_runner
from msgspec_runner.content.patterns import later

PACKAGE = Path(msgspec_runner.__file__).parent


def users() -> list[str]:
    """Return the modules that have such patterns."""
    return sorted(
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in PACKAGE.rglob("*.py")
        if "import later" in path.read_text(encoding="utf-8")
    )


@pytest.mark.parametrize("name", users())
def test_every_pattern_of_the_package_can_be_compiled(name: str) -> None:
    found = [
        each
        for value in vars(import_module(name)).values()
        for each in (value.values() if isinstance(value, dict) else [value])
        if type(each) is type(later(""))
    ]
    for each in found:
        assert each.pattern
    source = (PACKAGE.parent / Path(*name.split("."))).with_suffix(".py").read_text(encoding="utf-8")
    calls = [
        node
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "later"
    ]
    assert len({id(each) for each in found}) >= len(calls)  # more: one may be imported


def test_a_late_pattern_is_a_pattern_with_its_flags() -> None:
    made, late = (
        re.compile("(?P<x>a+)$", re.IGNORECASE | re.MULTILINE),
        later("(?P<x>a+)$", re.IGNORECASE | re.MULTILINE),
    )
    text = "bAa\naaA\nab"
    assert [found.span("x") for found in late.finditer(text)] == [found.span("x") for found in made.finditer(text)]
    assert late.sub("-", text, 1) == made.sub("-", text, 1)
    assert late.fullmatch("aa") is not None
    assert late.match(text, 1) is not None
    assert late.flags == made.flags


def test_a_mistake_is_told_at_the_first_use() -> None:
    late = later("(")
    with pytest.raises(re.error):
        late.search("")
