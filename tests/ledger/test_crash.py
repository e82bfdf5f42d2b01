"""The promise under fire: a process killed with SIGKILL, and processes that race for the same messages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec_runner.ledger.ledger import Ledger, Run, RunStatus, Totals
from msgspec_runner.model import Message, State

MakeMessage = Callable[..., Message]
OpenLedger = Callable[[], Ledger]

HOLD = """
import sys
from pathlib import Path
from msgspec_runner.ledger.ledger import Run, Settlement
from msgspec_runner.ledger import open_ledger
from msgspec_runner.model import Message, State

ledger = open_ledger(sys.argv[1], Path(sys.argv[2]), loopback_or_sandbox=True, create=True)
ledger.begin(Run("doomed", "sandbox"))
ledger.plan("doomed", [Message(f"key-{n}", "", "s", 1, n, "+16175551212", b"{}", "d") for n in range(10)])
ledger.claim("doomed", [f"key-{n}" for n in range(5)])
ledger.commit("doomed", ["key-5"], [
    Settlement("key-0", State.ACCEPTED, 200, "id-0"), Settlement("key-1", State.RETRY_WAIT, 429)])
print("holding", flush=True)
sys.stdin.read()
"""

RACE = """
import sys
from pathlib import Path
from msgspec_runner.ledger.ledger import Run, RunStatus
from msgspec_runner.ledger import open_ledger
from msgspec_runner.model import Message

run, location, root = sys.argv[1:]
ledger = open_ledger(location, Path(root), loopback_or_sandbox=True, create=True)
ledger.begin(Run(run, "sandbox"))
print("ready", flush=True)
sys.stdin.readline()
for n in range(60):
    ledger.plan(run, [Message(f"key-{n}", "", "s", 1, n, "+16175551212", b"{}", "d")])
    for key in ledger.claim(run, [f"key-{n}"]):
        print(key, flush=True)
print("done", flush=True)
sys.stdin.readline()
ledger.end(run, RunStatus.FINISHED)
"""


@contextmanager
def child(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_a_killed_run_is_dead_at_once_and_leaves_what_it_sent_in_doubt(
    opened: OpenLedger, location: str, tmp_path: Path
) -> None:
    ledger = opened()
    with child(HOLD, location, tmp_path) as process:
        assert line(process) == "holding"
        assert ledger.recover() == 0
        assert ledger.entries(["key-2"])["key-2"].run_alive
        assert [run.status for run in ledger.runs()] == [RunStatus.RUNNING]
        ledger.begin(Run("other", "sandbox"))
        waiting = [Message(f"key-{n}", "", "s", 1, n, "+16175551212", b"{}", "d") for n in range(10)]
        assert ledger.plan("other", waiting) == 0
        process.kill()
        process.wait()

    while ledger.entries(["key-2"])["key-2"].run_alive:  # a server hears of it a moment later
        assert location.startswith("postgresql:")
    assert [run.status for run in ledger.runs() if run.id == "doomed"] == [RunStatus.DIED]
    assert not ledger.entries(["key-2"])["key-2"].run_alive
    assert ledger.recover() == 4
    assert ledger.totals("doomed") == Totals(planned=5, accepted=1, in_doubt=4)
    assert ledger.plan("other", waiting) == 5
    assert {planned.key for planned in ledger.pending("other")} == {"key-1", "key-6", "key-7", "key-8", "key-9"}


def test_two_processes_never_claim_one_message_both(opened: OpenLedger, location: str, tmp_path: Path) -> None:
    opened().close()
    with child(RACE, "run-1", location, tmp_path) as one, child(RACE, "run-2", location, tmp_path) as two:
        assert [line(one), line(two)] == ["ready", "ready"]
        tell(one)
        tell(two)
        won: list[list[str]] = []
        for process in (one, two):
            lines: list[str] = []
            while (said := line(process)) != "done":
                assert said, "the child ended early"
                lines.append(said)
            won.append(lines)
        tell(one)
        tell(two)
        assert [one.wait(), two.wait()] == [0, 0]
    assert sorted(won[0] + won[1]) == sorted(f"key-{n}" for n in range(60))


def test_two_ledger_objects_never_claim_one_message_both(opened: OpenLedger, message: MakeMessage) -> None:
    one, two = opened(), opened()
    one.begin(Run("run-1", "sandbox"))
    two.begin(Run("run-2", "sandbox"))
    messages = [message(row) for row in range(1, 41)]
    keys = [each.key for each in messages]
    assert one.plan("run-1", messages[:25]) == 25
    assert two.plan("run-2", messages) == 15
    won = [
        claimed for half in (keys[::2], keys[1::2]) for claimed in (one.claim("run-1", half), two.claim("run-2", half))
    ]
    assert sum(map(len, won)) == len(set().union(*won)) == 40


def test_two_processes_recover_at_once_and_count_each_doubt_once(opened: OpenLedger, message: MakeMessage) -> None:
    dying, one, two = opened(), opened(), opened()
    dying.begin(Run("run-1", "sandbox"))
    dying.plan("run-1", [message(1), message(2)])
    dying.claim("run-1", [message(1).key])
    dying.close()
    assert one.recover() + two.recover() == 1
    assert one.totals() == two.totals() == Totals(planned=1, in_doubt=1)
    assert one.entries([message(1).key])[message(1).key].state is State.IN_DOUBT
