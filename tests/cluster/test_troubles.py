"""What people are told of a ledger that does not do what it should."""

from __future__ import annotations

import psycopg

from msgspec_runner.cluster.troubles import Faults, Reach
from msgspec_runner.ledger.postgres_address import parse_address

ADDRESS = parse_address("postgresql://sms:hunter2@db.test/messages")


def test_a_ledger_out_of_reach_is_told_once_until_all_lines_are_back() -> None:
    said: list[str] = []
    connected: list[bool] = []
    reach = Reach(said.append, connected.append)
    reach.found("signs")
    assert connected == [True]
    for line in ("signs", "housekeeping", "signs"):
        reach.lost(line)
    assert not reach
    reach.found("signs")
    assert said == ["the ledger is out of reach: nothing new is sent"]
    assert connected[-1] is False
    reach.found("housekeeping")
    assert reach
    assert said[1:] == ["the ledger is back"]
    assert connected[-1] is True


def test_a_fault_is_told_once_until_it_is_gone() -> None:
    said: list[str] = []
    faults = Faults(ADDRESS, said.append)
    for _ in range(3):
        faults.note("end run r1", psycopg.errors.InsufficientPrivilege("permission denied\nfor table runs"))
        faults.round_over()
    assert said == ["could not end run r1: permission denied for table runs. Tries again"]
    faults.note("end run r1", psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"))
    assert len(said) == 2, "another fault of the same step"
    faults.round_over()
    faults.round_over()
    faults.note("end run r1", psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"))
    assert len(said) == 3, "it was gone meanwhile"


def test_no_fault_tells_the_password() -> None:
    said: list[str] = []
    Faults(ADDRESS, said.append).note("show signs of life", psycopg.OperationalError("hunter2 is wrong"))
    assert said == ["could not show signs of life: ••• is wrong. Tries again"]
