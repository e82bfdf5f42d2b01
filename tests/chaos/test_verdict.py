"""Three accounts against each other, case by case."""

from __future__ import annotations

import pytest

from msgspec_runner.chaos.verdict import Believed, Verdict, fingerprint, judge
from msgspec_runner.model import State

A, B, C = b"a", b"b", b"c"
EXPECTED = {"1": A, "2": B, "3": C}
KEPT = {"id-1": A, "id-2": B, "id-3": C}
ACCEPTED = {key: Believed(State.ACCEPTED, f"id-{key}") for key in EXPECTED}
IN_DOUBT = Believed(State.IN_DOUBT)


def verdict(
    kept: dict[str, bytes] = KEPT,
    believed: dict[str, Believed] = ACCEPTED,
    expected: dict[str, bytes] = EXPECTED,
    **more: object,
) -> Verdict:
    return judge(expected, kept, believed, kills=1, runs=2, **{"allowed": 2, **more})  # type: ignore[arg-type]


def without(key: str) -> dict[str, Believed]:
    return {other: each for other, each in ACCEPTED.items() if other != key}


def test_everybody_got_it_once() -> None:
    found = verdict()
    assert found.holds
    assert found.as_dict() == {
        "recipients": 3, "kills": 1, "runs": 2, "accepted": 3, "lost": 0, "duplicated": 0, "rejected": 0, "skipped": 0,
        "in_doubt": 0, "arrived": 0, "allowed": 2, "reconciled": None, "holds": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kept", "believed"),
    [
        (KEPT, without("2")),
        *[({"id-1": A, "id-3": C}, {**ACCEPTED, "2": Believed(state)}) for state in
          (State.PLANNED, State.SENDING, State.RETRY_WAIT)],
        ({"id-1": A, "id-3": C}, ACCEPTED),
        ({"id-1": A, "id-3": C}, {**ACCEPTED, "2": Believed(State.ACCEPTED)}),
        ({"id-1": A, "id-2": A, "id-3": C}, ACCEPTED),
    ],
    ids=["unknown", "planned", "sending", "waiting", "not at the server", "without an id", "with another's body"],
)  # fmt: skip
def test_lost(kept: dict[str, bytes], believed: dict[str, Believed]) -> None:
    found = verdict(kept, believed)
    assert found.lost == 1
    assert not found.holds


def test_one_message_of_the_server_is_no_proof_for_two_of_ours() -> None:
    believed = {key: Believed(State.ACCEPTED, "id-1") for key in ("1", "2")}
    found = verdict({"id-1": A, "id-2": A}, believed, {"1": A, "2": A})
    assert found.lost == 2


def test_duplicated() -> None:
    found = verdict({**KEPT, "id-4": B, "id-5": B})
    assert (found.duplicated, found.accepted, found.lost) == (2, 5, 0)
    assert not found.holds


def test_two_recipients_may_get_the_same_words() -> None:
    found = verdict({"id-1": A, "id-2": A, "id-3": A}, expected=dict.fromkeys(EXPECTED, A))
    assert found.holds


def test_what_nobody_should_have_got_is_a_duplicate() -> None:
    assert verdict({**KEPT, "id-4": b"other"}).duplicated == 1


@pytest.mark.parametrize(("allowed", "holds"), [(2, True), (1, False)])
def test_in_doubt_is_no_loss_but_there_is_a_bound(allowed: int, holds: bool) -> None:
    found = verdict({"id-1": A, "id-2": B}, {"1": ACCEPTED["1"], "2": IN_DOUBT, "3": IN_DOUBT}, allowed=allowed)
    assert (found.in_doubt, found.arrived, found.lost, found.duplicated) == (2, 1, 0, 0)
    assert found.holds is holds


def test_what_was_rejected_or_left_out_is_not_lost() -> None:
    believed = {**ACCEPTED, "2": Believed(State.REJECTED), "3": Believed(State.SKIPPED)}
    found = verdict({"id-1": A}, believed)
    assert (found.rejected, found.skipped, found.lost) == (1, 1, 0)
    assert found.holds


def test_reconciling_is_judged_too() -> None:
    believed = {**ACCEPTED, "2": IN_DOUBT, "3": IN_DOUBT}
    found = verdict(believed=believed, settled={**ACCEPTED, "3": IN_DOUBT})
    assert (found.in_doubt, found.reconciled, found.lost) == (2, 1, 0)
    wrong = verdict(believed=believed, settled={**believed, "2": Believed(State.ACCEPTED, "id-1")})
    assert wrong.lost == 2


def test_a_body_is_known_again_whenever_it_is_to_arrive() -> None:
    assert fingerprint(b'{"to":"+1","text":"Hi"}') == fingerprint(b'{"text":"Hi","to":"+1","schedule":"2031-01-01"}')
    assert fingerprint(b'{"to":"+1","text":"Hi"}') != fingerprint(b'{"to":"+1","text":"Ho"}')
