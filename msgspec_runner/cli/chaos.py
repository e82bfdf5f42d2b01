"""``msgspec-runner chaos``."""

from __future__ import annotations

import json
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from msgspec_runner.chaos.audience import MOST, write_recipients
from msgspec_runner.chaos.experiment import Progress, Setup, experiment
from msgspec_runner.chaos.ledgers import throwaway
from msgspec_runner.chaos.verdict import Verdict
from msgspec_runner.cli import COMMANDS
from msgspec_runner.cli.options import Terminal, common, var_option
from msgspec_runner.cli.watching import PLAIN_SECONDS
from msgspec_runner.config import MAX_TIMEOUT
from msgspec_runner.errors import UsageError
from msgspec_runner.project import load
from msgspec_runner.reports.text import count
from msgspec_runner.sandbox.faults import parse_faults
from msgspec_runner.spec import build_spec


@click.command("chaos", short_help="Prove on this machine that a crash loses nobody and texts nobody twice.")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option("--kills", type=click.IntRange(0, 10_000), default=20, show_default=True, help="How often to kill it.")
@click.option(
    "--recipients", "number", type=click.IntRange(1, MOST), metavar="N", help="Invent N instead of the spec's own."
)
@click.option("--concurrency", type=click.IntRange(1, 1000), default=20, show_default=True, help="As for `send`.")
@click.option("--rate", metavar="RATE", help="As for `send`.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=MAX_TIMEOUT),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="As for `send`.",
)
@click.option("--fault", "--faults", "faults", metavar="KIND=RATE", multiple=True, help="As for `sandbox`; repeatable.")
@click.option("--seed", type=click.IntRange(min=0), help="Repeats the kills and faults of an experiment.")
@click.option("--ledger", metavar="ADDRESS", help="PostgreSQL instead of SQLite: in a schema that is dropped again.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="Form of the verdict.")
@var_option
@common
def command(
    *,
    spec: Path,
    kills: int,
    number: int | None,
    concurrency: int,
    rate: str | None,
    timeout: float,
    faults: tuple[str, ...],
    seed: int | None,
    ledger: str | None,
    output: str,
    variables: Mapping[str, str],
    profile: str | None,
    terminal: Terminal,
) -> int:
    """Send SPEC to a sandbox, kill `send` with -9 at random moments, run it again until it is done, and count.

    The real API and the project's ledger are not touched. Exit code 0 says that nobody was lost, nobody got a message
    twice, and no more are in doubt than was promised: 2 x concurrency for each kill, and one for each fault that hides
    an outcome.

    \b
    Examples:
      msgspec-runner chaos specs/reminder.yaml --kills 3
      msgspec-runner chaos specs/reminder.yaml --recipients 300 --kills 5 --fault reset-after=0.01 --seed 7
    """
    struck = parse_faults(faults) if faults else ()
    project = load((spec,), profile)
    documents = list(project.documents())
    if len(documents) != 1:
        raise UsageError(f"{spec}: name one spec, not a folder of {count(len(documents), 'spec')}")
    seed = secrets.randbelow(2**32) if seed is None else seed
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="msgspec-runner-")))
        place = stack.enter_context(throwaway(ledger, folder))
        invented = None
        if number is not None:
            invented = folder / "recipients.jsonl"
            write_recipients(build_spec(documents[0]), project.config.root, number, invented)
        setup = Setup(
            spec=spec,
            root=project.config.root,
            ledger=place,
            recipients=invented,
            kills=kills,
            concurrency=concurrency,
            rate=rate,
            timeout=timeout,
            faults=struck,
            seed=seed,
            arguments=_arguments(variables, profile),
            reconcile="reconcile" in COMMANDS,
        )
        terminal.note(f"killing `send {spec}` {count(kills, 'time')}, at moments drawn from seed {seed}")
        with _watch(terminal, kills) as on_progress:
            verdict = experiment(setup, on_progress)
    if output == "json":
        terminal.report(json.dumps({"version": 1, "seed": seed, **verdict.as_dict()}))
    else:
        for line in lines(verdict, kills):
            terminal.report(line)
    return 0 if verdict.holds else 1


def lines(verdict: Verdict, asked: int) -> list[str]:
    """Return the verdict as people read it.

    Args:
        verdict: of the experiment.
        asked: kills that were asked for; fewer are made where everything is sent before.
    """
    rows = [
        ("recipients", verdict.recipients, ""),
        ("kills", verdict.kills, f"in {count(verdict.runs, 'run')}" + _fewer(verdict, asked)),
        ("accepted at the server", verdict.accepted, ""),
        ("lost", verdict.lost, ""),
        ("duplicated", verdict.duplicated, ""),
        (
            "in doubt",
            verdict.in_doubt,
            f"{verdict.arrived:,} of them arrived; at most {verdict.allowed:,} were promised",
        ),
    ]
    if verdict.reconciled is not None:
        rows.append(("reconciled", verdict.reconciled, ""))
    rows += [
        (name, number, "") for name, number in (("rejected", verdict.rejected), ("skipped", verdict.skipped)) if number
    ]
    table = [f"{name:<24}{number:>9,}  {words}".rstrip() for name, number, words in rows]
    last = "the promise holds: nobody was lost, and nobody got a message twice"
    return [*table, last if verdict.holds else "THE PROMISE IS BROKEN: keep the seed, and report it"]


def _fewer(verdict: Verdict, asked: int) -> str:
    return f"; then everything was sent: more --recipients make room for {asked:,}" if verdict.kills < asked else ""


def _arguments(variables: Mapping[str, str], profile: str | None) -> tuple[str, ...]:
    given = [part for name, value in variables.items() for part in ("--var", f"{name}={value}")]
    return (*given, *(("--profile", profile) if profile else ()))


@contextmanager
def _watch(terminal: Terminal, kills: int) -> Iterator[Callable[[Progress], None]]:
    """Yield what shows how far it is: one line that changes at a terminal, a line now and then elsewhere."""
    live = sys.stderr.isatty() and not terminal.quiet
    last = time.monotonic()

    def on_progress(progress: Progress) -> None:
        nonlocal last
        words = (
            f"{progress.kills:,} of {count(kills, 'kill')}: {progress.kept:,} of {progress.recipients:,} at the server"
        )
        if live:
            click.echo(f"\r{words}\x1b[K", nl=False, err=True)
        elif time.monotonic() - last >= PLAIN_SECONDS:
            last = time.monotonic()
            terminal.note(words)

    try:
        yield on_progress
    finally:
        if live:
            click.echo("\r\x1b[K", nl=False, err=True)
