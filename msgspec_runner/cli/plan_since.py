"""``msgspec-runner plan --since REF``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import click

from msgspec_runner.cli.comparing import compare_plans
from msgspec_runner.cli.connection import choose_api, choose_ledger
from msgspec_runner.cli.since import compared
from msgspec_runner.ledger import ledger_exists, open_ledger
from msgspec_runner.model import SANDBOX_ORIGIN
from msgspec_runner.project import recipients_file
from msgspec_runner.reports.plan_changes import PlanChanges, plan_changes_json, plan_changes_text
from msgspec_runner.reports.plan_changes_markdown import plan_changes_markdown

_FORMATS: Mapping[str, Callable[[PlanChanges], str]] = {
    "text": plan_changes_text,
    "markdown": plan_changes_markdown,
}


def plan_since(
    ref: str,
    paths: tuple[Path, ...],
    profile: str | None,
    *,
    output: str,
    sandbox: bool,
    base_url: str | None,
    ledger: str | None,
    recipients: Path | None,
    variables: Mapping[str, str],
    show_data: bool,
    show_numbers: bool,
) -> int:
    """Show what a change means for the people who get the messages; return the exit code.

    Args:
        ref: of ``--since``.
        paths: specs and folders; none means the configuration's.
        profile: of ``--profile``.
        output: of ``--output``.
        sandbox: of ``--sandbox``.
        base_url: of ``--base-url``.
        ledger: of ``--ledger``.
        recipients: of ``--recipients``.
        variables: of ``--var``.
        show_data: of ``--show-data``.
        show_numbers: of ``--show-numbers``; text and Markdown hold no numbers.
    """
    with ExitStack() as stack:
        file = stack.enter_context(recipients_file(recipients))
        found = stack.enter_context(compared(ref, paths, profile))
        config = found.project.config
        api = None if sandbox else choose_api(base_url)
        location = ledger if sandbox else choose_ledger(ledger, config)
        book = None
        if (location or not sandbox) and ledger_exists(location, config.root):
            loopback = api is None or api.loopback
            book = open_ledger(location, config.root, loopback_or_sandbox=loopback, create=False, reads=True)
            stack.callback(book.close)
        origin = api.origin if api is not None else SANDBOX_ORIGIN
        changes = compare_plans(found, book, origin, variables, file, show_data=show_data)
        as_json = output == "json"
        click.echo(plan_changes_json(changes, show_numbers=show_numbers) if as_json else _FORMATS[output](changes))
    return 1 if changes.is_broken else 0
