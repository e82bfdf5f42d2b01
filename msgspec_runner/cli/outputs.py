"""What a run leaves behind for other programs: the results, the run as a test report, the summary as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec_runner.cli.options import Terminal
from msgspec_runner.dispatch.progress import RunResult
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Ledger, Record
from msgspec_runner.reports.results import write_results
from msgspec_runner.reports.run_junit import write_run_junit
from msgspec_runner.reports.run_summary import Afterwards

SKIP_REASONS = ("duplicate", "expired", "invalid", "suppressed")
"""Why a row may be left out, as the ledger has it."""


def write_outputs(
    book: Ledger,
    run: str | None,
    specs: Sequence[str],
    results: Path | None,
    junit: Path | None,
    terminal: Terminal,
    after: Afterwards | None = None,
) -> None:
    """Write the files that were asked for; a full disk, or a ledger that fails, must not hide how the run ended.

    Args:
        book: knows the run.
        run: its id; None where there was nothing to send.
        specs: the ids of its specs, in the order of the report.
        results: of ``--results``.
        junit: of ``--junit``.
        terminal: hears what cannot be written.
        after: what can be done about the run; see :func:`~msgspec_runner.reports.run_summary.summary_lines`.
    """
    after = after or Afterwards()
    same = f"`{after.commands(run).messages()}`" if run is not None and after.is_kept else None

    def messages(spec: str | None = None) -> Iterable[Record]:
        return book.messages(run=run, spec=spec) if run is not None else ()

    for flag, path in (("--results", results), ("--junit", junit)):
        try:
            if path is not None and flag == "--results":
                write_results(path, messages())
            elif path is not None:
                write_run_junit(path, specs, messages)
        except OSError as error:
            hint = f"; {same} has the same" if same is not None else ""
            terminal.warn(f"{flag} {path}: cannot be written: {error.strerror}{hint}")
        except LedgerError as error:
            hint = f". Later {same} has the same" if same is not None else ""
            terminal.warn(f"{flag} {path}: not written: {error}{hint}")


def readable(records: Iterable[Record], terminal: Terminal) -> Iterator[Record]:
    """Yield records as far as the ledger can be read; what was sent before is not undone by that."""
    try:
        yield from records
    except LedgerError as error:
        terminal.warn(f"the ledger cannot be read any more: {error}")


def skipped_rows(records: Iterable[Record]) -> dict[str, int]:
    """Count rows that were left out, by reason."""
    found = Counter(record.error for record in records)
    return {reason: found[reason] for reason in SKIP_REASONS}


def summary_json(run: str | None, result: RunResult, skipped: Mapping[str, int]) -> str:
    """Return the summary of ``--output json``.

    Args:
        run: its id; None where none was begun.
        result: how it ended.
        skipped: rows left out, by reason.
    """
    return json.dumps(
        {
            "version": 1,
            "run": run,
            "totals": result.totals.as_dict(),
            "skipped": {reason: skipped.get(reason, 0) for reason in SKIP_REASONS},
            "expired": result.expired,
            "stopped": result.stopped_reason,
        }
    )
