"""Finding the right ledger for a project, or refusing.

An empty ledger knows of nobody who was texted already: on a fresh clone, a colleague's laptop or a CI runner
it would send everything again. So the project's ledger has an id, the id is committed, and nothing is sent to
a real API without the ledger that bears it (contract, section 4).
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Ledger
from msgspec_runner.ledger.schema import ledger_errors
from msgspec_runner.ledger.sqlite import SqliteLedger

DEFAULT_LEDGER = ".msgspec-runner/ledger.db"
"""Where the ledger is unless ``--ledger``, the environment or the config says otherwise; relative to the project."""

LEDGER_ID_FILE = "msgspec-runner.ledger-id"
"""The committed file in the project's root that names its ledger."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SQLITE = b"SQLite format 3\0"
"""How every SQLite file begins (sqlite.org/fileformat.html); what begins otherwise is not touched."""

_URL = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_ID_FILE_HEAD = "# The name of this project's ledger. Commit it: nothing is sent to a real API with another ledger.\n"


def read_ledger_id(root: Path) -> str | None:
    """Return the id that the project's committed file holds, or None where there is no such file.

    Args:
        root: the project's root folder.

    Raises:
        LedgerError: the file holds something else.
    """
    path = root / LEDGER_ID_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise LedgerError(f"{LEDGER_ID_FILE} cannot be read: {error}") from error
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) != 1 or not _ID.fullmatch(lines[0]):
        raise LedgerError(f"{LEDGER_ID_FILE} holds no ledger id. Restore it: git checkout -- {LEDGER_ID_FILE}")
    return lines[0]


def write_ledger_id(root: Path, ledger_id: str) -> Path:
    """Write the project's id file, whole or not at all, and return its path.

    Args:
        root: the project's root folder.
        ledger_id: :attr:`Ledger.id`.
    """
    path = root / LEDGER_ID_FILE
    partial = path.with_name(f".{LEDGER_ID_FILE}.{os.getpid()}")
    try:
        partial.write_text(f"{_ID_FILE_HEAD}{ledger_id}\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise LedgerError(f"{LEDGER_ID_FILE} cannot be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return path


def ledger_exists(location: str | None, root: Path) -> bool:
    """Return whether there is a file at the ledger's place; see :func:`open_ledger` for the arguments."""
    return _path(location, root).exists()


def open_ledger(location: str | None, root: Path, *, loopback_or_sandbox: bool, create: bool) -> Ledger:
    """Open the project's ledger, or refuse with a message that says what to do.

    Args:
        location: a path (relative ones to ``root``), or None for the default place.
        root: the project's root folder, where :data:`LEDGER_ID_FILE` lies.
        loopback_or_sandbox: the run talks to this machine only: no id is asked for.
        create: on loopback, make a ledger where there is none.

    Raises:
        LedgerError: there is no ledger, it is not this project's, or it cannot be opened. Nothing was changed.
    """
    path = _path(location, root)
    expected = None if loopback_or_sandbox else read_ledger_id(root)
    if not path.exists():
        if loopback_or_sandbox and create:
            return _create(path)
        raise LedgerError(_no_ledger(path, root))
    if not loopback_or_sandbox and expected is None:
        raise LedgerError(
            f"this project has not said which ledger is its own (no {LEDGER_ID_FILE}). "
            "Run: msgspec-runner ledger init, then commit that file"
        )
    ledger = _open(path)
    if expected is not None and ledger.id != expected:
        ledger.close()
        raise LedgerError(
            f"the ledger {path} is not this project's: its id is {ledger.id}, {LEDGER_ID_FILE} says {expected}. "
            "It does not know what was sent already. Point --ledger (or MSGSPEC_RUNNER_LEDGER) at the project's ledger"
        )
    return ledger


def init_ledger(location: str | None, root: Path, *, new: bool = False) -> Ledger:
    """Make this project's ledger and commit to it: write :data:`LEDGER_ID_FILE`. A second call changes nothing.

    A ledger that is there already without an id file (from runs on loopback) becomes the project's.

    Args:
        location: as in :func:`open_ledger`.
        root: the project's root folder.
        new: start with this ledger although the project names another; what that one knows will be sent again.

    Raises:
        LedgerError: the project has a ledger elsewhere, and ``new`` was not asked for.
    """
    path = _path(location, root)
    expected = None if new else read_ledger_id(root)
    if expected is not None and not path.exists():
        raise LedgerError(
            f"this project has a ledger already ({expected} in {LEDGER_ID_FILE}), but it is not at {path}. "
            "Get that ledger from who sent last, or point --ledger at it. Only if it is lost: "
            "msgspec-runner ledger init --new, and everything it knew will be sent again"
        )
    ledger = _open(path) if path.exists() else _create(path)
    try:
        if expected is not None and ledger.id != expected:
            raise LedgerError(
                f"this project has another ledger: {LEDGER_ID_FILE} says {expected}, the one at {path} is {ledger.id}. "
                "Point --ledger at the project's ledger. Only if it is lost: msgspec-runner ledger init --new, "
                "and everything it knew will be sent again"
            )
        if expected is None:
            write_ledger_id(root, ledger.id)
    except BaseException:
        ledger.close()
        raise
    return ledger


@contextmanager
def temporary_ledger() -> Iterator[Ledger]:
    """Yield a ledger that is thrown away afterwards: for ``send --sandbox``."""
    with tempfile.TemporaryDirectory(prefix="msgspec-runner-", ignore_cleanup_errors=True) as folder:
        ledger = _create(Path(folder) / "ledger.db")
        try:
            yield ledger
        finally:
            ledger.close()


def _path(location: str | None, root: Path) -> Path:
    """Return the ledger's path, or raise for what is none."""
    location = location or DEFAULT_LEDGER
    if url := _URL.match(location):
        raise LedgerError(
            f"the ledger is given as a {url[1].lower()}:// address, but this version keeps "
            f"ledgers in SQLite files only. Give a path: --ledger {DEFAULT_LEDGER}"
        )
    try:
        return root / Path(location).expanduser()
    except RuntimeError:  # ~somebody
        raise LedgerError(f"the ledger {location} is in a home folder that does not exist: write a path") from None


def _no_ledger(path: Path, root: Path) -> str:
    """Return what to do where there is no ledger; it depends on whether the project has one elsewhere."""
    expected = read_ledger_id(root)
    if expected is None:
        return f"there is no ledger at {path}. Run once: msgspec-runner ledger init, then commit {LEDGER_ID_FILE}"
    return (
        f"there is no ledger at {path}. This project's ledger ({expected}) knows what was sent already; a new one "
        "would send everything again. Get it from who sent last, or point --ledger (or MSGSPEC_RUNNER_LEDGER) at it"
    )


def _create(path: Path) -> Ledger:
    """Make an empty ledger that only its owner can read, in a folder that git ignores if the folder is new too."""
    with ledger_errors(str(path)):
        folder = path.parent
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        # Made whole under another name: two processes that make one file a ledger at once lock each other out.
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=folder)  # mode 0600
        os.close(descriptor)
        try:
            SqliteLedger(Path(name)).close()
            with suppress(FileExistsError):  # another process was faster: its ledger is ours
                os.link(name, path)
        finally:
            Path(name).unlink(missing_ok=True)
    return SqliteLedger(path)


def _open(path: Path) -> Ledger:
    """Open an existing ledger; one that a careless copy left readable for everybody is closed to others first."""
    with ledger_errors(str(path)):
        if not path.is_file():
            raise LedgerError(f"{path} is no file. Choose another place with --ledger")
        mode = stat.S_IMODE(path.stat().st_mode)
        with path.open("rb") as file:
            head = file.read(len(_SQLITE))
        if head != _SQLITE:
            raise LedgerError(f"{path} is no ledger. Choose another place with --ledger, or remove the file")
        if mode & 0o007:
            with suppress(PermissionError):  # not ours to change
                path.chmod(mode & ~0o007)
    return SqliteLedger(path)
