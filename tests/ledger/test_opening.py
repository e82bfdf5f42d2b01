"""Which ledger a project uses, and what a user is told when it is not there."""

from __future__ import annotations

import stat
from functools import partial
from pathlib import Path

import pytest

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Run
from msgspec_runner.ledger.opening import (
    DEFAULT_LEDGER,
    LEDGER_ID_FILE,
    init_ledger,
    ledger_exists,
    open_ledger,
    read_ledger_id,
    temporary_ledger,
    write_ledger_id,
)
from tests.ledger.postgres import own_schema


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def real(root: Path, location: str | None = None) -> str:
    """Open the ledger as a send to the real API would; return its id."""
    ledger = open_ledger(location, root, loopback_or_sandbox=False, create=True)
    ledger.close()
    return ledger.id


def local(root: Path, location: str | None = None, *, create: bool = True) -> str:
    ledger = open_ledger(location, root, loopback_or_sandbox=True, create=create)
    ledger.close()
    return ledger.id


def init(root: Path, location: str | None = None, *, new: bool = False) -> str:
    ledger = init_ledger(location, root, new=new)
    ledger.close()
    return ledger.id


def test_only_its_owner_can_read_it_and_git_does_not_see_it(tmp_path: Path) -> None:
    ledger = open_ledger(None, tmp_path, loopback_or_sandbox=True, create=True)
    ledger.begin(Run("run-1", "sandbox"))
    path = tmp_path / DEFAULT_LEDGER
    assert mode(path.parent) == 0o700
    files = {file.name: mode(file) for file in path.parent.iterdir() if file.name.startswith("ledger.db")}
    assert files == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600, "ledger.db.locks": 0o700}
    assert (path.parent / ".gitignore").read_text() == "*\n"
    ledger.close()


def test_a_folder_that_was_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    local(tmp_path, "shared/sms.db")
    assert mode(tmp_path / "shared") == 0o755
    assert not (tmp_path / "shared" / ".gitignore").exists()


def test_a_copy_that_everybody_may_read_is_closed_to_others(tmp_path: Path) -> None:
    local(tmp_path)
    path = tmp_path / DEFAULT_LEDGER
    path.chmod(0o664)
    local(tmp_path)
    assert mode(path) == 0o660


def test_loopback_makes_a_ledger_unless_it_must_not(tmp_path: Path) -> None:
    assert not ledger_exists(None, tmp_path)
    with pytest.raises(LedgerError, match="there is no ledger"):
        local(tmp_path, create=False)
    assert not list(tmp_path.iterdir())
    assert local(tmp_path) == local(tmp_path, create=False)
    assert ledger_exists(None, tmp_path)
    assert read_ledger_id(tmp_path) is None


def test_a_real_send_never_makes_a_ledger(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="Run once: msgspec-runner ledger init"):
        real(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_real_send_wants_a_ledger_that_the_project_named(tmp_path: Path) -> None:
    local_id = local(tmp_path)
    with pytest.raises(LedgerError, match="msgspec-runner ledger init"):
        real(tmp_path)
    assert init(tmp_path) == local_id
    assert real(tmp_path) == local_id


def test_a_fresh_clone_is_refused(tmp_path: Path) -> None:
    home, clone = tmp_path / "home", tmp_path / "clone"
    home.mkdir()
    clone.mkdir()
    ledger_id = init(home)
    assert init(home) == real(home) == ledger_id
    (clone / LEDGER_ID_FILE).write_bytes((home / LEDGER_ID_FILE).read_bytes())
    with pytest.raises(LedgerError, match=rf"{ledger_id}.*would send everything again.*point --ledger"):
        real(clone)
    with pytest.raises(LedgerError, match="ledger init --new"):
        init(clone)
    assert [file.name for file in clone.iterdir()] == [LEDGER_ID_FILE]
    assert real(clone, str(home / DEFAULT_LEDGER)) == ledger_id

    other = local(clone)
    with pytest.raises(LedgerError, match=rf"its id is {other}"):
        real(clone)
    with pytest.raises(LedgerError, match="another ledger"):
        init(clone)
    assert init(clone, new=True) == other == real(clone) == read_ledger_id(clone)


def test_a_lost_ledger_can_be_replaced_on_purpose(tmp_path: Path) -> None:
    write_ledger_id(tmp_path, "0" * 8 + "-0000-0000-0000-" + "0" * 12)
    assert init(tmp_path, new=True) == read_ledger_id(tmp_path) == real(tmp_path)


def test_the_id_file_says_what_it_is(tmp_path: Path) -> None:
    ledger_id = init(tmp_path)
    comment, line = (tmp_path / LEDGER_ID_FILE).read_text().splitlines()
    assert comment.startswith("# ")
    assert line == ledger_id


@pytest.mark.parametrize("content", [b"", b"<<<<<<< ours\n", b"a\nb\n", b"\xff\xfe", b"../ledger.db\n"])
def test_a_broken_id_file_is_refused(tmp_path: Path, content: bytes) -> None:
    local(tmp_path)
    (tmp_path / LEDGER_ID_FILE).write_bytes(content)
    with pytest.raises(LedgerError, match=LEDGER_ID_FILE):
        real(tmp_path)


@pytest.mark.parametrize("url", ["mysql://u:secret@db/x", "HTTPS://u:secret@db"])
def test_another_kind_of_address_is_refused_and_not_repeated(tmp_path: Path, url: str) -> None:
    with pytest.raises(LedgerError, match="SQLite files or postgresql:// addresses") as refused:
        real(tmp_path, url)
    assert "secret" not in str(refused.value)
    with pytest.raises(LedgerError):
        init(tmp_path, url)


def test_a_ledger_on_a_server_is_found_and_refused_as_one_in_a_file(tmp_path: Path) -> None:
    home, clone = tmp_path / "home", tmp_path / "clone"
    home.mkdir()
    clone.mkdir()
    with own_schema() as url, own_schema() as elsewhere:
        assert not ledger_exists(url, home)
        for open_it in (real, partial(local, create=False)):
            with pytest.raises(LedgerError, match=r"there is no ledger at postgresql://.*Run once: msgspec-runner"):
                open_it(home, url)
        assert not ledger_exists(url, home)
        ledger_id = init(home, url)
        assert ledger_exists(url, home)
        assert init(home, url) == real(home, url) == read_ledger_id(home) == ledger_id
        with pytest.raises(LedgerError, match="has not said which ledger is its own"):
            real(clone, url)
        write_ledger_id(clone, ledger_id)
        assert real(clone, url) == ledger_id
        with pytest.raises(LedgerError, match="would send everything again"):
            real(clone, elsewhere)
        other = local(clone, elsewhere)
        with pytest.raises(LedgerError, match=rf"its id is {other}"):
            real(clone, elsewhere)
        with pytest.raises(LedgerError, match="another ledger"):
            init(clone, elsewhere)
        assert init(clone, elsewhere, new=True) == other


def test_a_place_that_cannot_be_a_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(LedgerError, match="is no file"):
        local(tmp_path, "folder")
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError):
        local(tmp_path, "file/ledger.db")


def test_a_temporary_ledger_leaves_nothing(tmp_path: Path) -> None:
    with temporary_ledger() as ledger:
        ledger.begin(Run("run-1", "sandbox"))
        folder = Path(ledger.location).parent
        assert mode(folder) == 0o700
    assert not folder.exists()
