from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from msgspec_runner.ledger import Decided, Record, RunStatus, Stored, Totals
from msgspec_runner.model import State
from msgspec_runner.reports.run_report.gathering import LISTED_DOUBTS, LISTED_ROWS, gather
from msgspec_runner.reports.run_report.timeline import Fate
from tests.reports.run_report.examples import AS_OF, RUN, START, figures, message, mixed


def test_a_run_with_something_of_everything() -> None:
    found = mixed()
    assert found.totals == Totals(accepted=61, rejected=3, in_doubt=2, cancelled=1, planned=1, skipped=3)
    assert found.moved == 72 - 71
    assert found.scheduled == 1
    assert [(spec.spec, sum(spec.states.values()), spec.segments) for spec in found.specs] == [
        ("reminder", 63, 120),
        ("welcome", 8, 2),
    ]
    assert found.attempts == {1: 66, 2: 1, 3: 1}
    assert (found.tried, found.retried, found.retries, found.throttled) == (68, 2, 3, 1)
    assert [(group.words, group.count) for group in found.errors] == [
        ("The number … is not reachable (id …).", 2),
        ("Unknown channel.", 1),
        ("no answer within the timeout", 1),
        ("HTTP 500: …", 1),
        ("HTTP 429", 1),
    ]
    assert [(skip.reason, skip.count, skip.rows) for skip in found.skips] == [
        ("duplicate", 2, ("welcome:6", "welcome:8")),
        ("suppressed", 1, ("welcome:7",)),
    ]
    assert [(doubt.record.row, doubt.tried_at) for doubt in found.doubts] == [
        (1, "2031-11-23T11:45:22.000Z"),
        (2, "2031-11-23T11:45:23.000Z"),
    ]
    assert [(group.what, group.by, group.count) for group in found.decisions] == [
        ("cancelled", "ann@desk", 1),
        ("accepted", "bob@desk", 2),
    ]
    assert found.decisions[1].first < found.decisions[1].last
    assert found.seconds == pytest.approx(29.75), "to the last answer"
    assert sum((interval.counts for interval in found.timeline.intervals), Counter()) == {
        Fate.ACCEPTED: 61,
        Fate.REJECTED: 3,
        Fate.IN_DOUBT: 2,
        Fate.OTHER: 1,
    }
    assert found.latencies.total == 64  # of the accepted and rejected


def test_an_empty_run() -> None:
    found = figures([])
    assert found.totals == Totals()
    assert (found.specs, found.errors, found.skips, found.doubts, found.decisions) == ((), (), (), (), ())
    assert (found.seconds, found.tried, found.moved) == (0, 0, 0)
    assert found.timeline.intervals == ()


def test_what_was_settled_after_the_run_has_no_latency() -> None:
    def timed(**more: object) -> int:
        run = replace(RUN, **more)  # type: ignore[arg-type]
        return figures([message(1, at=1, took=0.5), message(2, at=1, took=3600)], run).latencies.total

    assert timed() == 1
    assert timed(status=RunStatus.RUNNING, ended_at=None) == 2


def test_a_run_lasts_from_the_first_claim_to_the_last_answer() -> None:
    assert figures([message(1, at=1, took=3), message(2, at=1.004, took=0.08)]).seconds == pytest.approx(3)
    assert figures([message(1, at=1, took=0.2), message(2, State.IN_DOUBT, at=2, took=30)]).seconds == pytest.approx(1)
    assert figures([message(1, at=1, took=3600)]).seconds == 0, "somebody settled it after the run"


def test_a_message_without_an_attempt_has_no_place_in_time() -> None:
    found = figures([message(1, State.PLANNED, at=None), message(2, State.RETRY_WAIT, at=4)])
    assert found.timeline.intervals == ()
    assert found.attempts == {1: 1}


def test_a_run_that_does_not_know_when_it_began_begins_with_its_first_message() -> None:
    found = figures([message(1, at=100), message(2, at=100.1)], replace(RUN, started_at=None))
    assert [interval.start for interval in found.timeline.intervals] == [0, 100]


@pytest.mark.parametrize(
    ("scheduled_for", "state", "number"),
    [
        ("2031-11-24T09:00:00-05:00", State.ACCEPTED, 1),
        ("2031-11-24T09:00:00", State.ACCEPTED, 1),
        ("2031-11-23T11:00:00+00:00", State.ACCEPTED, 0),
        ("tomorrow", State.ACCEPTED, 0),
        ("2031-11-24T09:00:00-05:00", State.CANCELLED, 0),
    ],
)
def test_what_the_api_still_keeps(scheduled_for: str, state: State, number: int) -> None:
    assert figures([message(1, state, scheduled_for=scheduled_for)]).scheduled == number


def test_lists_are_short_however_many_there_are() -> None:
    found = figures(
        [
            *(message(row, State.IN_DOUBT, error="lost") for row in range(LISTED_DOUBTS + 50)),
            *(message(row, State.SKIPPED, at=None, error="duplicate") for row in range(50)),
            *(message(row, State.SKIPPED, at=None, error=f"reason {row}") for row in range(1000)),
        ],
        decisions=[Decided("key", "2031-11-23T11:45:02.120Z", "ann", "released", f"{n}") for n in range(1000)],
    )
    assert len(found.doubts) == LISTED_DOUBTS
    assert found.totals.in_doubt == LISTED_DOUBTS + 50
    assert len(found.skips[0].rows) == LISTED_ROWS
    assert sum(skip.count for skip in found.skips) == 1050
    assert len(found.skips) <= 201
    assert sum(group.count for group in found.decisions) == 1000
    assert len(found.decisions) <= 201


def test_memory_does_not_grow_with_the_run() -> None:
    example, stored = message(1, State.IN_DOUBT, error="no answer to request 12")
    assert stored is not None

    def records(number: int) -> Iterator[Record]:
        return (replace(example, key=str(row), row=row, error=f"no answer to request {row}") for row in range(number))

    def all_stored(number: int) -> Iterator[Stored]:
        for row in range(number):
            moment = (START + timedelta(seconds=row * 7)).isoformat()
            yield stored._replace(
                message=stored.message._replace(key=str(row)), claimed_at=moment, state=State.ACCEPTED
            )

    def peak(number: int) -> int:
        tracemalloc.start()
        gather(RUN, records(number), all_stored(number), (), AS_OF)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(1_000)  # what is made once
    assert peak(20_000) < 2 * peak(2_000) + 200_000
