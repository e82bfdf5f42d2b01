"""A page for each rule, from its docstring, and their index. The rule is the home of every word."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import PurePosixPath

from msgspec_runner.linting.rule import Rule
from msgspec_runner.linting.rules import RULES
from msgspec_runner.reports.json_report import rule_url
from msgspec_runner.reports.rule_help import markdown

FAMILIES = {
    "MSG1": "YAML and shape",
    "MSG2": "The message contract",
    "MSG3": "Provider and template",
    "MSG4": "Jinja",
    "MSG5": "Recipients' data",
    "MSG6": "What a recipient would get",
    "MSG7": "Compliance (opt-in: `--select MSG7`)",
    "MSG9": "The runner's own",
}
NOTE = "<!-- Generated from the rule's docstring by `make docs`. -->\n"


def rule_pages() -> Iterator[tuple[str, str]]:
    """Yield every page: its path in the repository, and its text."""
    for rule in RULES:
        yield rule_url(rule.code, rule.name), _page(rule)
    yield "docs/rules/README.md", _index()


def _page(rule: Rule) -> str:
    summary, _, rest = inspect.cleandoc(rule.doc).partition("\n")
    off = " It is off unless it is selected." if rule.code.startswith("MSG7") else ""
    return (
        f"{NOTE}\n# {rule.code} {rule.name}\n\n**{rule.severity}** · {FAMILIES[rule.code[:4]]}\n\n"
        f"{markdown(summary)}{off}\n{markdown(rest)}\n\n"
        f"All rules: [README.md](README.md). In a terminal: `msgspec-runner rule {rule.code}`.\n"
    )


def _index() -> str:
    parts = [
        NOTE,
        "# Rules",
        "",
        "Every finding has a code that never changes, a name, and the exact place of the offending characters.",
        "`select`, `ignore`, `severity` and `per-file-ignores` in the configuration take codes and their beginnings",
        "(`MSG2` is the whole family), `--select` and `--ignore` do too. A rule keeps its code for ever.",
    ]
    for prefix, title in FAMILIES.items():
        rules = [rule for rule in RULES if rule.code.startswith(prefix)]
        if rules:
            parts += ["", f"## {title}", "", "| code | name | severity | what is wrong |", "| --- | --- | --- | --- |"]
            parts += [_row(rule) for rule in rules]
    return "\n".join([*parts, ""])


def _row(rule: Rule) -> str:
    summary = markdown(inspect.cleandoc(rule.doc).split("\n", 1)[0]).replace("|", "\\|")
    page = PurePosixPath(rule_url(rule.code, rule.name)).name
    return f"| [{rule.code}]({page}) | {rule.name} | {rule.severity} | {summary} |"
