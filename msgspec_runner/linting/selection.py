"""Which rules run, and which findings of a file are wanted: ``select``, ``ignore``, ``per-file-ignores``."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from msgspec_runner.config import Config
from msgspec_runner.diagnostics import Diagnostic
from msgspec_runner.errors import UsageError
from msgspec_runner.linting.rule import Rule, closest
from msgspec_runner.linting.rules import RULES

OPT_IN = "MSG7"
"""Rules that run only when they are selected: compliance (contract, section 3)."""


def selected(config: Config) -> tuple[Rule, ...]:
    """Return the rules that the configuration wants: those selected, or all that are no opt-in, less those ignored.

    Raises:
        UsageError: a selector names no rule.
    """
    for selector in (*config.select, *config.ignore, *config.severity):
        find_rules(selector)
    chosen = tuple(
        rule for rule in RULES if (matches(rule, config.select) if config.select else not rule.code.startswith(OPT_IN))
    )
    return tuple(rule for rule in chosen if not matches(rule, config.ignore))


def find_rules(selector: str) -> tuple[Rule, ...]:
    """Return the rules that a code, the beginning of one, or a name selects.

    Raises:
        UsageError: there are none.
    """
    selector = f"MSG{selector}" if selector.isdigit() else selector
    found = tuple(rule for rule in RULES if matches(rule, (selector,)))
    if not found:
        match = closest(selector, [rule.code for rule in RULES] + [rule.name for rule in RULES])
        hint = f"did you mean {match}?" if match else "`msgspec-runner rule` lists all rules"
        raise UsageError(f"no rule {selector}; {hint}")
    return found


def matches(rule: Rule, selectors: Iterable[str]) -> bool:
    """Say whether any selector means the rule: ALL, its code or the beginning of it, or its name."""
    return any(
        selector.upper() == "ALL" or rule.code.startswith(selector.upper()) or rule.name == selector.lower()
        for selector in selectors
    )


def ignored_in_file(diagnostic: Diagnostic, config: Config) -> bool:
    """Say whether ``per-file-ignores`` leaves a finding out. Patterns are relative to the project's root."""
    if not config.per_file_ignores:
        return False
    path = Path(diagnostic.file).resolve()
    inside = path.relative_to(config.root.resolve()).as_posix() if path.is_relative_to(config.root.resolve()) else ""
    return any(
        (fnmatch(inside, pattern) or fnmatch(path.name, pattern))
        and any(diagnostic.code.startswith(code.upper()) or diagnostic.name == code.lower() for code in codes)
        for pattern, codes in config.per_file_ignores.items()
    )
