"""What to do with a message: one line for each thing that the ledger may know of it."""

from __future__ import annotations

import pytest

from msgspec_runner.dispatch.plan import Decision, SpecPlan, decide
from msgspec_runner.ledger.ledger import Entry
from msgspec_runner.model import State

TABLE = {
    # state, the run lives: same body, other body
    (State.PLANNED, False): (Decision.NEW, Decision.NEW),
    (State.PLANNED, True): (Decision.BUSY, Decision.BUSY),
    (State.RETRY_WAIT, False): (Decision.NEW, Decision.NEW),
    (State.RETRY_WAIT, True): (Decision.BUSY, Decision.BUSY),
    (State.SENDING, False): (Decision.IN_DOUBT, Decision.CHANGED),
    (State.SENDING, True): (Decision.BUSY, Decision.BUSY),
    (State.ACCEPTED, False): (Decision.SENT, Decision.CHANGED),
    (State.ACCEPTED, True): (Decision.SENT, Decision.CHANGED),
    (State.IN_DOUBT, False): (Decision.IN_DOUBT, Decision.CHANGED),
    (State.IN_DOUBT, True): (Decision.IN_DOUBT, Decision.CHANGED),
    (State.REJECTED, False): (Decision.REJECTED, Decision.NEW),
    (State.REJECTED, True): (Decision.REJECTED, Decision.NEW),
    (State.RELEASED, False): (Decision.NEW, Decision.NEW),
    (State.RELEASED, True): (Decision.NEW, Decision.NEW),
    (State.CANCELLED, False): (Decision.CANCELLED, Decision.CANCELLED),
    (State.CANCELLED, True): (Decision.CANCELLED, Decision.CANCELLED),
    (State.SKIPPED, False): (Decision.NEW, Decision.NEW),
    (State.SKIPPED, True): (Decision.NEW, Decision.NEW),
}
"""The contract, section 4, "Identity", row by row."""

MAY_HAVE_ARRIVED = (State.SENDING, State.ACCEPTED, State.IN_DOUBT, State.CANCELLED)


def entry(state: State, *, alive: bool) -> Entry:
    return Entry(state, "digest", "run-1", alive)


def test_the_table_has_every_state() -> None:
    assert set(TABLE) == {(state, alive) for state in State for alive in (False, True)}


@pytest.mark.parametrize(("known", "decisions"), TABLE.items(), ids=lambda value: str(value))
def test_a_known_message(known: tuple[State, bool], decisions: tuple[Decision, Decision]) -> None:
    state, alive = known
    found = entry(state, alive=alive)
    assert (decide(found, "digest"), decide(found, "another")) == decisions


@pytest.mark.parametrize("digest", ["digest", "another"])
@pytest.mark.parametrize("alive", [False, True])
@pytest.mark.parametrize("state", MAY_HAVE_ARRIVED)
def test_what_may_have_reached_somebody_is_never_new(state: State, alive: bool, digest: str) -> None:
    assert decide(entry(state, alive=alive), digest) is not Decision.NEW


def test_an_unknown_message_is_new() -> None:
    assert decide(None, "digest") is Decision.NEW


def test_a_spec_s_plan_counts_rows_and_the_segments_of_what_is_new() -> None:
    plan = SpecPlan("reminder", 2, "specs/reminder.yaml")
    assert plan.as_dict()["segments"] == 0
    for decision, segments in [
        (Decision.NEW, 1),
        (Decision.NEW, 2),
        (Decision.NEW, None),
        (Decision.SENT, 4),
        (Decision.DUPLICATE, None),
    ]:
        plan.add(decision, segments)
    report = plan.as_dict()
    assert report["recipients"] == 5
    assert report["segments"] == 3
    assert {
        name: number for name, number in report.items() if number and name in {d.name.lower() for d in Decision}
    } == {
        "new": 3,
        "sent": 1,
        "duplicate": 1,
    }
    assert (report["spec"], report["edition"], report["file"]) == ("reminder", 2, "specs/reminder.yaml")
