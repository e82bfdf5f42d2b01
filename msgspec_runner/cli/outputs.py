"""The files that ``send`` and ``retry`` leave behind: the results, and the run as a test report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec_runner.cli.options import Terminal
from msgspec_runner.ledger.ledger import Ledger, Record
from msgspec_runner.reports.results import write_results
from msgspec_runner.reports.run_junit import write_run_junit


def write_outputs(
    book: Ledger, run: str | None, specs: Sequence[str], results: Path | None, junit: Path | None, terminal: Terminal
) -> None:
    """Write the files that were asked for; a full disk must not hide how the run ended.

    Args:
        book: knows the run.
        run: its id; None where there was nothing to send.
        specs: the ids of its specs, in the order of the report.
        results: of ``--results``.
        junit: of ``--junit``.
        terminal: hears what cannot be written.
    """

    def messages(spec: str | None = None) -> Iterable[Record]:
        return book.messages(run=run, spec=spec) if run is not None else ()

    for flag, path in (("--results", results), ("--junit", junit)):
        try:
            if path is not None and flag == "--results":
                write_results(path, messages())
            elif path is not None:
                write_run_junit(path, specs, messages)
        except OSError as error:
            hint = f"; `msgspec-runner status {run} --output json` has the same" if run is not None else ""
            terminal.warn(f"{flag} {path}: cannot be written: {error.strerror}{hint}")
