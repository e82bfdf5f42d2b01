"""A PostgreSQL server that goes away in mid-run: nothing is lost, nothing is claimed twice."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgspec_runner.errors import LedgerError
from msgspec_runner.ledger.journal_lines import Noted, written
from msgspec_runner.ledger.ledger import Run, RunStatus, Settlement, Skip, Totals
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_connection import Patience
from msgspec_runner.ledger.rows import UNKNOWN_OUTCOME
from msgspec_runner.model import Message, State
from tests.ledger.conftest import NOON
from tests.ledger.cutting import Line, Moment
from tests.ledger.postgres import address, cut, own_schema
from tests.ledger.test_journal_lines import LINES, SETTLED

MakeMessage = Callable[..., Message]

SOON = Patience(first=0.001, longest=0.02)
"""A server on this machine is back at once."""

IMPATIENT = Patience(seconds=0)


@pytest.fixture
def url() -> Iterator[str]:
    with own_schema() as url:
        yield url


OPENED: list[PostgresLedger] = []


def opened(url: str, folder: Path, patience: Patience = SOON) -> PostgresLedger:
    OPENED.append(PostgresLedger(address(url), folder, create=True, clock=lambda: NOON, patience=patience))
    return OPENED[-1]


@pytest.fixture(autouse=True)
def close_all() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def messages(count: int) -> list[Message]:
    return [Message(f"key-{n}", "", "s", 1, n, "+16175551212", b"{}", "d") for n in range(1, count + 1)]


def a_whole_run(ledger: PostgresLedger, run: str) -> list[str]:
    """Carry out a small run with everything in it, begun already; return what was claimed, in order."""
    claimed: list[str] = []
    assert ledger.plan(run, messages(6), chunk=4) == 6
    ledger.skip(run, [Skip("s", 1, 7, "duplicate"), Skip("s", 1, 8, "expired")])
    planned = [each.key for each in ledger.pending(run)]
    claimed += sorted(ledger.claim(run, planned[:2]))
    waits = Settlement(planned[0], State.RETRY_WAIT, 429)
    accepted = Settlement(planned[1], State.ACCEPTED, 200, "id-2")
    claimed += sorted(ledger.commit(run, [planned[0], planned[2]], [waits, accepted]))
    claimed += sorted(ledger.claim(run, [planned[0], *planned[3:]]))
    ledger.commit(run, [], [Settlement(key, State.ACCEPTED, 200, f"id-{key}") for key in (planned[0], *planned[2:5])])
    assert ledger.end(run, RunStatus.FINISHED) == Totals(accepted=5, in_doubt=1, skipped=2)
    return claimed


CLAIMED = ["key-1", "key-2", "key-1", "key-3", "key-4", "key-5", "key-6"]


@pytest.mark.parametrize("moment", Moment)
def test_the_line_breaks_at_each_request_of_a_run(url: str, tmp_path: Path, moment: Moment) -> None:
    with Line(url) as line:
        nth = 0
        while True:
            ledger = opened(line.url, tmp_path)
            ledger.begin(Run("run", "sandbox"))
            nth += 1
            last = line.requests + nth
            line.cuts = {last: moment}
            assert a_whole_run(ledger, "run") == CLAIMED
            assert [decided.what for decided in ledger.decisions()] == []
            ledger.close()
            empty(url)
            if line.requests < last:
                break
    assert nth > 10
    assert not list(tmp_path.glob("*.jsonl"))


def empty(url: str) -> None:
    with psycopg.connect(address(url).conninfo, autocommit=True) as connection:
        connection.execute(f"SET search_path TO {address(url).schema}")
        connection.execute("TRUNCATE messages, runs, skips, decisions")


def test_what_is_known_during_an_outage_survives_kill_9(url: str, tmp_path: Path) -> None:
    """A process claims, loses the server, learns what came of its messages, and is killed."""
    journals = tmp_path / "journals"
    with Line(url) as line:
        opened(url, journals).close()
        with subprocess.Popen(
            [sys.executable, "-c", DOOMED, line.url, str(journals)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == b"claimed\n"
            line.go_down()
            process.stdin.write(b"go\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"noted\n"
            [file] = journals.glob("*.jsonl")
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert (journals / ".gitignore").read_text() == "*\n"
            text = file.read_text()
            assert "6175551212" not in text
            assert [json.loads(line)[1] for line in text.splitlines()] == ["doomed", "key-1", "key-2", "key-3"]
            # Somebody else looks while it lives: the server has missed it, but its journal is its own.
            assert opened(url, tmp_path / "elsewhere").run("doomed") is not None
            process.kill()
    ledger = opened(url, journals)
    assert ledger.recover() == 1
    records = {each.key: (each.state, each.message_id, each.error) for each in ledger.messages()}
    assert records == {
        "key-1": (State.ACCEPTED, "id-1", None),
        "key-2": (State.REJECTED, None, "no such number •••"),
        "key-3": (State.PLANNED, None, None),
        "key-4": (State.IN_DOUBT, None, UNKNOWN_OUTCOME),
        "key-5": (State.PLANNED, None, None),
    }
    assert not list(journals.glob("*.jsonl"))
    assert ledger.recover() == 0


DOOMED = """
import sys, threading
from pathlib import Path
from msgspec_runner.ledger.ledger import Run, Settlement
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_address import parse_address
from msgspec_runner.model import Message, State

ledger = PostgresLedger(parse_address(sys.argv[1]), Path(sys.argv[2]))
ledger.begin(Run("doomed", "sandbox"))
ledger.plan("doomed", [Message(f"key-{n}", "", "s", 1, n, "+16175551212", b"{}", "d") for n in range(1, 6)])
ledger.claim("doomed", ["key-1", "key-2", "key-3", "key-4"])
print("claimed", flush=True)
sys.stdin.readline()
first = Settlement("key-1", State.ACCEPTED, 200, "id-1")
committing = threading.Thread(target=ledger.commit, args=("doomed", ["key-5"], [first]), daemon=True)
committing.start()
while not ledger._held["doomed"].away:
    pass
ledger.remember("doomed", Settlement("key-2", State.REJECTED, 400, None, "no such number +1 617-555-1212"))
ledger.remember("doomed", Settlement("key-3", State.RETRY_WAIT, 429))
print("noted", flush=True)
sys.stdin.readline()
"""


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(run=st.text(), lines=st.lists(LINES | st.builds(Noted, st.integers(0, 2**63 - 1), SETTLED), max_size=5))
def test_whatever_a_journal_says_it_stops_nobody(
    url: str, tmp_path: Path, run: str, lines: list[bytes | Noted]
) -> None:
    ledger = opened(url, tmp_path)
    told = [line if isinstance(line, bytes) else written(None, [line]).rstrip() for line in lines]
    head = written((ledger.id, run), []).rstrip()
    (tmp_path / "outcomes-x.jsonl").write_bytes(b"".join(line + b"\n" for line in (head, *told)))
    assert ledger.recover() == 0
    assert not list(tmp_path.glob("*.jsonl"))
    OPENED.pop().close()


def test_who_was_taken_for_dead_records_what_it_sent_and_sends_no_more(url: str, tmp_path: Path) -> None:
    with Line(url) as line:
        ledger = opened(line.url, tmp_path / "here")
        ledger.begin(Run("slow", "sandbox"))
        ledger.plan("slow", messages(5))
        ledger.claim("slow", ["key-1", "key-2", "key-3"])
        line.cut()
        other = opened(url, tmp_path / "there")
        wait_for_death(other, "slow")
        assert other.recover() == 3
        other.begin(Run("quick", "sandbox"))
        assert other.plan("quick", messages(5)) == 2
        outcomes = [
            Settlement("key-1", State.ACCEPTED, 200, "id-1"),
            Settlement("key-2", State.RETRY_WAIT, 429),
        ]
        with pytest.raises(LedgerError, match="was taken for dead"):
            ledger.commit("slow", ["key-4"], outcomes)
        with pytest.raises(LedgerError, match="was taken for dead"):
            ledger.end("slow", RunStatus.STOPPED, "the ledger")
        states = {each.key: (each.run, each.state) for each in other.messages()}
        assert states == {
            "key-1": ("slow", State.ACCEPTED),
            "key-2": ("slow", State.IN_DOUBT),
            "key-3": ("slow", State.IN_DOUBT),
            "key-4": ("quick", State.PLANNED),
            "key-5": ("quick", State.PLANNED),
        }
        assert [run.status for run in other.runs()] == [RunStatus.RUNNING, RunStatus.DIED]
        assert not list((tmp_path / "here").glob("*.jsonl"))


def test_who_was_taken_for_dead_tells_what_it_sent_though_it_was_released(url: str, tmp_path: Path) -> None:
    """All of it: an outcome that comes twice in one call is written in two steps, and the run is over at the first."""
    with Line(url) as line:
        ledger = opened(line.url, tmp_path / "here")
        ledger.begin(Run("slow", "sandbox"))
        ledger.plan("slow", messages(2))
        ledger.claim("slow", ["key-1", "key-2"])
        line.cut()
        other = opened(url, tmp_path / "there")
        wait_for_death(other, "slow")
        assert other.recover() == 2
        assert other.release(["key-1"], "asked them") == 1
        outcomes = [
            Settlement("key-1", State.IN_DOUBT, error="no answer"),
            Settlement("key-1", State.ACCEPTED, 200, "id-1"),
            Settlement("key-2", State.ACCEPTED, 200, "id-2"),
        ]
        with pytest.raises(LedgerError, match="was taken for dead"):
            ledger.commit("slow", [], outcomes)
        told = [(each.key, each.what, each.reason) for each in other.decisions()]
        assert told == [
            ("key-1", "released", "asked them"),
            ("key-1", "lost", "run slow sent it: accepted as id-1, known too late"),
        ]
        assert {each.key: (each.state, each.message_id) for each in other.messages()} == {
            "key-1": (State.RELEASED, None),
            "key-2": (State.ACCEPTED, "id-2"),
        }
        assert not list((tmp_path / "here").glob("*.jsonl"))


def test_a_run_that_somebody_deleted_tells_what_it_sent(url: str, tmp_path: Path) -> None:
    ledger = opened(url, tmp_path)
    ledger.begin(Run("run", "sandbox"))
    ledger.plan("run", messages(1))
    ledger.claim("run", ["key-1"])
    with psycopg.connect(address(url).conninfo, autocommit=True) as connection:
        connection.execute(f"DELETE FROM {address(url).schema}.runs".encode())
    with pytest.raises(LedgerError, match="was taken for dead"):
        ledger.commit("run", [], [Settlement("key-1", State.ACCEPTED, 200, "id-1")])
    assert [each.reason for each in ledger.decisions()] == ["run run sent it: accepted as id-1, known too late"]
    with pytest.raises(LedgerError, match="was taken for dead"):
        ledger.end("run", RunStatus.STOPPED)


def wait_for_death(ledger: PostgresLedger, run: str) -> None:
    """Wait until the server has missed the run's session."""
    while True:
        found = ledger.run(run)
        assert found is not None
        if found.status is RunStatus.DIED:
            return


def test_a_server_that_stays_away_ends_the_run_and_its_outcomes_wait_on_this_machine(url: str, tmp_path: Path) -> None:
    with Line(url) as line:
        ledger = opened(line.url, tmp_path, IMPATIENT)
        ledger.begin(Run("run", "sandbox"))
        ledger.plan("run", messages(3))
        ledger.claim("run", ["key-1", "key-2"])
        line.go_down()
        with pytest.raises(
            LedgerError, match=r"was out of reach for 0 s\. What was sent meanwhile is noted in .*jsonl"
        ):
            ledger.commit("run", ["key-3"], [Settlement("key-1", State.ACCEPTED, 200, "id-1")])
        with pytest.raises(LedgerError, match="was out of reach"):
            ledger.commit("run", [], [Settlement("key-2", State.ACCEPTED, 200, "id-2")])
        with pytest.raises(LedgerError, match="was out of reach"):
            ledger.end("run", RunStatus.STOPPED)
        ledger.close()
    after = opened(url, tmp_path)
    wait_for_death(after, "run")
    assert after.recover() == 0
    assert after.totals() == Totals(accepted=2, planned=1)


@pytest.mark.parametrize("moment", Moment)
def test_who_gave_up_and_comes_back_knows_what_got_through(url: str, tmp_path: Path, moment: Moment) -> None:
    """The dispatcher tries once more to record what it knows after the ledger failed."""
    with Line(url) as line:
        ledger = opened(line.url, tmp_path, IMPATIENT)
        ledger.begin(Run("run", "sandbox"))
        ledger.plan("run", messages(3))
        ledger.claim("run", ["key-1", "key-2"])
        line.cuts = {line.requests + 1: moment}
        first, second = (Settlement(f"key-{n}", State.ACCEPTED, 200, f"id-{n}") for n in (1, 2))
        with pytest.raises(LedgerError, match="was out of reach"):
            ledger.commit("run", [], [first])
        ledger._patience = SOON
        ledger._held["run"]._patience = SOON
        # While the server has not missed the session before, its lock is held.
        while ledger._held["run"].away:
            with suppress(LedgerError):
                ledger.commit("run", [], [first, second])
        assert ledger.end("run", RunStatus.STOPPED) == Totals(accepted=2, planned=1)
        assert not list(tmp_path.glob("*.jsonl"))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(cuts=st.lists(st.tuples(st.integers(1, 60), st.sampled_from(Moment)), max_size=6))
def test_any_number_of_cuts(url: str, tmp_path: Path, cuts: list[tuple[int, Moment]]) -> None:
    with Line(url) as line:
        ledger = opened(line.url, tmp_path)
        ledger.begin(Run("run", "sandbox"))
        line.cuts = {line.requests + nth: moment for nth, moment in cuts}
        assert a_whole_run(ledger, "run") == CLAIMED
        ledger.close()
        empty(url)


def test_reading_and_deciding_outlive_a_restart(url: str, tmp_path: Path) -> None:
    ledger = opened(url, tmp_path)
    ledger.begin(Run("run", "sandbox"))
    ledger.plan("run", messages(3))
    ledger.claim("run", ["key-1"])
    ledger.commit("run", [], [Settlement("key-1", State.REJECTED)])
    assert cut(url) == 2
    assert len(list(ledger.messages())) == 3
    assert cut(url) >= 1
    assert ledger.release(["key-1"], "corrected") == 1
    cut(url)
    assert ledger.end("run", RunStatus.FINISHED) == Totals(planned=2, released=1)
