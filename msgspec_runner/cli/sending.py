"""What ``send`` does once all is planned: ask, enter the run into the ledger, dispatch, and tell how it ended."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from msgspec_runner._version import __version__
from msgspec_runner.cli.connection import Api
from msgspec_runner.cli.options import Terminal
from msgspec_runner.cli.outputs import write_outputs
from msgspec_runner.cli.preparing import Sound, plan_lines
from msgspec_runner.cli.watching import watch
from msgspec_runner.dispatch.pace import parse_rate
from msgspec_runner.dispatch.plan import Decision
from msgspec_runner.dispatch.planner import Plan, duplicate_skips, left_out, new_messages
from msgspec_runner.dispatch.progress import RunResult
from msgspec_runner.errors import LedgerError, RunStoppedError, UsageError
from msgspec_runner.ledger import Ledger, Run, new_run_id
from msgspec_runner.ledger.ledger import Totals
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.model import SANDBOX_ORIGIN
from msgspec_runner.reports.run_summary import summary_lines
from msgspec_runner.reports.text import count


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked ``send`` for, beside what to send."""

    sandbox: bool
    yes: bool
    limit: int | None
    most: int | None
    skip_invalid: int | None
    concurrency: int | None
    rate: str | None
    timeout: float | None
    results: Path | None
    junit: Path | None
    api_key_file: Path | None
    output: str


@dataclass(frozen=True, slots=True)
class Sending:
    """Everything that a run needs, from the plan to the exit code."""

    sound: Sound
    plan: Plan
    spool: PlanSpool
    book: Ledger
    api: Api | None
    key: str
    options: Options
    terminal: Terminal

    def carry_out(self) -> int:
        """Send what is new; return the exit code."""
        new = self.plan.count(Decision.NEW)
        if self.options.most is not None and new > self.options.most:
            raise UsageError(
                f"{count(new, 'message')} are new, more than --max {self.options.most:,}. Nothing was sent."
            )
        number = min(new, self.options.limit or new)
        for line in plan_lines(self.plan):
            self.terminal.note(line)
        if not new:
            return self._nothing()
        if not self._confirmed(number):
            self.terminal.warn("not confirmed: nothing was sent")
            return 2
        rate, rates = self._rate(), self._rates()
        run = self._begin(number)
        try:
            result = self._dispatch(run, number, rate, rates)
        except LedgerError as error:
            # Exit 2 would say that nothing was sent.
            raise RunStoppedError(
                f"{error}\nNothing more was sent. What was sent and could not be recorded is in doubt. "
                "Once the ledger can be written again, run the same command again to go on."
            ) from error
        return self._report(run, result)

    def _nothing(self) -> int:
        waiting, invalid = self.plan.count(Decision.IN_DOUBT), self.plan.count(Decision.INVALID)
        self.terminal.warn("nothing to send")
        self._write_files(None)
        if self.options.output == "json":
            totals = Totals().as_dict()
            self.terminal.report(json.dumps({"version": 1, "run": None, "totals": totals, "stopped": None}))
        self._remind(waiting, invalid)
        return 3 if waiting else 1 if invalid else 0

    def _remind(self, waiting: int, invalid: int) -> None:
        """Say why the exit code is 3 or 1 although this run did well."""
        if invalid:
            self.terminal.warn(f"{count(invalid, 'row')} left out as invalid: correct them and run the command again")
        if waiting:
            rest = f"{count(waiting, 'message')} of earlier runs still in doubt"
            self.terminal.warn(f"{rest}: settle them with `msgspec-runner reconcile`")

    def _confirmed(self, number: int) -> bool:
        if self.options.yes or self.api is None:
            return True
        segments = self.plan.segments
        cost = f", {count(segments, 'segment')}," if segments and number == self.plan.count(Decision.NEW) else ""
        return confirmed(f"Send {count(number, 'message')}{cost} to {self.api.origin}?", self.terminal)

    def _begin(self, number: int) -> str:
        """Enter the run and its messages into the ledger, as many as were said and no more.

        From here on a crash forgets nothing.
        """
        origin = self.api.origin if self.api else SANDBOX_ORIGIN
        run = new_run_id()
        specs = tuple(target.spec.id for target in self.sound.targets)
        self.book.begin(Run(run, origin, specs, __version__, socket.gethostname(), os.getpid()))
        rails = self.sound.rails()  # of this moment: to confirm may have taken an hour
        self.book.plan(run, new_messages(self.spool, self.book, rails, number))
        self.book.skip(run, duplicate_skips(self.spool))
        self.book.skip(run, self.spool.left_out())
        self.book.skip(run, left_out(self.spool, self.book, rails))
        return run

    def _dispatch(self, run: str, number: int, rate: float | None, rates: dict[str, float]) -> RunResult:
        from msgspec_runner.dispatch.running import run_dispatcher

        config = self.sound.config
        with server(self.api) as url, watch(self.terminal, number) as on_event:
            return run_dispatcher(
                self.book,
                run,
                base_url=url,
                api_key=self.key,
                concurrency=self.options.concurrency or config.concurrency,
                timeout=self.options.timeout or config.timeout,
                rate=rate,
                rates=rates,
                retry_server_errors=config.server_errors == "retry",
                on_event=on_event,
            )

    def _rate(self) -> float | None:
        """Return the rate of the whole run."""
        asked = self.options.rate or self.sound.config.rate
        return parse_rate(asked).per_second if asked else None

    def _rates(self) -> dict[str, float]:
        """Return the rates of the specs that have one: each holds for its own messages, whatever a flag says."""
        asked = {target.spec.id: target.spec.delivery.rate for target in self.sound.targets}
        return {spec: parse_rate(text).per_second for spec, text in asked.items() if text is not None}

    def _write_files(self, run: str | None) -> None:
        specs = [target.spec.id for target in self.sound.targets]
        write_outputs(self.book, run, specs, self.options.results, self.options.junit, self.terminal)

    def _report(self, run: str, result: RunResult) -> int:
        self._write_files(run)
        if self.options.output == "json":
            totals, stopped = result.totals.as_dict(), result.stopped_reason
            self.terminal.report(json.dumps({"version": 1, "run": run, "totals": totals, "stopped": stopped}))
        for line in summary_lines(run, result, self.book.messages(run=run)):
            self.terminal.warn(line)
        waiting = self.plan.count(Decision.IN_DOUBT)
        invalid = self.plan.count(Decision.INVALID)
        self._remind(waiting, invalid)
        return exit_code(result, earlier_doubts=waiting, left_out=invalid)


def exit_code(result: RunResult, *, earlier_doubts: int = 0, left_out: int = 0) -> int:
    """Return the exit code of a run; where several hold: 130, 5, 3, 1 (contract, section 2).

    Args:
        result: how the run ended.
        earlier_doubts: messages of this plan that an earlier run left in doubt.
        left_out: rows that were wrong, and that nobody was texted for.
    """
    if result.interrupted:
        return 130
    if result.stopped_reason is not None:
        return 5
    if result.totals.in_doubt or earlier_doubts:
        return 3
    return 1 if result.totals.rejected or left_out else 0


def confirmed(question: str, terminal: Terminal) -> bool:
    """Ask a person.

    Raises:
        UsageError: there is nobody to ask.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("there is no terminal to confirm at: add --yes. Nothing was sent.")
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        terminal.warn("\nnothing was sent")
        raise


@contextmanager
def server(api: Api | None) -> Iterator[str]:
    """Yield the API's base URL; without an API, that of a sandbox which is there as long as it is needed."""
    if api is not None:
        yield api.base_url
        return
    from msgspec_runner.sandbox.server import RunningSandbox

    with RunningSandbox() as sandbox:
        yield sandbox.url
