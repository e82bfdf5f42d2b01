"""What ``bench_cluster`` measures with: a PostgreSQL of its own, CPU time by process, and workers of both kinds."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from msgspec_runner.cluster.carrying import RunSettings
from msgspec_runner.cluster.queue import queue_of
from msgspec_runner.cluster.sharing import Shared
from msgspec_runner.ledger import Run, Settlement, new_run_id
from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_address import parse_address
from msgspec_runner.ledger.postgres_connection import Patience
from msgspec_runner.ledger.postgres_worker import WorkerSession
from msgspec_runner.ledger.windows import Window
from msgspec_runner.model import Message, State
from tests.benchmarks.harness import ENVIRONMENT, SCRIPTS
from tests.cluster.private_postgres import PrivatePostgres

_TICKS = os.sysconf("SC_CLK_TCK")
_TEXT = "Hi Ann, see you on Friday 2 January at Deer Park. Reply YES to confirm."


class Durable(PrivatePostgres):
    """A server that nobody else writes to, so that its log and its time are ours; as durable as one must be.

    Where there is no program for it, the benchmarks end with exit code 2.
    """

    SETTINGS = "-c shared_buffers=512MB -c max_wal_size=4GB -c checkpoint_timeout=15min"

    def __init__(self) -> None:
        try:
            super().__init__()
        except (pytest.skip.Exception, pytest.fail.Exception) as missing:
            print(f"python -m tests.benchmarks: error: cluster: {missing}", file=sys.stderr)
            sys.exit(2)

    @property
    def pid(self) -> int:
        """The process that all others of the server are children of."""
        return int((self.folder / "data" / "postmaster.pid").read_text(encoding="ascii").split()[0])

    def schema(self, name: str) -> str:
        """Return the address of a ledger, which is made with its queue."""
        url = f"{self.url}?schema={name}"
        with closing(PostgresLedger(parse_address(url), Path("unused"), create=True)) as book:
            Shared(book).migrate()
        return url

    def ask(self, url: str, statement: str) -> Any:
        """Return the first row of what a statement says in a ledger."""
        address = parse_address(url)
        with psycopg.connect(address.conninfo, autocommit=True) as connection:
            connection.execute(f'SET search_path TO "{address.schema}"'.encode())
            cursor = connection.execute(statement.encode())
            return cursor.fetchone() if cursor.description else None

    def log_bytes(self) -> int:
        """Return how much the server has written to its write-ahead log."""
        return int(self.ask(self.url, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")[0])

    def cpu(self) -> float:
        """Return the seconds of CPU time of the server, with all connections there ever were."""
        return own_cpu(self.pid, ended_children=True) + sum(map(own_cpu, _children(self.pid)))


def own_cpu(pid: int, *, ended_children: bool = False) -> float:
    """Return the seconds of CPU time of a process; 0 where it is gone."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, words[11 : 15 if ended_children else 13])) / _TICKS


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def peak(pid: int) -> float:
    """Return the MB (10⁶ bytes) of memory that a process held at most."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("the kernel does not tell")


# -- runs ----------------------------------------------------------------------------------------------------


def messages(count: int) -> Iterator[Message]:
    """Yield messages of 150 bytes, each to a number of its own."""
    for row in range(1, count + 1):
        to = f"+{16172000000 + row}"
        body = orjson.dumps({"provider": "twlo", "channel_key": "main", "to": to, "text": _TEXT})
        digest = hashlib.sha256(body).hexdigest()
        yield Message(hashlib.sha256(digest.encode()).hexdigest(), "", "bench", 1, row, to, body, digest, 1)


def enter(url: str, origin: str, count: int) -> tuple[str, list[str]]:
    """Enter a run for workers; return its id, and the keys of its messages in their order."""
    with closing(PostgresLedger(parse_address(url), Path("unused"), create=False)) as book:
        run = Run(new_run_id(), origin, ("bench",))
        settings = RunSettings(30.0, retry_server_errors=False, rate=None, rates={})
        Shared(book).enter(run, queue_of("default", origin), settings, lambda: (messages(count), ()), print)
    return run.id, [message.key for message in messages(count)]


# -- workers -------------------------------------------------------------------------------------------------


@contextmanager
def workers(url: str, api: str, number: int, concurrency: int, folder: Path) -> Iterator[list[int]]:
    """Start workers by the installed command; yield their pids when all are ready."""
    environment = {
        **ENVIRONMENT,
        "MSGSPEC_RUNNER_LEDGER": url,
        "MSGSPEC_RUNNER_BASE_URL": api,
        "SOCIOCS_API_KEY": "k",
    }
    started: list[subprocess.Popen[bytes]] = []
    try:
        for name in range(number):
            place = folder / f"{number}-{name}"
            place.mkdir()
            command = [SCRIPTS / "msgspec-runner", "worker", "--concurrency", str(concurrency)]
            started.append(subprocess.Popen(command, cwd=place, env=environment, stderr=subprocess.PIPE))
        for process in started:
            assert process.stderr is not None
            if b"Ctrl-C" not in process.stderr.readline():
                raise RuntimeError("a worker did not start")
        yield [process.pid for process in started]
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.communicate()


def wait_for_end(server: Durable, url: str, run_id: str) -> None:
    """Wait until a run has ended."""
    deadline = time.monotonic() + 600
    while server.ask(url, f"SELECT status FROM runs WHERE id = '{run_id}'")[0] == "running":
        if time.monotonic() > deadline:
            raise RuntimeError("the run does not end")
        time.sleep(0.05)


def claim_and_settle(
    url: str, run_id: str, origin: str, pieces: Sequence[tuple[Window, list[str]]], batch: int
) -> tuple[float, float]:
    """Bring messages to ``accepted`` without posting them, one session for each piece and each in its own process.

    Args:
        url: of the ledger.
        run_id: the run.
        origin: of the run.
        pieces: what each session does.
        batch: messages that one transaction claims, while it settles as many.

    Returns:
        The seconds from the common start to the last end, and the CPU seconds of the sessions.
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(pieces) + 1)
    done = context.Queue()
    processes = [
        context.Process(target=_session, args=(url, run_id, origin, window, keys, batch, barrier, done))
        for window, keys in pieces
    ]
    for process in processes:
        process.start()
    barrier.wait(60)
    began = time.perf_counter()
    spent = sum(done.get(timeout=600) for _ in processes)
    seconds = time.perf_counter() - began
    for process in processes:
        process.join()
    return seconds, spent


def _session(
    url: str, run_id: str, origin: str, window: Window, keys: list[str], batch: int, barrier: Barrier, done: Any
) -> None:
    address = parse_address(url)
    with closing(PostgresLedger(address, Path("unused"), create=False)) as book:
        session = WorkerSession(address, book.id, f"bench:{os.getpid()}", Path("unused"), Patience())
    assert session.open_window(run_id, origin, window) is not None
    barrier.wait(60)
    began = time.process_time()
    outcomes: Iterable[Settlement] = ()
    for claims in [*(keys[start : start + batch] for start in range(0, len(keys), batch)), []]:
        granted = session.exchange(claims, tuple(outcomes))
        assert len(granted.claimed) == len(claims)
        outcomes = [Settlement(key, State.ACCEPTED, 200, f"65f0c0ff{key[:16]}", None, 1) for key in claims]
    done.put(time.process_time() - began)
    session.leave()
