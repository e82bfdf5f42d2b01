"""Linting in several processes, where there are specs enough to pay for them.

A spec is linted by itself in whichever process; what is to be said across specs, and the suppressions, which may be
about that, are the first process's. So the result is the same for any number of processes.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from msgspec_runner.diagnostics import Diagnostic
from msgspec_runner.linting.linter import Examined, Linter, LintResult
from msgspec_runner.linting.rule import SpecFacts
from msgspec_runner.project import Project, read
from msgspec_runner.source.document import Document

WORTH_A_PROCESS = 50
"""Specs for which a process more is faster than none: it costs some 10 ms to have, and a spec takes 0.5 ms."""

BATCH = 25
"""Specs taken at a time: one with many recipients must not keep the others of its batch waiting."""

MOST_BATCHES = 2048
"""How many numbers of batches a pipe surely holds before anybody reads it: 4 KiB, the least that a system gives one."""


class _Packed(NamedTuple):
    """What one process tells another of a spec; its text too, because what is found across specs is shown in it."""

    facts: SpecFacts
    diagnostics: tuple[Diagnostic, ...]
    text: str
    marked: bool


_Done = dict[int, list[_Packed]]
"""Specs examined, by the number of their batch."""


def sensible_jobs(files: int) -> int:
    """Return how many processes lint that many specs soonest on this machine."""
    return max(1, min(_processors(), files // WORTH_A_PROCESS))


def lint_project(linter: Linter, project: Project, jobs: int) -> LintResult:
    """Lint a project's specs in ``jobs`` processes; with 1, or where the system cannot fork, in this one.

    Raises:
        UsageError, RecipientsError, ConfigError: see :meth:`Linter.lint`.
    """
    if jobs > 1 and hasattr(os, "fork"):
        examined = _by_several(linter, project, jobs)
        if examined is not None:
            return linter.conclude(examined)
    return linter.lint(project.documents())


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _by_several(linter: Linter, project: Project, jobs: int) -> list[Examined] | None:
    """Return every spec examined, in order; None where a process failed, whatever it was: this one will tell.

    Forks, and no pool of processes: to import one takes 30 ms, and the first process would have nothing to do.
    """
    size = max(BATCH, -(-len(project.files) // MOST_BATCHES))
    batches = [project.files[start : start + size] for start in range(0, len(project.files), size)]

    def examine(number: int) -> list[_Packed]:
        return [
            _Packed(spec.facts, spec.diagnostics, spec.document.text, spec.marked is not None)
            for spec in linter.examine(read(file, project.config.root) for file in batches[number])
        ]

    # What most specs need (Jinja, the patterns of rules) is loaded with the first of them, and not by every process.
    done = {0: examine(0)}
    waiting = _queue(range(1, len(batches)))
    helpers: list[_Helper] = []
    try:
        for _ in range(min(jobs, len(batches)) - 1):
            helpers.append(_fork(lambda: _taken(waiting, examine)))  # noqa: PERF401 - each is to be ended, come what may
        done |= _taken(waiting, examine)
        for helper in helpers:
            done |= helper.result()
    except Exception:  # noqa: BLE001 - it is raised again where its traceback is true and its words are whole
        return None
    finally:
        os.close(waiting)
        for helper in helpers:
            helper.end()
    return list(_unpacked(linter, project, [each for number in range(len(batches)) for each in done[number]]))


def _queue(numbers: Sequence[int]) -> int:
    """Return a pipe from which processes take numbers, two bytes each: what one has read no other gets."""
    reading, writing = os.pipe()
    os.write(writing, b"".join(number.to_bytes(2, "big") for number in numbers))
    os.close(writing)
    return reading


def _taken(waiting: int, examine: Callable[[int], list[_Packed]]) -> _Done:
    """Examine batches as long as there are any in the queue."""
    done = {}
    while two := os.read(waiting, 2):
        number = int.from_bytes(two, "big")
        done[number] = examine(number)
    return done


def _fork(work: Callable[[], _Done]) -> _Helper:
    """Start a process that does some work and tells what came of it."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return _Helper(process, reading)
    try:
        import pickle

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process, which ends the others
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, signal.SIG_DFL)
        told = pickle.dumps(work(), pickle.HIGHEST_PROTOCOL)
        with os.fdopen(writing, "wb") as stream:
            stream.write(told)
    finally:
        os._exit(0)  # nothing of this process's end is a copy's: no flushing, no removing of files, no traceback


class _Helper:
    """A process that works beside the first."""

    def __init__(self, process: int, reading: int) -> None:
        self._process = process
        self._reading = reading

    def result(self) -> _Done:
        """Wait for what it tells; raises what unpickling raises where it has died."""
        import pickle  # 2 ms that few specs do not repay

        with os.fdopen(self._reading, "rb", closefd=False) as stream:
            done: _Done = pickle.load(stream)  # noqa: S301 - of a copy of this process
        return done

    def end(self) -> None:
        """End it, if it has not ended by itself."""
        os.close(self._reading)
        os.kill(self._process, signal.SIGKILL)  # until it is waited for, no other process has its number
        os.waitpid(self._process, 0)


def _unpacked(linter: Linter, project: Project, packed: Sequence[_Packed]) -> Iterator[Examined]:
    """Yield the specs as if they had been linted here; those with suppressions are, which few have."""
    for file, spec in zip(project.files, packed, strict=True):
        if spec.marked:
            yield from linter.examine([read(file, project.config.root)])
        else:
            yield Examined(Document(spec.facts.file, spec.text, None, ()), spec.facts, spec.diagnostics, None)
