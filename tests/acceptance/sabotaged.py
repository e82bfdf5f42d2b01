"""The command, with a fault built in: ``python sabotaged.py FAULT ARGUMENT …``. The crash test has to find it."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import Any

from msgspec_runner.__main__ import main
from msgspec_runner.ledger.sqlite import SqliteLedger
from msgspec_runner.model import Outcome, OutcomeKind
from msgspec_runner.sociocs.client import Client
from msgspec_runner.sociocs.wire import Leave


def send_again_what_was_under_way() -> None:
    """What a dead run was sending is taken for unsent."""
    import sqlite3

    recover = SqliteLedger.recover

    def forgetful(self: SqliteLedger) -> int:
        with closing(sqlite3.connect(self.location)) as connection, connection:
            connection.execute("UPDATE messages SET state = 'planned' WHERE state = 'sending'")
        return recover(self)

    SqliteLedger.recover = forgetful  # type: ignore[method-assign]


def dream_of_answers() -> None:
    """Every tenth message is accepted without being posted."""
    post = Client.post
    posts = 0

    async def dreaming(self: Client, body: bytes, leave: Leave | None = None) -> Outcome:
        nonlocal posts
        posts += 1
        if posts % 10:
            return await post(self, body, leave)
        return Outcome(OutcomeKind.ACCEPTED, http_status=200, message_id=f"dream-{posts}")

    Client.post = dreaming  # type: ignore[method-assign]


def claim_everything() -> None:
    """Far more messages are claimed than will soon be posted, and a crash leaves them all in doubt."""
    commit = SqliteLedger.commit

    def greedy(self: SqliteLedger, run_id: str, claims: Any, settlements: Any) -> set[str]:
        claimed = commit(self, run_id, claims, settlements)
        if claimed:
            self.claim(run_id, [planned.key for planned in self.pending(run_id, 0, 500)])
        return claimed

    SqliteLedger.commit = greedy  # type: ignore[method-assign]


def send_again_for_dead_workers() -> None:
    """What a worker had under way when it was taken for dead is taken for unsent."""
    from msgspec_runner.ledger import postgres_shared_statements as shared

    planned = shared.DOUBT_CLAIMED.replace("'in_doubt'", "'planned'")
    shared.DOUBT_CLAIMED = planned  # type: ignore[misc]


def hurry_and_forget() -> None:
    """The workers' common rate is half as much again, and who comes when a run is over takes all of it for unsent."""
    from msgspec_runner.cluster import sharing

    first_state, check = sharing.first_state, sharing.Shared.check

    def forgetful(self: sharing.Shared) -> None:
        check(self)
        with self._connected() as connection:
            over = "SELECT id FROM runs WHERE status <> 'running'"
            connection.execute(f"UPDATE messages SET state = 'planned' WHERE run IN ({over})")

    sharing.first_state = lambda rate: first_state(rate and 1.5 * rate)  # type: ignore[attr-defined]
    sharing.Shared.check = forgetful  # type: ignore[method-assign]


if __name__ == "__main__":
    globals()[sys.argv.pop(1)]()
    sys.exit(main())
