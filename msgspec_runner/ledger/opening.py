"""Finding the right ledger for a project, or refusing.

An empty ledger knows of nobody who was texted already: on a fresh clone, a colleague's laptop or a CI runner
it would send everything again. So the project's ledger has an id, the id is committed, and nothing is sent to
a real API without the ledger that bears it (contract, section 4).
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.journal import Say, nobody
from msgspec_runner.ledger.ledger import Ledger
from msgspec_runner.ledger.stores import DEFAULT_LEDGER, FileStore, Store, store

__all__ = [
    "DEFAULT_LEDGER",
    "LEDGER_ID_FILE",
    "init_ledger",
    "ledger_exists",
    "open_ledger",
    "read_ledger_id",
    "temporary_ledger",
    "write_ledger_id",
]

LEDGER_ID_FILE = "msgspec-runner.ledger-id"
"""The committed file in the project's root that names its ledger."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ID_FILE_HEAD = "# The name of this project's ledger. Commit it: nothing is sent to a real API with another ledger.\n"

_NO_SANDBOX_RUNS = ". A run of `send --sandbox` is kept only with --ledger FILE, which finds it here too"


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
    """Return whether there is something at the ledger's place; see :func:`open_ledger` for the arguments."""
    return store(location, root).exists()


def open_ledger(
    location: str | None,
    root: Path,
    *,
    loopback_or_sandbox: bool,
    create: bool,
    reads: bool = False,
    say: Say = nobody,
) -> Ledger:
    """Open the project's ledger, or refuse with a message that says what to do.

    Args:
        location: a path (relative ones to ``root``), a ``postgresql://`` address, or None for the default place.
        root: the project's root folder, where :data:`LEDGER_ID_FILE` lies.
        loopback_or_sandbox: the run talks to this machine only: no id is asked for.
        create: on loopback, make a ledger where there is none.
        reads: nothing will be sent, so a project that has not said yet which ledger is its own may have this one.
        say: is told what people should know of what is kept on this machine while a server is away.

    Raises:
        LedgerError: there is no ledger, it is not this project's, or it cannot be opened. Nothing was changed.
    """
    place = store(location, root, say)
    expected = None if loopback_or_sandbox else read_ledger_id(root)
    if not place.exists():
        if loopback_or_sandbox and create:
            return place.create()
        looks = loopback_or_sandbox and read_ledger_id(root) is None
        raise LedgerError(_no_ledger(place, root) + (_NO_SANDBOX_RUNS if looks else ""))
    if not loopback_or_sandbox and expected is None and not reads:
        raise LedgerError(
            f"this project has not said which ledger is its own (no {LEDGER_ID_FILE}). "
            "Run: msgspec-runner ledger init, then commit that file"
        )
    ledger = place.open()
    if expected is not None and ledger.id != expected:
        ledger.close()
        raise LedgerError(
            f"the ledger {place.location} is not this project's: its id is {ledger.id}, "
            f"{LEDGER_ID_FILE} says {expected}. It does not know what was sent already. "
            "Point --ledger (or MSGSPEC_RUNNER_LEDGER) at the project's ledger"
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
    place = store(location, root)
    found = place.exists()
    expected = None if new else read_ledger_id(root)
    if expected is not None and not found:
        raise LedgerError(
            f"this project has a ledger already ({expected} in {LEDGER_ID_FILE}), but it is not at {place.location}. "
            "Get that ledger from who sent last, or point --ledger at it. Only if it is lost: "
            "msgspec-runner ledger init --new, and everything it knew will be sent again"
        )
    ledger = place.open() if found else place.create()
    try:
        if expected is not None and ledger.id != expected:
            raise LedgerError(
                f"this project has another ledger: {LEDGER_ID_FILE} says {expected}, "
                f"the one at {place.location} is {ledger.id}. "
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
        ledger = FileStore(Path(folder) / "ledger.db").create()
        try:
            yield ledger
        finally:
            ledger.close()


def _no_ledger(place: Store, root: Path) -> str:
    """Return what to do where there is no ledger; it depends on whether the project has one elsewhere."""
    expected = read_ledger_id(root)
    nothing = f"there is no ledger at {place.location}"
    if expected is None:
        return f"{nothing}. Run once: msgspec-runner ledger init, then commit {LEDGER_ID_FILE}"
    return (
        f"{nothing}. This project's ledger ({expected}) knows what was sent already; a new one "
        "would send everything again. Get it from who sent last, or point --ledger (or MSGSPEC_RUNNER_LEDGER) at it"
    )
