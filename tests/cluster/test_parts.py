"""What a worker keeps of runs, and says of them."""

from __future__ import annotations

from msgspec_runner.cluster.parts import Parts
from msgspec_runner.model import State


def test_a_run_is_joined_once_and_forgotten_when_it_is_over() -> None:
    said: list[str] = []
    parts = Parts(said.append)
    for _ in range(2):
        with parts.working("r1") as part:
            part.settled.update([State.ACCEPTED, State.RETRY_WAIT])
    assert parts.runs == {"r1"}
    assert parts.end(["r1", "unknown"]) == ["r1"]
    assert said == ["run r1: takes part in it", "run r1: is over; by this worker: 2 accepted"]
    assert not parts.runs
    with parts.working("r1") as anew:
        assert not anew.settled
        assert anew.breaker is not part.breaker


def test_a_run_with_a_window_at_work_is_not_over_yet() -> None:
    """Others may have closed it while this worker was taken for dead: what is in flight is still to be counted."""
    said: list[str] = []
    parts = Parts(said.append)
    with parts.working("r1") as part:
        assert not parts.end(["r1"])
        part.settled[State.ACCEPTED] += 1
    assert parts.end(["r1"]) == ["r1"]
    assert said[-1].endswith("1 accepted")


def test_a_run_that_cannot_be_read_is_told_once_and_left_alone_until_it_is_over() -> None:
    said: list[str] = []
    parts = Parts(said.append)
    for _ in range(2):
        with parts.working("r1") as part:
            parts.leave_alone(part, "makes no sense")
    assert said[1:] == ["run r1 makes no sense"]
    assert parts.left_alone == {"r1"}
    parts.end(["r1"])
    assert not parts.left_alone


def test_who_leaves_says_what_is_over_and_what_is_left_to_others() -> None:
    said: list[str] = []
    parts = Parts(said.append)
    for run_id in ("r1", "r2"):
        with parts.working(run_id):
            pass
    parts.leave({"r2"})
    assert [words.split(";")[0] for words in said[2:]] == ["run r1: is over", "run r2: left to others"]
    assert not parts.runs


def test_who_leaves_and_could_not_ask_leaves_all_to_others() -> None:
    said: list[str] = []
    parts = Parts(said.append)
    with parts.working("r1"):
        pass
    parts.leave(None)
    assert said[1].startswith("run r1: left to others")
