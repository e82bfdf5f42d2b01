"""The paces of one window: what they heard is told, to the last of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from msgspec_runner.boottime import boot_time
from msgspec_runner.cluster import pacing as module
from msgspec_runner.cluster.desk import Desk
from msgspec_runner.cluster.exchange import Answer, Grant, Report
from msgspec_runner.cluster.pace import SharedPace, Unreadable, first_state, read
from msgspec_runner.cluster.pacing import Pacing
from msgspec_runner.cluster.queue import deferring, migrate
from msgspec_runner.dispatch.lanes import Lanes
from msgspec_runner.ledger.ledger import Run
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_connection import Connection, connect
from msgspec_runner.ledger.postgres_shared import Sharing, enqueue
from msgspec_runner.model import Message
from tests.cluster.partition import Partition
from tests.ledger.postgres import address, own_schema

RUN = "20261124-120000-pace"
GRANTED = {"": Grant(None, float("-inf"), (), 0.0, float("-inf"))}


class Scripted:
    """A desk that answers as it was told, and then grants all."""

    def __init__(self, *answers: dict[str, Grant] | Exception) -> None:
        self.answers = list(answers)
        self.reports: list[Report] = []

    async def exchange(self, run_id: str, reports: Mapping[str, Report]) -> dict[str, Grant]:
        self.reports.append(reports[""])
        answer = self.answers.pop(0) if self.answers else GRANTED
        if isinstance(answer, Exception):
            raise answer
        return answer

    def break_off(self) -> None:
        raise AssertionError("it answers")


class Window:
    """A window whose paces are kept."""

    def __init__(self, desk: object, rate: float | None = None) -> None:
        self.faults: list[str] = []
        self.pacing = Pacing(desk, RUN)  # type: ignore[arg-type]
        lanes = Lanes(rate, {}, 2, self.pacing.make)
        assert isinstance(lanes.pace, SharedPace)
        self.pace = lanes.pace
        self.pacing.begin(lanes, lambda: 2, self.faults.append)


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        await asyncio.sleep(0.01)


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(work())  # type: ignore[arg-type]


def test_what_a_window_heard_at_last_is_told() -> None:
    async def work() -> None:
        desk = Scripted()
        window = Window(desk)
        await until(lambda: desk.reports)
        before = len(desk.reports)
        window.pace.leave(5.0, 5.0)
        window.pace.throttled(4.0, 5.0)
        window.pace.pause(9.0)
        await window.pacing.end(in_reach=True)
        told = desk.reports[before:]
        assert [report.throttled for report in told] == [(Answer(float("-inf"), 5.0),)], "told once"
        assert told[0].paused_until == 9.0
        assert told[0].taken == 1
        assert told[0].wanted == 0, "it needs no turns any more"

    run(work)


def test_what_did_not_arrive_is_told_again() -> None:
    async def work() -> None:
        desk = Scripted()
        window = Window(desk)
        await until(lambda: desk.reports)
        before = len(desk.reports)
        desk.answers = [{}, {}]
        window.pace.throttled(4.0, 5.0)
        await window.pacing.end(in_reach=True)
        assert [report.throttled for report in desk.reports[before:]] == [(Answer(float("-inf"), 5.0),)] * 3

    run(work)


def test_a_window_that_heard_nothing_more_ends_without_a_word() -> None:
    async def work() -> None:
        desk = Scripted()
        window = Window(desk)
        await until(lambda: desk.reports)
        before = len(desk.reports)
        await window.pacing.end(in_reach=True)
        assert len(desk.reports) == before

    run(work)


@pytest.mark.parametrize(
    ("error", "words"),
    [(Unreadable("something has deleted it"), "something has deleted it"), (KeyError(), "a bug in msgspec-runner")],
)
def test_nobody_waits_for_a_pace_that_is_not_kept_any_more(error: Exception, words: str) -> None:
    async def work() -> None:
        window = Window(Scripted(error))
        await until(lambda: window.faults)
        assert window.faults == [words]
        if isinstance(error, KeyError):
            with pytest.raises(KeyError):
                await window.pacing.end(in_reach=True)
        else:
            await window.pacing.end(in_reach=True)

    run(work)


@contextmanager
def planned(folder: Path, rate: float | None) -> Iterator[tuple[str, Connection]]:
    """Yield a ledger's address, and a connection to it; the run is in it."""
    with ExitStack() as stack:
        url = stack.enter_context(own_schema())
        book = stack.enter_context(closing(PostgresLedger(address(url), folder, create=True)))
        connection = stack.enter_context(closing(connect(address(url))))
        migrate(connection)
        enqueue(
            *(connection, book.id, Run(RUN, "https://api.test"), Sharing("q", "{}", {"": first_state(rate)})),
            *([Message("k", "", "s", 1, 1, "+16175550001", b"{}", "d")], (), deferring(RUN, "q")),
            datetime.now(UTC),
        )
        yield url, connection


@pytest.mark.parametrize("is_there", [True, False], ids=["asking", "connecting"])
def test_a_ledger_that_says_nothing_keeps_no_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    monkeypatch.setattr(module, "LAST_WORDS", 0.1)
    with planned(tmp_path, None) as (url, _), Partition(url) as line:

        async def work() -> None:
            desk = Desk(address(line.url))
            if is_there:
                assert await desk.exchange(RUN, {"": Report()})
            line.cut()
            window = Window(desk)
            window.pace.throttled(4.0, 5.0)
            ending = asyncio.ensure_future(window.pacing.end(in_reach=True))
            await asyncio.wait({ending}, timeout=60.0)
            assert ending.done()
            await desk.close()

        run(work)


@pytest.mark.parametrize("rate", [None, 60.0])
def test_the_others_hear_of_the_last_429(tmp_path: Path, rate: float | None) -> None:
    with planned(tmp_path, rate) as (url, connection):

        async def work() -> None:
            desk = Desk(address(url))
            window = Window(desk, rate)
            await until(lambda: window.pace._granted)
            now = boot_time()
            window.pace.throttled(now - 0.01, now)
            window.pace.pause(now + 30.0)
            await window.pacing.end(in_reach=True)
            await desk.close()

        run(work)
        [(state, now)] = connection.execute("SELECT state, extract(epoch FROM now())::float8 FROM paces").fetchall()
    pace = read(str(state))
    assert pace.state.paused_until > float(str(now)) + 20.0
    assert rate is None or pace.state.rate == rate / 2
