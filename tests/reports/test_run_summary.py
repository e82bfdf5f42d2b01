"""The last words of a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from msgspec_runner.dispatch.progress import RunResult
from msgspec_runner.ledger import Record, Totals
from msgspec_runner.model import State
from msgspec_runner.reports.run_summary import NOT_KEPT, SHOWN_ERRORS, Afterwards, shown, summary_lines, totals_words

RECORD = Record(
    *("key", "", "run-1", "reminder", 1, 1, "+16175551212", State.REJECTED, None, 200, "No channel.", 1, 1, "", "")
)


def summary(result: RunResult, *records: Record, after: Afterwards | None = None) -> list[str]:
    return list(summary_lines("run-1", result, records, after))


@pytest.mark.parametrize(
    ("totals", "words"),
    [
        (Totals(), "no messages"),
        (Totals(accepted=12, rejected=1), "12 accepted, 1 rejected"),
        (Totals(accepted=12_480, in_doubt=2, retry_wait=3), "12,480 accepted, 2 in doubt, 3 retry wait"),
    ],
)
def test_totals(totals: Totals, words: str) -> None:
    assert totals_words(totals) == words


def test_a_run_that_went_well_is_one_line() -> None:
    assert summary(RunResult(Totals(accepted=2), None, interrupted=False)) == ["run run-1: 2 accepted"]


def test_errors_are_counted_most_frequent_first_and_without_numbers() -> None:
    records = [
        replace(RECORD, error="+16175551212 is wrong"),
        RECORD,
        RECORD,
        replace(RECORD, state=State.IN_DOUBT, error=None),
        replace(RECORD, state=State.ACCEPTED, error=None),
    ]
    lines = summary(RunResult(Totals(accepted=1, rejected=3, in_doubt=1), None, interrupted=False), *records)
    assert lines[:-2] == [
        "run run-1: 1 accepted, 3 rejected, 1 in doubt",
        "        2 rejected: No channel.",
        "        1 rejected: +1•••••••12 is wrong",
        "        1 in doubt: no words",
    ]
    assert "Correct the row or the text and send again" in lines[-2]
    assert "`msgspec-runner retry run-1`" in lines[-2]
    assert "msgspec-runner reconcile run-1" in lines[-1]


def test_what_expired_meanwhile_is_told_and_is_nothing_to_go_on_with() -> None:
    result = RunResult(Totals(accepted=2, planned=3), expired=3)
    assert summary(result) == [
        "run run-1: 3 planned, 2 accepted",
        "3 expired while the run went on and were not sent: the next `send` leaves them out",
    ]
    lines = summary(RunResult(Totals(planned=4), "HTTP 401", expired=3))
    assert lines[-1] == "run the same command again to go on: nothing is sent twice"


def test_not_every_error_is_shown() -> None:
    records = [replace(RECORD, error=f"error {number}") for number in range(20)]
    lines = summary(RunResult(Totals(rejected=20), None, interrupted=False), *records)
    assert len(lines) == 1 + SHOWN_ERRORS + 1


def test_a_stop_and_an_interruption_say_how_to_go_on() -> None:
    stopped = summary(RunResult(Totals(planned=3), "HTTP 401: no key\x1b[2J", interrupted=False))
    assert stopped == [
        "run run-1: 3 planned",
        "stopped early: HTTP 401: no key<U+001B>[2J",
        "run the same command again to go on: nothing is sent twice",
    ]
    interrupted = summary(RunResult(Totals(accepted=1, planned=2), None, interrupted=True))
    assert interrupted[1:] == [
        "interrupted: what was in flight was recorded, as in doubt where no answer came",
        "run the same command again to go on: nothing is sent twice",
    ]


OPEN = RunResult(Totals(planned=1, rejected=1, in_doubt=1), "HTTP 401")
"""A run after which everything is left to do."""


def test_what_is_to_be_typed_leads_to_the_run() -> None:
    after = Afterwards("--ledger team.db", "--base-url http://127.0.0.1:8025")
    rejected, in_doubt, planned = summary(OPEN, after=after)[-3:]
    assert "`msgspec-runner retry run-1 --base-url http://127.0.0.1:8025 --ledger team.db`" in rejected
    assert "`msgspec-runner reconcile run-1 --base-url http://127.0.0.1:8025 --ledger team.db`" in in_doubt
    assert planned == "run the same command again to go on: nothing is sent twice"
    again = summary(OPEN, after=replace(after, is_retry=True))[-1]
    assert again.startswith("`msgspec-runner retry run-1 --base-url http://127.0.0.1:8025 --ledger team.db` to go on")


def test_a_sandbox_that_has_ended_cannot_be_asked() -> None:
    after = Afterwards("--ledger mine.db", "--sandbox", answers=False)
    rejected, in_doubt, planned = summary(OPEN, after=after)[-3:]
    assert "`msgspec-runner retry run-1 --sandbox --ledger mine.db`" in rejected
    assert "cannot be asked: send to a new one with another --ledger" in in_doubt
    assert planned.endswith("nothing is sent twice")
    assert after.of_earlier_doubts(2) == in_doubt.partition("The ")[2].replace("sandbox", "their sandbox")


def test_one_message_is_no_them() -> None:
    assert Afterwards().of_earlier_doubts(1) == "settle it with `msgspec-runner reconcile`"
    assert Afterwards().of_earlier_doubts(2) == "settle them with `msgspec-runner reconcile`"
    assert Afterwards(answers=False).of_earlier_doubts(1).startswith("its sandbox has ended")


def test_of_a_run_that_is_not_kept_no_command_speaks() -> None:
    after = Afterwards(api="--sandbox", answers=False, is_kept=False)
    *_, rejected, in_doubt, planned, last = summary(OPEN, after=after)
    assert rejected.endswith("Correct the row or the text and send again")
    assert in_doubt.endswith("send again, to a new one")
    assert planned == "run the same command again: it begins anew"
    assert last == NOT_KEPT
    assert "run-1`" not in "".join([rejected, in_doubt, planned, last])
    assert summary(RunResult(Totals(accepted=2)), after=after) == ["run run-1: 2 accepted"]


def test_an_api_s_words_are_printable_and_masked() -> None:
    assert shown("no such number +16175551212\u202e") == "no such number +1•••••••12<U+202E>"
