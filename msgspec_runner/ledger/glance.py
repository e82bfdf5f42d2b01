"""A look at a ledger that changes nothing and never waits: what a shell offers while somebody types a run's id."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from msgspec_runner.ledger.rows import spec_ids

PATIENCE = 0.05
"""Seconds to wait for whoever writes: a person who pressed Tab waits as long."""

_NEWEST = "SELECT id, status, specs FROM runs ORDER BY started_at DESC, rowid DESC LIMIT ?"


class Glimpse(NamedTuple):
    """One run, as far as a line of completion has room for it.

    Attributes:
        id: the run's.
        status: a value of :class:`~msgspec_runner.ledger.values.RunStatus`; that of a run that died may be old.
        specs: ids of its specs.
    """

    id: str
    status: str
    specs: tuple[str, ...]


def newest_runs(file: Path, most: int) -> tuple[Glimpse, ...]:
    """Return a ledger's newest runs, the newest first; none where there is no ledger, or one that is busy.

    A run whose row makes no sense is left out. No file is made, no schema brought up to date, no lock taken.

    Args:
        file: a ledger in a file.
        most: how many at most.
    """
    if not file.is_file():
        return ()
    # A log beside it holds what the file has not got yet, and may be read only as writers share it. Without one
    # nobody writes; SQLite would make the log, and leave it.
    written = file.with_name(f"{file.name}-wal").exists()
    address = f"{file.resolve().as_uri()}?mode=ro{'' if written else '&immutable=1'}"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE)) as connection:
            found = connection.execute(_NEWEST, (most,)).fetchall()
    except sqlite3.Error:
        return ()
    glimpses = []
    for run, status, specs in found:
        with suppress(ValueError, TypeError, RecursionError):
            glimpses.append(Glimpse(run, status, spec_ids(specs)))
    return tuple(glimpses)
