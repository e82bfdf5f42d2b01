from __future__ import annotations

from dataclasses import replace

import pytest

from msgspec_runner.ledger import RunStatus
from msgspec_runner.model import State
from msgspec_runner.reports.commands import Commands
from msgspec_runner.reports.run_report.next_steps import next_steps
from tests.reports.run_report.examples import ID, RUN, figures, message

COMMANDS = Commands(ID)


def steps(state: State, *, scheduled_for: str | None = None, **run: object) -> list[tuple[str, str | None]]:
    found = figures([message(1, state, scheduled_for=scheduled_for)], replace(RUN, **run))  # type: ignore[arg-type]
    return [(step.words.split(":")[0].split(".")[0], step.command) for step in next_steps(found, COMMANDS)]


@pytest.mark.parametrize(
    ("state", "run", "expected"),
    [
        (State.ACCEPTED, {}, []),
        (State.SKIPPED, {}, []),
        (State.CANCELLED, {}, []),
        (State.IN_DOUBT, {}, [("1 message in doubt", f"msgspec-runner reconcile {ID}")]),
        (State.IN_DOUBT, {"origin": "sandbox"}, [("1 message in doubt", None)]),
        (State.REJECTED, {}, [("1 message rejected", f"msgspec-runner retry {ID}")]),
        (State.REJECTED, {"origin": "sandbox"}, [("1 message rejected", None)]),
        (State.RELEASED, {}, [("1 message released", None)]),
        (State.PLANNED, {}, [("1 message not sent yet", None)]),
        (State.RETRY_WAIT, {"status": RunStatus.DIED}, [("1 message not sent yet", None)]),
        (State.PLANNED, {"status": RunStatus.RUNNING}, []),
        (State.SENDING, {"status": RunStatus.RUNNING}, []),
        (State.SENDING, {"status": RunStatus.DIED}, [("1 message under way when the run died", None)]),
    ],
)
def test_what_is_left_to_do(state: State, run: dict[str, object], expected: list[tuple[str, str | None]]) -> None:
    assert steps(state, **run) == expected


def test_what_is_scheduled_can_be_taken_back() -> None:
    later = "2031-11-24T09:00:00-05:00"
    assert steps(State.ACCEPTED, scheduled_for=later) == [("1 message still scheduled", f"msgspec-runner cancel {ID}")]
    assert steps(State.ACCEPTED, scheduled_for=later, origin="sandbox") == []


def test_the_commands_lead_to_the_ledger_and_to_the_api() -> None:
    commands = Commands(ID, ledger="--ledger 'team ledger.db'", api="--base-url http://127.0.0.1:8025", key_digits=8)
    api = "--base-url http://127.0.0.1:8025 --ledger 'team ledger.db'"
    assert commands.ask() == f"msgspec-runner reconcile {ID} {api}"
    assert commands.release("0123456789abcdef") == f'msgspec-runner reconcile --release 01234567 --reason "…" {api}'
    assert commands.doubts() == f"msgspec-runner status {ID} --state in_doubt --ledger 'team ledger.db'"
