"""One experiment: ``send`` as a process of its own, killed again and again, until everything is done.

The process is the installed command as anybody would run it; nothing in it knows that it will be killed. It sends to
a sandbox in this process, which outlives it, and writes a ledger that exists for this experiment only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

import orjson

from msgspec_runner.chaos.kills import Kill, Moment, kills
from msgspec_runner.chaos.verdict import Believed, Verdict, fingerprint, judge
from msgspec_runner.errors import UsageError
from msgspec_runner.ledger import Ledger, ledger_exists, open_ledger
from msgspec_runner.sandbox.faults import Fault, Latency
from msgspec_runner.sandbox.server import RunningSandbox, SandboxOptions

ENTRY = (sys.executable, "-m", "msgspec_runner")
"""What is run: this very program."""

LATENCY = Latency(0.0, 0.02)
"""Seconds that the server takes to answer: a kill shall find requests under way."""

IDLE_RUNS = 5
"""Runs in a row that change nothing, after which the rest is given up (and counted as lost)."""

_FINISHED = (0, 1, 3)
"""Exit codes of a ``send`` that came to its end."""

_STOPPED = 5
"""Its exit code where it stopped by itself: too much trouble at the server, which is what was asked for."""

_POLL = 0.002
"""Seconds between two looks at the server while a kill waits for its request."""

_ANSWERED = frozenset({"429", "slow"})
"""Faults that leave nobody in doubt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What is asked for.

    Attributes:
        spec: the spec's file.
        root: the project's root.
        ledger: where the experiment's own ledger shall be: a path where there is none, or an address.
        recipients: a file of invented recipients; None: the spec's own.
        kills: how many.
        concurrency: requests under way at once.
        rate: as ``--rate``; None: as the project has it.
        timeout: seconds for one request.
        faults: what the server does wrong.
        seed: of kills and faults.
        arguments: more of them for every command: profile, vars.
        reconcile: whether there is a ``reconcile`` to settle what is in doubt.
        entry: the program and its first arguments.
    """

    spec: Path
    root: Path
    ledger: str
    recipients: Path | None = None
    kills: int
    concurrency: int
    rate: str | None = None
    timeout: float
    faults: tuple[Fault, ...] = ()
    seed: int
    arguments: tuple[str, ...] = ()
    reconcile: bool = False
    entry: tuple[str, ...] = ENTRY


class Progress(NamedTuple):
    """How far the experiment is.

    Attributes:
        kills: made so far.
        kept: messages that the server has.
        recipients: messages that it should have in the end.
    """

    kills: int
    kept: int
    recipients: int


class _Ended(NamedTuple):
    code: int
    out: bytes
    err: str


def experiment(setup: Setup, on_progress: Callable[[Progress], None] = lambda _: None) -> Verdict:
    """Send, kill, and send again until nothing is left to do; then count.

    Args:
        setup: what is asked for.
        on_progress: told after each run.

    Raises:
        UsageError: the spec cannot be sent; says what ``plan`` or ``send`` said.
    """
    options = SandboxOptions(faults=setup.faults, latency=LATENCY, seed=setup.seed)
    with RunningSandbox(options) as sandbox:
        return _Experiment(setup, sandbox, on_progress).run()


class _Experiment:
    def __init__(self, setup: Setup, sandbox: RunningSandbox, on_progress: Callable[[Progress], None]) -> None:
        self._setup = setup
        self._sandbox = sandbox
        self._on_progress = on_progress
        self._expected: dict[str, bytes] = {}
        self._first_request = 0.0
        """Seconds from the start of a process to its first request."""
        self._killed = 0
        self._runs = 0

    def run(self) -> Verdict:
        started = time.monotonic()
        self._check(self._to_end("plan", "--output", "json", *self._common()))
        self._first_request = time.monotonic() - started
        rendered = self._check(self._to_end("render", *self._common()))
        self._expected = {str(line["key"]): fingerprint(orjson.dumps(line["body"])) for line in _lines(rendered.out)}
        if not self._expected:
            raise UsageError(f"{self._setup.spec}: there is nobody to send to: add --recipients N")
        self._send_until_done()
        before = self._believed()
        settled = None
        if self._setup.reconcile:
            self._to_end("reconcile")
            settled = self._believed()
        return judge(
            self._expected,
            {message.message_id: fingerprint(message.body) for message in self._sandbox.messages},
            before,
            kills=self._killed,
            runs=self._runs,
            allowed=2 * self._setup.concurrency * self._killed + self._hidden(),
            settled=settled,
        )

    # the runs

    def _send_until_done(self) -> None:
        plan = kills(self._setup.seed, self._setup.kills)
        idle = 0
        while idle < IDLE_RUNS:
            before = self._sandbox.stats.received
            kill = plan[self._killed] if self._killed < len(plan) else None
            ended = self._send(kill)
            self._on_progress(Progress(self._killed, self._sandbox.stats.kept, len(self._expected)))
            if ended is None:
                continue
            if ended.code in _FINISHED and not self._unfinished():
                break
            idle = idle + 1 if self._sandbox.stats.received == before else 0
        # Once more: a run that finds everything done must leave everything as it is. The verdict would see it.
        self._send(None)

    def _send(self, kill: Kill | None) -> _Ended | None:
        """Run ``send`` once; return None if it was killed, else how it ended."""
        setup = self._setup
        arguments = ["--yes", "--output", "json", "--concurrency", str(setup.concurrency)]
        arguments += ["--timeout", str(setup.timeout)]
        arguments += ["--rate", setup.rate] if setup.rate is not None else []
        self._runs += 1
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = self._start(["send", *self._common(), *arguments], out, err)
            try:
                if kill is not None and self._reaches(kill, process):
                    process.kill()
                    process.wait()
                    self._killed += 1
                    return None
                ended = _Ended(process.wait(), _content(out), _content(err).decode(errors="replace"))
            finally:
                process.kill()
                process.wait()
        if ended.code not in (*_FINISHED, _STOPPED) or not ended.out:  # it was refused, or broke
            raise UsageError(_words(ended))
        return ended

    def _reaches(self, kill: Kill, process: subprocess.Popen[bytes]) -> bool:
        """Wait for the moment of a kill; return False if the process has ended before."""
        started, before = time.monotonic(), self._sandbox.stats.received
        if kill.moment is Moment.PLANNING:
            return not _ends_within(process, kill.after_seconds(self._first_request))
        remaining = len(self._expected) - self._sandbox.stats.kept
        wanted = kill.after_requests(remaining, self._setup.kills - self._killed)
        while (received := self._sandbox.stats.received - before) < wanted:
            if not received:
                self._first_request = max(_POLL, time.monotonic() - started)
            if _ends_within(process, _POLL):
                return False
        return not _ends_within(process, kill.jitter)

    def _to_end(self, command: str, *arguments: str) -> _Ended:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = self._start([command, *arguments], out, err)
            try:
                return _Ended(process.wait(), _content(out), _content(err).decode(errors="replace"))
            finally:
                process.kill()
                process.wait()

    def _start(self, arguments: Sequence[str], out: IO[bytes], err: IO[bytes]) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C at the terminal is for the experiment, which then ends what it started.
        return subprocess.Popen(  # noqa: S603 - this very program
            [*self._setup.entry, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=self._environment(),
            start_new_session=True,
        )

    def _common(self) -> list[str]:
        """Return the arguments that say what is sent, and to whom."""
        setup = self._setup
        invented = ["--recipients", str(setup.recipients)] if setup.recipients is not None else []
        return [str(setup.spec), "--quiet", *setup.arguments, *invented]

    def _environment(self) -> dict[str, str]:
        """Return the environment: nothing in it leads to a real API, or to another ledger.

        The ledger's address may hold a password, so it is no argument, which everybody on the machine could read.
        """
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MSGSPEC_RUNNER_")}
        return {
            **kept,
            "MSGSPEC_RUNNER_BASE_URL": self._sandbox.url,
            "MSGSPEC_RUNNER_LEDGER": self._setup.ledger,
            "SOCIOCS_API_KEY": "chaos",
            "NO_COLOR": "1",
        }

    @staticmethod
    def _check(ended: _Ended) -> _Ended:
        if ended.code:
            raise UsageError(_words(ended))
        return ended

    # the accounts

    def _believed(self) -> dict[str, Believed]:
        """Return what the ledger says of each identity; a row that was left out never hides a message."""
        if not ledger_exists(self._setup.ledger, self._setup.root):
            return {}
        with closing(self._open()) as book:
            records = list(book.messages())
        known = {record.key: Believed(record.state, record.message_id) for record in reversed(records) if record.key}
        return {key: each for key, each in known.items() if key in self._expected}

    def _unfinished(self) -> int:
        with closing(self._open()) as book:
            totals = book.totals()
        return totals.planned + totals.sending + totals.retry_wait

    def _open(self) -> Ledger:
        return open_ledger(self._setup.ledger, self._setup.root, loopback_or_sandbox=True, create=False)

    def _hidden(self) -> int:
        """Return how many outcomes the server has hidden by its faults."""
        return sum(number for kind, number in self._sandbox.stats.faults.items() if kind not in _ANSWERED)


def _ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
        return True
    return False


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _lines(data: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in data.splitlines()]


def _words(ended: _Ended) -> str:
    """Return what a command said when it refused, as this program's own words."""
    said = (ended.err or ended.out.decode(errors="replace")).strip().removeprefix("error: ")
    return said or f"the command ended with exit code {ended.code} and no words"
