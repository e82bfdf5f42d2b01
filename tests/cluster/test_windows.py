"""Windows between the plan and the queue: slow ones wait there for their turn, and what the dead left comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.cluster.carrying import RunSettings
from msgspec_runner.cluster.queue import LEAD, arguments, deferring, queue_of, requeue_left, requeue_lost, window_of
from msgspec_runner.cluster.sharing import Shared
from msgspec_runner.ledger.leases import Terms
from msgspec_runner.ledger.ledger import Run, timestamp
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_connection import Connection, Patience, connect
from msgspec_runner.ledger.postgres_shared import fence_if_dead, silent, standing, steer
from msgspec_runner.ledger.postgres_worker import WorkerSession
from msgspec_runner.ledger.windows import Window
from msgspec_runner.model import Message
from tests.ledger.postgres import address, own_schema

RUN = "20261123-120000-wndw"
ORIGIN = "https://api.test"
QUEUE = queue_of("default", ORIGIN)
DEAD = Terms(lease=0.0, heartbeat=0.0, grace=0.0, fence=0.0)


class Bench:
    """A ledger with a queue, and a connection to it."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.url = stack.enter_context(own_schema())
        self.book = stack.enter_context(closing(PostgresLedger(address(self.url), folder, create=True)))
        self.connection: Connection = stack.enter_context(closing(connect(address(self.url))))
        self.shared = Shared(self.book)
        self.shared.migrate()
        self._folder = folder
        self._stack = stack

    def enter(self, counts: Mapping[str, int], rate: float | None = None, **rates: float) -> None:
        """Enter a run with so many messages of each spec."""
        specs = [spec for spec, count in counts.items() for _ in range(count)]
        messages = [
            Message(f"k{n}", "", spec, 1, n, f"+1617{n:07}", b"{}", "d") for n, spec in enumerate(specs, start=1)
        ]
        run, settings = Run(RUN, ORIGIN, (*counts,)), RunSettings(30.0, False, rate, rates)
        assert self.shared.enter(run, QUEUE, settings, lambda: (messages, ()), print) == len(messages)

    def jobs(self) -> list[tuple[int, int, float | None, int]]:
        """Return what the jobs in the queue say: first, last, rate, and in how many seconds they may be taken."""
        rows: Any = self.connection.execute(
            "SELECT args, extract(epoch FROM coalesce(scheduled_at, clock_timestamp()) - clock_timestamp())::float8 "
            "FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id"
        ).fetchall()
        return [(args["first"], args["last"], args.get("rate"), round(seconds)) for args, seconds in rows]

    def session(self, window: Window) -> WorkerSession:
        """Return a worker's session that works on a window."""
        session = WorkerSession(address(self.url), self.book.id, "w", self._folder, Patience())
        self._stack.callback(session.close)
        assert session.open_window(RUN, ORIGIN, window) is not None
        return session

    def bury_all(self) -> None:
        """Let all sessions be taken for dead."""
        for each in silent(self.connection, DEAD):
            assert fence_if_dead(self.connection, each, DEAD, timestamp(datetime.now(UTC))) is not None


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(stack, tmp_path)


def test_what_may_go_at_once_is_in_the_queue_at_once(bench: Bench) -> None:
    bench.enter({"a": 60, "b": 60})
    assert bench.jobs() == [(1, 50, None, 0), (51, 100, None, 0), (101, 120, None, 0)]


def test_slow_windows_wait_for_their_turn(bench: Bench) -> None:
    """A place at a worker is for who can use it: the next window of a slow spec comes when the one before is through."""
    bench.enter({"slow": 45, "quick": 60, "slower": 2}, slow=0.75, slower=0.2)
    assert bench.jobs() == [
        (1, 15, 0.75, 0),
        (16, 30, 0.75, 20 - LEAD),
        (31, 45, 0.75, 40 - LEAD),
        (46, 95, None, 0),
        (96, 105, None, 0),
        (106, 107, 0.2, 0),
    ]


def test_whose_turn_comes_soon_waits_nowhere_else(bench: Bench) -> None:
    bench.enter({"slow": 2}, slow=1 / LEAD)
    bench.connection.execute("DELETE FROM procrastinate_jobs")
    windows = [Window(1, 1, "slow", 1 / LEAD), Window(2, 2, "slow", 1 / LEAD), Window(3, 3, "slow", 1 / LEAD)]
    deferring(RUN, QUEUE)(bench.connection, windows)
    assert [seconds for *_, seconds in bench.jobs()] == [0, 0, LEAD]


def test_so_do_those_of_a_slow_run(bench: Bench) -> None:
    bench.enter({"a": 2, "b": 2}, rate=1 / 3600)
    rate = 1 / 3600
    assert bench.jobs() == [(1, 1, rate, 0), *((n + 1, n + 1, rate, 3600 * n - LEAD) for n in (1, 2, 3))]


def test_no_rate_is_too_slow_for_a_calendar(bench: Bench) -> None:
    bench.enter({"a": 2}, rate=1e-12)
    assert [seconds > 9 * 365 * 86400 for *_, seconds in bench.jobs()] == [False, True]


def test_a_run_that_goes_on_waits_anew(bench: Bench) -> None:
    """All of its windows would be due by then, and would keep every place."""
    bench.enter({"slow": 30, "quick": 10}, slow=0.5)
    before = bench.jobs()
    steer(bench.connection, RUN, "pause", None)
    bench.connection.execute("DELETE FROM procrastinate_jobs")
    bench.shared.steer(RUN, "go", None)
    assert bench.jobs() == before
    bench.connection.execute("DELETE FROM procrastinate_jobs WHERE args ->> 'first' = '21'")
    assert requeue_lost(bench.connection, RUN) == 1
    assert bench.jobs()[-1] == (21, 30, 0.5, 0), "it is the only one that is missing: its turn may have come"


def test_a_damaged_rate_is_none(bench: Bench) -> None:
    """Who works on the window says so; the queue does not fail."""
    bench.enter({"slow": 2}, slow=1.5)
    bench.connection.execute("DELETE FROM procrastinate_jobs")
    bench.connection.execute("UPDATE paces SET state = 'x'")
    assert requeue_lost(bench.connection, RUN) == 1
    assert bench.jobs() == [(1, 2, None, 0)]


def test_what_others_wait_for_in_their_runs_does_not_count(bench: Bench) -> None:
    """A slow run has jobs in the queue for days. A lost job of another run is found all the same."""
    bench.enter({"a": 60})
    bench.connection.execute("DELETE FROM procrastinate_jobs WHERE args ->> 'first' = '1'")
    bench.connection.execute("""UPDATE procrastinate_jobs SET args = jsonb_set(args, '{run}', '"another"')""")
    assert requeue_lost(bench.connection, RUN, only_when_drained=True) == 2


def test_the_window_of_a_dead_worker_is_given_back_at_once(bench: Bench) -> None:
    """Its job still counts as under way, and may be given to somebody for long."""
    bench.enter({"quick": 60, "slow": 20}, slow=0.5)
    bench.connection.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE args ->> 'first' IN ('1', '61')")
    bench.session(Window(1, 50))
    bench.session(Window(61, 70))
    assert requeue_left(bench.connection) == 0, "they live"
    bench.bury_all()
    left = bench.jobs()
    assert requeue_left(bench.connection) == 2
    assert bench.jobs() == [*left, (1, 50, None, 0), (61, 70, 0.5, 0)]
    assert requeue_left(bench.connection) == 0


def test_not_if_it_is_done_nor_while_the_run_is_held(bench: Bench) -> None:
    bench.enter({"a": 100})
    bench.connection.execute("DELETE FROM procrastinate_jobs")
    bench.session(Window(1, 50))
    bench.bury_all()
    bench.connection.execute("UPDATE windows SET done = true WHERE first = 1")
    assert requeue_left(bench.connection) == 0
    bench.session(Window(51, 100))
    bench.bury_all()
    bench.shared.steer(RUN, "pause", None)
    assert requeue_left(bench.connection) == 0
    bench.shared.steer(RUN, "go", None)
    assert bench.jobs() == [(51, 100, None, 0)]


def test_who_comes_to_steer_gives_back_too(bench: Bench) -> None:
    """There may be nobody left who would."""
    bench.enter({"a": 50})
    bench.connection.execute("DELETE FROM procrastinate_jobs")
    bench.session(Window(1, 50))
    bench.bury_all()
    bench.shared.recover()
    assert bench.jobs() == [(1, 50, None, 0)]


@pytest.mark.parametrize(("lives", "after"), [(False, "grace"), (True, "fence")])
def test_it_is_told_when_the_window_of_a_silent_worker_is_free(bench: Bench, lives: bool, after: str) -> None:
    bench.enter({"a": 50})
    session = bench.session(Window(1, 50))
    if not lives:
        session.close()
    terms = Terms()
    bench.connection.execute("UPDATE sessions SET seen_at = clock_timestamp() - make_interval(secs => 15)")
    [(seen_at,)] = bench.connection.execute("SELECT extract(epoch FROM seen_at)::float8 FROM sessions").fetchall()
    found = standing(bench.connection, RUN, terms)
    assert found is not None
    assert found.free_at == pytest.approx(seen_at + terms.heartbeat + getattr(terms, after), abs=0.01)


# -- what a job says ---------------------------------------------------------------------------------------


@given(st.integers(1, 2**40), st.integers(0, 400), st.none() | st.floats(1e-9, 1e9))
def test_a_job_says_which_window(first: int, more: int, rate: float | None) -> None:
    window = Window(first, first + more, rate=rate)
    assert window_of(arguments(RUN, window)) == (RUN, window)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"run": RUN, "first": 1},
        {"run": 1, "first": 1, "last": 2},
        {"run": "a\0b", "first": 1, "last": 2},
        {"run": RUN, "first": 2, "last": 1},
        {"run": RUN, "first": 0, "last": 1},
        {"run": RUN, "first": 1, "last": 2**63},
        {"run": RUN, "first": 1.0, "last": 2},
        {"run": RUN, "first": 1, "last": 2, "more": 1},
        {"run": RUN, "first": 1, "last": 2, "rate": 0},
        {"run": RUN, "first": 1, "last": 2, "rate": -1.0},
        {"run": RUN, "first": 1, "last": 2, "rate": "1"},
        {"run": RUN, "first": 1, "last": 2, "rate": float("nan")},
        {"run": RUN, "first": 1, "last": 2, "rate": float("inf")},
        {"run": RUN, "first": 1, "last": 2, "rate": 10**400},
    ],
)
def test_or_it_is_none_of_ours(said: dict[str, object]) -> None:
    assert window_of(said) is None
