"""``msgspec-runner rule``."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable

import click

from msgspec_runner.cli import completing
from msgspec_runner.cli.options import Terminal, common
from msgspec_runner.linting.rule import Rule
from msgspec_runner.linting.rules import RULES
from msgspec_runner.linting.selection import find_rules
from msgspec_runner.reports.json_report import rule_url
from msgspec_runner.reports.paint import COLORS, Paint, painter
from msgspec_runner.reports.rule_help import plain, summary


@click.command("rule", short_help="Explain one rule, or list all.")
@click.argument("code", required=False, shell_complete=completing.rules)
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="Form of the output.")
@common
def command(*, code: str | None, output: str, profile: str | None, terminal: Terminal) -> int:
    """Explain one rule, or list all. CODE is a code, the beginning of one, or a rule's name.

    \b
    Examples:
      msgspec-runner rule MSG201
      msgspec-runner rule several-media
      msgspec-runner rule --output json
    """
    rules = find_rules(code) if code else RULES
    paint = painter(color=terminal.colors())
    if output == "json":
        one = code is not None and len(rules) == 1
        report = _as_dict(rules[0]) if one else [_as_dict(rule) for rule in rules]
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    elif code and len(rules) == 1:
        click.echo(explain(rules[0], paint), color=True)
    else:
        click.echo("\n".join(_table(rules, paint)), color=True)
    return 0


def explain(rule: Rule, paint: Paint) -> str:
    """Return a rule's page for the terminal."""
    color = COLORS[rule.severity]
    return f"{paint(rule.code, color)} {paint(rule.name, 'bold')} ({rule.severity})\n\n{plain(rule)}"


def _table(rules: Iterable[Rule], paint: Paint) -> Iterable[str]:
    for rule in rules:
        color = COLORS[rule.severity]
        yield f"{rule.code}  {paint(f'{rule.severity:<7}', color)}  {rule.name:<28} {summary(rule)}"


def _as_dict(rule: Rule) -> dict[str, str]:
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.value,
        "summary": summary(rule),
        "doc": inspect.cleandoc(rule.doc),
        "url": rule_url(rule.code, rule.name),
    }
