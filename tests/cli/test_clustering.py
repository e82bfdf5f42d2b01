"""What a watcher says of the workers, and which flags are for them."""

from __future__ import annotations

import pytest

from msgspec_runner.cli.clustering import Working, _note, check_place, choose_sharing
from msgspec_runner.errors import UsageError

NOBODY = Working(workers=0, rate=None, wanted="go")
FREE_AT = 1_952_941_505.25
"""2031-11-20 11:45:05 UTC, and a quarter of a second."""


@pytest.mark.parametrize(
    ("working", "words"),
    [
        (None, None),
        (NOBODY._replace(workers=2, there=0), "2 workers at it"),
        (NOBODY._replace(wanted="pause"), "paused"),
        (NOBODY._replace(wanted="stop", there=2), "stopping"),
        (NOBODY, "no worker is at it: start some with `msgspec-runner worker`"),
        (
            NOBODY._replace(there=1, flags=" --base-url https://api.test"),
            (
                "a worker is there, but busy, or not for this run: it takes "
                "`msgspec-runner worker --base-url https://api.test`"
            ),
        ),
        (
            NOBODY._replace(there=3),
            "3 workers are there, but busy, or not for this run: it takes `msgspec-runner worker`",
        ),
        (
            NOBODY._replace(there=1, free_at=FREE_AT),
            "waiting for the windows of a worker that died, until 11:45:05 UTC",
        ),
        (
            NOBODY._replace(free_at=FREE_AT),
            (
                "no worker is at it: start some with `msgspec-runner worker`; "
                "the messages of one that died are free at 11:45:05 UTC"
            ),
        ),
    ],
)
def test_why_nothing_moves(working: Working | None, words: str | None) -> None:
    assert _note(working, alone=True) == words


@pytest.mark.parametrize("location", [None, ".msgspec-runner/ledger.db", "/srv/postgresql.db"])
def test_a_file_is_no_place_for_workers(location: str | None) -> None:
    with pytest.raises(UsageError, match="workers need one in PostgreSQL"):
        check_place(location)
    check_place("postgresql://sms@db.example.com/messages")


def test_between_two_windows_nobody_is_at_it_and_nothing_is_said() -> None:
    assert _note(NOBODY._replace(there=1), alone=False) is None


@pytest.mark.parametrize(
    ("queue", "cluster", "sandbox", "concurrency", "words"),
    [
        ("eu", False, False, False, "--queue is for --cluster"),
        (None, True, True, False, "--base-url"),
        (None, True, False, True, "msgspec-runner worker --concurrency N"),
    ],
)
def test_flags_that_make_no_sense_together(
    queue: str | None, cluster: bool, sandbox: bool, concurrency: bool, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        choose_sharing(queue, cluster=cluster, sandbox=sandbox, concurrency=concurrency)
    assert choose_sharing(None, cluster=False, sandbox=sandbox, concurrency=True) is None
