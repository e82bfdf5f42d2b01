"""The state machine: the drawing is the table, and nobody may make a move that could send twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from msgspec_runner.ledger import states
from msgspec_runner.ledger.states import AT_REST, MOVES, RESOLUTIONS, TRANSITIONS, Mover, sources
from msgspec_runner.model import State

ARROW = re.compile(r"^ +(\w+) +──\(([\w, ]+)\)─+▶ ([\w |]+)$", re.MULTILINE)


def test_the_drawing_is_the_table() -> None:
    assert states.__doc__ is not None
    drawn: dict[tuple[State, State], set[Mover]] = {}
    for source, movers, targets in ARROW.findall(states.__doc__):
        for target in targets.split(" | "):
            assert (State(source), State(target)) not in drawn
            drawn[State(source), State(target)] = {Mover(mover) for mover in movers.split(", ")}
    assert drawn == MOVES
    found = re.search(r"^ +([\w, ]+): ends$", states.__doc__, re.MULTILINE)
    assert found is not None
    assert set(found[1].split(", ")) == {state for state in State if not TRANSITIONS[state]}


def test_every_state_has_its_moves() -> None:
    assert set(TRANSITIONS) == set(State)


@pytest.mark.parametrize("state", [State.ACCEPTED, State.IN_DOUBT, State.REJECTED, State.CANCELLED])
def test_what_may_have_been_sent_is_never_claimed_directly(state: State) -> None:
    assert State.SENDING not in TRANSITIONS[state]


def test_only_a_person_leads_out_of_doubt_towards_sending_again() -> None:
    towards_sending = {State.PLANNED, State.RETRY_WAIT, State.SENDING}
    assert not TRANSITIONS[State.IN_DOUBT] & towards_sending
    assert MOVES[State.IN_DOUBT, State.RELEASED] == {Mover.PERSON}


def test_a_crash_proves_nothing() -> None:
    assert {move for move, movers in MOVES.items() if Mover.CRASH in movers} == {
        (State.SENDING, State.IN_DOUBT),
        (State.RETRY_WAIT, State.PLANNED),
    }


def test_an_outcome_has_sources_or_is_none() -> None:
    assert sources(State.ACCEPTED) == {State.SENDING, State.IN_DOUBT}
    assert sources(State.PLANNED) == {State.SENDING, State.RETRY_WAIT}
    assert sources(State.SKIPPED) == sources(State.CANCELLED) == frozenset()
    assert sources(State.RELEASED, Mover.PERSON) == {State.IN_DOUBT, State.REJECTED}
    assert sources(State.CANCELLED, Mover.PERSON) == {State.ACCEPTED}


def test_what_is_at_rest_moves_only_when_somebody_wants_it() -> None:
    for (source, _), movers in MOVES.items():
        assert source not in AT_REST or movers <= {Mover.PERSON, Mover.PLANNING}
    assert all(Mover.PERSON in MOVES.get((State.IN_DOUBT, target), {Mover.PERSON}) for target in RESOLUTIONS)


def test_the_page_of_the_ledger_shows_the_same_drawing() -> None:
    """Repair it by copying the drawing of msgspec_runner/ledger/states.py into docs/ledger.md."""
    assert states.__doc__ is not None
    page = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text(encoding="utf-8")
    for line in states.__doc__.splitlines():
        if "──(" in line:
            assert f"\n{line}\n" in page
