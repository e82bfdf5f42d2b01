"""Erasing by date does what it says, message by message, whatever a store remembers of the runs it has read."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from msgspec_runner.ledger.ledger import Ledger, Run, RunStatus, Settlement, Skip, timestamp
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.sqlite import SqliteLedger
from msgspec_runner.ledger.states import AT_REST
from msgspec_runner.model import Message, State
from tests.ledger.conftest import NOON
from tests.ledger.postgres import address, own_schema

KEYS = ("a", "b", "c", "d")
OUTCOMES = (State.ACCEPTED, State.REJECTED, State.IN_DOUBT, State.PLANNED)
ENDS = ("ends", "ends", "dies", "goes on")
RESOLUTIONS = (State.ACCEPTED, State.REJECTED, State.CANCELLED)
some_keys = st.lists(st.sampled_from(KEYS), unique=True, min_size=1)
moments = st.integers(-1, 1).map(lambda hours: NOON + timedelta(hours=hours))
Outcome = tuple[State, str | None, datetime]
errors = st.sampled_from([None, "no such number"])
outcomes = st.dictionaries(st.sampled_from(KEYS), st.tuples(st.sampled_from(OUTCOMES), errors, moments), min_size=1)
processes = st.integers(0, 1)


class Row(NamedTuple):
    """What there is of a message or a skipped row that an erasure may take, and what it goes by."""

    to: str
    recipient_key: str
    body: bytes
    error: str | None
    state: State
    updated_at: str
    run: str


def number(key: str) -> str:
    return f"+16175550{ord(key)}"


def rows(ledger: Ledger) -> dict[str, Row]:
    """Return all messages and skipped rows; the name of a skipped row is its key, which is unique here."""
    bodies = {each.message.key: each.message.body for each in ledger.stored()}
    return {
        record.key: Row(
            record.to,
            record.recipient_key,
            bodies.get(record.key, b""),
            None if record.state is State.SKIPPED else record.error,
            record.state,
            record.updated_at,
            record.run,
        )
        for record in ledger.messages()
    }


def erased(row: Row, before: datetime, living: list[str]) -> Row:
    """Return what an erasure leaves of a row: the definition."""
    rests = row.state in AT_REST or row.state is State.SKIPPED
    if rests and row.updated_at < timestamp(before) and row.run not in living:
        return row._replace(to="", recipient_key="", body=b"", error=None)
    return row


class TwoProcesses(RuleBasedStateMachine):
    """Two processes on one ledger, whose clock goes to and fro: what moves later may bear an earlier time."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.stack = ExitStack()
        self.now = NOON
        self.location = self.place()
        self.ledgers = [self.opened(), self.opened()]
        self.runs = ["", ""]
        self.begun = self.skipped = 0
        for which in (0, 1):
            self.begin(which)

    def place(self) -> str:
        place = self.folder / "ledger.db"
        place.touch(0o600)
        return str(place)

    def opened(self) -> Ledger:
        return SqliteLedger(Path(self.location), clock=lambda: self.now)

    def begin(self, which: int) -> None:
        self.begun += 1
        self.runs[which] = f"run-{self.begun}"
        self.ledgers[which].begin(Run(self.runs[which], "sandbox"))

    def teardown(self) -> None:
        for ledger in self.ledgers:
            ledger.close()
        self.stack.close()
        shutil.rmtree(self.folder)

    @rule(now=moments)
    def pass_time(self, now: datetime) -> None:
        self.now = now

    @rule(which=processes, outcomes=outcomes, text=st.sampled_from(["one", "two"]), end=st.sampled_from(ENDS))
    def send(self, which: int, outcomes: dict[str, Outcome], text: str, end: str) -> None:
        """What a run does, all at once: else, next to nothing would ever come to rest."""
        ledger, run = self.ledgers[which], self.runs[which]
        ledger.plan(run, [Message(key, key, "s", 1, 1, number(key), text.encode(), text) for key in outcomes])
        claimed = ledger.claim(run, [*outcomes])
        settlements = [
            Settlement(key, state, error=e, at=at) for key, (state, e, at) in outcomes.items() if key in claimed
        ]
        ledger.commit(run, (), settlements)
        self.skipped += 1
        ledger.skip(run, [Skip("s", 1, 2, "invalid", "+1", "k", f"skip-{self.skipped}")])
        if end == "goes on":
            return
        if end == "dies":
            ledger.close()
            self.ledgers[which] = self.opened()
        else:
            ledger.end(run, RunStatus.FINISHED)
        self.begin(which)

    @rule(which=processes)
    def recover(self, which: int) -> None:
        self.ledgers[which].recover()

    @rule(which=processes, keys=some_keys)
    def release(self, which: int, keys: list[str]) -> None:
        self.ledgers[which].release(keys, "because")

    @rule(which=processes, keys=some_keys, state=st.sampled_from(RESOLUTIONS), error=errors, at=moments)
    def resolve(self, which: int, keys: list[str], state: State, error: str | None, at: datetime) -> None:
        self.ledgers[which].resolve([Settlement(key, state, error=error, at=at) for key in keys], "ann", "because")

    @rule(which=processes, key=st.sampled_from(KEYS))
    def forget(self, which: int, key: str) -> None:
        self.ledgers[which].erase(number=number(key))

    @rule(which=processes, before=moments)
    def prune(self, which: int, before: datetime) -> None:
        found = rows(self.ledgers[which])
        left = {key: erased(row, before, self.runs) for key, row in found.items()}
        changed = sum(left[key] != found[key] for key in found)
        assert self.ledgers[which].erase(before=before) == changed
        assert rows(self.ledgers[1 - which]) == left


class OnPostgres(TwoProcesses):
    """The same, in a database."""

    def place(self) -> str:
        return self.stack.enter_context(own_schema())

    def opened(self) -> Ledger:
        return PostgresLedger(address(self.location), self.folder / "journals", create=True, clock=lambda: self.now)


def few(examples: int) -> settings:
    return settings(
        max_examples=examples, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
    )


TwoProcesses.TestCase.settings = few(40)
OnPostgres.TestCase.settings = few(20)
test_it_does_what_it_says = TwoProcesses.TestCase
test_it_does_what_it_says_on_postgres = OnPostgres.TestCase
