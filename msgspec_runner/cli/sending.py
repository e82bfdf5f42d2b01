"""What ``send`` does once all is planned: ask, enter the run into the ledger, dispatch, and tell how it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from msgspec_runner.cli.clustering import Sharing
from msgspec_runner.cli.dispatching import Destination, Manner, conclude, confirmed, dispatch, exit_code, new_run
from msgspec_runner.cli.options import Terminal
from msgspec_runner.cli.outputs import summary_json, write_outputs
from msgspec_runner.cli.preparing import Sound, nothing_to_send, plan_lines
from msgspec_runner.dispatch.plan import Decision
from msgspec_runner.dispatch.planner import Plan, new_messages, skips, unrecorded
from msgspec_runner.dispatch.progress import RunResult
from msgspec_runner.errors import INTERRUPTED, UsageError
from msgspec_runner.ledger import Ledger, RunStatus, Skip, Totals
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.model import Message
from msgspec_runner.rates import parse_rate
from msgspec_runner.reports.run_summary import Afterwards, totals_words
from msgspec_runner.reports.text import count

_SKIPPED = {
    "duplicate": Decision.DUPLICATE,
    "expired": Decision.EXPIRED,
    "invalid": Decision.INVALID,
    "suppressed": Decision.SUPPRESSED,
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of what is new may be sent.

    Attributes:
        limit: at most that many of it; the next run goes on.
        most: nothing if there is more.
    """

    limit: int | None
    most: int | None


@dataclass(frozen=True, slots=True)
class Missing:
    """What of the messages that were to be sent the run did not get, although they were new when they were planned.

    Attributes:
        asked: how many were to be sent.
        taken: how many another run took meanwhile: it sends them, or has.
        in_doubt: of those, how many it left in doubt.
        expired: how many became too late.
        left: how many are held by a run that died: nobody sends them until :meth:`Ledger.recover
            <msgspec_runner.ledger.ledger.Ledger.recover>` has taken them from it.
    """

    asked: int
    taken: int = 0
    in_doubt: int = 0
    expired: int = 0
    left: int = 0

    @property
    def got(self) -> int:
        """How many messages the run did get."""
        return self.asked - self.taken - self.expired - self.left

    def __str__(self) -> str:
        """Return it for people, in a line."""
        parts = [
            f"another run took {self.taken:,} meanwhile" if self.taken else "",
            f"{self.expired:,} expired meanwhile" if self.expired else "",
            f"{self.left:,} belong to a run that died: run the command again" if self.left else "",
        ]
        return f"{self.got:,} of {count(self.asked, 'message')} to send: {', '.join(filter(None, parts))}"


@dataclass(frozen=True, slots=True)
class Sending:
    """Everything that a run needs, from the plan to the exit code."""

    sound: Sound
    plan: Plan
    spool: PlanSpool
    book: Ledger
    destination: Destination
    bounds: Bounds
    manner: Manner
    terminal: Terminal
    after: Afterwards
    sharing: Sharing | None = None
    """Given with ``--cluster``."""

    def carry_out(self) -> int:
        """Send what is new; return the exit code."""
        new = self.plan.count(Decision.NEW)
        if self.bounds.most is not None and new > self.bounds.most:
            raise UsageError(
                f"{count(new, 'message')} are new, more than --max {self.bounds.most:,}. Nothing was sent."
            )
        number = min(new, self.bounds.limit or new)
        for line in plan_lines(self.plan):
            self.terminal.note(line)
        if number < new:
            now = f"{number:,} of {count(new, 'new message')} now"
            self.terminal.note(f"--limit {number:,}: {now}, {self._left(new - number)}")
        if not new:
            return self._nothing()
        if not self._confirmed(number):
            self.terminal.warn("not confirmed: nothing was sent")
            return 2
        self.manner.per_second(self.sound.config)  # a rate that is none is told before the run is in the ledger
        rates = self._rates()
        if self.sharing is not None:
            return self._share(number, rates, self.sharing)
        run, got, found = self._begin(number)
        missing, later = self._missing(number, got, found), new - found.total()
        reason = self._tell(missing)
        if got:
            result = dispatch(
                self.book, run, got, self.destination, self.sound.config, self.manner, self.terminal, rates
            )
            result = replace(result, stopped_reason=result.stopped_reason or reason)
        else:
            status = RunStatus.FINISHED if reason is None else RunStatus.STOPPED
            result = RunResult(self.book.end(run, status, reason), reason)
        conclude(self.book, run, self._specs, result, self.manner, self.terminal, self.after)
        return self._end(result, missing, later)

    def _nothing(self, missing: Missing | None = None) -> int:
        """Send nothing, and record who is left out: whoever asks later why nobody was texted finds it."""
        reason = self._tell(missing)
        self.terminal.warn(reason or nothing_to_send(self.sound, self.plan))
        run, totals = self._record_skips()
        if run is not None:
            self.terminal.warn(f"run {run}: {totals_words(totals)}")
        write_outputs(self.book, run, self._specs, self.manner.results, self.manner.junit, self.terminal, self.after)
        result = RunResult(totals, reason)
        if self.manner.output == "json":
            skipped = {reason: self.plan.count(decision) for reason, decision in _SKIPPED.items()}
            self.terminal.report(summary_json(run, result, skipped))
        return self._end(result, missing)

    def _record_skips(self) -> tuple[str | None, Totals]:
        """Record the rows that are left out and not in the ledger yet, as a run that has ended; None: there are none.

        So the same command again records nothing, and ``status`` does not fill up with runs that sent nothing.
        """
        left_out = skips(self.spool, self.book, self.sound.rails())
        rows = unrecorded(left_out, self.spool, self.book, self.destination.origin)
        first = next(rows, None)
        if first is None:
            return None, Totals()
        run = new_run(self.destination.origin, self._specs)
        self.book.begin(run)
        self.book.skip(run.id, chain([first], rows))
        return run.id, self.book.end(run.id, RunStatus.FINISHED)

    @property
    def _specs(self) -> list[str]:
        return [target.spec.id for target in self.sound.targets]

    @property
    def _asks(self) -> bool:
        """Whether a person is asked before anything is sent."""
        return not self.manner.yes and self.destination.api is not None

    def _confirmed(self, number: int) -> bool:
        if not self._asks:
            return True
        segments = self.plan.segments
        cost = f", {count(segments, 'segment')}," if segments and number == self.plan.count(Decision.NEW) else ""
        return confirmed(f"Send {count(number, 'message')}{cost} to {self.destination.origin}?", self.terminal)

    def _left(self, number: int) -> str:
        """Say of how much new ``--limit`` keeps the run; of a ledger that is thrown away, no next run goes on."""
        words = "left for the next `send`" if self.after.is_kept else "left out"
        return f"{number:,} {'is' if number == 1 else 'are'} {words}"

    def _begin(self, number: int) -> tuple[str, int, Counter[Decision]]:
        """Enter the run and its messages into the ledger, as many as were said and no more, and of those that were new
        when it was said. Return its id, how many messages it got, and what the ledger said of those that were asked
        for.

        From here on a crash forgets nothing.
        """
        run = new_run(self.destination.origin, self._specs)
        self.book.begin(run)
        rails = self.sound.rails()  # of this moment: to confirm may have taken an hour
        found: Counter[Decision] = Counter()
        got = self.book.plan(run.id, new_messages(self.spool, self.book, rails, number, found))
        self.book.skip(run.id, skips(self.spool, self.book, rails))
        return run.id, got, found

    def _missing(self, number: int, got: int, found: Counter[Decision]) -> Missing | None:
        """Say what became of the messages that a run did not get.

        Args:
            number: that were to be sent.
            got: by the run.
            found: what the ledger said of them just before.
        """
        if got == number:
            return None
        refused = found[Decision.NEW] - got  # at rest as far as its run is gone, and yet not to be had
        died = refused and any(run.status is RunStatus.DIED for run in self.book.runs())
        left = refused if died else 0
        expired = min(found[Decision.EXPIRED], number - got - left)
        return Missing(number, number - got - left - expired, found[Decision.IN_DOUBT], expired, left)

    def _tell(self, missing: Missing | None) -> str | None:
        """Say what the run does not get; return it where that makes it one that stopped early (exit code 5), else None.

        What a run that died holds is sent by nobody. And a person's yes to a number of messages is no success where
        none of them is sent; with ``--yes`` it is, as for who comes a moment later: another run has them.
        """
        if missing is None:
            return None
        fails = bool(missing.left) or (self._asks and not missing.got)
        if missing.got or not fails:  # else it is the last word of the run, and said once
            self.terminal.warn(str(missing))
        return str(missing) if fails else None

    def _share(self, number: int, rates: dict[str, float], sharing: Sharing) -> int:
        """Give the run to workers, and watch them; return the exit code."""
        run = new_run(self.destination.origin, self._specs)
        rails = self.sound.rails()  # of this moment: to confirm may have taken an hour
        found: Counter[Decision] = Counter()

        def plan() -> tuple[Iterator[Message], Iterator[Skip]]:
            found.clear()
            return new_messages(self.spool, self.book, rails, number, found), skips(self.spool, self.book, rails)

        taken = sharing.enter(self.book, run, plan, self.manner, self.sound.config, rates, self.terminal)
        missing, later = self._missing(number, taken, found), self.plan.count(Decision.NEW) - found.total()
        if not taken:
            return self._nothing(missing)
        reason = self._tell(missing)
        self.terminal.note(f"run {run.id}: {count(taken, 'message')} for the workers")
        result = sharing.follow(self.book, run.id, self.terminal)
        if result is None:
            return INTERRUPTED
        result = replace(result, stopped_reason=result.stopped_reason or reason)
        conclude(self.book, run.id, self._specs, result, self.manner, self.terminal, self.after)
        return self._end(result, missing, later)

    def _rates(self) -> dict[str, float]:
        """Return the rates of the specs that have one: each holds for its own messages, whatever a flag says."""
        asked = {target.spec.id: target.spec.delivery.rate for target in self.sound.targets}
        return {spec: parse_rate(text).per_second for spec, text in asked.items() if text is not None}

    def _end(self, result: RunResult, missing: Missing | None = None, later: int = 0) -> int:
        """Say what is left to do, and why the exit code is 5, 3 or 1 although this run did well; return it.

        Args:
            result: how the run ended.
            missing: what it did not get; None: it got all that it was to send.
            later: how many new messages it was not to send.
        """
        waiting, invalid = self.plan.in_doubt, self.plan.count(Decision.INVALID)
        waiting += missing.in_doubt if missing is not None else 0
        if later and self.bounds.limit is not None:
            self.terminal.warn(f"--limit {self.bounds.limit:,}: {self._left(later)}")
        if invalid:
            self.terminal.warn(f"{count(invalid, 'row')} left out as invalid: correct them and run the command again")
        if waiting:
            rest = f"{count(waiting, 'message')} of earlier runs still in doubt"
            self.terminal.warn(f"{rest}: {self.after.of_earlier_doubts(waiting)}")
        return exit_code(result, earlier_doubts=waiting, left_out=invalid)
