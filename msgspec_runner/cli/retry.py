"""``msgspec-runner retry``."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import click

from msgspec_runner._version import __version__
from msgspec_runner.cli.connection import Api, api_options, choose_api, read_api_key
from msgspec_runner.cli.options import Terminal, check_writable, common
from msgspec_runner.cli.outputs import write_outputs
from msgspec_runner.cli.runs import check_origin, find_run, past_ledger, who
from msgspec_runner.cli.sending import confirmed, exit_code, server
from msgspec_runner.cli.watching import watch
from msgspec_runner.config import MAX_TIMEOUT, Config
from msgspec_runner.dispatch.again import AGAIN, Again, kept_back, survey, to_post
from msgspec_runner.dispatch.pace import parse_rate
from msgspec_runner.dispatch.plan import Decision
from msgspec_runner.dispatch.planner import Rails
from msgspec_runner.dispatch.progress import RunResult
from msgspec_runner.dispatch.running import run_dispatcher
from msgspec_runner.errors import LedgerError, NoSpecError, RunStoppedError, UsageError
from msgspec_runner.ledger import Ledger, Run, RunStatus, Totals, new_run_id
from msgspec_runner.model import State
from msgspec_runner.project import configure, load
from msgspec_runner.recipients.suppressed import read_suppressed
from msgspec_runner.reports.run_summary import summary_lines
from msgspec_runner.reports.text import count
from msgspec_runner.sociocs.network import check_network
from msgspec_runner.spec import build_spec

_CHUNK = 500
"""Keys that are released in one transaction."""


@dataclass(frozen=True, slots=True)
class _Options:
    """What the user asked for, beside the run."""

    yes: bool
    concurrency: int | None
    rate: str | None
    timeout: float | None
    results: Path | None
    junit: Path | None
    output: str


@click.command("retry", short_help="Send again what was rejected or released.")
@click.argument("run")
@click.option("--sandbox", is_flag=True, help="The run went to a sandbox: send to one again. Needs --ledger.")
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    metavar="N",
    envvar="MSGSPEC_RUNNER_CONCURRENCY",
    help="Requests under way at once.",
)
@click.option("--rate", metavar="RATE", envvar="MSGSPEC_RUNNER_RATE", help="No faster than this: 20/s, 300/min.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=MAX_TIMEOUT),
    metavar="SECONDS",
    envvar="MSGSPEC_RUNNER_TIMEOUT",
    help="For one request.",
)
@click.option("--results", type=click.Path(path_type=Path), metavar="FILE.jsonl", help="Every message's outcome.")
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="The run as a test report.")
@click.option("--api-key-file", type=click.Path(path_type=Path), metavar="FILE", help="Instead of SOCIOCS_API_KEY.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="Form of the summary.")
@api_options
@common
def command(
    *,
    run: str,
    sandbox: bool,
    api_key_file: Path | None,
    base_url: str | None,
    ledger: str | None,
    profile: str | None,
    terminal: Terminal,
    yes: bool,
    concurrency: int | None,
    rate: str | None,
    timeout: float | None,
    results: Path | None,
    junit: Path | None,
    output: str,
) -> int:
    """Send what was rejected in RUN, or released, and still is. Everything else of RUN is left as it is.

    The messages come from the ledger, as they were: specs and recipients may have changed since. To send what is
    corrected, use `send`. Numbers that are suppressed by now, and what has expired, are left out.

    \b
    Examples:
      msgspec-runner retry 20261123-114501-x7k2 --yes
      msgspec-runner retry 20261123-114501-x7k2 --rate 5/s --results results.jsonl --yes
    """
    config = configure((), profile)
    api = None if sandbox else choose_api(base_url)
    if api is not None:
        check_network(api.base_url)
    key = "sandbox" if api is None else read_api_key(api_key_file)
    if rate is not None:
        parse_rate(rate)
    for flag, path in (("--results", results), ("--junit", junit)):
        if path is not None:
            check_writable(path, flag)
    suppressed = read_suppressed(config.suppressions, config.root)
    options = _Options(yes, concurrency, rate, timeout, results, junit, output)
    with past_ledger(ledger, config, api, terminal) as book:
        chosen = find_run(book, run)
        check_origin(chosen, api, "retried")
        if chosen.status is RunStatus.RUNNING:
            raise UsageError(f"run {chosen.id} is still under way: retry it when it has ended. Nothing was sent.")
        return _Retrying(chosen, book, api, key, config, suppressed, options, terminal).carry_out()


@dataclass(frozen=True, slots=True)
class _Retrying:
    """Everything that the new run needs, from the old one to the exit code."""

    old: Run
    book: Ledger
    api: Api | None
    key: str
    config: Config
    suppressed: frozenset[str]
    options: _Options
    terminal: Terminal

    def carry_out(self) -> int:
        """Send what is to be sent again; return the exit code."""
        again = survey(self.book.stored(self.old.id, AGAIN), self._rails())
        number = again.messages.total()
        for line in _lines(self.old.id, again):
            self.terminal.note(line)
        if not number:
            return self._nothing(again)
        if not self._confirmed(again, number):
            self.terminal.warn("not confirmed: nothing was sent")
            return 2
        asked = self.options.rate or self.config.rate
        rate = parse_rate(asked).per_second if asked else None
        rates = self._rates(again.specs)
        run = self._begin(again.specs, number)
        try:
            result = self._dispatch(run, number, rate, rates)
        except LedgerError as error:
            # Exit 2 would say that nothing was sent.
            raise RunStoppedError(
                f"{error}\nNothing more was sent. What was sent and could not be recorded is in doubt. "
                f"Once the ledger can be written again: `msgspec-runner status {run}`"
            ) from error
        return self._report(run, again.specs, result)

    def _rails(self) -> Rails:
        return Rails(datetime.now(UTC), self.suppressed)

    def _nothing(self, again: Again) -> int:
        self.terminal.warn("nothing to retry")
        write_outputs(self.book, None, (), self.options.results, self.options.junit, self.terminal)
        if self.options.output == "json":
            totals = Totals().as_dict()
            self.terminal.report(json.dumps({"version": 1, "run": None, "totals": totals, "stopped": None}))
        return 1 if again.erased else 0

    def _confirmed(self, again: Again, number: int) -> bool:
        if self.options.yes or self.api is None:
            return True
        cost = f", {count(again.segments, 'segment')}," if again.segments else ""
        return confirmed(f"Send {count(number, 'message')}{cost} again to {self.api.origin}?", self.terminal)

    def _begin(self, specs: tuple[str, ...], number: int) -> str:
        """Give the messages to a new run, as many as were said and no more."""
        run, rails = new_run_id(), self._rails()  # of this moment: to confirm may have taken an hour
        self.book.begin(Run(run, self.old.origin, specs, __version__, socket.gethostname(), os.getpid()))
        chosen = (message.key for message in to_post(self.book.stored(self.old.id, AGAIN), rails))
        keys = islice(chosen, number)
        by = who()
        while chunk := list(islice(keys, _CHUNK)):
            # What has come to be in doubt since it was rejected is not released by this.
            self.book.release(chunk, f"retry {self.old.id}", by=by, only={State.REJECTED})
        released = self.book.stored(self.old.id, {State.RELEASED})
        self.book.plan(run, islice(to_post(released, rails), number))
        self.book.skip(run, kept_back(self.book.stored(self.old.id, AGAIN), rails))
        return run

    def _rates(self, specs: Iterable[str]) -> dict[str, float]:
        """Return the rates of the specs that have one; the ledger does not keep them, so the specs are asked."""
        missing = set(specs)
        rates: dict[str, float] = {}
        try:
            documents = list(load((), self.config.profile or None).documents())
        except NoSpecError:
            documents = []
        for document in documents:
            spec = build_spec(document)
            if spec.id in missing and spec.delivery.rate is not None:
                own = parse_rate(spec.delivery.rate).per_second
                rates[spec.id] = min(own, rates.get(spec.id, own))
        gone = sorted(missing - {build_spec(document).id for document in documents})
        if gone:
            self.terminal.note(f"not in the project any more: {', '.join(gone)}; a delivery.rate of theirs is not kept")
        return rates

    def _dispatch(self, run: str, number: int, rate: float | None, rates: dict[str, float]) -> RunResult:
        with server(self.api) as url, watch(self.terminal, number) as on_event:
            return run_dispatcher(
                self.book,
                run,
                base_url=url,
                api_key=self.key,
                concurrency=self.options.concurrency or self.config.concurrency,
                timeout=self.options.timeout or self.config.timeout,
                rate=rate,
                rates=rates,
                retry_server_errors=self.config.server_errors == "retry",
                on_event=on_event,
            )

    def _report(self, run: str, specs: tuple[str, ...], result: RunResult) -> int:
        write_outputs(self.book, run, specs, self.options.results, self.options.junit, self.terminal)
        if self.options.output == "json":
            totals, stopped = result.totals.as_dict(), result.stopped_reason
            self.terminal.report(json.dumps({"version": 1, "run": run, "totals": totals, "stopped": stopped}))
        for line in summary_lines(run, result, self.book.messages(run=run)):
            self.terminal.warn(line)
        return exit_code(result)


def _lines(run: str, again: Again) -> list[str]:
    """Return what would be done, for people."""
    lines = [f"run {run}, as the ledger has it: specs and recipients may have changed since"]
    for (spec, edition), number in again.messages.items():
        lines += [f"{spec} (edition {edition})", f"  {number:>9,} to send again"]
    if again.scheduled:
        lines.append(f"  {again.scheduled:>9,} of them scheduled for later")
    for decision in (Decision.SUPPRESSED, Decision.EXPIRED):
        if again.left_out[decision]:
            lines.append(f"  {again.left_out[decision]:>9,} {decision.value}")
    if again.erased:
        lines.append(f"  {again.erased:>9,} cannot be sent again: their data was erased")
    return lines
