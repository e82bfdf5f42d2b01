"""The values that a ledger takes and gives: runs, what is planned, what came of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec_runner.model import Message, State


class RunStatus(StrEnum):
    """How a run is doing. ``died`` means: its lock is free and nobody said good-bye."""

    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    DIED = "died"


@dataclass(frozen=True, slots=True)
class Totals:
    """How many messages are in each state; the fields are the states of ``model.State``."""

    planned: int = 0
    sending: int = 0
    accepted: int = 0
    rejected: int = 0
    in_doubt: int = 0
    retry_wait: int = 0
    skipped: int = 0
    released: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        """Return the number of messages in any state."""
        return sum(self.as_dict().values())

    def as_dict(self) -> dict[str, int]:
        """Return ``{state: count}`` with every state, for reports."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of ``send``: a page of the ledger.

    Attributes:
        id: see :func:`new_run_id`.
        origin: ``sandbox``, or the API's scheme, host and port; part of every identity planned in this run.
        specs: the ids of the specs it sends.
        version: of msgspec-runner.
        host: name of the machine, for people.
        pid: of the process, for people; whether a run is alive is told by its lock only.
        started_at: an aware time; None: the ledger's clock when it begins.
        status: as the ledger knows it.
        ended_at: None while it runs.
        reason: why it stopped early, for people.
        totals: what it left behind when it ended; None before. :meth:`Ledger.totals` counts afresh.
    """

    id: str
    origin: str
    specs: tuple[str, ...] = ()
    version: str = ""
    host: str = ""
    pid: int = 0
    started_at: datetime | None = None
    status: RunStatus = RunStatus.RUNNING
    ended_at: datetime | None = None
    reason: str | None = None
    totals: Totals | None = None


class Entry(NamedTuple):
    """What the ledger knows of one identity, for planning.

    Attributes:
        state: its state. ``sending`` with ``run_alive`` False is in doubt: :meth:`Ledger.recover` will say so.
        digest: of the body that was planned or sent last; "changed since sent" compares it.
        run: the run that owns it.
        run_alive: whether that run's process still lives; its planned rows are not ours to take then.
    """

    state: State
    digest: str
    run: str
    run_alive: bool


class Planned(NamedTuple):
    """A message that waits for its turn.

    Attributes:
        position: its place in the run, and the cursor for paging.
        delivery: see :class:`~msgspec_runner.model.Message`.
    """

    position: int
    key: str
    spec: str
    row: int
    to: str
    body: bytes
    delivery: str | None = None


class Skip(NamedTuple):
    """A row that a run left out.

    Attributes:
        reason: one word or two: ``duplicate``, ``invalid``; shown as ``skipped(reason)``.
        to: as far as it is known, else empty.
        key: its identity where it has one (a duplicate's is that of the first row), else a digest of the cells that
            its message would be made of: what the row is recognised by, also when people's data was erased.
    """

    spec: str
    edition: int
    row: int
    reason: str
    to: str = ""
    recipient_key: str = ""
    key: str = ""
    segments: int | None = None


class Settlement(NamedTuple):
    """The outcome of a claimed message.

    Attributes:
        key: the message.
        state: where it goes; must be a legal move from where it is (:mod:`~msgspec_runner.ledger.states`).
        attempts: POSTs begun for it in this run; None: as many as it was claimed.
        at: when it was known, aware; None: the ledger's clock.
        scheduled_for: the time that the API was asked to wait for, ISO 8601; None: none, or known already.
    """

    key: str
    state: State
    http_status: int | None = None
    message_id: str | None = None
    error: str | None = None
    attempts: int | None = None
    at: datetime | None = None
    scheduled_for: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """The one message object (contract, section 4): its fields are the keys of ``--results`` and ``status``.

    A skipped row has ``state`` ``skipped`` and the reason in ``error``. Times are ISO 8601 in UTC with
    milliseconds; ``attempts`` counts those of its run.
    """

    key: str
    recipient_key: str
    run: str
    spec: str
    edition: int
    row: int
    to: str
    state: State
    message_id: str | None
    http_status: int | None
    error: str | None
    attempts: int
    segments: int | None
    created_at: str
    updated_at: str

    def as_dict(self) -> dict[str, str | int | None]:
        """Return the message object as the contract names its keys, in its order."""
        return asdict(self)


class Stored(NamedTuple):
    """A message as the ledger keeps it, whole: to retry, reconcile or cancel it without its spec.

    Attributes:
        message: with its body, digest and delivery; where people's data was erased, number, body and
            ``recipient_key`` are empty, and nothing can be sent from it.
        claimed_at: when its last attempt was about to begin, ISO 8601 in UTC; None: it was never tried.
        updated_at: of its last move.
        scheduled_for: the time that the API was asked to wait for, ISO 8601; None: none.
    """

    message: Message
    run: str
    state: State
    claimed_at: str | None
    updated_at: str
    message_id: str | None
    scheduled_for: str | None

    @property
    def erased(self) -> bool:
        """Whether people's data was erased from it."""
        return not self.message.body


class Decided(NamedTuple):
    """What a person, or a command on a person's word, decided about a message outside of a run.

    Attributes:
        key: the message; empty for ``erase``, which is one line for all that it emptied.
        at: ISO 8601 in UTC.
        by: who: a person's name, or a command such as ``reconcile``.
        what: the state it went to, or ``erased``.
        reason: in that person's words.
    """

    key: str
    at: str
    by: str
    what: str
    reason: str
