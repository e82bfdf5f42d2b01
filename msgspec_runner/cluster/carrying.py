"""One window, from the queue's job to its end: a dispatcher of its own, under the run's shared pace.

What the dispatcher takes for its ledger is one window of a session. A claim holds for a lease: a message whose post
would begin later (the machine was suspended, the process stood still) is handed back. It is planned again if the claim
is still ours by then; if the session was fenced meanwhile, it is in doubt, and stays so.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec_runner.cluster.brakes import Brake, Brakes
from msgspec_runner.cluster.clock import BootClock, server_clock
from msgspec_runner.cluster.desk import Desk
from msgspec_runner.cluster.pace import Unreadable
from msgspec_runner.cluster.pacing import Pacing
from msgspec_runner.cluster.parts import Part
from msgspec_runner.dispatch.dispatcher import Dispatcher
from msgspec_runner.dispatch.lanes import Lanes
from msgspec_runner.dispatch.poster import Poster
from msgspec_runner.dispatch.progress import Progress, RunResult
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.postgres_shared import steer
from msgspec_runner.ledger.postgres_worker import WorkerSession
from msgspec_runner.ledger.values import Planned, RunStatus, Settlement, Totals
from msgspec_runner.ledger.windows import Window


class RunSettings(NamedTuple):
    """How the messages of a run are posted, whoever does it.

    Attributes:
        timeout: seconds for one request.
        retry_server_errors: take a 500-511 as a proof that nothing was sent.
        rate: messages a second, of the whole run; None: no limit.
        rates: messages a second, by spec.
    """

    timeout: float
    retry_server_errors: bool
    rate: float | None
    rates: dict[str, float]

    @property
    def limits(self) -> dict[str, float]:
        """The rates that there are, messages a second by spec; the run's own is under the empty name."""
        return self.rates if self.rate is None else {"": self.rate, **self.rates}

    def written(self) -> str:
        """Return it as the ledger keeps it."""
        return json.dumps(self._asdict())

    @classmethod
    def read(cls, text: str) -> RunSettings:
        """Return what :meth:`written` wrote.

        Raises:
            Unreadable: it is something else, or a newer version wrote it.
        """
        try:
            fields = json.loads(text)
            unknown = fields.keys() - set(cls._fields)
            settings = None if unknown else cls(**fields)
        except (ValueError, TypeError, AttributeError):
            unknown, settings = set(), None
        if unknown:
            raise Unreadable("was planned by a newer version: upgrade this worker. It is left to others")
        if settings is None or not settings.is_sound:
            raise Unreadable("has settings in the ledger that make no sense. It is left alone: `cluster stop` ends it")
        return settings

    @property
    def is_sound(self) -> bool:
        """Whether all of it is of the right kind."""
        rates = isinstance(self.rates, dict) and all(map(_is_positive, self.rates.values()))
        flag = isinstance(self.retry_server_errors, bool)
        return rates and flag and _is_positive(self.timeout) and (self.rate is None or _is_positive(self.rate))


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


class WindowLedger:
    """What a window's dispatcher takes for its ledger.

    Args:
        session: has opened the window.
        window: the window.
        on_hold: called from a thread when no more may be claimed.
        worker: who works, for the reason why a run stops.
    """

    def __init__(
        self,
        session: WorkerSession,
        window: Window,
        on_hold: Callable[[], None],
        worker: str,
    ) -> None:
        self._session = session
        self._window = window
        self._on_hold = on_hold
        self._worker = worker
        self._failed = False

    def pending(self, run_id: str, after: int = 0, limit: int = 500) -> list[Planned]:  # noqa: ARG002 - the window's
        """Return the next planned messages of the window."""
        return self._session.pending_in(self._window, after, limit)

    def commit(
        self,
        run_id: str,  # noqa: ARG002 - the window's
        claims: Sequence[str],
        settlements: Sequence[Settlement],
    ) -> set[str]:
        """Settle and claim."""
        try:
            granted = self._session.exchange(claims, settlements)
        except LedgerError:
            self._failed = True
            raise
        if not granted.go:
            self._on_hold()
        return granted.claimed

    def remember(self, run_id: str, settlement: Settlement) -> None:  # noqa: ARG002 - the window's
        """Take note of an outcome while the server is away."""
        self._session.remember(settlement)

    def end(self, run_id: str, status: RunStatus, reason: str | None = None) -> Totals:  # noqa: ARG002 - a reason says all
        """Stop the run for all, if it is to be stopped; it is no worker's to close."""
        if reason is not None and not self._failed:
            said = f"{reason} (worker {self._worker})"
            self._session.lasting(lambda connection: steer(connection, run_id, "stop", said))
        return Totals()


@dataclass(frozen=True, slots=True)
class Carrier:
    """What carries out windows, one at a time for each session.

    Attributes:
        desk: where turns are reserved.
        terms: of the lease.
        worker: its name.
        brakes: get what ends a window early, as long as it is worked on.
        on_event: hears what is settled.
    """

    desk: Desk
    terms: Terms
    worker: str
    brakes: Brakes
    on_event: Callable[[Progress], None]

    async def carry(
        self,
        session: WorkerSession,
        part: Part,
        window: Window,
        settings: RunSettings,
        poster: Poster,
        concurrency: int,
    ) -> RunResult:
        """Post what is planned in a window; return how it ended. The window is open before and after.

        Args:
            session: that works on it.
            part: in the window's run.
            window: the window.
            settings: of the run.
            poster: posts.
            concurrency: posts at once.

        Raises:
            LedgerError: the ledger was out of reach for too long, or refused an outcome.
        """
        wall = await asyncio.to_thread(session.lasting, server_clock)
        session.go_by(wall)
        loop = asyncio.get_running_loop()
        pacing = Pacing(self.desk, part.run_id)
        lanes = Lanes(settings.rate, settings.rates, concurrency, pacing.make)

        def hear(progress: Progress) -> None:
            part.settled.update(settlement.state for settlement in progress.settled)
            self.on_event(progress)

        def hold() -> None:
            loop.call_soon_threadsafe(brake.stop)

        dispatcher = Dispatcher(
            WindowLedger(session, window, hold, self.worker),
            poster,
            part.run_id,
            concurrency=concurrency,
            clock=BootClock(),
            wall=wall,
            on_event=hear,
            lanes=lanes,
            lease=self.terms.lease,
            breaker=part.breaker,
        )
        brake = Brake(dispatcher, part.run_id)
        pacing.begin(lanes, lambda: concurrency - dispatcher.posting + lanes.pace.queue, dispatcher.stop)
        self.brakes.add(brake)
        in_reach = False
        try:
            result = await dispatcher.run()
            in_reach = True
            return result
        finally:
            self.brakes.remove(brake)
            await pacing.end(in_reach=in_reach)
            if not self.brakes:  # nothing is posted, at whatever rate
                self.on_event(Progress((), 0, 0, None))
