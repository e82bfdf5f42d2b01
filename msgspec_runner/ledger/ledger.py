"""What a ledger is: the values it takes and gives, the moves it allows, and the protocol every store fulfils.

The ledger is why nobody is texted twice. It knows each message by its identity (``model.identity``) and
moves it from state to state; ``sending`` is on the disk before a request leaves, so whatever a crash leaves
behind is *in doubt*, never forgotten and never sent again by itself (contract, section 4).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Protocol

from msgspec_runner.model import Message, State

TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.PLANNED: frozenset({State.SENDING}),
        State.SENDING: frozenset(
            {State.ACCEPTED, State.REJECTED, State.IN_DOUBT, State.RETRY_WAIT, State.PLANNED},
        ),
        State.RETRY_WAIT: frozenset({State.SENDING, State.PLANNED}),
        State.ACCEPTED: frozenset({State.CANCELLED}),
        State.REJECTED: frozenset({State.RELEASED, State.PLANNED}),
        State.IN_DOUBT: frozenset({State.ACCEPTED, State.REJECTED, State.RELEASED}),
        State.RELEASED: frozenset({State.PLANNED}),
        State.SKIPPED: frozenset(),
        State.CANCELLED: frozenset(),
    }
)
"""Every legal move (the diagram of :class:`~msgspec_runner.model.State`; contract, section 4).

``rejected → planned`` is for a body that changed since; the same body needs ``released`` in between.
Only what proves "not sent" leads from ``sending`` back to ``planned`` or ``retry_wait``.
"""

SETTLED_FROM = frozenset({State.SENDING, State.RETRY_WAIT, State.IN_DOUBT, State.ACCEPTED})
"""The states that an outcome may settle. Leaving ``rejected`` and ``released`` is planning, not an outcome."""

RELEASED_FROM = frozenset({State.REJECTED, State.IN_DOUBT})
"""The states that a person may release for sending again."""


def sources(target: State) -> frozenset[State]:
    """Return the states from which an outcome may move a message to ``target``; empty: none may."""
    return frozenset(state for state in SETTLED_FROM if target in TRANSITIONS[state])


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
    message_id: str | None
    error: str | None
    updated_at: str


class Planned(NamedTuple):
    """A message that waits for its turn; ``position`` is its place in the run and the cursor for paging."""

    position: int
    key: str
    spec: str
    row: int
    to: str
    body: bytes


class Skip(NamedTuple):
    """A row that a run left out.

    Attributes:
        reason: one word or two: ``duplicate``, ``invalid``; shown as ``skipped(reason)``.
        to: as far as it is known, else empty.
        key: its identity where it has one (a duplicate's is that of the first row), else empty.
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
        state: where it goes; must be in ``TRANSITIONS`` of where it is.
        attempts: POSTs begun for it in this run; None: as many as it was claimed.
        at: when it was known, aware; None: the ledger's clock.
    """

    key: str
    state: State
    http_status: int | None = None
    message_id: str | None = None
    error: str | None = None
    attempts: int | None = None
    at: datetime | None = None


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


class Ledger(Protocol):
    """A store of identities and states, safe to call from any thread, one call at a time.

    Methods block (they wait for the disk); the dispatcher calls them from its own writer thread. Each raises
    :class:`~msgspec_runner.errors.LedgerError` when the store cannot be read or written.
    """

    @property
    def id(self) -> str:
        """The name that the project's committed ``msgspec-runner.ledger-id`` holds."""
        ...

    @property
    def location(self) -> str:
        """Where it is, for people."""
        ...

    def entries(self, keys: Sequence[str]) -> dict[str, Entry]:
        """Return what is known of ``keys``; an unknown key is absent. A few hundred keys a call."""
        ...

    def begin(self, run: Run) -> None:
        """Enter a run and take its lock, which the kernel frees if this process dies."""
        ...

    def recover(self) -> int:
        """Settle what dead runs left: ``sending`` → ``in_doubt``, ``retry_wait`` → ``planned``.

        A run is dead when its lock is free, never by age. Returns the number of messages now in doubt by it.
        """
        ...

    def plan(self, run_id: str, messages: Iterable[Message], chunk: int = 5000) -> int:
        """Give messages to a run, as ``planned``; return how many it got.

        It takes what is new, ``planned`` by a run that ended, ``released``, or ``rejected`` with another
        digest. Anything else stays as it is: another run was faster, or the caller's decision is old.

        Args:
            run_id: a run that was begun here.
            messages: in the order in which they shall be sent.
            chunk: messages a transaction; others may write in between.
        """
        ...

    def skip(self, run_id: str, skipped: Iterable[Skip]) -> None:
        """Record rows that the run leaves out."""
        ...

    def pending(self, run_id: str, after: int = 0, limit: int = 500) -> list[Planned]:
        """Return the next ``planned`` messages of a run behind position ``after``, in the order of the plan."""
        ...

    def claim(self, run_id: str, keys: Sequence[str]) -> set[str]:
        """Move ``planned`` or ``retry_wait`` messages of this run to ``sending``, durably, before returning.

        Only what is returned may be posted.
        """
        ...

    def commit(self, run_id: str, claims: Sequence[str], settlements: Sequence[Settlement]) -> set[str]:
        """Settle outcomes and claim the next messages in one durable transaction; return what was claimed.

        Raises:
            LedgerError: a settlement is no legal move. The legal ones are stored all the same (an outcome is
                never lost to another's fault), and nothing was claimed.
        """
        ...

    def release(self, keys: Sequence[str], reason: str) -> int:
        """Allow ``rejected`` or ``in_doubt`` messages to be planned again; return how many were."""
        ...

    def end(self, run_id: str, status: RunStatus, reason: str | None = None) -> Totals:
        """Close a run and free its lock; what is still ``sending`` becomes ``in_doubt``. Return its totals."""
        ...

    def runs(self, limit: int | None = None) -> list[Run]:
        """Return runs, newest first; one whose process is gone shows as ``died`` before :meth:`recover` too."""
        ...

    def run(self, run_id: str) -> Run | None:
        """Return one run, or None."""
        ...

    def messages(
        self,
        *,
        run: str | None = None,
        state: State | None = None,
        spec: str | None = None,
        origin: str | None = None,
    ) -> Iterator[Record]:
        """Yield messages in the order of the plan, then skipped rows; None selects all. Memory stays flat."""
        ...

    def totals(self, run: str | None = None) -> Totals:
        """Count the messages of a run, or of the whole ledger, by state."""
        ...

    def close(self) -> None:
        """Let go of the store. A run that was not ended counts as dead from now on."""
        ...


_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
"""Letters and digits that nobody confuses when reading a run's id aloud."""


def new_run_id(now: datetime | None = None) -> str:
    """Return a new id such as ``20261123-114501-x7k2``: sorts by time (UTC), short enough to type.

    Args:
        now: an aware time; None: this moment.
    """
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    return f"{moment:%Y%m%d-%H%M%S}-" + "".join(secrets.choice(_LETTERS) for _ in range(4))


def timestamp(moment: datetime) -> str:
    """Return an aware time as the ledger writes it: ``2026-11-23T11:45:01.250Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
