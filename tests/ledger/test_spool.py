"""The plan on its way to the ledger: order, twins, a file that nobody sees, and flat memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.ledger.values import Skip
from msgspec_runner.model import Message

MakeMessage = Callable[..., Message]

PEAK = """
import resource, sys
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.ledger.values import Skip
from msgspec_runner.model import Message, identity

def rows(count):
    for n in range(count):
        key = identity("sandbox", "s", 1, str(n), "")
        yield Message(key, "", "s", 1, n, "+16175551212", b"x" * 400, key)

with PlanSpool() as spool:
    spool.add(rows(2_000))
    assert sum(1 for _ in spool) == 2_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    spool.add(rows(60_000))
    assert sum(1 for _ in spool) == 60_000
    assert sum(1 for _ in spool.duplicates()) == 2_000
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // (1 if sys.platform == "darwin" else 1024))
"""


def test_messages_come_back_as_they_went_in(message: MakeMessage) -> None:
    messages = [message(row, text="x" * row) for row in (3, 1, 2)]
    with PlanSpool() as spool:
        spool.add(messages[:2])
        spool.add(messages[2:])
        assert list(spool) == messages
        assert list(spool.chunks(2)) == [messages[:2], messages[2:]]
        assert len(spool) == 3


def test_two_rows_with_one_identity(message: MakeMessage) -> None:
    first, other = message(1), message(2)
    same, different = message(3, to=first.to), message(4, to=first.to, text="else")
    apart = message(5, to=first.to, key="second appointment")
    with PlanSpool() as spool:
        spool.add([first, other, same])
        spool.add([different, apart])
        assert list(spool) == [first, other, apart]
        [duplicate] = spool.duplicates()
        [conflict] = spool.conflicts()
        assert (duplicate.row, duplicate.first_row, duplicate.key) == (3, 1, first.key)
        assert (conflict.row, conflict.first_row, conflict.to) == (4, 1, first.to)
        assert spool.conflict_count == 1


@given(
    rows=st.lists(st.tuples(st.integers(1, 6), st.sampled_from("ab"))), chunk=st.integers(1, 4), read=st.integers(0, 9)
)
@settings(max_examples=60, deadline=None)
def test_each_row_is_kept_once_as_message_duplicate_or_conflict(
    rows: list[tuple[int, str]], chunk: int, read: int
) -> None:
    """Whether anything was read between two rows or not."""
    messages = [Message(str(key), "", "s", 1, row, "+1", b"", text) for row, (key, text) in enumerate(rows, 1)]
    firsts: dict[str, Message] = {}
    for message in messages:
        firsts.setdefault(message.key, message)
    later = [message for message in messages if firsts[message.key] is not message]
    with PlanSpool(batch=chunk) as spool:
        spool.add(messages[:read])
        assert len(spool) == len({message.key for message in messages[:read]})
        spool.add(messages[read:])
        assert list(spool) == list(firsts.values())
        same = {
            message.row: firsts[message.key].row for message in later if firsts[message.key].digest == message.digest
        }
        assert {twin.row: twin.first_row for twin in spool.duplicates()} == same
        assert {twin.row for twin in spool.conflicts()} == {message.row for message in later} - set(same)


def test_nobody_sees_its_file(tmp_path: Path, message: MakeMessage) -> None:
    with PlanSpool(tmp_path) as spool:
        spool.add([message(row) for row in range(1, 3000)])
        assert not list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_a_ledger_error(tmp_path: Path) -> None:
    with pytest.raises(LedgerError):
        PlanSpool(tmp_path / "missing")


def test_memory_does_not_grow_with_the_rows() -> None:
    """30 times the rows, 30 MB of bodies and indexes: what may grow is the bounded page cache (8 MiB)."""
    answer = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    assert int(answer.stdout) < 20


def test_by_key_is_the_same_order_whatever_was_added_first(message: MakeMessage) -> None:
    messages = [message(row) for row in range(1, 8)]
    expected = sorted(messages, key=lambda item: item.key)
    for order in (messages, messages[::-1]):
        with PlanSpool() as spool:
            spool.add(order)
            assert [item for chunk in spool.chunks_by_key(3) for item in chunk] == expected


def test_rows_that_are_left_out_take_no_identity(message: MakeMessage) -> None:
    skips = [Skip("s", 1, row, "invalid", "+16175551212", "k", message(1).key) for row in range(1, 6)]
    with PlanSpool() as spool:
        for skip in skips:
            spool.leave_out(skip)
        spool.add([message(1)])
        assert list(spool.left_out(2)) == skips
        assert len(spool) == 1
        assert (list(spool.duplicates()), spool.conflict_count) == ([], 0)


def test_rows_that_are_left_out_afterwards_keep_their_place(message: MakeMessage) -> None:
    for batch in (1, 2, 1000):
        with PlanSpool(batch=batch) as spool:
            spool.add([message(1), message(2)])
            spool.leave_out(Skip("s", 1, 3, "invalid"))
            spool.add([message(4, to=message(2).to)])
            after = spool.rows
            spool.add([message(1), message(2, text="else")])  # of another spec, whose rows have the same numbers
            spool.leave_out_rows(0, after, {2, 3, 9}, "invalid")
            assert [(skip.row, skip.reason, bool(skip.key)) for skip in spool.left_out()] == [
                (2, "invalid", True),
                (3, "invalid", False),
            ]
            # Row 2 goes out no more, so row 4 is nobody's twin, and the other spec's row 2 is its.
            assert [item.row for item in spool] == [1, 4]
            assert [twin.row for twin in spool.duplicates()] == [1]
            assert [(twin.row, twin.first_row) for twin in spool.conflicts()] == [(2, 4)]


def test_what_was_begun_in_vain_can_be_forgotten(message: MakeMessage) -> None:
    for batch in (1, 2, 1000):
        with PlanSpool(batch=batch) as spool:
            spool.add([message(1)])
            before = spool.rows
            spool.add([message(2), message(1)])
            spool.leave_out(Skip("s", 1, 3, "invalid"))
            spool.cut(before)
            spool.add([message(4)])
            assert [item.row for item in spool] == [1, 4]
            assert list(spool.left_out()) == []
            assert list(spool.duplicates()) == []
            assert spool.rows == 2


def test_what_is_withheld(message: MakeMessage) -> None:
    messages = [message(row) for row in range(1, 6)]
    keys = [item.key for item in messages]
    with PlanSpool() as spool:
        spool.add(messages)
        assert list(spool.given(2)) == [messages[:2], messages[2:4], messages[4:]]
        spool.withhold(keys[:2])
        spool.withhold([keys[1], "of none"])
        spool.withhold([])
        assert list(spool.given(2)) == [messages[2:4], messages[4:]]
        assert list(spool.chunks()) == [messages], "it is still part of the plan"
        for places, chunk in spool.places(2):
            spool.withhold_places([place for place, item in zip(places, chunk, strict=True) if item.row in {2, 4}])
            spool.withhold_places([])
        assert list(spool.given()) == [[messages[2], messages[4]]]


def test_a_place_that_was_given_back_is_not_withheld(message: MakeMessage) -> None:
    with PlanSpool() as spool:
        spool.add([message(1), message(2)])
        spool.withhold([message(2).key])
        spool.cut(1)
        spool.add([message(3)])
        assert [item.row for chunk in spool.given() for item in chunk] == [1, 3]


@given(digests=st.sets(st.integers(-(2**63), 2**63 - 1)), asked=st.sets(st.integers(-(2**63), 2**63 - 1)))
def test_digests_are_known_until_others_are(digests: set[int], asked: set[int]) -> None:
    with PlanSpool() as spool:
        spool.know([1, 2, 2])
        assert spool.known([1, 3]) == {1}
        spool.know(iter(digests))
        assert spool.known({1, 2} | asked | digests) == digests
