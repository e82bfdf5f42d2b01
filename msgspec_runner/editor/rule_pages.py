"""Where the page of a rule lies on this machine: inside the wheel, or at the top of a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from msgspec_runner.linting.rule import Rule
from msgspec_runner.linting.rules import RULES
from msgspec_runner.reports.json_report import rule_url

_RULES = {rule.code: rule for rule in RULES}


@cache
def page(rule: Rule) -> str:
    """Return the ``file:`` URI of a rule's page; empty where the pages were not installed."""
    package = Path(__file__).resolve().parent.parent
    name = rule_url(rule.code, rule.name)
    for path in (package / "_rules" / Path(name).name, package.parent / name):
        if path.is_file():
            return path.as_uri()
    return ""


def page_of(code: str) -> str:
    """Return the same by a rule's code; empty where there is no such rule."""
    rule = _RULES.get(code)
    return page(rule) if rule is not None else ""
