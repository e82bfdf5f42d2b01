"""What people are told of a ledger that does not do what it should: each thing once, until it is gone."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg

from msgspec_runner.ledger.postgres_address import Address


class Reach:
    """Whether the ledger can be reached. Safe for several threads.

    Args:
        say: is told when that changes.
        connected: hears each time whether it can.
    """

    def __init__(self, say: Callable[[str], None], connected: Callable[[bool], None]) -> None:
        self._say = say
        self._connected = connected
        self._lost: set[str] = set()
        self._changing = threading.Lock()

    def __bool__(self) -> bool:
        return not self._lost

    def lost(self, line: str) -> None:
        """A line to it is lost, or cannot be had."""
        self._change(self._lost | {line})

    def found(self, line: str) -> None:
        """A line to it is there."""
        self._change(self._lost - {line})

    def _change(self, lost: set[str]) -> None:
        with self._changing:
            if bool(lost) != bool(self._lost):
                self._say("the ledger is out of reach: nothing new is sent" if lost else "the ledger is back")
            self._lost = lost
            self._connected(not lost)


class Faults:
    """What fails although the line holds: somebody's lock, a right that is missing, a row that is damaged.

    Args:
        address: of the ledger, whose password is told to nobody.
        say: is told what could not be done, and the server's words.
    """

    def __init__(self, address: Address, say: Callable[[str], None]) -> None:
        self._address = address
        self._say = say
        self._before: set[str] = set()
        self._now: set[str] = set()

    def note(self, what: str, error: psycopg.Error) -> None:
        """Something could not be done in this round.

        Args:
            what: continues "could not".
            error: why. Its details may be people's data, and are not told.
        """
        said = self._address.without_password(" ".join((error.diag.message_primary or str(error)).split()))
        words = f"could not {what}: {said}"
        if words not in self._before | self._now:
            self._say(f"{words}. Tries again")
        self._now.add(words)

    def round_over(self) -> None:
        """All was tried: what did not fail this time is told anew when it fails again."""
        self._before, self._now = self._now, set()
