"""How a run is carried out and told, also when its ledger fails under it: people were texted all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from msgspec_runner.cli.dispatching import Manner, conclude, exit_code
from msgspec_runner.cli.options import Terminal
from msgspec_runner.dispatch.progress import RunResult
from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger import Ledger, Record, Run, Skip, Totals, temporary_ledger

TERMINAL = Terminal(quiet=False, verbose=False, color="never")


class Failing:
    """A ledger that can be read up to its first record, and then no more."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def messages(self, **selection: object) -> Iterator[Record]:
        yield from self._ledger.messages(**selection)  # type: ignore[arg-type]
        raise LedgerError("the ledger cannot be used: disk I/O error")


def manner(folder: Path) -> Manner:
    return Manner(
        yes=True,
        concurrency=None,
        rate=None,
        timeout=None,
        results=folder / "results.jsonl",
        junit=folder / "run.xml",
        api_key_file=None,
        output="json",
    )


def test_a_ledger_that_fails_after_the_run_hides_nothing_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = RunResult(Totals(accepted=2, rejected=1, skipped=1), expired=4)
    with temporary_ledger() as book:
        book.begin(Run("r1", "sandbox", ("hello",)))
        book.skip("r1", [Skip("hello", 1, 2, "invalid")])
        conclude(Failing(book), "r1", ["hello"], result, manner(tmp_path), TERMINAL)  # type: ignore[arg-type]
    told = capsys.readouterr()
    assert json.loads(told.out) == {
        "version": 1,
        "run": "r1",
        "totals": result.totals.as_dict(),
        "skipped": {"duplicate": 0, "expired": 0, "invalid": 1, "suppressed": 0},
        "expired": 4,
        "stopped": None,
    }
    assert "run r1: 2 accepted, 1 rejected, 1 skipped\n" in told.err
    for flag in ("--results", "--junit"):
        assert f"{flag} {tmp_path}" in told.err
    assert "disk I/O error. Later `msgspec-runner status r1 --output json` has the same" in told.err
    assert "the ledger cannot be read any more: the ledger cannot be used: disk I/O error" in told.err
    assert list(tmp_path.iterdir()) == [], "half a file looks like a whole one"
    assert exit_code(result) == 1
