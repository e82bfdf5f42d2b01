"""What a ledger costs in space, and how long a run takes that finds nearly everything sent."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from msgspec_runner.ledger import Run, RunStatus, Settlement, init_ledger, new_run_id, open_ledger
from msgspec_runner.ledger.ledger import Ledger
from msgspec_runner.messages import message_maker
from msgspec_runner.model import Message, State
from msgspec_runner.rendering import Rendered
from msgspec_runner.source.document import read_document
from msgspec_runner.spec import build_spec
from tests.benchmarks.harness import ENVIRONMENT, SCRIPTS, Line, Scale, measured

MB_AIM = 100
"""MB for 100,000 messages: 1 kB each, of which the body is a quarter."""

SECONDS_AIM = 30
MEMORY_AIM = 200

ORIGIN = "http://127.0.0.1:9"
"""Where nobody listens: the run that is measured has nothing to post, and would fail if it had."""

_CHUNK = 5000
_TEXT = "Hi Ann, see you on Friday 2 January at Deer Park. Reply YES to confirm."
_SPEC = f"""\
spec: bench
edition: 1
message: {{provider: twlo, channel_key: main, to: "{{{{ phone }}}}", text: "{_TEXT}"}}
recipients: {{columns: {{phone: {{type: phone}}}}, file: people.csv}}
"""


def _number(row: int) -> str:
    return f"+{16172000000 + row}"


def _messages(count: int) -> Iterator[Message]:
    make = message_maker(build_spec(read_document("bench.yaml", _SPEC.encode())), ORIGIN)
    for row in range(count):
        to = _number(row)
        body = {"provider": "twlo", "channel_key": "main", "to": to, "text": _TEXT}
        yield make(Rendered(body, to, "", ()), row + 1, 1, None)


def _send_all(ledger: Ledger, count: int) -> None:
    """Bring messages to ``accepted`` as a run does, without posting them."""
    run_id = new_run_id()
    ledger.begin(Run(run_id, ORIGIN, ("bench",)))
    ledger.plan(run_id, _messages(count))
    keys = (message.key for message in _messages(count))
    outcomes: tuple[Settlement, ...] = ()
    while claims := list(islice(keys, _CHUNK)):
        ledger.commit(run_id, claims, outcomes)
        outcomes = tuple(Settlement(key, State.ACCEPTED, 200, f"65f0c0ff{key[:16]}", None, 1) for key in claims)
    ledger.commit(run_id, (), outcomes)
    ledger.end(run_id, RunStatus.FINISHED)


def run(scale: Scale) -> Iterator[Line]:
    """Fill a ledger, weigh it, and run ``send`` over the same recipients again."""
    with tempfile.TemporaryDirectory() as name:
        count = scale.of(100_000, 20_000)
        path = _project(Path(name) / "small", count)
        size = path.stat().st_size / 1e6 * 100_000 / count
        yield Line("ledger: size of 100,000 messages", f"{size:.0f} MB", "", size, unit=" MB", aim=MB_AIM, least=False)
    with tempfile.TemporaryDirectory() as name:
        count = scale.of(1_000_000, 50_000)
        root = Path(name)
        _project(root, count)
        environment = {**ENVIRONMENT, "MSGSPEC_RUNNER_BASE_URL": ORIGIN, "SOCIOCS_API_KEY": "k"}
        spent = measured([SCRIPTS / "msgspec-runner", "send", "specs", "--yes"], root, environment)
        if f"{count:,} already sent" not in spent.said:
            raise RuntimeError(f"not what was to be measured:\n{spent.said}")
        what = f"send: {count:,} recipients who all have it already"
        yield Line(
            f"{what}, time", f"{spent.seconds:.1f} s", "", spent.seconds, unit=" s", aim=SECONDS_AIM, least=False
        )
        yield Line(
            f"{what}, memory", f"{spent.megabytes:.0f} MB", "", spent.megabytes, unit=" MB", aim=MEMORY_AIM, least=False
        )


def _project(root: Path, count: int) -> Path:
    """Write a project whose ledger says that all its recipients have their message; return the ledger's file."""
    (root / "specs").mkdir(parents=True)
    (root / "msgspec-runner.toml").touch()
    (root / "specs" / "bench.yaml").write_text(_SPEC, encoding="utf-8")
    with (root / "specs" / "people.csv").open("w", encoding="utf-8") as people:
        people.write("phone\n")
        people.writelines(f"{_number(row)}\n" for row in range(count))
    with closing(init_ledger(None, root)) as ledger:
        _send_all(ledger, count)
        path = Path(ledger.location)
    # Opened and closed once more: what was still in the write-ahead log is in the file.
    open_ledger(None, root, loopback_or_sandbox=True, create=False).close()
    return path
