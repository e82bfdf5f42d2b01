"""Linting in several processes, where there are specs enough to pay for them.

A spec is linted by itself in whichever process; what is to be said across specs, and the suppressions, which may be
about that, are the first process's. So the result is the same for any number of processes.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec_runner.diagnostics import Diagnostic
from msgspec_runner.linting.linter import Examined, Linter, LintResult
from msgspec_runner.linting.rule import SpecFacts
from msgspec_runner.project import Project, read
from msgspec_runner.source.document import Document

WORTH_A_PROCESS = 150
"""Specs for which a process more is faster than none: it costs some 30 ms to have, and a spec takes 0.5 ms."""

BATCH = 25
"""Specs handed over at a time: one with many recipients must not keep the others of its batch waiting."""


class _Packed(NamedTuple):
    """What one process tells another of a spec; its text too, because what is found across specs is shown in it."""

    facts: SpecFacts
    diagnostics: tuple[Diagnostic, ...]
    text: str
    marked: bool


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
    """Return every spec examined, in order; None where a process failed, whatever it was: this one will tell."""
    from concurrent.futures import ProcessPoolExecutor  # with multiprocessing 30 ms, which few specs do not repay
    from multiprocessing import get_context

    batches = [project.files[start : start + BATCH] for start in range(0, len(project.files), BATCH)]
    root = project.config.root
    context = get_context("fork")
    with ProcessPoolExecutor(min(jobs, len(batches)), context, initializer=_begin, initargs=(linter, root)) as pool:
        try:
            packed = [each for batch in pool.map(_examine, batches) for each in batch]
        except Exception:  # noqa: BLE001 - it is raised again where its traceback is true and its words are whole
            return None
    return list(_unpacked(linter, project, packed))


_mine: tuple[Linter, Path]
"""What a process lints with; set when it begins, so that it is not sent with every batch."""


def _begin(linter: Linter, root: Path) -> None:
    global _mine
    _mine = (linter, root)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process, which ends the others


def _examine(files: Sequence[Path]) -> list[_Packed]:
    linter, root = _mine
    return [
        _Packed(spec.facts, spec.diagnostics, spec.document.text, spec.marked is not None)
        for spec in linter.examine(read(file, root) for file in files)
    ]


def _unpacked(linter: Linter, project: Project, packed: Sequence[_Packed]) -> Iterator[Examined]:
    """Yield the specs as if they had been linted here; those with suppressions are, which few have."""
    for file, spec in zip(project.files, packed, strict=True):
        if spec.marked:
            yield from linter.examine([read(file, project.config.root)])
        else:
            yield Examined(Document(spec.facts.file, spec.text, None, ()), spec.facts, spec.diagnostics, None)
