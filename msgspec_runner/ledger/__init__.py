"""The ledger: what was planned, sent, accepted and left in doubt, so that nobody is texted twice.

:mod:`.ledger` says what a ledger is (values, legal moves, the protocol); :mod:`.sqlite` keeps one in a file,
with :mod:`.schema` for its migrations and :mod:`.locks` for telling live runs from dead ones; :mod:`.opening`
finds the right ledger for a project, or refuses; :mod:`.spool` holds a plan on its way there.
"""

from __future__ import annotations

from msgspec_runner.ledger.ledger import (
    TRANSITIONS,
    Entry,
    Ledger,
    Planned,
    Record,
    Run,
    RunStatus,
    Settlement,
    Skip,
    Totals,
    new_run_id,
    timestamp,
)
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
from msgspec_runner.ledger.spool import PlanSpool, Twin

__all__ = [
    "DEFAULT_LEDGER",
    "LEDGER_ID_FILE",
    "TRANSITIONS",
    "Entry",
    "Ledger",
    "PlanSpool",
    "Planned",
    "Record",
    "Run",
    "RunStatus",
    "Settlement",
    "Skip",
    "Totals",
    "Twin",
    "init_ledger",
    "ledger_exists",
    "new_run_id",
    "open_ledger",
    "read_ledger_id",
    "temporary_ledger",
    "timestamp",
    "write_ledger_id",
]
