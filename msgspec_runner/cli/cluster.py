"""``msgspec-runner cluster``."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import click

from msgspec_runner.cli.clustering import shared_runs
from msgspec_runner.cli.connection import choose_ledger, ledger_option
from msgspec_runner.cli.options import Terminal, common
from msgspec_runner.cli.runs import find_run, who
from msgspec_runner.errors import UsageError
from msgspec_runner.ledger import RunStatus, open_ledger
from msgspec_runner.project import configure
from msgspec_runner.reports.text import printable


@click.group("cluster", short_help="Steer a run that workers carry out.")
def command() -> None:
    """Steer a run that workers carry out: let it wait, go on, or end. RUN is a run's id, the beginning of one, or
    `latest`.

    \b
    Examples:
      msgspec-runner cluster pause 20261123-114501-x7k2
      msgspec-runner cluster resume 20261123-114501-x7k2
    """


@command.command("pause", short_help="Let a run wait.")
@click.argument("run")
@ledger_option
@common
def pause(*, run: str, ledger: str | None, profile: str | None, terminal: Terminal) -> int:
    """Let RUN wait: workers finish what is in flight, and claim nothing more until `cluster resume`.

    RUN is a run's id, the beginning of one, or `latest`.

    \b
    Examples:
      msgspec-runner cluster pause 20261123-114501-x7k2
      msgspec-runner cluster pause latest
    """
    words = "waits: what is in flight is finished; go on with `msgspec-runner cluster resume {run}`"
    return _steer(run, "pause", ledger, profile, words)


@command.command("resume", short_help="Let a run go on.")
@click.argument("run")
@ledger_option
@common
def resume(*, run: str, ledger: str | None, profile: str | None, terminal: Terminal) -> int:
    """Let RUN go on after `cluster pause`. RUN is a run's id, the beginning of one, or `latest`.

    \b
    Example:
      msgspec-runner cluster resume 20261123-114501-x7k2
    """
    return _steer(run, "go", ledger, profile, "goes on")


@command.command("stop", short_help="End a run early.")
@click.argument("run")
@ledger_option
@common
def stop(*, run: str, ledger: str | None, profile: str | None, terminal: Terminal) -> int:
    """End RUN early: workers finish what is in flight. What was not sent stays planned, for the next `send`.

    RUN is a run's id, the beginning of one, or `latest`.

    \b
    Example:
      msgspec-runner cluster stop 20261123-114501-x7k2
    """
    return _steer(run, "stop", ledger, profile, "stops: what is in flight is finished, the rest stays planned")


def _steer(run: str, wanted: str, ledger: str | None, profile: str | None, words: str) -> int:
    config = configure((), profile)
    location = choose_ledger(ledger, config)
    with closing(open_ledger(location, config.root, loopback_or_sandbox=True, create=False)) as book:
        shared: Any = shared_runs(book)
        shared.check()
        chosen = find_run(book, run)
        kept, why = shared.held().get(chosen.id, ("", None))
        if wanted == kept == "pause":  # who paused it first is who is told
            said = f"is paused already{f' ({why})' if why else ''}: go on with"
            click.echo(printable(f"run {chosen.id} {said} `msgspec-runner cluster resume {chosen.id}`"))
            return 0
        reason = {"pause": f"paused by {who()}", "stop": f"stopped by {who()}"}.get(wanted)
        before = shared.steer(chosen.id, wanted, reason)
        if before is None:
            raise UsageError(f"run {chosen.id} is not shared: it belongs to the process that began it (Ctrl-C there)")
        if before.status is not RunStatus.RUNNING:
            raise UsageError(f"run {chosen.id} has ended already: {before.status.value}")
        if before.wanted == "stop":
            raise UsageError(f"run {chosen.id} is stopping already. To go on, run the same `send` again afterwards")
        already = " already: it was not paused" if wanted == before.wanted == "go" else ""
        click.echo(printable(f"run {chosen.id} {words.format(run=chosen.id)}{already}"))
    return 0
