"""The ledger against a model of it: any order of plans, claims, outcomes, crashes and recoveries."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.ledger import Ledger, Run, RunStatus, Settlement, sources
from msgspec_runner.ledger.states import Mover
from msgspec_runner.model import Message, State
from tests.ledger.conftest import open_ledger
from tests.ledger.postgres import own_schema

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
KEYS = ("a", "b", "c")
LIKELY = (State.ACCEPTED, State.REJECTED, State.IN_DOUBT, State.RETRY_WAIT, State.PLANNED)
OUTCOMES = (*LIKELY, State.CANCELLED)
some_keys = st.lists(st.sampled_from(KEYS), unique=True, min_size=1)
processes = st.integers(0, 1)


def a_message(key: str, text: str) -> Message:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Message(key, "", "spec", 1, 1, "+16175551212", text.encode(), digest)


@dataclass
class Known:
    """What the model knows of one message; ``posted`` counts claims that nobody has proven unsent or released."""

    state: State
    run: str
    digest: str
    posted: int = 0


class TwoProcesses(RuleBasedStateMachine):
    """Two processes on one ledger; each always has a run, and begins the next where one ends or dies."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.stack = ExitStack()
        self.location = self.place()
        self.ledgers = [self.opened(), self.opened()]
        self.runs = ["", ""]
        self.dead: set[str] = set()
        self.begun = 0
        self.known: dict[str, Known] = {}
        for which in (0, 1):
            self.begin(which)

    def place(self) -> str:
        return str(self.folder / "ledger.db")

    def opened(self) -> Ledger:
        return open_ledger(self.location, self.folder / "journals")

    def begin(self, which: int) -> None:
        self.begun += 1
        self.runs[which] = f"run-{self.begun}"
        self.ledgers[which].begin(Run(self.runs[which], "sandbox"))

    def teardown(self) -> None:
        for ledger in self.ledgers:
            ledger.close()
        self.stack.close()
        shutil.rmtree(self.folder)

    def moves(self, run: str, state: State, target: State) -> None:
        for known in self.known.values():
            if known.run == run and known.state is state:
                known.state = target

    @rule(which=processes, keys=some_keys, text=st.sampled_from(["one", "two"]))
    def plan(self, which: int, keys: list[str], text: str) -> None:
        run = self.runs[which]
        taken = 0
        for key in keys:
            message = a_message(key, text)
            known = self.known.get(key)
            free = known is None or (
                (
                    known.state in (State.PLANNED, State.RELEASED)
                    or (known.state, known.digest == message.digest) == (State.REJECTED, False)
                )
                and known.run != run
                and known.run not in self.runs
                and known.run not in self.dead
            )
            if free:
                taken += 1
                self.known[key] = Known(State.PLANNED, run, message.digest)
        assert self.ledgers[which].plan(run, [a_message(key, text) for key in keys], chunk=2) == taken

    @rule(which=processes, claims=some_keys, outcomes=st.dictionaries(st.sampled_from(KEYS), st.sampled_from(OUTCOMES)))
    def commit_anything(self, which: int, claims: list[str], outcomes: dict[str, State]) -> None:
        self.commit(which, claims, outcomes)

    def commit(self, which: int, claims: list[str], outcomes: dict[str, State]) -> None:
        run = self.runs[which]
        refused = False
        for key, state in outcomes.items():
            known = self.known.get(key)
            if known is not None and known.run == run and known.state in sources(state):
                known.state = state
                known.posted -= state in (State.RETRY_WAIT, State.PLANNED, State.REJECTED) and known.posted > 0
            else:
                refused = True
        settlements = [Settlement(key, state) for key, state in outcomes.items()]
        if refused:
            with pytest.raises(LedgerError):
                self.ledgers[which].commit(run, claims, settlements)
            return
        expected = {
            key
            for key in claims
            if key in self.known
            and self.known[key].run == run
            and self.known[key].state in (State.PLANNED, State.RETRY_WAIT)
        }
        assert self.ledgers[which].commit(run, claims, settlements) == expected
        for key in expected:
            self.known[key].state = State.SENDING
            self.known[key].posted += 1

    @rule(which=processes, keys=some_keys, state=st.sampled_from(LIKELY))
    def settle_what_is_out(self, which: int, keys: list[str], state: State) -> None:
        out = (key for key, known in self.known.items() if known.state is State.SENDING)
        mine = [key for key in out if key in keys and self.known[key].run == self.runs[which]]
        self.commit(which, keys, dict.fromkeys(mine, state))

    @rule(which=processes, keys=some_keys)
    def release(self, which: int, keys: list[str]) -> None:
        chosen = [
            known
            for key, known in self.known.items()
            if key in keys and known.state in (State.REJECTED, State.IN_DOUBT)
        ]
        for known in chosen:
            known.state, known.posted = State.RELEASED, 0
        assert self.ledgers[which].release(keys, "because") == len(chosen)

    @rule(which=processes, keys=some_keys, state=st.sampled_from(OUTCOMES))
    def resolve(self, which: int, keys: list[str], state: State) -> None:
        """A person settles what is in doubt, or cancels; ``id`` of a message is of that message alone."""
        allowed = sources(state, Mover.PERSON)
        chosen = [key for key in keys if key in self.known and self.known[key].state in allowed]
        settlements = [Settlement(key, state, message_id=f"id-{key}") for key in keys]
        assert self.ledgers[which].resolve(settlements, "ann", "because") == set(chosen)
        for key in chosen:
            self.known[key].state = state
            self.known[key].posted -= state is State.REJECTED and self.known[key].posted > 0

    @rule(which=processes, number=st.sampled_from([None, "+16175551212"]))
    def erase(self, which: int, number: str | None) -> None:
        """Forgetting people changes nothing of what the model knows."""
        self.ledgers[which].erase(before=None if number else NEVER, number=number)

    @rule(which=processes)
    def end(self, which: int) -> None:
        run = self.runs[which]
        self.moves(run, State.SENDING, State.IN_DOUBT)
        self.moves(run, State.RETRY_WAIT, State.PLANNED)
        self.ledgers[which].end(run, RunStatus.FINISHED)
        self.begin(which)

    @rule(which=processes)
    def crash(self, which: int) -> None:
        self.ledgers[which].close()
        self.ledgers[which] = self.opened()
        self.dead.add(self.runs[which])
        self.begin(which)

    @rule(which=processes)
    def recover(self, which: int) -> None:
        lost = [known for known in self.known.values() if known.run in self.dead and known.state is State.SENDING]
        for run in self.dead:
            self.moves(run, State.SENDING, State.IN_DOUBT)
            self.moves(run, State.RETRY_WAIT, State.PLANNED)
        assert self.ledgers[which].recover() == len(lost)
        self.dead.clear()

    @invariant()
    def both_processes_see_what_the_model_says(self) -> None:
        for ledger in self.ledgers:
            entries = ledger.entries(KEYS)
            assert {key: (entry.state, entry.run, entry.digest, entry.run_alive) for key, entry in entries.items()} == {
                key: (known.state, known.run, known.digest, known.run in self.runs) for key, known in self.known.items()
            }

    @invariant()
    def nothing_is_out_twice(self) -> None:
        assert all(known.posted <= 1 for known in self.known.values())


class OnPostgres(TwoProcesses):
    """The same, in a database."""

    def place(self) -> str:
        return self.stack.enter_context(own_schema())


def few(examples: int) -> settings:
    return settings(
        max_examples=examples, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
    )


TwoProcesses.TestCase.settings = few(60)
OnPostgres.TestCase.settings = few(15)
test_two_processes = TwoProcesses.TestCase
test_two_processes_on_postgres = OnPostgres.TestCase
