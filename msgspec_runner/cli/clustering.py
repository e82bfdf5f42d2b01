"""What ``send --cluster`` does beside ``send``: it gives the run to workers, and watches them."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from msgspec_runner.cli.dispatching import Manner
from msgspec_runner.cli.options import Terminal
from msgspec_runner.cli.watching import Watcher, watch
from msgspec_runner.config import Config
from msgspec_runner.dispatch.progress import ENDS, Progress, RunResult
from msgspec_runner.errors import LedgerError, UsageError
from msgspec_runner.ledger import Ledger, Run, RunStatus, Settlement, Totals
from msgspec_runner.model import State
from msgspec_runner.reports.text import count

if TYPE_CHECKING:
    from msgspec_runner.cluster.sharing import Plan, Shared

POLL = 1.0
"""Seconds between two looks at a run, at least."""

_COST = 20
"""To count a run may take a twentieth of the time: of a large one it is work for the database."""

_LONGEST = 30.0
"""Seconds until a run is counted again, at most: a count that took long may have waited for the database."""

_ALONE = 3
"""Looks at which nobody was at work, until it is told: between two windows nobody is."""

_HELD = {"pause": "paused", "stop": "stopping"}
"""How it is told what is wanted of a run."""


def shared_runs(book: Ledger) -> Shared:
    """Return the runs of a ledger that workers carry out.

    Raises:
        UsageError: the extra is not installed.
        LedgerError: the ledger is a file.
    """
    try:
        from msgspec_runner.cluster.sharing import Shared
    except ImportError:
        raise UsageError("a cluster needs more than is installed: pip install 'msgspec-runner[cluster]'") from None
    return Shared(book)


class Queue(NamedTuple):
    """The queue of a ledger, after it was migrated.

    Attributes:
        made: there was none before.
        version: of its tables, for people.
    """

    made: bool
    version: str


def migrate_queue(book: Ledger) -> Queue | None:
    """Make or upgrade the queue of a ledger. None: it is a file, or the extra is not installed."""
    # A version of Procrastinate is what people know; its migrations have names that tell nobody anything.
    shared = _shared_or_none(book)
    if shared is None:
        return None
    from importlib.metadata import version

    return Queue(shared.migrate(), f"version {version('procrastinate')}, which is installed")


def make_queue(book: Ledger) -> bool:
    """Make the queue of a ledger that has none; return whether it has one now: no file has, nor without the extra."""
    shared = _shared_or_none(book)
    if shared is None:
        return False
    shared.make_queue()
    return True


def _shared_or_none(book: Ledger) -> Shared | None:
    if not is_server(book.location):
        return None
    try:
        from msgspec_runner.cluster.sharing import Shared
    except ImportError:
        return None
    return Shared(book)


@dataclass(frozen=True, slots=True)
class Sharing:
    """A run for workers.

    Attributes:
        queue: as people name it; None: the default one.
    """

    queue: str | None

    def enter(
        self,
        book: Ledger,
        run: Run,
        plan: Plan,
        manner: Manner,
        config: Config,
        rates: dict[str, float],
        terminal: Terminal,
    ) -> int:
        """Enter a run with everything that workers need, all of it or nothing; return how many messages it got.

        Args:
            book: the ledger.
            run: the run.
            plan: returns messages, in the order in which they shall be sent, and rows that are left out.
            manner: over the configuration.
            config: the project's.
            rates: messages a second of specs that have a rate of their own.
            terminal: is told if somebody else is waited for.
        """
        from msgspec_runner.cluster import carrying
        from msgspec_runner.cluster.queue import DEFAULT_QUEUE, queue_of

        timeout = manner.timeout or config.timeout
        how = carrying.RunSettings(timeout, config.server_errors == "retry", manner.per_second(config), rates)
        queue = queue_of(self.queue or DEFAULT_QUEUE, run.origin)
        return shared_runs(book).enter(run, queue, how, plan, terminal.note)

    def check(self, book: Ledger, *, loopback: bool) -> None:
        """Make sure, before anything is planned, that the ledger can hold a run for workers.

        Args:
            book: the ledger.
            loopback: the run talks to this machine only, so a missing queue is made, as a missing ledger is.

        Raises:
            UsageError: the extra is not installed, or the queue's name is none.
            LedgerError: it is a file, or has no queue yet.
        """
        shared = shared_runs(book)
        from msgspec_runner.cluster.queue import DEFAULT_QUEUE, queue_of

        queue_of(self.queue or DEFAULT_QUEUE, "")
        if loopback:
            shared.make_queue()
        shared.check()

    def follow(self, book: Ledger, run_id: str, terminal: Terminal) -> RunResult | None:
        """Watch the run until it has ended; return how. None: the watcher was interrupted."""
        return follow(book, run_id, terminal)


def is_server(location: str | None) -> bool:
    """Say whether a ledger is on a server, rather than in a file; None for the default one."""
    return location is not None and "://" in location


def check_place(location: str | None) -> None:
    """Make sure that a ledger is one that workers can share, before anybody makes one that is not.

    Args:
        location: of the ledger; None: the default one.

    Raises:
        UsageError: it is a file.
    """
    if not is_server(location):
        raise UsageError(
            f"the ledger {location or 'of this project'} is a file of this machine: workers need one in PostgreSQL. "
            "Give its address: --ledger postgresql://…, or MSGSPEC_RUNNER_LEDGER"
        )


def choose_sharing(queue: str | None, *, cluster: bool, sandbox: bool, concurrency: bool = False) -> Sharing | None:
    """Return how a run is given to workers, as flags say; None: it is not.

    Args:
        queue: as people name it; None: the default one.
        cluster: workers carry it out.
        sandbox: it goes to a sandbox of its own.
        concurrency: how many requests may be under way at once was said for this command.

    Raises:
        UsageError: they make no sense together.
    """
    if not cluster:
        if queue is not None:
            raise UsageError("--queue is for --cluster. Nothing was sent.")
        return None
    if sandbox:
        raise UsageError(
            "--sandbox starts a server for this run, which workers do not know: start `msgspec-runner sandbox`, and "
            "give its address to them and to this command with --base-url. Nothing was sent."
        )
    if concurrency:
        raise UsageError(
            "--concurrency is for each worker, when it starts: `msgspec-runner worker --concurrency N`. "
            "Leave it out of `send --cluster`; --rate holds for all workers together. Nothing was sent."
        )
    return Sharing(queue)


class Held(NamedTuple):
    """What became of a shared run that shall not go on for now.

    Attributes:
        words: ``paused`` or ``stopping``.
        reason: why, for people.
    """

    words: str
    reason: str | None


def held_runs(book: Ledger) -> dict[str, Held]:
    """Return the runs that are paused or about to stop, by id; none where the ledger is a file, or has no such runs."""
    shared = _shared_or_none(book)  # who only looks needs no queue
    if shared is None:
        return {}
    return {run: Held(_HELD[wanted], reason) for run, (wanted, reason) in shared.held().items()}


def busy_lines(book: Ledger, origin: str, specs: Collection[str]) -> Iterator[str]:
    """Yield which runs are under way that may hold messages of these specs, and what to type about each.

    Args:
        book: the ledger.
        origin: where the messages would go.
        specs: their ids.
    """
    held = held_runs(book)
    for run in book.runs():
        if run.status is not RunStatus.RUNNING or run.origin != origin or not set(run.specs) & set(specs):
            continue
        words = held[run.id].words if run.id in held else "under way"
        advice = f"cluster resume {run.id}" if words == "paused" else f"status {run.id} --watch"
        yield f"run {run.id} is {words}: `msgspec-runner {advice}`"


def follow(book: Ledger, run_id: str, terminal: Terminal) -> RunResult | None:
    """Watch a run of whomever until it has ended; return how. None: the watcher was interrupted, the run goes on.

    Raises:
        LedgerError: somebody deleted the run.
    """
    totals = book.totals(run_id)
    try:
        with watch(terminal, totals.total - totals.skipped, before=_ended(totals)) as show:
            return _follow(book, run_id, totals, terminal, show)
    except KeyboardInterrupt:
        steering = (
            f"; steer it: `msgspec-runner cluster pause|resume|stop {run_id}`" if _is_shared(book, run_id) else ""
        )
        terminal.warn(
            f"\nrun {run_id} goes on without you. Watch it: `msgspec-runner status {run_id} --watch`{steering}"
        )
        return None


def _is_shared(book: Ledger, run_id: str) -> bool:
    try:
        return _workers(book, run_id) is not None
    except (UsageError, LedgerError):
        return False


class Working(NamedTuple):
    """Who works on a shared run.

    Attributes:
        workers: that work on it.
        rate: messages a second that it is allowed; None: no limit.
        wanted: of it: ``go``, ``pause`` or ``stop``.
        there: workers that live, with work or without; asked only where nobody works on it.
        free_at: when the windows of one that fell silent are given to others, in seconds since 1970; None: never.
        flags: of a worker that may take it.
    """

    workers: int
    rate: float | None
    wanted: str
    there: int = 0
    free_at: float | None = None
    flags: str = ""


def _workers(book: Ledger, run_id: str) -> Working | None:
    """Return who works on a run; None: it is not shared."""
    shared = _shared_or_none(book)  # who only watches needs no queue
    if shared is None:
        return None
    from msgspec_runner.cluster.queue import DEFAULT_QUEUE
    from msgspec_runner.cluster.sharing import rate_of

    standing = shared.standing(run_id)
    if standing is None:
        return None
    there = shared.there() if not standing.workers else 0
    if not standing.workers and not there:
        shared.recover()
    queue = standing.queue.rpartition("@")[0]
    flags = f" --base-url {standing.origin}" + (f" --queue {queue}" if queue != DEFAULT_QUEUE else "")
    return Working(standing.workers, rate_of(standing), standing.wanted, there, standing.free_at, flags)


def _follow(book: Ledger, run_id: str, totals: Totals, terminal: Terminal, show: Watcher) -> RunResult:
    before = totals
    away, alone = False, 0
    due = time.monotonic()
    while True:
        try:
            # On a connection of its own, which fails at once where the database is away; the ledger's would be patient.
            working = _workers(book, run_id)
            run = book.run(run_id)
            goes_on = run is not None and run.status is RunStatus.RUNNING
            began = time.monotonic()
            if began >= due or not goes_on:
                totals = book.totals(run_id)
                due = began + min(_LONGEST, _COST * (time.monotonic() - began))
        except LedgerError as error:
            if not away:
                terminal.note(f"{error}. The run goes on without this")
            away = True
            time.sleep(POLL)
            continue
        away = False
        rate = working.rate if working is not None else None
        alone = alone + 1 if working is not None and not working.workers else 0
        note = _note(working, alone=alone > _ALONE) if goes_on else None
        show(Progress(_settled(before, totals), totals.sending, totals.retry_wait, rate, note))
        before = totals
        if run is None:
            raise LedgerError(
                f"run {run_id} is not in the ledger any more: somebody deleted it there, so nobody knows how it "
                "ended. What the ledger has of its messages: `msgspec-runner status --output csv`"
            )
        if not goes_on:
            return ended(run, totals)
        time.sleep(POLL)


def ended(run: Run, totals: Totals) -> RunResult:
    """Return how a run ended that somebody else carried out."""
    if run.status is RunStatus.FINISHED:
        return RunResult(totals, expired=totals.planned)
    return RunResult(totals, run.reason or run.status.value, run.status is RunStatus.INTERRUPTED)


def _settled(before: Totals, now: Totals) -> tuple[Settlement, ...]:
    """Return what the progress counts: as many outcomes as there are more than before."""
    old, new = _ended(before), _ended(now)
    return tuple(Settlement("", state) for state in new for _ in range(new[state] - old[state]))


def _ended(totals: Totals) -> dict[State, int]:
    """Return how many messages the run is done with, by state."""
    numbers = totals.as_dict()
    return {state: numbers[state.value] for state in ENDS}


def _note(working: Working | None, *, alone: bool) -> str | None:
    if working is None:
        return None
    if working.wanted != "go":
        return _HELD[working.wanted]
    if working.workers:
        return f"{count(working.workers, 'worker')} at it"
    return _why_nobody(working) if alone else None


def _why_nobody(working: Working) -> str:
    free = f"{datetime.fromtimestamp(working.free_at, UTC):%H:%M:%S} UTC" if working.free_at is not None else None
    one = f"`msgspec-runner worker{working.flags}`"
    if not working.there:
        rest = f"; the messages of one that died are free at {free}" if free is not None else ""
        return f"no worker is at it: start some with {one}{rest}"
    if free is not None:
        return f"waiting for the windows of a worker that died, until {free}"
    there = "a worker is" if working.there == 1 else f"{working.there:,} workers are"
    return f"{there} there, but busy, or not for this run: it takes {one}"
