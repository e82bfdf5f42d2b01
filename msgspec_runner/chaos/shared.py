"""One experiment with a shared run: ``send --cluster`` and its workers, struck again and again until all is done.

All of them are the installed command as anybody would run it. The lease is short, so that who is silent is soon taken
for dead; otherwise nothing in them knows of the experiment.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from msgspec_runner.chaos import accounts
from msgspec_runner.chaos.arrivals import Pulse, most_in_a_second, promised_in_a_second
from msgspec_runner.chaos.commands import Commands, Ended, end, ended, ends_within, words
from msgspec_runner.chaos.experiment import LATENCY, Progress, Setup
from msgspec_runner.chaos.line import Line
from msgspec_runner.chaos.standing import GATES, Standing
from msgspec_runner.chaos.strikes import OUTAGE, Strike, Target, lost_workers, strikes
from msgspec_runner.chaos.team import Team
from msgspec_runner.chaos.verdict import Verdict, fingerprint, judge
from msgspec_runner.errors import UsageError
from msgspec_runner.ledger import open_ledger
from msgspec_runner.ledger.leases import VARIABLE
from msgspec_runner.rates import parse_rate
from msgspec_runner.sandbox.server import RunningSandbox, SandboxOptions

_Each = TypeVar("_Each")

LEASE = 2.0
"""Seconds; who stands still for one and a half times as long is taken for dead."""

SECONDS = 3
"""How long the messages alone take, unless a rate is asked for: in less, all might be sent before a busy machine
has struck as often as it shall."""

SLOWEST, FASTEST = 50, 500
"""Messages a second of such a rate: three workers on one machine can do more than that."""

FEWEST, MOST_WORKERS = 2, 50
"""While one is away there must be another."""

IDLE_RUNS = 3
"""Runs in a row that change nothing, after which the rest is given up (and counted as lost)."""

STUCK = 30.0
"""Seconds without a request after which a run is given up."""

_FINISHED = (0, 1, 3, 5)
"""Exit codes of a ``send`` that came to its end, or that too much trouble at the server stopped."""

_POLL = 0.002
"""Seconds between two looks at the server."""

_LOOK = 0.05
"""Seconds between two looks at the ledger."""


@dataclass(frozen=True, slots=True)
class SharedVerdict:
    """The result of an experiment with a shared run.

    Attributes:
        found: what was counted; its kills are those of workers and of coordinators.
        workers: at once.
        worker_kills: of the kills.
        enqueue_kills: of the kills: coordinators in the transaction that writes the plan.
        stops: workers that stood still until they were taken for dead, and then went on.
        outages: how often the database was away.
        lost_workers: how often a worker was killed, or taken for dead while it lived: each may leave
            2 x concurrency messages in doubt.
        rate: of the run, in messages a second, for all workers together.
        most_in_a_second: requests that came to the server within one, at most.
        sent_again: requests of a second run, after everything was done.
    """

    found: Verdict
    workers: int
    worker_kills: int
    enqueue_kills: int
    stops: int
    outages: int
    lost_workers: int
    rate: float
    most_in_a_second: int
    sent_again: int

    @property
    def allowed_in_a_second(self) -> int:
        """Requests that a second may hold: 1.1 x the rate."""
        return promised_in_a_second(self.rate)

    @property
    def holds(self) -> bool:
        """Whether the promise was kept."""
        return self.found.holds and self.most_in_a_second <= self.allowed_in_a_second and not self.sent_again

    def as_dict(self) -> dict[str, float | bool | None]:
        """Return everything for the JSON report."""
        mine = asdict(self)
        del mine["found"]
        mine["allowed_in_a_second"] = self.allowed_in_a_second
        return {**mine, **self.found.as_dict(), "holds": self.holds}


class _Due(NamedTuple):
    """A strike that waits for its moment: so many requests at the server."""

    strike: Strike
    received: int


def shared_experiment(
    setup: Setup, workers: int, folder: Path, on_progress: Callable[[Progress], None] = lambda _: None
) -> SharedVerdict:
    """Send by workers, strike them and who watches, until nothing is left to do; then count.

    Args:
        setup: what is asked for; its ledger is a PostgreSQL one that does not exist yet.
        workers: at once.
        folder: an empty one, for theirs.
        on_progress: told now and then.

    Raises:
        UsageError: the spec cannot be sent, or a worker cannot work; says what they said.
        LedgerError: the server cannot be reached.
    """
    clock = _steady_clock()
    options = SandboxOptions(faults=setup.faults, latency=LATENCY, seed=setup.seed, clock=clock)
    with RunningSandbox(options) as sandbox, Line(setup.ledger, folder) as line:
        pulse = Pulse(clock)
        sandbox.beside(pulse.run)
        commands = Commands(setup.entry, sandbox.url, line.ledger, {VARIABLE: str(LEASE), **line.environment})
        expected = accounts.expected(commands.succeed("render", *setup.common))
        if not expected:
            raise UsageError(f"{setup.spec}: there is nobody to send to: add --recipients N")
        rate = parse_rate(setup.rate or f"{min(FASTEST, max(SLOWEST, len(expected) // SECONDS))}/s")
        open_ledger(setup.ledger, setup.root, loopback_or_sandbox=True, create=True).close()
        commands.succeed("ledger", "migrate")
        arguments = ["--concurrency", str(setup.concurrency), "--timeout", str(setup.timeout)]
        with closing(Standing(setup.ledger)) as standing, Team(commands, folder, arguments, workers) as team:
            trial = _Trial(setup, rate.text, commands, sandbox, line, standing, team, len(expected), on_progress)
            trial.run()
            team.retire()
            lost = lost_workers(team.killed, standing.fenced())
        before = accounts.believed(setup.ledger, setup.root, expected)
        settled = None
        if setup.reconcile:
            commands.to_end("reconcile")
            settled = accounts.believed(setup.ledger, setup.root, expected)
        found = judge(
            expected,
            {message.message_id: fingerprint(message.body) for message in sandbox.messages},
            before,
            kills=trial.kills,
            runs=trial.runs,
            allowed=2 * setup.concurrency * lost + accounts.hidden(sandbox.stats.faults),
            settled=settled,
        )
        arrived = [request.at for request in sandbox.requests]
    return SharedVerdict(
        found,
        workers=workers,
        worker_kills=len(team.killed),
        enqueue_kills=trial.enqueue_kills,
        stops=team.stops,
        outages=trial.outages,
        lost_workers=lost,
        rate=rate.per_second,
        most_in_a_second=most_in_a_second(arrived, pulse.beats),
        sent_again=trial.sent_again,
    )


def _steady_clock() -> Callable[[], float]:
    """Return a clock that shows the time, and goes on evenly when somebody sets that."""
    difference = time.time() - time.monotonic()
    return lambda: difference + time.monotonic()


class _Trial:
    """The runs and the strikes of an experiment."""

    def __init__(
        self,
        setup: Setup,
        rate: str,
        commands: Commands,
        sandbox: RunningSandbox,
        line: Line,
        standing: Standing,
        team: Team,
        recipients: int,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._setup = setup
        self._rate = rate
        self._commands = commands
        self._sandbox = sandbox
        self._line = line
        self._standing = standing
        self._team = team
        self._recipients = recipients
        self._on_progress = on_progress
        self._strikes = strikes(setup.seed, setup.kills)
        self._due: _Due | None = None
        self._coordinator_kills = 0
        self.enqueue_kills = 0
        self.outages = 0
        self.sent_again = 0
        self.runs = 0

    @property
    def kills(self) -> int:
        """How many there were so far."""
        return self._coordinator_kills + len(self._team.killed)

    def run(self) -> None:
        """Send, strike, and send again until nothing is left to do; then send once more."""
        while self._strikes and self._strikes[0].target is Target.ENQUEUE:
            self._kill_in_mid_enqueue(self._strikes.pop(0))
        idle = 0
        while idle < IDLE_RUNS:
            before = self._sandbox.stats.received
            self._send()
            if not accounts.unfinished(self._setup.ledger, self._setup.root):
                break
            idle = idle + 1 if self._sandbox.stats.received == before else 0
        # A run that finds everything done must leave everything as it is.
        self._strikes.clear()
        self._due = None
        before = self._sandbox.stats.received
        self._send()
        self.sent_again = self._sandbox.stats.received - before

    # -- the coordinator -----------------------------------------------------------------------------------

    def _arguments(self) -> list[str]:
        timeout = str(self._setup.timeout)
        return ["send", *self._setup.common, "--yes", "--cluster", "--timeout", timeout, "--rate", self._rate]

    def _kill_in_mid_enqueue(self, strike: Strike) -> None:
        """Kill it where its messages are written and the rest of the plan is not."""
        gate = _choice(GATES, strike.chance)
        self.runs += 1
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, self._standing.held_at(gate):
            process = self._commands.start(self._arguments(), out, err)
            try:
                while not self._standing.waits_at(gate):
                    if ends_within(process, _LOOK):
                        raise UsageError(words(ended(process, out, err)))
                    self._team.check()
            finally:
                end(process)
        self.enqueue_kills += 1
        self._coordinator_kills += 1
        self._tell()

    def _send(self) -> None:
        """Start it, and strike until its run has ended."""
        self.runs += 1
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = self._commands.start(self._arguments(), out, err)
            try:
                found = self._strike_until_end(process, lambda: ended(process, out, err))
            finally:
                end(process)
        if found is not None and found.code not in _FINISHED:
            raise UsageError(words(found))

    def _strike_until_end(self, coordinator: subprocess.Popen[bytes], to_end: Callable[[], Ended]) -> Ended | None:
        """Return how the coordinator ended; None if it was killed, and the run has ended without it, or is stuck."""
        killed = False
        looked = moved = time.monotonic()
        received = self._sandbox.stats.received
        while True:
            now, before = time.monotonic(), received
            received = self._sandbox.stats.received
            if received != before:
                moved = now
            if not killed and coordinator.poll() is not None:
                return to_end()
            if now - looked > _LOOK:
                looked = now
                self._look()
                if (killed and not self._standing.goes_on()) or now - moved > STUCK:
                    return None
            if self._is_due(received):
                killed = self._strike(coordinator, killed=killed)
            time.sleep(_POLL)

    def _look(self) -> None:
        """Let workers that were taken for dead go on, and make sure that all others are there."""
        self._team.check()
        if self._team.stopped:
            fenced, goes_on = self._standing.fenced(), self._standing.goes_on()
            self._team.go_on([pid for pid in self._team.stopped if pid in fenced or not goes_on])
        self._tell()

    def _tell(self) -> None:
        self._on_progress(Progress(self.kills, self._sandbox.stats.kept, self._recipients))

    # -- the strikes ---------------------------------------------------------------------------------------

    def _is_due(self, received: int) -> bool:
        """Return whether the next strike's moment has come; its moment is drawn when the one before is over."""
        if not self._strikes:
            return False
        if self._due is None:
            strike = self._strikes[0]
            remaining = self._recipients - self._sandbox.stats.kept
            self._due = _Due(strike, received + strike.kill.after_requests(remaining, len(self._strikes)))
        return received >= self._due.received

    def _strike(self, coordinator: subprocess.Popen[bytes], *, killed: bool) -> bool:
        """Strike if there is somebody to be struck; return whether the coordinator is killed."""
        strike = self._strikes[0]
        time.sleep(strike.kill.jitter)
        running = self._team.running()
        busy = [pid for pid in self._standing.at_work() if pid in running]
        match strike.target:
            case Target.WATCH:
                if not killed and coordinator.poll() is None:
                    end(coordinator)
                    killed = True
                    self._coordinator_kills += 1
            case Target.STOP:
                if not busy or len(running) < FEWEST:
                    return killed  # soon there will be
                self._team.stop(_choice(busy, strike.chance))
            case Target.OUTAGE:
                self._line.outage(OUTAGE)
                self.outages += 1
            case _:
                if not running:
                    return killed
                self._team.kill(_choice(busy or running, strike.chance))
        self._strikes.pop(0)
        self._due = None
        self._tell()
        return killed


def _choice(each: Sequence[_Each], chance: float) -> _Each:
    return each[int(chance * len(each))]
