"""How far a shared run goes: workers against a fast server, what the ledger can take, and what a large plan costs.

Each part has a ledger of its own in a PostgreSQL of its own, which writes to the disk as a real one does. The machine is
small and others may use it: what carries over to another one are ratios, CPU time by process, and bytes.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec_runner.ledger.postgres import PostgresLedger
from msgspec_runner.ledger.postgres_address import parse_address
from msgspec_runner.ledger.windows import Window
from tests.benchmarks.bench_send import _serve
from tests.benchmarks.cluster_parts import Durable, claim_and_settle, enter, own_cpu, peak, wait_for_end, workers
from tests.benchmarks.corpus import write_project
from tests.benchmarks.harness import ENVIRONMENT, SCRIPTS, Line, Scale

TEAMS = (1, 2, 4)
CONCURRENCY = 50
BATCH = 25
"""Messages to a transaction of the ledger alone: what a worker with :data:`CONCURRENCY` has, which works on two windows
at once."""

_ORIGIN = "http://127.0.0.1:9"
_SIZES = """
SELECT pg_table_size('messages'), pg_indexes_size('messages'),
       pg_total_relation_size('windows') + pg_total_relation_size('procrastinate_jobs')
       + pg_total_relation_size('procrastinate_events')
"""
_HOT = "SELECT n_tup_hot_upd::float8 / n_tup_upd FROM pg_stat_user_tables WHERE relid = 'messages'::regclass"
_SPAN = "SELECT extract(epoch FROM max(updated_at)::timestamptz - min(claimed_at)::timestamptz) FROM messages"
_SETTLE_ALL = """
UPDATE messages SET state = 'accepted', attempts = 1, http_status = 200, message_id = '65f0c0ff' || left(key, 16);
UPDATE runs SET status = 'finished'; VACUUM FULL messages; CHECKPOINT
"""


def run(scale: Scale) -> Iterator[Line]:
    """Measure all parts, one after the other."""
    with Durable() as server, tempfile.TemporaryDirectory() as folder:
        yield from _teams(scale, server, Path(folder))
        yield from _ceiling(scale, server)
        yield from _plan(scale, server, Path(folder) / "project")


# -- workers -------------------------------------------------------------------------------------------------


def _teams(scale: Scale, server: Durable, folder: Path) -> Iterator[Line]:
    count = scale.of(12_000, 3_000)
    alone = 0.0
    for number in TEAMS:
        url = server.schema(f"team{number}")
        with _fast_server() as (api, pid), workers(url, api, number, CONCURRENCY, folder) as team:
            before = server.log_bytes()
            spent = [-server.cpu(), -own_cpu(pid), *(-own_cpu(worker) for worker in team)]
            run_id, _ = enter(url, api, count)
            entered = server.log_bytes()
            wait_for_end(server, url, run_id)
            spent = [spent[0] + server.cpu(), spent[1] + own_cpu(pid), *map(_plus, spent[2:], team)]
            written = server.log_bytes() - entered
        assert server.ask(url, "SELECT count(*) FROM messages WHERE state <> 'accepted'") == (0,)
        rate = count / float(server.ask(url, _SPAN)[0])
        alone = alone or rate
        what = f"cluster, {number} worker{'s' if number > 1 else ''}"
        yield Line(f"{what}: speed, with 1 worker = 1", f"{rate:,.0f}/s", f"{alone:,.0f}/s", rate / alone)
        yield Line(f"{what}: CPU a message, workers", "", "", sum(spent[2:]) / count * 1e6, " µs")
        yield Line(f"{what}: CPU a message, PostgreSQL", "", "", spent[0] / count * 1e6, " µs")
        yield Line(f"{what}: CPU a message, the server posted to", "", "", spent[1] / count * 1e6, " µs")
        yield Line(f"{what}: log of 1,000 messages, to plan", "", "", (entered - before) / count, " kB")
        yield Line(f"{what}: log of 1,000 messages, to send", "", "", written / count, " kB")


def _plus(before: float, pid: int) -> float:
    return before + own_cpu(pid)


@contextmanager
def _fast_server() -> Iterator[tuple[str, int]]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        assert process.pid is not None
        yield f"http://127.0.0.1:{ours.recv()}", process.pid
    finally:
        process.kill()
        process.join()


# -- the ledger alone ----------------------------------------------------------------------------------------


def _ceiling(scale: Scale, server: Durable) -> Iterator[Line]:
    count = scale.of(40_000, 8_000)
    alone = 0.0
    for number in TEAMS:
        url = server.schema(f"ceiling{number}")
        run_id, keys = enter(url, _ORIGIN, count)
        share = count // number
        pieces = [
            (Window(start + 1, start + share), keys[start : start + share]) for start in range(0, share * number, share)
        ]
        server.ask(url, "CHECKPOINT")
        table = server.ask(url, _SIZES)[0]
        cpu, before = server.cpu(), server.log_bytes()
        seconds, spent = claim_and_settle(url, run_id, _ORIGIN, pieces, BATCH)
        cpu, written = server.cpu() - cpu, server.log_bytes() - before
        rate = count / seconds
        alone = alone or rate
        what = f"ledger alone, {number} session{'s' if number > 1 else ''}"
        yield Line(
            f"{what}: claims and outcomes, with 1 session = 1", f"{rate:,.0f}/s", f"{alone:,.0f}/s", rate / alone
        )
        yield Line(f"{what}: CPU a message, sessions", "", "", spent / count * 1e6, " µs")
        yield Line(f"{what}: CPU a message, PostgreSQL", "", "", cpu / count * 1e6, " µs")
        yield Line(f"{what}: log of 1,000 messages", "", "", written / count, " kB")
        yield Line(f"{what}: updates that touched no index", "", "", 100 * server.ask(url, _HOT)[0], " %")
        yield Line(f"{what}: growth of the table", "", "", 100 * server.ask(url, _SIZES)[0] / table - 100, " %")


# -- a large plan --------------------------------------------------------------------------------------------


def _plan(scale: Scale, server: Durable, root: Path) -> Iterator[Line]:
    count = scale.of(1_000_000, 50_000)
    url = server.schema("plan")
    write_project(root, count)
    environment = {
        **ENVIRONMENT,
        "MSGSPEC_RUNNER_LEDGER": url,
        "MSGSPEC_RUNNER_BASE_URL": _ORIGIN,
        "SOCIOCS_API_KEY": "k",
    }
    before, began = server.log_bytes(), time.time()
    command: list[str | Path] = [SCRIPTS / "msgspec-runner", "send", "reminder.yaml", "--yes", "--cluster"]
    process = subprocess.Popen(command, cwd=root, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = ""
    while "messages for the workers" not in said:
        said = process.stderr.readline()
        if not said:
            raise RuntimeError("there was no plan")
    ended, memory, written = time.time(), peak(process.pid), server.log_bytes() - before
    process.terminate()  # the run does not need it
    process.communicate()
    entered = float(server.ask(url, "SELECT extract(epoch FROM started_at::timestamptz) FROM runs")[0])
    table, indexes, queue = server.ask(url, _SIZES)
    what = f"plan of {count:,} messages"
    yield Line(f"{what}: from the command to the workers", "", "", ended - began, " s")
    yield Line(f"{what}: of that, the transaction", "", "", ended - entered, " s")
    yield Line(f"{what}: memory", "", "", memory, " MB")
    yield Line(f"{what}: messages, table", "", "", table / 1e6, " MB")
    yield Line(f"{what}: messages, indexes", "", "", indexes / 1e6, " MB")
    yield Line(f"{what}: windows and jobs", "", "", queue / 1e6, " MB")
    yield Line(f"{what}: write-ahead log", "", "", written / 1e6, " MB")
    yield from _prune(server, url, count)


def _prune(server: Durable, url: str, count: int) -> Iterator[Line]:
    for statement in _SETTLE_ALL.split(";"):
        server.ask(url, statement)
    table, indexes, _ = server.ask(url, _SIZES)
    before, cpu, began = server.log_bytes(), server.cpu(), time.perf_counter()
    with closing(PostgresLedger(parse_address(url), Path("unused"), create=False)) as book:
        assert book.erase(before=datetime.now(UTC) + timedelta(hours=1)) == count
        seconds = time.perf_counter() - began
        written, cpu = server.log_bytes() - before, server.cpu() - cpu
        began = time.perf_counter()
        assert book.erase(before=datetime.now(UTC) + timedelta(hours=1)) == 0
        again = time.perf_counter() - began
    swollen = server.ask(url, _SIZES)[0]
    server.ask(url, "VACUUM FULL messages")
    least, keys, _ = server.ask(url, _SIZES)
    what = f"prune of {count:,} messages"
    yield Line(f"{what}: speed", f"{seconds:,.1f} s", "", count / seconds, "/s")
    yield Line(f"{what}: CPU a message, PostgreSQL", "", "", cpu / count * 1e6, " µs")
    yield Line(f"{what}: write-ahead log of 1,000", "", "", written / count, " kB")
    yield Line(f"{what}: once more, with nothing to erase", f"{again:,.1f} s", "", count / again, "/s")
    yield Line(f"{what}: bytes a message before", f"{indexes / count:.0f} index", "", table / count, " B")
    yield Line(f"{what}: bytes a message after", "", "", swollen / count, " B")
    yield Line(f"{what}: bytes a message after, packed", f"{keys / count:.0f} index", "", least / count, " B")
