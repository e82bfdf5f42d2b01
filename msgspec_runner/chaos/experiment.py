"""One experiment: ``send`` as a process of its own, killed again and again, until everything is done.

The process is the installed command as anybody would run it; nothing in it knows that it will be killed. It sends to
a sandbox in this process, which outlives it, and writes a ledger that exists for this experiment only.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from msgspec_runner.chaos import accounts
from msgspec_runner.chaos.commands import ENTRY, Commands, Ended, end, ended, ends_within, words
from msgspec_runner.chaos.kills import Kill, Moment, kills
from msgspec_runner.chaos.verdict import Believed, Verdict, fingerprint, judge
from msgspec_runner.errors import UsageError
from msgspec_runner.sandbox.faults import Fault, Latency
from msgspec_runner.sandbox.server import RunningSandbox, SandboxOptions

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

    @property
    def common(self) -> list[str]:
        """The arguments that say what is sent, and to whom."""
        invented = ["--recipients", str(self.recipients)] if self.recipients is not None else []
        return [str(self.spec), "--quiet", *self.arguments, *invented]


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
        self._commands = Commands(setup.entry, sandbox.url, setup.ledger)
        self._expected: dict[str, bytes] = {}
        self._first_request = 0.0
        """Seconds from the start of a process to its first request."""
        self._killed = 0
        self._runs = 0

    def run(self) -> Verdict:
        started = time.monotonic()
        self._commands.succeed("plan", "--output", "json", *self._setup.common)
        self._first_request = time.monotonic() - started
        self._expected = accounts.expected(self._commands.succeed("render", *self._setup.common))
        if not self._expected:
            raise UsageError(f"{self._setup.spec}: there is nobody to send to: add --recipients N")
        self._send_until_done()
        before = self._believed()
        settled = None
        if self._setup.reconcile:
            self._commands.to_end("reconcile")
            settled = self._believed()
        return judge(
            self._expected,
            {message.message_id: fingerprint(message.body) for message in self._sandbox.messages},
            before,
            kills=self._killed,
            runs=self._runs,
            allowed=2 * self._setup.concurrency * self._killed + accounts.hidden(self._sandbox.stats.faults),
            settled=settled,
        )

    # the runs

    def _send_until_done(self) -> None:
        plan = kills(self._setup.seed, self._setup.kills)
        idle = 0
        while idle < IDLE_RUNS:
            before = self._sandbox.stats.received
            kill = plan[self._killed] if self._killed < len(plan) else None
            found = self._send(kill)
            self._on_progress(Progress(self._killed, self._sandbox.stats.kept, len(self._expected)))
            if found is None:
                continue
            if found.code in _FINISHED and not accounts.unfinished(self._setup.ledger, self._setup.root):
                break
            idle = idle + 1 if self._sandbox.stats.received == before else 0
        # Once more: a run that finds everything done must leave everything as it is. The verdict would see it.
        self._send(None)

    def _send(self, kill: Kill | None) -> Ended | None:
        """Run ``send`` once; return None if it was killed, else how it ended."""
        setup = self._setup
        arguments = ["--yes", "--output", "json", "--concurrency", str(setup.concurrency)]
        arguments += ["--timeout", str(setup.timeout)]
        arguments += ["--rate", setup.rate] if setup.rate is not None else []
        self._runs += 1
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = self._commands.start(["send", *setup.common, *arguments], out, err)
            try:
                if kill is not None and self._reaches(kill, process):
                    end(process)
                    self._killed += 1
                    return None
                found = ended(process, out, err)
            finally:
                end(process)
        if found.code not in (*_FINISHED, _STOPPED) or not found.out:  # it was refused, or broke
            raise UsageError(words(found))
        return found

    def _reaches(self, kill: Kill, process: subprocess.Popen[bytes]) -> bool:
        """Wait for the moment of a kill; return False if the process has ended before."""
        started, before = time.monotonic(), self._sandbox.stats.received
        if kill.moment is Moment.PLANNING:
            return not ends_within(process, kill.after_seconds(self._first_request))
        remaining = len(self._expected) - self._sandbox.stats.kept
        wanted = kill.after_requests(remaining, self._setup.kills - self._killed)
        while (received := self._sandbox.stats.received - before) < wanted:
            if not received:
                self._first_request = max(_POLL, time.monotonic() - started)
            if ends_within(process, _POLL):
                return False
        return not ends_within(process, kill.jitter)

    def _believed(self) -> dict[str, Believed]:
        return accounts.believed(self._setup.ledger, self._setup.root, self._expected)
