"""``msgspec-runner plan``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import click

from msgspec_runner.cli.connection import api_options, choose_api, choose_ledger
from msgspec_runner.cli.options import Terminal, common, paths_argument, recipients_option, var_option
from msgspec_runner.cli.preparing import NotSound, lint_first, make_plan, plan_lines
from msgspec_runner.dispatch.plan import Decision
from msgspec_runner.dispatch.planner import Plan
from msgspec_runner.ledger import ledger_exists, open_ledger
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.model import SANDBOX_ORIGIN
from msgspec_runner.project import load, recipients_file
from msgspec_runner.reports.text import count

OUTPUTS = ("text", "json", "markdown")
"""What ``--output`` takes."""


@click.command("plan", short_help="Show what `send` would do, against the ledger.")
@paths_argument()
@click.option("--output", type=click.Choice(OUTPUTS), default="text", help="Form of the output.")
@click.option("--sandbox", is_flag=True, help="Plan for the sandbox, where everything is new.")
@api_options
@recipients_option
@var_option
@common
def command(
    *,
    paths: tuple[Path, ...],
    output: str,
    sandbox: bool,
    base_url: str | None,
    ledger: str | None,
    recipients: Path | None,
    variables: Mapping[str, str],
    profile: str | None,
    terminal: Terminal,
) -> int:
    """Show what `send` would do: new, already sent, changed since sent, in doubt, skipped; and the SMS segments.

    Without a ledger everything is new; none is created.

    \b
    Examples:
      msgspec-runner plan specs/reminder.yaml
      msgspec-runner plan --output markdown
    """
    project = load(paths, profile)
    with ExitStack() as stack:
        file = stack.enter_context(recipients_file(recipients))
        api = None if sandbox else choose_api(base_url)
        location = ledger if sandbox else choose_ledger(ledger, project.config)
        try:
            sound = lint_first(project, variables, file, terminal, data_on_stdout=output != "text")
        except NotSound:
            return 1
        book = None
        if (location or not sandbox) and ledger_exists(location, project.config.root):
            loopback = api is None or api.loopback
            book = open_ledger(location, project.config.root, loopback_or_sandbox=loopback, create=False)
            stack.callback(book.close)
        elif not sandbox:
            terminal.note("no ledger here: everything is taken as new")
        spool = stack.enter_context(PlanSpool())
        plan = make_plan(sound, spool, book, api.origin if api else SANDBOX_ORIGIN)
        click.echo(_FORMATS[output](plan))
    return 0


def _text(plan: Plan) -> str:
    new, segments = plan.count(Decision.NEW), plan.segments
    cost = f" ({count(segments, 'segment')})" if segments else ""
    waiting = sum(plan.scheduled.values())
    later = f", {waiting:,} of them scheduled for later" if waiting else ""
    last = f"`send` would send {count(new, 'message')}{cost}{later}" if new else "nothing to send"
    return "\n".join([*plan_lines(plan), last])


def _json(plan: Plan) -> str:
    totals = {decision.name.lower(): plan.count(decision) for decision in Decision}
    report = {
        "version": 1,
        "specs": [spec.as_dict() for spec in plan.specs],
        "totals": {
            **totals,
            "scheduled": {reason.value: number for reason, number in plan.scheduled.items()},
            "segments": plan.segments,
        },
    }
    return json.dumps(report, ensure_ascii=False, indent=2)


def _markdown(plan: Plan) -> str:
    columns = [decision for decision in Decision if decision is Decision.NEW or plan.count(decision)]
    waits = [reason for reason, number in plan.scheduled.items() if number]
    heads = [*columns, *(f"scheduled ({reason})" for reason in waits), "segments"]
    lines = ["| spec | edition | " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) + 1)]
    for spec in plan.specs:
        numbers = [spec.decisions[decision] for decision in columns] + [spec.scheduled[reason] for reason in waits]
        segments = "" if spec.segments is None else f"{spec.segments:,}"
        lines.append(f"| `{spec.spec}` | {spec.edition} | {' | '.join(f'{n:,}' for n in numbers)} | {segments} |")
    return "\n".join(lines)


_FORMATS = {"text": _text, "json": _json, "markdown": _markdown}
