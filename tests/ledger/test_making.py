"""Several processes that need a ledger at once make one, and all of them open it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

OPEN_ALL = """
import sys
from pathlib import Path
from msgspec_runner.ledger import open_ledger
print("ready", flush=True)
sys.stdin.readline()
for number in range(15):
    ledger = open_ledger(None, Path(sys.argv[1], str(number)), loopback_or_sandbox=True, create=True)
    print(ledger.id, flush=True)
    ledger.close()
"""


def test_processes_that_race_to_make_it_share_it(tmp_path: Path) -> None:
    racing = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN_ALL, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in racing:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in racing:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ids = [process.communicate()[0].split() for process in racing]
    assert [process.returncode for process in racing] == [0, 0, 0]
    assert len(ids[0]) == 15
    assert ids[0] == ids[1] == ids[2]
    assert not [path for path in tmp_path.rglob(".ledger.db-*") if path.is_file()]
