"""Which rules run, and which findings of a file are wanted: ``select``, ``ignore``, ``per-file-ignores``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from msgspec_runner.config import Config
from msgspec_runner.diagnostics import Diagnostic, Severity
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
    for selector in (*config.select, *config.ignore):
        find_rules(selector)
    in_files = [code for codes in config.per_file_ignores.values() for code in codes]
    for key, selectors in (("severity", config.severity), ("per-file-ignores", in_files)):
        for selector in selectors:
            try:
                find_rules(selector)
            except UsageError as error:
                raise UsageError(f"{key}: {error}") from None
    chosen = tuple(
        rule for rule in RULES if (matches(rule, config.select) if config.select else not rule.code.startswith(OPT_IN))
    )
    return tuple(rule for rule in chosen if not matches(rule, config.ignore))


def find_rules(selector: str) -> tuple[Rule, ...]:
    """Return the rules that a code, the beginning of one, or a name selects.

    Raises:
        UsageError: there are none.
    """
    found = tuple(rule for rule in RULES if matches(rule, (selector,)))
    if not found:
        raise UsageError(f"no rule {selector}; {_meant(selector)}")
    return found


def matches(rule: Rule | Diagnostic, selectors: Iterable[str]) -> bool:
    """Say whether any selector means the rule, or that of a finding: ALL, its code or the beginning of it, its name.

    ``MSG`` may be left out: ``203`` is MSG203.
    """
    return any(
        selector.upper() == "ALL"
        or (selector != "" and rule.code.startswith(_code(selector)))
        or rule.name == selector.lower()
        for selector in selectors
    )


def _code(selector: str) -> str:
    return f"MSG{selector}" if selector.isdigit() else selector.upper()


def configured_severity(rule: Rule, config: Config) -> Severity | None:
    """Return what ``severity`` in the configuration says of a rule: of its code or name before its family; or None."""
    said = [selector for selector in config.severity if matches(rule, (selector,))]
    return config.severity[max(said, key=lambda selector: _exactness(rule, selector))] if said else None


def _exactness(rule: Rule, selector: str) -> int:
    return len(rule.code) if selector.lower() == rule.name else 0 if selector.upper() == "ALL" else len(_code(selector))


MAX_NAMED = 5
"""Rules that a hint names; more is no hint."""


def _meant(selector: str) -> str:
    """Say which rules may be meant by a word that selects none."""
    if re.fullmatch(r"MSG\d+", _code(selector)):
        return _near_code(_code(selector))
    named, told = _about(selector)
    match = None if named else closest(selector, [rule.code for rule in RULES] + [rule.name for rule in RULES])
    if match:
        return f"did you mean {match}?"
    rules = list(dict.fromkeys((*named, *told)))
    if not rules:
        return "`msgspec-runner rule` lists all rules"
    listed = ", ".join(f"{rule.code} {rule.name}" for rule in rules[:MAX_NAMED])
    return f"did you mean {listed}{', …' if len(rules) > MAX_NAMED else ''}?"


def _near_code(code: str) -> str:
    """Say which codes begin like one that there is not; none is near another, only because its digits look so."""
    while len(code) > len("MSG1"):
        code = code[:-1]
        family = [rule for rule in RULES if rule.code.startswith(code)]
        if len(family) == 1:
            return f"did you mean {family[0].code} {family[0].name}?"
        if family:
            return f"`msgspec-runner rule {code}` lists {family[0].code} to {family[-1].code}"
    return "`msgspec-runner rule` lists all rules"


def _about(words: str) -> tuple[list[Rule], list[Rule]]:
    """Return the rules that have the words in their name, and those that speak of them."""
    asked = [re.compile(rf"\b{re.escape(word)}") for word in re.findall(r"\w+", words.lower().replace("_", " "))]
    if not asked:
        return [], []
    named = [rule for rule in RULES if all(word.search(rule.name) for word in asked)]
    texts = {rule: rule.doc.partition("Bad::")[0].lower() for rule in RULES}
    return named, [rule for rule, text in texts.items() if all(word.search(text) for word in asked)]


def ignored_in_file(diagnostic: Diagnostic, config: Config) -> bool:
    """Say whether ``per-file-ignores`` leaves a finding out. Patterns are relative to the project's root."""
    if not config.per_file_ignores:
        return False
    path = Path(diagnostic.file).resolve()
    inside = path.relative_to(config.root.resolve()).as_posix() if path.is_relative_to(config.root.resolve()) else ""
    return any(
        (fnmatch(inside, pattern) or fnmatch(path.name, pattern)) and matches(diagnostic, codes)
        for pattern, codes in config.per_file_ignores.items()
    )
