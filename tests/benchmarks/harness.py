"""What the benchmarks share: pairs measured by turns, child processes, and the line of the table."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

SCRIPTS = Path(sys.executable).parent
"""Where the console scripts of this environment are: ours, and those of the tools to compare with."""

_KIB = 1 if sys.platform != "darwin" else 1024
"""``ru_maxrss`` counts KiB on Linux and bytes on macOS (getrusage(2) of each)."""


class Scale(NamedTuple):
    """How thorough a run is.

    Attributes:
        pairs: how often each side of a comparison is measured.
        quick: whether to take less of everything: for trying out, not for quoting.
    """

    pairs: int
    quick: bool

    def of(self, full: int, quick: int) -> int:
        """Return the number that fits the scale."""
        return quick if self.quick else full


class Line(NamedTuple):
    """One line of the table.

    Attributes:
        what: what was measured.
        ours: our own number, with its unit.
        other: the number of whom we compare with; empty where there is nobody.
        value: the figure that the aim is about.
        unit: its unit, ``×`` for a ratio.
        aim: the bound; None where nothing is aimed at.
        least: whether ``aim`` is a lower bound; an upper one otherwise.
    """

    what: str
    ours: str
    other: str
    value: float
    unit: str = "×"
    aim: float | None = None
    least: bool = True

    @property
    def met(self) -> bool:
        """Whether the aim is met; it is where there is none."""
        return self.aim is None or (self.value >= self.aim if self.least else self.value <= self.aim)


class Pairs(NamedTuple):
    """Two sides measured by turns: the median of each in seconds, and the median of ``other / ours`` by pair."""

    ours: float
    other: float
    speed: float


def by_turns(ours: Callable[[], float], other: Callable[[], float], pairs: int) -> Pairs:
    """Measure two things alternately, each first in every second pair: what else the machine does meets both.

    Args:
        ours: measures our side; returns seconds.
        other: measures the other side; returns seconds.
        pairs: how often; one more pair comes first to warm up what can be warmed, and is not counted.
    """
    measured = []
    for pair in range(pairs + 1):
        if pair % 2:
            first = ours()
            measured.append((first, other()))
        else:
            last = other()
            measured.append((ours(), last))
    counted = measured[1:]
    return Pairs(
        statistics.median(mine for mine, _ in counted),
        statistics.median(theirs for _, theirs in counted),
        statistics.median(theirs / mine for mine, theirs in counted),
    )


def timed(action: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def command(script: str, *arguments: str | Path, cwd: Path) -> Callable[[], float]:
    """Return what runs a console script once as a process and gives its seconds; what it prints is dropped.

    Raises:
        RuntimeError: (when called) the script failed, so that its time would mean nothing.
    """

    def run() -> float:
        return _spend(script, arguments, cwd).seconds

    return run


def peak_memory(script: str, *arguments: str | Path, cwd: Path) -> float:
    """Return the most memory in MB (10⁶ bytes) that a console script held while it ran.

    A child's figure begins with the memory of the process that started it, so whoever measures must be small.
    """
    return _spend(script, arguments, cwd).megabytes


class Spent(NamedTuple):
    """What a process needed, and what it said.

    Attributes:
        seconds: wall-clock time.
        megabytes: MB (10⁶ bytes) of memory at its peak.
        said: on standard error.
    """

    seconds: float
    megabytes: float
    said: str


def measured(command: Sequence[str | Path], cwd: Path, environment: Mapping[str, str] | None = None) -> Spent:
    """Run a command once, and return what it needed; what it prints on standard output is dropped.

    Raises:
        RuntimeError: it failed, so that its time would mean nothing.
    """
    return _spend(command[0], command[1:], cwd, environment)


ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Of what is measured: the first run of a checkout leaves bytecode behind, as an installation does; otherwise each would
compile again."""


def _spend(
    script: str | Path, arguments: Sequence[str | Path], cwd: Path, environment: Mapping[str, str] | None = None
) -> Spent:
    start = time.perf_counter()
    process = subprocess.Popen(
        [SCRIPTS / script, *arguments],
        cwd=cwd,
        env=environment or ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    complaint = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode:
        raise RuntimeError(f"{script} exited with {process.returncode}: {complaint.decode(errors='replace')[-500:]}")
    return Spent(seconds, usage.ru_maxrss * 1024 / _KIB / 1e6, complaint.decode(errors="replace"))
