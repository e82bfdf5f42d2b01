"""``msgspec-runner retry``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

import click

from msgspec_runner.cli import completing_runs
from msgspec_runner.cli.connection import api_options
from msgspec_runner.cli.dispatching import (
    Destination,
    Manner,
    afterwards,
    choose_destination,
    conclude,
    confirmed,
    dispatch,
    exit_code,
    manner_options,
    new_run,
)
from msgspec_runner.cli.options import Terminal, common, show_numbers_option
from msgspec_runner.cli.outputs import summary_json, write_outputs
from msgspec_runner.cli.overwriting import ledger_files, project_files, refuse_overwriting
from msgspec_runner.cli.runs import check_origin, find_run, past_ledger, who
from msgspec_runner.config import Config
from msgspec_runner.dispatch.again import AGAIN, Again, kept_back, survey, to_post
from msgspec_runner.dispatch.plan import Decision
from msgspec_runner.dispatch.planner import Rails
from msgspec_runner.dispatch.progress import RunResult
from msgspec_runner.errors import NoSpecError, UsageError
from msgspec_runner.ledger import Ledger, Run, RunStatus, Stored, Totals
from msgspec_runner.model import State
from msgspec_runner.project import Project, configure, load
from msgspec_runner.rates import parse_rate
from msgspec_runner.recipients.suppressed import read_suppressed
from msgspec_runner.reports.run_summary import Afterwards
from msgspec_runner.reports.text import count
from msgspec_runner.spec import build_spec

_CHUNK = 500
"""Keys that are released in one transaction."""

_SKIPPED = {"suppressed": Decision.SUPPRESSED, "expired": Decision.EXPIRED}


@click.command("retry", short_help="Send again what was rejected or released.")
@click.argument("run", shell_complete=completing_runs.runs)
@click.option("--sandbox", is_flag=True, help="The run went to a sandbox: send to one again. Needs --ledger.")
@manner_options
@api_options
@common
@show_numbers_option
def command(
    *,
    run: str,
    sandbox: bool,
    manner: Manner,
    base_url: str | None,
    ledger: str | None,
    profile: str | None,
    terminal: Terminal,
) -> int:
    """Send what was rejected in RUN, or released, and still is. Everything else of RUN is left as it is.

    A retry is a run of its own. To go on after it was interrupted, name that run.

    The messages come from the ledger, as they were: specs and recipients may have changed since. To send what is
    corrected, use `send`. Numbers that are suppressed by now, and what has expired, are left out.

    \b
    Examples:
      msgspec-runner retry 20261123-114501-x7k2 --yes
      msgspec-runner retry latest --rate 5/s --results results.jsonl --yes
    """
    config = configure((), profile)
    destination = choose_destination(base_url, manner.api_key_file, sandbox=sandbox)
    manner.check()
    suppressed = read_suppressed(config.suppressions, config.root)
    with past_ledger(ledger, config, destination.api, terminal) as book:
        specs = _specs(profile)
        files = specs.files if specs is not None else ()
        read = (*project_files(config), *files, manner.api_key_file, *ledger_files(config, book.location))
        refuse_overwriting(manner.files, read)
        chosen = find_run(book, run)
        check_origin(chosen, destination.api, "retried")
        if chosen.status is RunStatus.RUNNING:
            raise UsageError(f"run {chosen.id} is still under way: retry it when it has ended. Nothing was sent.")
        after = afterwards(base_url, ledger, book, destination, is_retry=True)
        return _Retrying(chosen, book, destination, config, specs, suppressed, manner, terminal, after).carry_out()


def _specs(profile: str | None) -> Project | None:
    """Return the project's specs, where there are any: a run outlives them."""
    try:
        return load((), profile)
    except NoSpecError:
        return None


@dataclass(frozen=True, slots=True)
class _Retrying:
    """Everything that the new run needs, from the old one to the exit code."""

    old: Run
    book: Ledger
    destination: Destination
    config: Config
    specs: Project | None
    suppressed: frozenset[str]
    manner: Manner
    terminal: Terminal
    after: Afterwards

    def carry_out(self) -> int:
        """Send what is to be sent again; return the exit code."""
        again = survey(self._messages(*AGAIN), self._rails())
        number = again.messages.total()
        for line in _lines(self.old.id, again):
            self.terminal.note(line)
        if not number:
            return self._nothing(again)
        if not self._confirmed(again, number):
            self.terminal.warn("not confirmed: nothing was sent")
            return 2
        rates = self._rates(again.specs)
        run, got = self._begin(again.specs, number)
        missing = (
            f"{got:,} of {count(number, 'message')} to send again: another run took the others meanwhile, "
            "or they must not go out any more"
        )
        if got:
            if got < number:
                self.terminal.warn(missing)
            result = dispatch(self.book, run, got, self.destination, self.config, self.manner, self.terminal, rates)
        elif self._asks:  # a person's yes to a number of messages is no success where none of them is sent
            result = RunResult(self.book.end(run, RunStatus.STOPPED, missing), missing)
        else:
            self.terminal.warn(missing)
            result = RunResult(self.book.end(run, RunStatus.FINISHED))
        conclude(self.book, run, again.specs, result, self.manner, self.terminal, self.after)
        return self._end(result)

    def _end(self, result: RunResult) -> int:
        """Say what of the old run is still in doubt; return the exit code."""
        doubts = self.book.totals(self.old.id).in_doubt
        if doubts:
            still = f"{count(doubts, 'message')} of run {self.old.id} still in doubt"
            self.terminal.warn(f"{still}: {self.after.of_earlier_doubts(doubts)}")
        return exit_code(result, earlier_doubts=doubts)

    def _messages(self, *states: State) -> Iterator[Stored]:
        """Yield the run's messages in some states; what was released counts as that until it is posted.

        A retry that is killed leaves it planned, in a run whose other messages were none of it.
        """
        yield from self.book.stored(self.old.id, states)
        if State.RELEASED in states:
            given_free: set[str] | None = None
            for stored in self.book.stored(self.old.id, {State.PLANNED}):
                if given_free is None:
                    given_free = self._given_free()
                if stored.message.key in given_free:
                    yield stored

    def _rails(self) -> Rails:
        return Rails(datetime.now(UTC), self.suppressed)

    def _nothing(self, again: Again) -> int:
        self.terminal.warn("nothing to retry")
        for run in self._cut_off():
            go_on = self.after.commands(run).retry()
            self.terminal.warn(f"run {run} was a retry and was cut off: `{go_on}` goes on with it")
        write_outputs(self.book, None, (), self.manner.results, self.manner.junit, self.terminal)
        if self.manner.output == "json":
            skipped = {reason: again.left_out[decision] for reason, decision in _SKIPPED.items()}
            self.terminal.report(summary_json(None, RunResult(Totals()), skipped))
        return self._end(RunResult(Totals())) or (1 if again.erased else 0)

    def _cut_off(self) -> Iterator[str]:
        """Yield the runs that were to send messages again, of these specs, and ended before they did.

        A message that was taken over does not tell any more which run it came from.
        """
        given_free = self._given_free()
        if not given_free:
            return
        found = self.book.stored(None, {State.PLANNED}, self.old.origin)
        runs = {stored.run for stored in found if stored.message.key in given_free}
        for run in self.book.runs():
            if run.id in runs and run.status is not RunStatus.RUNNING and not set(run.specs).isdisjoint(self.old.specs):
                yield run.id

    def _given_free(self) -> set[str]:
        """Return the messages that were released at some time, whatever became of them."""
        return {each.key for each in self.book.decisions() if each.what == State.RELEASED}

    @property
    def _asks(self) -> bool:
        """Whether a person is asked before anything is sent."""
        return not self.manner.yes and self.destination.api is not None

    def _confirmed(self, again: Again, number: int) -> bool:
        if not self._asks:
            return True
        cost = f", {count(again.segments, 'segment')}," if again.segments else ""
        return confirmed(f"Send {count(number, 'message')}{cost} again to {self.destination.origin}?", self.terminal)

    def _begin(self, specs: tuple[str, ...], number: int) -> tuple[str, int]:
        """Give the messages to a new run, as many as were said and no more; return its id, and how many it got."""
        run, rails = new_run(self.old.origin, specs), self._rails()  # of this moment: to confirm may have taken an hour
        self.book.begin(run)
        chosen = (message.key for message in to_post(self._messages(*AGAIN), rails))
        keys = islice(chosen, number)
        by = who()
        while chunk := list(islice(keys, _CHUNK)):
            # What has come to be in doubt since it was rejected is not released by this.
            self.book.release(chunk, f"retry {self.old.id}", by=by, only={State.REJECTED})
        released = self._messages(State.RELEASED)
        got = self.book.plan(run.id, islice(to_post(released, rails), number))
        self.book.skip(run.id, kept_back(self._messages(*AGAIN), rails))
        return run.id, got

    def _rates(self, specs: Iterable[str]) -> dict[str, float]:
        """Return the rates of the specs that have one; the ledger does not keep them, so the specs are asked."""
        missing = set(specs)
        rates: dict[str, float] = {}
        known = [build_spec(document) for document in self.specs.documents()] if self.specs is not None else []
        for spec in known:
            if spec.id in missing and spec.delivery.rate is not None:
                own = parse_rate(spec.delivery.rate).per_second
                rates[spec.id] = min(own, rates.get(spec.id, own))
        gone = sorted(missing - {spec.id for spec in known})
        if gone:
            self.terminal.note(f"not in the project any more: {', '.join(gone)}; a delivery.rate of theirs is not kept")
        return rates


def _lines(run: str, again: Again) -> list[str]:
    """Return what would be done, for people."""
    lines = [f"run {run}, as the ledger has it: specs and recipients may have changed since"]
    for (spec, edition), number in again.messages.items():
        lines += [f"{spec} (edition {edition})", f"  {number:>9,} to send again"]
    if again.scheduled:
        lines.append(f"  {again.scheduled:>9,} of them scheduled for later")
    for decision in _SKIPPED.values():
        if again.left_out[decision]:
            lines.append(f"  {again.left_out[decision]:>9,} {decision.value}")
    if again.erased:
        lines.append(f"  {again.erased:>9,} cannot be sent again: their data was erased")
    return lines
