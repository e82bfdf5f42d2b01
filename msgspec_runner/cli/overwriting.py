"""Nothing is written over what a command reads: a ledger that is lost sends everything again."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec_runner.audience import recipients_path
from msgspec_runner.config import Config
from msgspec_runner.errors import RecipientsError, UsageError
from msgspec_runner.source.partials import Partials
from msgspec_runner.spec import Spec

_BESIDE_A_LEDGER = ("-wal", "-shm", "-journal")
"""What SQLite writes beside its file."""


def project_files(config: Config) -> Iterator[Path]:
    """Yield what a command may read because the configuration, or a template, names it."""
    if config.file is not None:
        yield config.file
    for name in (*config.suppressions, *config.catalogs):
        yield config.root / name
    for name in Partials(config.root).names():
        yield config.root / "partials" / name


def audience_files(specs: Iterable[Spec], root: Path, override: Path | None) -> Iterator[Path]:
    """Yield the recipients' files of some specs.

    Args:
        specs: whose recipients are read.
        root: the project's root.
        override: of ``--recipients``.
    """
    if override is not None:
        yield override
        return
    for spec in specs:
        try:
            path = recipients_path(spec, root)
        except RecipientsError:  # outside the project: the linter says so
            continue
        if path is not None:
            yield path


def ledger_files(config: Config, location: str) -> Iterator[Path]:
    """Yield the files of a ledger, and the one that names it; a server's address is no file's path, and harmless."""
    from msgspec_runner.ledger import LEDGER_ID_FILE  # sqlite3, which who has a ledger has loaded

    yield config.root / LEDGER_ID_FILE
    yield Path(location)
    for suffix in _BESIDE_A_LEDGER:
        yield Path(f"{location}{suffix}")


def refuse_overwriting(outputs: Mapping[str, Path | None], read: Iterable[Path | None], *, sends: bool = True) -> None:
    """Refuse to write a file over one that the command reads, or two over each other. Standard output is a file too.

    Args:
        outputs: files to write, by flag; None for what is not asked for.
        read: files that are read; None for what is not given.
        sends: the command sends, so it is said that nothing was.

    Raises:
        UsageError: the ledger would be lost, for example, and with it what was sent.
    """
    taken = {path.resolve() for path in read if path is not None}
    nothing_sent = " Nothing was sent." if sends else ""
    _refuse_standard_output(taken, nothing_sent)
    for flag, path in outputs.items():
        if path is None or (path.exists() and not path.is_file()):  # a device may be named twice
            continue
        if path.resolve() in taken:
            raise UsageError(f"{flag} {path}: is in use by this command: name another file.{nothing_sent}")
        taken.add(path.resolve())


def _refuse_standard_output(taken: Iterable[Path], nothing_sent: str) -> None:
    """Refuse ``>> FILE`` where the file is read. After ``> FILE`` it is empty already; that is said, at least."""
    try:
        ours = os.fstat(sys.stdout.fileno())
    except (OSError, ValueError):  # closed, or none of the process's own
        return
    if not stat.S_ISREG(ours.st_mode):
        return
    for path in taken:
        try:
            theirs = path.stat()
        except OSError:
            continue
        if os.path.samestat(ours, theirs):
            emptied = " It is empty now: restore it." if not theirs.st_size else ""
            raise UsageError(
                f"standard output goes into {path}, which is in use by this command: name another file.{emptied}"
                f"{nothing_sent}"
            )
