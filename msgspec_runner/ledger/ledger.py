"""What a ledger is: the protocol that every store fulfils.

The ledger is why nobody is texted twice. It knows each message by its identity (``model.identity``) and
moves it from state to state (:mod:`.states`); ``sending`` is on the disk before a request leaves, so whatever a crash
leaves behind is *in doubt*, never forgotten and never sent again by itself (contract, section 4).
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from msgspec_runner.ledger.states import TRANSITIONS, sources
from msgspec_runner.ledger.values import (
    Decided,
    Entry,
    Planned,
    Record,
    Run,
    RunStatus,
    Settlement,
    Skip,
    Stored,
    Totals,
)
from msgspec_runner.model import Message, State

__all__ = [
    "TRANSITIONS",
    "Decided",
    "Entry",
    "Ledger",
    "Planned",
    "Record",
    "Run",
    "RunLedger",
    "RunStatus",
    "Settlement",
    "Skip",
    "Stored",
    "Totals",
    "new_run_id",
    "sources",
    "timestamp",
]


class RunLedger(Protocol):
    """What a dispatcher needs of a ledger; see :class:`Ledger` for what each method promises."""

    def pending(self, run_id: str, after: int = 0, limit: int = 500) -> list[Planned]:
        """Return the next ``planned`` messages of a run."""
        ...

    def commit(self, run_id: str, claims: Sequence[str], settlements: Sequence[Settlement]) -> set[str]:
        """Settle outcomes and claim the next messages."""
        ...

    def remember(self, run_id: str, settlement: Settlement) -> None:
        """Take note of an outcome that :meth:`commit` will bring later."""
        ...

    def end(self, run_id: str, status: RunStatus, reason: str | None = None) -> Totals:
        """Close a run."""
        ...


class Ledger(RunLedger, Protocol):
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

    @property
    def schema(self) -> int:
        """The number of its tables' last migration: opening a ledger brings it to the newest."""
        ...

    def entries(self, keys: Sequence[str]) -> dict[str, Entry]:
        """Return what is known of ``keys``; an unknown key is absent. A few hundred keys a call."""
        ...

    def unsent(self, digests: Mapping[str, str]) -> dict[str, Entry | None]:
        """Return what is known of messages that were not accepted as they are, by key; None: nothing is known.

        For plans: of a million messages that were all sent, what is left out here need not be looked at.

        Args:
            digests: of the messages' bodies as they are now, by key; a few hundred a call.
        """
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
        digest. Anything else stays as it is: another run was faster, or the caller's decision is old. A message without
        a body, because its data was erased, is left out.

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

    def remember(self, run_id: str, settlement: Settlement) -> None:
        """Take note of an outcome that :meth:`commit` will bring later, where the store is out of reach just now.

        Called in the event loop and from any thread, while :meth:`commit` may be waiting for the store in another; must
        be quick. What it noted survives ``kill -9``. A store that cannot be out of reach does nothing.
        """
        ...

    def release(
        self, keys: Sequence[str], reason: str, by: str = "person", only: Collection[State] | None = None
    ) -> int:
        """Allow ``rejected`` or ``in_doubt`` messages to be planned again; return how many were.

        Args:
            keys: of messages; one that is in another state is left as it is.
            reason: why, in the words of who decided.
            by: who decided.
            only: leave what is in another state; None: both states. Who decided about a rejected message did not
                decide about the doubt that it may have become since.
        """
        ...

    def resolve(self, settlements: Sequence[Settlement], by: str, reason: str) -> set[str]:
        """Settle messages outside of a run, durably: ``in_doubt`` to ``accepted`` or ``rejected``, ``accepted`` to
        ``cancelled``. Return the keys that were settled.

        A key is left out, and stays as it is, where the move is not legal, or where another message of the same origin
        has the ``message_id`` already: one message of the API is never the proof for two of ours. A call that brings
        message ids looks through the whole ledger once, so bring many at a time.

        Args:
            settlements: ``attempts`` and ``at`` as for :meth:`commit`.
            by: who decided: a person's name, or a command such as ``reconcile``.
            reason: what it is known by.
        """
        ...

    def erase(self, before: datetime | None = None, number: str | None = None, by: str = "person") -> int:
        """Erase people's data: numbers, bodies, ``recipients.key`` and errors. Return how many messages and skipped
        rows were emptied.

        Identities, digests, states, times and the API's ids stay, so nothing is sent again because it was forgotten.
        By time alone, what only served shared runs that ended before then is dropped too.

        Only what is at rest is erased: ``accepted``, ``rejected``, ``cancelled``, ``released`` and skipped rows; with
        ``number`` also what is ``in_doubt``, or still ``planned`` by a run that is over. Messages of a live run are
        never touched.

        Args:
            before: only what did not move since this aware time.
            number: only this recipient, E.164 with ``+``. At least one of the two is given.
            by: who decided.
        """
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

    def stored(
        self, run: str | None = None, states: Collection[State] | None = None, origin: str | None = None
    ) -> Iterator[Stored]:
        """Yield whole messages in the order of the plan; None selects all. Memory stays flat.

        To send what an old run left without its specs: :meth:`release` what was rejected, begin a run, and
        :meth:`plan` the messages of what is ``released``.
        """
        ...

    def decisions(self, key: str | None = None) -> Iterator[Decided]:
        """Yield what was decided outside of runs, oldest first; None: about every message."""
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

    def totals_by_spec(self, run: str) -> dict[str, Totals]:
        """Count the messages of a run by state, for each spec that it has any of, in the order of their ids."""
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
