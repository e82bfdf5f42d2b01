"""Outcomes that wait on this machine: durable, private, each brought once."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.ledger.journal import Journal, Noted, abandoned
from msgspec_runner.ledger.ledger import Settlement
from msgspec_runner.model import State

ONE = Settlement("one", State.ACCEPTED, 200, "id-1", None, 1, datetime(2031, 1, 1, tzinfo=UTC), "2031-01-02T00:00Z")
TWO = Settlement("two", State.REJECTED, 400, None, "no number +1 (617) 555-1212 here", 2)


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


@pytest.mark.parametrize("content", ["[]\n", "hello\n", '["ledger"]\n', "{}\n[1]\n", '["another", "run"]\n[1]\n'])
def test_what_is_no_journal_of_ours_is_left_alone(tmp_path: Path, content: str) -> None:
    file = tmp_path / "outcomes-run.jsonl"
    file.write_text(content)
    assert found(tmp_path) == []
    assert file.read_text() == content


def test_a_line_that_is_no_outcome_hides_no_other(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "ledger", "run")
    journal.note(3, [ONE])
    with journal.path.open("a") as file:
        file.write('nonsense\n[1, 2]\n[3, "k", "gone", 1, null, null, 1, null, null]\n')
    journal.note(4, [TWO._replace(error=None)])
    journal.close()
    assert [each.settlement.key for _, rows in found(tmp_path) for each in rows] == ["one", "two"]


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    journal = Journal(tmp_path / "file", "ledger", "run")
    journal.note(1, [ONE])
    journal.forget([ONE])
    journal.close()


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
