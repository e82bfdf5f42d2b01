"""Several processes find what one finds, in the same order; what goes wrong in them is told as if there were one."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from msgspec_runner.config import Config, load_config
from msgspec_runner.errors import UsageError
from msgspec_runner.linting.linter import Linter
from msgspec_runner.linting.parallel import BATCH, MOST_BATCHES, WORTH_A_PROCESS, _queue, lint_project, sensible_jobs
from msgspec_runner.project import Project
from msgspec_runner.reports.full import full
from msgspec_runner.reports.json_report import json_report
from msgspec_runner.reports.sarif import sarif

RULES = Path(__file__).parent.parent / "rules"
SPECS = 3 * BATCH + 7


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Specs of every kind: good, bad, not YAML, with suppressions used and unused, with ids that two of them have."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "msgspec-runner.toml").write_text("[profiles.test]\n[profiles.live.vars]\nx = 1\n")
    bad = sorted(RULES.glob("*/bad/*.yaml"), key=lambda path: (path.parts[-3] != "invalid-yaml", path))
    clean = "message: {provider: twlo, channel_key: k, to: '+16175551212', text: Hello}\n"
    for number in range(SPECS):
        text = (
            bad[number % len(bad)].read_bytes()
            if number % 3
            else f"spec: s{number % 30}\n{clean if number % 2 else ''}".encode()
        )
        if number % 7 == 0:
            text = (
                text.replace(b"\nmessage:", b"  # msgspec: ignore[MSG209]\nmessage:") + b"# msgspec: ignore[MSG602]\n"
            )
        (tmp_path / "specs" / f"{number:03}.yaml").write_bytes(text)
    files = sorted(Path("specs").iterdir())
    return Project(load_config(tmp_path), tuple(files))


@pytest.mark.parametrize("jobs", [2, 3])
def test_any_number_of_processes_says_the_same(project: Project, jobs: int) -> None:
    linter = Linter(project.config)
    alone, together = lint_project(linter, project, 1), lint_project(linter, project, jobs)
    assert len(alone.diagnostics) > SPECS
    assert {"MSG101", "MSG209", "MSG901"} <= {item.code for item in alone.diagnostics}
    assert together.diagnostics == alone.diagnostics
    for report in (json_report, sarif, lambda result: full(result, color=False)):
        assert report(together) == report(alone)


def test_what_a_process_raises_is_raised_here(project: Project) -> None:
    config = replace(project.config, select=("MSG999",))
    with pytest.raises(UsageError, match="MSG999"):
        lint_project(Linter(config), Project(config, project.files), 2)


class _Deadly(Path if os.name != "nt" else object):  # type: ignore[misc]
    """A file at which the process that reads it dies; the first process can read it."""

    _flavour = getattr(type(Path()), "_flavour", None)
    first = os.getpid()

    def is_file(self) -> bool:
        if os.getpid() != self.first:
            os._exit(9)
        return super().is_file()


def test_a_process_that_dies_hides_nothing(project: Project, tmp_path: Path) -> None:
    # The first batch is the first process's; whichever other one another process takes, it dies of it.
    deadly = [_Deadly(file) for file in project.files[BATCH:]]
    fragile = Project(Config(root=tmp_path), (*project.files[:BATCH], *deadly))
    linter = Linter(fragile.config)
    assert lint_project(linter, fragile, 2).diagnostics == lint_project(linter, fragile, 1).diagnostics


class _Interrupted(Path if os.name != "nt" else object):  # type: ignore[misc]
    """A file at which somebody presses Ctrl-C in the first process; any other waits in it to be ended."""

    _flavour = getattr(type(Path()), "_flavour", None)
    first = os.getpid()

    def is_file(self) -> bool:
        if os.getpid() == self.first:
            raise KeyboardInterrupt
        signal.alarm(30)  # should nobody end it, it must not outlive the tests
        while True:
            signal.pause()


def test_an_interrupted_first_process_leaves_none_behind(project: Project) -> None:
    endless = [_Interrupted(file) for file in project.files[BATCH:]]
    with pytest.raises(KeyboardInterrupt):
        lint_project(Linter(project.config), Project(project.config, (*project.files[:BATCH], *endless)), 4)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_the_numbers_of_all_batches_fit_into_a_pipe() -> None:
    waiting = _queue(range(MOST_BATCHES))
    numbers = list(iter(lambda: os.read(waiting, 2), b""))
    os.close(waiting)
    assert [int.from_bytes(number, "big") for number in numbers] == list(range(MOST_BATCHES))
    assert 2 * MOST_BATCHES <= 4096


def test_few_specs_are_not_worth_a_process() -> None:
    assert sensible_jobs(0) == sensible_jobs(1) == sensible_jobs(2 * WORTH_A_PROCESS - 1) == 1
    assert sensible_jobs(100 * WORTH_A_PROCESS) == len(os.sched_getaffinity(0))
