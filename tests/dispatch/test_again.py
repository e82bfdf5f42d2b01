"""What ``retry`` posts, and whom it leaves out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec_runner.dispatch.again import Again, kept_back, survey, to_post
from msgspec_runner.dispatch.delivery import written
from msgspec_runner.dispatch.plan import Decision
from msgspec_runner.dispatch.planner import Rails
from msgspec_runner.ledger.ledger import Stored
from msgspec_runner.model import Message, State
from msgspec_runner.timing import Rules

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
STOP = "+16175550003"


def stored(row: int, *, delivery: str | None = None, body: bytes = b'{"text":"Hi"}', spec: str = "hello") -> Stored:
    to = f"+1617555{row:04d}"
    made = Message(f"k{row}", "", spec, 1, row, to, body, "digest", 2 if body else None, delivery)
    return Stored(made, "run-1", State.REJECTED, "2026-11-23T11:00:00.000Z", "2026-11-23T11:00:00.000Z", None, None)


RAILS = Rails(NOON, {STOP})
EXPIRED = written(Rules(expires=NOON - timedelta(hours=1)))
HELD = written(Rules(hold=timedelta(minutes=5)))
MESSAGES = [
    stored(1),
    stored(2, delivery=HELD, spec="other"),
    stored(3),
    stored(4, delivery=EXPIRED),
    stored(5, body=b""),
]


def test_what_would_be_done() -> None:
    again = survey(MESSAGES, RAILS)
    assert again.messages == {("hello", 1): 1, ("other", 1): 1}
    assert again.specs == ("hello", "other")
    assert (again.segments, again.scheduled, again.erased) == (4, 1, 1)
    assert again.left_out == {Decision.SUPPRESSED: 1, Decision.EXPIRED: 1}


def test_what_is_posted_and_what_is_kept_back() -> None:
    assert [message.row for message in to_post(MESSAGES, RAILS)] == [1, 2]
    assert [(skip.row, skip.to, skip.reason, skip.key) for skip in kept_back(MESSAGES, RAILS)] == [
        (3, STOP, "suppressed", "k3"),
        (4, "+16175550004", "expired", "k4"),
    ]


def test_nothing_at_all() -> None:
    assert survey([], RAILS) == Again()
    assert survey([], RAILS).segments is None
