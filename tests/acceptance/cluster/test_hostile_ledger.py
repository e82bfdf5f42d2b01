"""A ledger that somebody else writes in too: workers read it, and neither obey it nor fall over it."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
from collections.abc import Callable
from contextlib import closing
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg
import pytest

from tests.acceptance.cluster.team import Ask, ended, wait_until, with_queue, workers
from tests.acceptance.project import Project
from tests.acceptance.server import Server
from tests.cluster.private_postgres import PrivatePostgres
from tests.ledger.postgres import address, cut

StartServer = Callable[..., Server]

POISON = "\x1b]0;PWNED\x07\x1b[31m\u202e\x9b2J"
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
ROWS = 40


def write(url: str, statement: str, *values: str) -> None:
    """Write into the ledger's tables past everybody."""
    with closing(psycopg.connect(address(url).conninfo, autocommit=True, application_name="test")) as connection:
        connection.execute(f"SET search_path TO {address(url).schema}")
        connection.execute(statement.encode(), values or None)


def planned(team: Project, *flags: str) -> None:
    """Plan a run for workers, and leave it."""
    sending = team.start("send", "specs", "--yes", "--cluster", *flags)
    sending.read_until("messages for the workers")
    sending.signal(signal.SIGKILL)
    sending.wait()


def rename(url: str, run_id: str) -> None:
    """Give the run another id, everywhere."""
    write(url, "UPDATE runs SET id = %s", run_id)
    for table in ("shared_runs", "windows", "messages", "paces"):
        write(url, f"UPDATE {table} SET run = %s", run_id)
    write(url, "UPDATE procrastinate_jobs SET args = jsonb_set(args, '{run}', to_jsonb(%s::text))", run_id)


def test_a_run_s_id_is_no_path(team: Project, serve: StartServer, url: str, rows: Ask) -> None:
    """Outcomes that wait for the database are noted in the worker's folder, whatever the run is called."""
    elsewhere = team.root.parent / "elsewhere"
    elsewhere.mkdir()
    server = serve()
    server.hold()
    team.spec(ROWS).towards(server)
    planned(team)
    rename(url, "x/" + "../" * 12 + str(elsewhere).lstrip("/") + "/below/evil")
    [worker] = workers(team, 1)
    server.wait_for(3)
    cut(url)
    server.release()
    wait_until(lambda: not rows("SELECT FROM messages WHERE state IN ('planned', 'sending', 'retry_wait')"))
    assert not [*elsewhere.iterdir()]
    ended([worker])


def test_nothing_that_a_terminal_obeys_is_printed(team: Project, serve: StartServer, url: str, rows: Ask) -> None:
    """Whatever text of the ledger is poisoned, and whichever command shows it."""
    team.spec(12).towards(serve())
    planned(team)
    [(run_id,)] = rows("SELECT id FROM runs")
    rename(url, run_id + POISON)
    write(url, "UPDATE runs SET specs = %s, host = %s, version = %s", json.dumps(["hello", POISON]), *[POISON] * 2)
    write(url, "UPDATE messages SET recipient_key = %s, error = %s WHERE position > 6", "P" + POISON, POISON)
    write(url, "UPDATE messages SET spec = spec || %s WHERE position > 9", POISON)
    write(url, "UPDATE shared_runs SET reason = %s", POISON)

    def look() -> None:
        for words in (
            *(["status"], ["status", "latest"], ["status", "--state", "planned"], ["status", "--spec", "hello"]),
            *(["status", "latest", "--output", "csv"], ["status", "latest", "--output", "json"]),
            *(["report", "latest", "--output", how, "-o", "-"] for how in ("markdown", "csv")),
            *(["plan", "specs"], ["send", "specs", "--yes", "--cluster"], ["retry", "latest", "--yes"]),
            *(["reconcile", "latest"], ["cancel", "latest", "--yes"], ["ledger", "info"], ["status", run_id + "x"]),
            *(["cluster", "pause", "latest"], ["status"], ["send", "specs", "--yes", "--cluster"]),
            *(["cluster", "resume", run_id], ["retry", "latest", "--output", "json", "--yes"]),
        ):
            said = team.run(*words)
            found = CONTROLS.search(said.out + said.err)
            assert not found, (words, (said.out + said.err)[max(0, found.start() - 80) : found.end() + 20])

    look()
    [worker] = workers(team, 1)
    wait_until(lambda: not rows("SELECT FROM runs WHERE status = 'running'"))
    [result] = ended([worker])
    assert not CONTROLS.search(result.out + result.err)
    write(url, "UPDATE runs SET reason = %s, status = 'stopped'", POISON)
    write(url, "UPDATE messages SET state = 'in_doubt' WHERE position = 2")
    write(url, "UPDATE messages SET state = 'rejected', error = %s WHERE position = 3", POISON)
    write(url, "UPDATE messages SET message_id = %s WHERE position = 4", POISON)
    look()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "UPDATE shared_runs SET settings = (settings::jsonb || '{\"priority\": 1}')::text",
            "planned by a newer version",
        ),
        ('UPDATE shared_runs SET settings = (settings::jsonb || \'{"timeout": "x"}\')::text', "make no sense"),
        ("UPDATE paces SET state = 'x'", "no rate for this run that makes sense"),
        ("UPDATE paces SET state = '[1, NaN, NaN, 0, 0, 0, null, 0, true, null, 0]'", "no rate for this run"),
        ("UPDATE paces SET state = '[0, 0, 0, 0, 0, 0, null, 0, true, null, 0]'", "no rate for this run"),
        ("DELETE FROM paces", "no rate for this run any more"),
        ("UPDATE messages SET delivery = '{\"window\": 5}' WHERE position = 3", "cannot be sent as the ledger has it"),
        ("UPDATE messages SET body = '[\"schedule\"]' WHERE position = 3", "cannot be sent as the ledger has it"),
    ],
)
def test_a_run_that_cannot_be_read_is_told_and_not_sent(
    team: Project, serve: StartServer, url: str, rows: Ask, statement: str, words: str
) -> None:
    server = serve()
    team.spec(ROWS).towards(server)
    planned(team, "--rate", "200/s")
    write(url, statement)
    [worker] = workers(team, 1)
    worker.read_until(words)
    ended([worker])
    assert {state for (state,) in rows("SELECT state FROM messages")} <= {"planned", "accepted"}
    assert set(server.times_by_number.values()) <= {1}
    if "settings" not in statement:
        wait_until(lambda: rows("SELECT status FROM runs") == [("stopped",)])


@pytest.mark.parametrize(
    "change",
    [
        'args = \'{"run": 5, "first": 1, "last": 3}\'',
        "args = jsonb_set(args, '{first}', '\"x\"')",
        "args = jsonb_set(args, '{last}', '99999999999999999999')",
        "args = args || '{\"more\": 1}'",
    ],
)
def test_a_job_that_is_none_is_told_and_the_run_goes_on(
    team: Project, serve: StartServer, url: str, rows: Ask, change: str
) -> None:
    server = serve()
    team.spec(ROWS).towards(server)
    planned(team)
    write(url, f"UPDATE procrastinate_jobs SET {change}")
    [worker] = workers(team, 1)
    worker.read_until("ignored")
    wait_until(lambda: rows("SELECT status FROM runs") == [("finished",)])
    assert len(server.requests) == ROWS
    ended([worker])


@pytest.mark.parametrize(
    "setting",
    ["standard_conforming_strings TO off", "DateStyle TO 'German'", "bytea_output TO 'escape'", "array_nulls TO off"],
)
def test_what_a_role_has_for_defaults_changes_no_message(project: Project, serve: StartServer, setting: str) -> None:
    with PrivatePostgres() as postgres:
        team = with_queue(project, postgres.url)
        write(postgres.url, f"ALTER ROLE postgres SET {setting}")
        server = serve()
        team.spec(3, text="Hi {{ name }} \u00e9 back\\\\slash").towards(server)
        started = workers(team, 1)
        assert team.send("--cluster").code == 0
        ended(started)
        assert [posted.body["text"] for posted in server.requests] == [f"Hi P{n} \u00e9 back\\slash" for n in (1, 2, 3)]


def asked(url: str) -> tuple[int, str]:
    try:
        with urlopen(url, timeout=10) as answered:
            return answered.status, answered.read().decode()
    except HTTPError as error:
        return error.code, ""


def test_who_connects_to_the_metrics_and_says_nothing_keeps_nobody_waiting(team: Project, serve: StartServer) -> None:
    team.spec(ROWS).towards(serve())
    [worker] = workers(team, 1, "--metrics", "0")
    [url] = re.findall(r"metrics at (\S+)", worker.said)
    silent = socket.create_connection(("127.0.0.1", int(url.split(":")[2].split("/")[0])))
    with silent:
        wait_until(lambda: asked(url.replace("/metrics", "/health"))[0] == 200)
        assert asked(url.replace("/metrics", "/nope"))[0] == 404
        began = time.monotonic()
        ended([worker])
        assert time.monotonic() - began < 10


def test_only_outcomes_are_counted_and_only_a_run_has_a_rate(team: Project, serve: StartServer, rows: Ask) -> None:
    server = serve()
    server.hold()
    team.spec(ROWS).towards(server)
    [worker] = workers(team, 1, "--metrics", "0")
    [url] = re.findall(r"metrics at (\S+)", worker.said)
    sending = team.start("send", "specs", "--yes", "--cluster", "--rate", "100/s")
    server.wait_for(3)
    wait_until(lambda: "msgspec_runner_rate 100.0" in asked(url)[1])
    server.release()
    assert sending.wait().code == 0
    wait_until(lambda: "msgspec_runner_rate" not in asked(url)[1])
    page = asked(url)[1]
    counted = re.findall(r"messages_total\{state=\"(\w+)\"\} (\S+)", page)
    assert counted == [("accepted", f"{ROWS}.0"), ("in_doubt", "0.0"), ("rejected", "0.0")]
    ended([worker])


def test_a_server_that_ends_transactions_which_stand_still_ends_no_worker(
    team: Project, serve: StartServer, url: str, rows: Ask
) -> None:
    """A worker that was suspended in the middle of one is told so when it goes on, as an error of its statement."""
    server = serve()
    team.spec(ROWS).towards(server)
    write(url, "CREATE SEQUENCE told")
    write(
        url,
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$ BEGIN "
        "PERFORM nextval('told'); RAISE 'idle-in-transaction timeout' USING ERRCODE = '25P03'; END $$",
    )
    [worker] = workers(team, 1)
    write(
        url, "CREATE TRIGGER tell BEFORE INSERT OR UPDATE ON procrastinate_workers FOR EACH ROW EXECUTE FUNCTION tell()"
    )
    wait_until(lambda: rows("SELECT FROM told WHERE last_value >= 2"))
    write(url, "DROP TRIGGER tell ON procrastinate_workers")
    assert team.send("--cluster").code == 0
    assert len(server.requests) == ROWS
    ended([worker])
