"""Outcomes that wait on this machine: durable, private, each brought once."""

from __future__ import annotations

import json
import os
import resource
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.ledger.journal import Alarm, Journal, abandoned
from msgspec_runner.ledger.journal_lines import Noted
from msgspec_runner.ledger.ledger import Settlement
from msgspec_runner.model import State

ONE = Settlement("one", State.ACCEPTED, 200, "id-1", None, 1, datetime(2031, 1, 1, tzinfo=UTC), "2031-01-02T00:00Z")
TWO = Settlement("two", State.REJECTED, 400, None, "no number +1 (617) 555-1212 here", 2)


NOBODY = 65534
"""The user of no files, on Linux."""


def found(folder: Path, ledger: str = "ledger") -> list[tuple[str, list[Noted]]]:
    return list(abandoned(folder, ledger))


def test_there_is_no_file_while_all_is_well(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new", "ledger", "run")
    journal.forget([ONE])
    journal.note(1, [])
    journal.close()
    assert not list(tmp_path.iterdir())


def test_what_was_noted_is_found_when_its_process_has_ended(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new", "ledger", "run")
    journal.note(3, [ONE])
    journal.note(4, [ONE, TWO])
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700
    assert "555" not in journal.path.read_text()
    assert found(tmp_path / "new") == [], "its process lives"
    journal.close()
    assert found(tmp_path / "new", "another ledger") == []
    assert found(tmp_path / "new") == [("run", [Noted(3, ONE), Noted(4, TWO._replace(error="no number ••• here"))])]
    assert found(tmp_path / "new") == []


def test_what_the_ledger_has_is_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "ledger", "run")
    journal.note(3, [ONE, TWO])
    journal.forget([ONE])
    content = journal.path.read_text()
    assert "one" not in content
    journal.forget([TWO])
    assert not journal.path.exists()
    journal.note(5, [ONE])
    journal.close()
    assert found(tmp_path) == [("run", [Noted(5, ONE)])]


def opening(monkeypatch: pytest.MonkeyPatch, path: Path, meanwhile: Callable[[], object]) -> None:
    """Let something happen once, when a file was opened and nobody has its lock yet."""
    really_open = os.open
    waiting = [meanwhile]

    def open_it(name: Path, *how: int) -> int:
        descriptor = really_open(name, *how)
        if name == path and waiting:
            waiting.pop()()
        return descriptor

    monkeypatch.setattr(os, "open", open_it)


def test_an_owner_who_is_done_just_now_hides_no_other_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (Journal(tmp_path, "ledger", run) for run in ("run-1", "run-2"))
    for journal in (first, second):
        journal.note(1, [ONE])
    second.close()
    opening(monkeypatch, first.path, lambda: first.forget([ONE]))
    assert found(tmp_path) == [("run-2", [Noted(1, ONE)])]


def test_a_journal_that_lives_again_is_left_to_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, "ledger", "run")
    journal.note(1, [ONE])

    def begin_anew() -> None:
        journal.forget([ONE])
        journal.note(2, [TWO])

    opening(monkeypatch, journal.path, begin_anew)
    assert found(tmp_path) == []
    assert "two" in journal.path.read_text()
    journal.close()
    assert [noted.write for _, rows in found(tmp_path) for noted in rows] == [2]


def test_what_is_noted_while_the_old_journal_is_removed_is_in_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Journal(tmp_path, "ledger", "run")
    old.note(1, [ONE])
    old.close()
    journal = Journal(tmp_path, "ledger", "run")
    opening(monkeypatch, journal.path, lambda: found(tmp_path))
    journal.note(2, [TWO])
    assert "two" in journal.path.read_text()
    journal.close()


def test_a_journal_that_another_holds_is_written_later(tmp_path: Path) -> None:
    """Whoever brings an old one of the same name holds it for a moment. No descriptor is left open by that."""
    holder = Journal(tmp_path, "ledger", "run")
    holder.note(1, [ONE])
    journal = Journal(tmp_path, "ledger", "run")
    before = len([*Path("/dev/fd").iterdir()])
    journal.note(2, [ONE])
    assert len([*Path("/dev/fd").iterdir()]) == before
    holder.forget([ONE])
    journal.note(3, [TWO])
    journal.close()
    assert [noted.write for _, rows in found(tmp_path) for noted in rows] == [2, 3]


@given(st.integers(0, 500))
def test_a_file_that_was_cut_off_tells_what_is_whole(size: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        journal = Journal(Path(name), "ledger", "run")
        journal.note(3, [ONE])
        journal.note(3, [TWO])
        journal.close()
        whole = journal.path.read_bytes()[:size]
        journal.path.write_bytes(whole)
        noted = [each.settlement.key for _, rows in found(Path(name)) for each in rows]
        assert noted == ["one", "two"][: max(0, whole.count(b"\n") - 1)]
        assert not journal.path.exists()


def test_a_journal_of_another_ledger_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "outcomes-run.jsonl"
    file.write_text('["another", "run"]\n[1]\n')
    assert found(tmp_path) == []
    assert file.read_text() == '["another", "run"]\n[1]\n'


HEAD = b'["ledger", "run"]\n'


def line(*values: object) -> bytes:
    """A line as the runner writes it, but for the first values."""
    sound = [1, "key", "accepted", 200, "id-1", None, 1, "2031-01-01T00:00:00+00:00", None]
    return json.dumps([*values, *sound[len(values) :]]).encode()


DAMAGED = {
    "no JSON": b"nonsense",
    "nothing": b"",
    "no list": b'{"1": 2}',
    "too few": b"[1, 2]",
    "too many": line(1, "key", "accepted", 200, "id-1", None, 1, None, None, None),
    "no UTF-8": line().replace(b"id-1", b"\xff"),
    "as deep as a well": b"[" * 100_000,
    "a number too long to read": line().replace(b"[1,", b"[" + b"9" * 5000 + b","),
    "Infinity": line().replace(b"[1,", b"[Infinity,"),
    "NaN": line().replace(b"200", b"NaN"),
    "a write that is no number": line("1"),
    "a write that is true": line(True),
    "a write that is a fraction": line(1.0),
    "a write before the first": line(-1),
    "a write that the ledger cannot hold": line(2**63),
    "a key that is a number": line(1, 2),
    "a key that is empty": line(1, ""),
    "a key with NUL": line(1, "k\0"),
    "a key with half a pair": line(1, "\ud800"),
    "a key that no index takes": line(1, "k" * 3000),
    "a state that is none": line(1, "key", "gone"),
    "a state that is a list": line(1, "key", ["accepted"]),
    "a state that is no outcome": line(1, "key", "sending"),
    "a decision of a person": line(1, "key", "released"),
    "a status that is a word": line(1, "key", "accepted", "200"),
    "a status that the ledger cannot hold": line(1, "key", "accepted", 2**31),
    "an id that is a number": line(1, "key", "accepted", 200, 5),
    "an error that is a list": line(1, "key", "rejected", 400, None, []),
    "attempts that are true": line(1, "key", "accepted", 200, None, None, True),
    "a time that is none": line(1, "key", "accepted", 200, None, None, 1, "noon"),
    "a time that is a number": line(1, "key", "accepted", 200, None, None, 1, 1924992000),
    "a time of nowhere": line(1, "key", "accepted", 200, None, None, 1, "2031-01-01T00:00:00"),
    "a time before all time": line(1, "key", "accepted", 200, None, None, 1, "0001-01-01T00:00:00+14:00"),
    "a schedule that is none": line(1, "key", "accepted", 200, None, None, 1, None, "later"),
}


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_line_that_is_no_outcome_is_set_aside_and_hides_no_other(tmp_path: Path, damaged: bytes) -> None:
    journal = Journal(tmp_path, "ledger", "run-1.7")
    journal.note(3, [ONE])
    with journal.path.open("ab") as file:
        file.write(damaged + b"\n")
    journal.note(4, [TWO._replace(error=None)])
    journal.close()
    content = journal.path.read_bytes()
    said: list[str] = []
    [(run, noted)] = abandoned(tmp_path, "ledger", said.append)
    assert (run, noted) == ("run-1.7", [Noted(3, ONE), Noted(4, TWO._replace(error=None))])
    kept = tmp_path / "outcomes-run-1.7.jsonl.refused"
    assert [*tmp_path.iterdir()] == [kept]
    assert kept.read_bytes() == content
    assert said == [
        (
            f"{kept}: 1 line of this journal of outcomes cannot be used. What stood there is not known: those messages "
            "stay in doubt. Ask the API about them: `msgspec-runner reconcile run-1`; then the file can go"
        )
    ]
    assert found(tmp_path) == []


@pytest.mark.parametrize("head", [b"[]", b"hello", b'["ledger"]', b"{}", b"", b"\xff", b"[" * 100_000, b"[1, 2]"])
def test_a_journal_of_nobody_knows_whom_is_set_aside_whole(tmp_path: Path, head: bytes) -> None:
    for number in (1, 2):  # what was refused before is not overwritten
        (tmp_path / "outcomes-run.jsonl").write_bytes(head + b"\n" + line() + b"\n")
        said: list[str] = []
        assert [*abandoned(tmp_path, "ledger", said.append)] == []
        assert len([*tmp_path.glob("outcomes-run.jsonl.refused*")]) == number
        [words] = said
        assert ": 2 lines of this journal of outcomes cannot be used." in words
        assert "`msgspec-runner reconcile`;" in words


def test_a_folder_that_cannot_be_written_stops_nothing_and_is_told_once_in_an_outage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said: list[str] = []
    now = 1000.0
    alarm = Alarm(said.append, lambda: now)
    one, two = (Journal(tmp_path / "file", "ledger", run, alarm) for run in ("run-1", "run-2"))
    for journal in (one, two, one):
        journal.note(1, [ONE])
        assert not journal.is_whole
    assert said == [
        (
            f"{one.path} cannot be written: Not a directory. If this process dies before the ledger is back, what it has "
            "in flight is in doubt, and so is what it has learnt since the ledger went away. Make room on that disk, or "
            "make the folder writable"
        )
    ]
    one.forget([ONE])
    assert one.is_whole
    two.note(2, [TWO])
    assert len(said) == 1, "the other one has yet to hear that it is back"
    now += 60.0
    two.note(3, [])
    assert len(said) == 2
    one.close()


@contextmanager
def disk_with_room_for(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_a_full_disk_did_not_take_is_written_when_there_is_room(tmp_path: Path) -> None:
    said: list[str] = []
    journal = Journal(tmp_path, "ledger", "run", Alarm(said.append))
    journal.note(1, [ONE])
    size = journal.path.stat().st_size
    with disk_with_room_for(size + 20):
        journal.note(2, [TWO])
        assert journal.path.stat().st_size == size, "half a line would spoil the next"
        journal.note(2, [TWO])
    assert "File too large" in said[0]
    assert len(said) == 1
    journal.note(3, [])
    assert journal.is_whole
    journal.close()
    [(_, noted)] = abandoned(tmp_path, "ledger", said.append)
    assert [each.settlement.key for each in noted] == ["one", "two"]
    assert len(said) == 1


def test_what_is_left_when_a_full_disk_did_not_take_it_again_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    journal = Journal(tmp_path, "ledger", "run", Alarm(said.append))
    journal.note(1, [ONE, TWO])
    with disk_with_room_for(20):
        journal.forget([ONE])
        assert not journal.is_whole
    assert len(said) == 1
    journal.note(2, [])
    journal.close()
    [(_, noted)] = found(tmp_path)
    assert [each.settlement.key for each in noted] == ["two"]


def test_a_journal_that_cannot_be_opened_as_a_file_keeps_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "outcomes-pipe.jsonl")
    (tmp_path / "outcomes-folder.jsonl").mkdir()
    assert found(tmp_path) == []


@contextmanager
def another_user() -> Iterator[None]:
    """Be somebody whom permissions hold for: they do not for root."""
    who = os.geteuid()
    if who == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(who)


def test_a_journal_of_another_user_is_told_and_hides_no_other() -> None:
    said: list[str] = []
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to others
        folder = Path(name)
        folder.chmod(0o777)
        for run in ("run-1", "run-2"):
            journal = Journal(folder, "ledger", run)
            journal.note(1, [ONE])
            journal.close()
            journal.path.chmod(0 if run == "run-1" else 0o666)
        with another_user():
            assert [run for run, _ in abandoned(folder, "ledger", said.append)] == ["run-2"]
        assert [path.name for path in folder.iterdir()] == ["outcomes-run-1.jsonl"]
    assert len(said) == 1
    assert "outcomes-run-1.jsonl cannot be opened: Permission denied. It may tell what came of messages" in said[0]


@pytest.mark.parametrize(
    "run", ["x/../../elsewhere/y", "/etc/y", "..", ".hidden", "a\\b", "x\x1b[31m", "", "x" * 300, "\ud800"]
)
def test_whatever_a_run_is_called_its_file_is_in_the_folder(tmp_path: Path, run: str) -> None:
    """A worker has the name from the ledger, where others may write."""
    folder = tmp_path / "in" / "here"
    journal = Journal(folder, "ledger", run)
    journal.note(1, [ONE])
    journal.close()
    assert [path.parent for path in tmp_path.rglob("*.jsonl")] == [folder]
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert [(name, [noted.settlement for noted in notes]) for name, notes in found(folder)] == [(run, [ONE])]
