"""``msgspec-runner cancel``."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from msgspec_runner.cli import completing_runs
from msgspec_runner.cli.connection import Api, api_options, choose_api, read_api_key
from msgspec_runner.cli.options import Terminal, common
from msgspec_runner.cli.outputs import readable
from msgspec_runner.cli.runs import (
    SHOWN,
    asking_options,
    check_confirmed,
    check_origin,
    find_run,
    message_line,
    past_ledger,
    who,
)
from msgspec_runner.dispatch.cancel import AT_ONCE, Cancelled, cancel, still_scheduled
from msgspec_runner.errors import INTERRUPTED
from msgspec_runner.ledger import Ledger, Record, Stored
from msgspec_runner.model import State
from msgspec_runner.project import configure
from msgspec_runner.reports.run_summary import shown
from msgspec_runner.reports.text import count, printable
from msgspec_runner.sociocs.client import Client
from msgspec_runner.sociocs.lookups import Deletion, Lookups
from msgspec_runner.sociocs.network import check_network


@click.command("cancel", short_help="Take back what is still scheduled.")
@click.argument("run", shell_complete=completing_runs.runs)
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="Form of the output.")
@asking_options
@api_options
@common
def command(
    *,
    run: str,
    output: str,
    yes: bool,
    api_key_file: Path | None,
    timeout: float | None,
    show_numbers: bool,
    base_url: str | None,
    ledger: str | None,
    profile: str | None,
    terminal: Terminal,
) -> int:
    """Delete the messages of RUN that the API still keeps for later: those with a schedule, a hold, or a window.

    What was sent cannot be taken back. What is cancelled is not planned again by `send`; raise the spec's edition for
    that. Exit code 1 where the API refused a message, 3 where it is not known what became of one: no answer came, or
    the API does not find it any more.

    \b
    Example:
      msgspec-runner cancel 20261123-114501-x7k2 --yes
    """
    config = configure((), profile)
    api = choose_api(base_url)
    check_network(api.base_url)
    with past_ledger(ledger, config, api, terminal) as book:
        chosen = find_run(book, run)
        origin = check_origin(chosen, api, "cancelled")
        messages = still_scheduled(book.stored(chosen.id, {State.ACCEPTED}, origin), datetime.now(UTC))
        done, interrupted = Cancelled(), False
        if messages:
            key = read_api_key(api_key_file)
            check_confirmed(
                f"Cancel {count(len(messages), 'scheduled message')} of run {chosen.id} at {printable(api.origin)}?",
                "nothing was cancelled",
                yes=yes,
            )
            work = _cancel(book, api, key, messages, chosen.id, timeout or config.timeout)
            done, interrupted = asyncio.run(work)
        if output == "json":
            terminal.report(_json(readable(book.messages(run=chosen.id), terminal), chosen.id, done))
        elif not messages:
            terminal.report("nothing is scheduled any more")
        else:
            _tell(done, terminal, show_numbers=show_numbers)
    if interrupted:
        terminal.warn("interrupted: what was under way is recorded, the rest is still scheduled: run the command again")
        return INTERRUPTED
    if done.stop is not None:
        raise done.stop
    if done.count(Deletion.GONE):
        terminal.warn("what became of those that the API does not find is not known: look in app.sociocs.com")
    if done.count(Deletion.UNKNOWN):
        terminal.warn("it is not known whether the others were deleted: run the command again")
    if done.count(Deletion.GONE) or done.count(Deletion.UNKNOWN):
        return 3
    return 1 if done.failed else 0


async def _cancel(
    book: Ledger, api: Api, key: str, messages: Sequence[Stored], run: str, seconds: float
) -> tuple[Cancelled, bool]:
    """Cancel; say also whether Ctrl-C ended it. The first one lets what is under way finish, and be recorded."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()

    def stop() -> None:
        stopping.set()
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    async with Client(api.base_url, key, concurrency=AT_ONCE, timeout=seconds) as client:
        lookups = [Lookups(client, key) for _ in range(min(AT_ONCE, len(messages)))]
        done = await cancel(book, lookups, messages, who(), f"cancel {run}", is_stopping=stopping.is_set)
    return done, stopping.is_set()


_FAILURES = {
    Deletion.REFUSED: "not cancelled, so still accepted: the API refused",
    Deletion.GONE: "no longer scheduled at the API, so left as accepted: perhaps cancelled before, perhaps sent",
    Deletion.UNKNOWN: "perhaps cancelled, so still accepted: the API did not answer",
}
"""How it is told what became of a message that was not cancelled."""


def _tell(done: Cancelled, terminal: Terminal, *, show_numbers: bool) -> None:
    terminal.report(f"{count(len(done.keys), 'message')} cancelled")
    if done.already:
        terminal.report(f"{len(done.already):,} cancelled already, by somebody else")
    for outcome, words in _FAILURES.items():
        failed = [each for each in done.failed if each.deleted.outcome is outcome]
        if failed:
            terminal.report(f"{len(failed):,} {words}")
        for each in failed[:SHOWN]:
            words = each.deleted.words if show_numbers else shown(each.deleted.words)
            terminal.report(message_line(each.stored.message, words, show_numbers=show_numbers))
        if len(failed) > SHOWN:
            terminal.report(f"  and {len(failed) - SHOWN:,} more: `--output json` has all")


def _json(records: Iterable[Record], run: str, done: Cancelled) -> str:
    """Return the report with the one message object, as ``status`` has it."""
    keys: dict[str, Collection[str]] = {"cancelled": set(done.keys), "cancelled_already": set(done.already)}
    for outcome in _FAILURES:
        keys[outcome.value] = {each.stored.message.key for each in done.failed if each.deleted.outcome is outcome}
    lists: dict[str, list[dict[str, object]]] = {name: [] for name in keys}
    for record in records:
        for name, wanted in keys.items():
            if record.key in wanted and record.state is not State.SKIPPED:
                lists[name].append({**record.as_dict()})
    why = {each.stored.message.key: each.deleted.words for each in done.failed}
    return json.dumps({"version": 1, "run": run, **lists, "why": why}, ensure_ascii=False, indent=2)
