"""The ledger: what was planned, sent, accepted and left in doubt, so that nobody is texted twice.

:mod:`.ledger` says what a ledger is, with its :mod:`.values` and :mod:`.states`; :mod:`.opening` finds the right one
for a project, or refuses; :mod:`.stores` knows the two places where one can be; :mod:`.spool` holds a plan on its way.
:mod:`.sqlite` keeps a ledger in a file (:mod:`.schema`, :mod:`.statements`, :mod:`.locks`), :mod:`.postgres` one on a
server (``postgres_*``), with a :mod:`.journal` on this machine for when that is away.
"""

from __future__ import annotations

from msgspec_runner.ledger.ledger import (
    TRANSITIONS,
    Decided,
    Entry,
    Ledger,
    Planned,
    Record,
    Run,
    RunStatus,
    Settlement,
    Skip,
    Stored,
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
    "Decided",
    "Entry",
    "Ledger",
    "PlanSpool",
    "Planned",
    "Record",
    "Run",
    "RunStatus",
    "Settlement",
    "Skip",
    "Stored",
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
