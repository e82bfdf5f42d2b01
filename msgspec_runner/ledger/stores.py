"""The two places where a ledger can be, a file and a server, behind one small face for :mod:`.opening`."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from typing import Protocol

from msgspec_runner.errors import LedgerError, UsageError
from msgspec_runner.ledger.journal import Say, nobody
from msgspec_runner.ledger.ledger import Ledger
from msgspec_runner.ledger.postgres_address import Address, parse_address
from msgspec_runner.ledger.schema import ledger_errors
from msgspec_runner.ledger.sqlite import SqliteLedger

DEFAULT_LEDGER = ".msgspec-runner/ledger.db"
"""Where the ledger is unless ``--ledger``, the environment or the config says otherwise; relative to the project."""

_SQLITE = b"SQLite format 3\0"
"""How every SQLite file begins (sqlite.org/fileformat.html); what begins otherwise is not touched."""

_URL = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)


class Store(Protocol):
    """A place for one ledger."""

    @property
    def location(self) -> str:
        """Where it is, for people."""
        ...

    def exists(self) -> bool:
        """Return whether something is there."""
        ...

    def open(self) -> Ledger:
        """Open what is there, or say why it is no ledger."""
        ...

    def create(self) -> Ledger:
        """Make a ledger; if somebody else does at the same time, both get the same one."""
        ...


def store(location: str | None, root: Path, say: Say = nobody) -> Store:
    """Return the place that a location means.

    Args:
        location: a path (relative ones to ``root``), a ``postgresql://`` address, or None for the default place.
        root: the project's root folder.
        say: is told what people should know of what is kept on this machine while a server is away.

    Raises:
        LedgerError: it is neither.
        UsageError: the address is malformed.
    """
    location = location or DEFAULT_LEDGER
    if url := _URL.match(location):
        if url[1].lower() not in ("postgresql", "postgres"):
            raise LedgerError(
                f"the ledger is given as a {url[1].lower()}:// address, but ledgers are SQLite files or "
                f"postgresql:// addresses. Write a path or such an address: --ledger {DEFAULT_LEDGER}"
            )
        return ServerStore(parse_address(location), root / Path(DEFAULT_LEDGER).parent, say)
    try:
        return FileStore(root / Path(location).expanduser())
    except RuntimeError:  # ~somebody
        raise LedgerError(f"the ledger {location} is in a home folder that does not exist: write a path") from None


class ServerStore:
    """A schema of a PostgreSQL database.

    Args:
        address: where.
        journals: see :class:`~msgspec_runner.ledger.postgres.PostgresLedger`.
        say: see there, too.
    """

    def __init__(self, address: Address, journals: Path, say: Say = nobody) -> None:
        self._address = address
        self._journals = journals
        self._say = say
        try:
            import psycopg  # noqa: F401  # an extra, and 60 ms that only such a ledger costs
        except ImportError:
            raise UsageError(
                f"the ledger {address.location} is in PostgreSQL, which needs more than is installed: "
                "pip install 'msgspec-runner[cluster]'"
            ) from None

    @property
    def location(self) -> str:
        """The address, without a password."""
        return self._address.location

    def exists(self) -> bool:
        """Ask the server."""
        from msgspec_runner.ledger.postgres_connection import connect, postgres_errors
        from msgspec_runner.ledger.postgres_schema import exists

        with postgres_errors(self._address), closing(connect(self._address)) as connection:
            return exists(connection, self._address)

    def open(self) -> Ledger:
        """Open an existing ledger."""
        from msgspec_runner.ledger.postgres import PostgresLedger

        return PostgresLedger(self._address, self._journals, say=self._say)

    def create(self) -> Ledger:
        """Make the schema and its tables."""
        from msgspec_runner.ledger.postgres import PostgresLedger

        return PostgresLedger(self._address, self._journals, create=True, say=self._say)


class FileStore:
    """A SQLite file.

    Args:
        path: where.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unfinished = f".{path.name}-"

    @property
    def location(self) -> str:
        """The path."""
        return str(self._path)

    def exists(self) -> bool:
        """Return whether there is a file, or something in its way."""
        return self._path.exists()

    def create(self) -> Ledger:
        """Make an empty ledger that only its owner can read, in a folder that git ignores if the folder is new too."""
        path = self._path
        with ledger_errors(str(path)):
            folder = path.parent
            if not folder.exists():
                folder.parent.mkdir(parents=True, exist_ok=True)
                folder.mkdir(mode=0o700, exist_ok=True)
                (folder / ".gitignore").write_text("*\n", encoding="utf-8")
            # Made whole under another name: two processes that make one file a ledger at once lock each other out.
            descriptor, name = tempfile.mkstemp(prefix=self._unfinished, dir=folder)  # mode 0600
            os.close(descriptor)
            try:
                SqliteLedger(Path(name)).close()
                with suppress(FileExistsError):  # another process was faster: its ledger is ours
                    os.link(name, path)
            finally:
                Path(name).unlink(missing_ok=True)
        return SqliteLedger(path)

    def open(self) -> Ledger:
        """Open an existing ledger; one that a careless copy left readable for everybody is closed to others first."""
        path = self._path
        with ledger_errors(str(path)):
            if not path.is_file():
                raise LedgerError(f"{path} is no file. Choose another place with --ledger")
            mode = stat.S_IMODE(path.stat().st_mode)
            with path.open("rb") as file:
                head = file.read(len(_SQLITE))
            if head != _SQLITE:
                raise LedgerError(
                    f"{path} is no ledger. If it was one, restore it: without it, everything would be sent again. "
                    "Else choose another place with --ledger"
                )
            self._refuse_second_name()
            if mode & 0o007:
                with suppress(PermissionError):  # not ours to change
                    path.chmod(mode & ~0o007)
        return SqliteLedger(path)

    def _refuse_second_name(self) -> None:
        """Refuse a file that has two names: SQLite keeps a log for each, so one run would not see what another sends.

        A name that :meth:`create` gave it and did not live to take away is taken away here.
        """
        path = self._path
        for other in path.parent.glob(f"{self._unfinished}*"):
            with suppress(FileNotFoundError):  # whoever is making it was faster
                if other.samefile(path):
                    other.unlink()
        if path.stat().st_nlink > 1:
            raise LedgerError(
                f"{path} has a second name (a hard link), and runs under two names do not see each other. "
                "Remove the other name, or copy the file in its place"
            )
