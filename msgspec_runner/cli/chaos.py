"""``msgspec-runner chaos``."""

from __future__ import annotations

import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from msgspec_runner.chaos.audience import MOST, write_recipients
from msgspec_runner.chaos.experiment import Progress, Setup, experiment
from msgspec_runner.chaos.ledgers import throwaway
from msgspec_runner.chaos.strikes import OUTAGE
from msgspec_runner.chaos.verdict import Verdict
from msgspec_runner.cli import COMMANDS, completing
from msgspec_runner.cli.options import Terminal, common, var_option
from msgspec_runner.cli.watching import PLAIN_SECONDS
from msgspec_runner.config import MAX_TIMEOUT
from msgspec_runner.errors import UsageError
from msgspec_runner.project import load
from msgspec_runner.reports.text import count
from msgspec_runner.sandbox.faults import FAULT_KINDS, parse_faults
from msgspec_runner.spec import build_spec

if TYPE_CHECKING:
    from msgspec_runner.chaos.shared import SharedVerdict

WORKERS = 3
"""Workers of `--cluster`, unless a flag says otherwise: while two are away, one goes on."""


@click.command("chaos", short_help="Prove on this machine that a crash loses nobody and texts nobody twice.")
@click.argument("spec", type=click.Path(path_type=Path), shell_complete=completing.specs)
@click.option(
    "--kills",
    type=click.IntRange(0, 10_000),
    metavar="N",
    default=20,
    show_default=True,
    help="How often to kill it.",
)
@click.option(
    "--recipients", "number", type=click.IntRange(1, MOST), metavar="N", help="Invent N instead of the spec's own."
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    metavar="N",
    default=20,
    show_default=True,
    help="As for `send`.",
)
@click.option("--rate", metavar="RATE", help="As for `send`. With --cluster, unless given: 50/s to 500/s.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=MAX_TIMEOUT),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="As for `send`.",
)
@click.option(
    "--fault",
    "--faults",
    "faults",
    metavar="KIND=RATE",
    multiple=True,
    shell_complete=completing.one_of({f"{name}=0.05": kind.says for name, kind in FAULT_KINDS.items()}),
    help="As for `sandbox`; repeatable.",
)
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Repeats the kills and faults of an experiment.")
@click.option("--ledger", metavar="ADDRESS", help="PostgreSQL instead of SQLite: in a schema that is dropped again.")
@click.option("--cluster", is_flag=True, help="Share the run between workers, and kill those; needs PostgreSQL.")
@click.option(
    "--workers", type=click.IntRange(2, 50), metavar="N", help=f"With --cluster: how many. Default: {WORKERS}."
)
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
    cluster: bool,
    workers: int | None,
    output: str,
    variables: Mapping[str, str],
    profile: str | None,
    terminal: Terminal,
) -> int:
    """Send SPEC to a sandbox, kill `send` with -9 at random moments, run it again until it is done, and count.

    The real API and the project's ledger are not touched. Exit code 0 says that nobody was lost, nobody got a message
    twice, and no more are in doubt than was promised: 2 x concurrency for each kill, and one for each fault that hides
    an outcome.

    With --cluster, workers carry the run out. They are killed, and so is `send`, first of all in the transaction that
    writes the plan; others stand still until they are taken for dead, and go on then; and the database goes away and
    comes back. For that, all of them connect through this process, which cuts them off: the PostgreSQL server that
    --ledger or MSGSPEC_RUNNER_LEDGER names is not touched, but for a schema of its own. Each worker that was killed or
    taken for dead may leave 2 x concurrency messages in doubt. Exit code 0 also says that no second held more than
    1.1 x the rate, and that a second run sent nothing.

    \b
    Examples:
      msgspec-runner chaos specs/reminder.yaml --kills 3
      msgspec-runner chaos specs/reminder.yaml --recipients 300 --kills 5 --seed 7
      export MSGSPEC_RUNNER_LEDGER=postgresql://db.example.com/sms
      msgspec-runner chaos specs/reminder.yaml --cluster --workers 3 --kills 6
    """
    if workers is not None and not cluster:
        raise UsageError("--workers is for --cluster")
    struck = parse_faults(faults) if faults else ()
    project = load((spec,), profile)
    documents = list(project.documents())
    if len(documents) != 1:
        raise UsageError(f"{spec}: name one spec, not a folder of {count(len(documents), 'spec')}")
    seed = secrets.randbelow(2**32) if seed is None else seed
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="msgspec-runner-")))
        place = stack.enter_context(throwaway(_server(ledger) if cluster else ledger, folder))
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
        whom = f"{count(workers or WORKERS, 'worker')} and who watches" if cluster else f"`send {spec}`"
        terminal.note(f"killing {whom} {count(kills, 'time')}, at moments drawn from seed {seed}")
        verdict: Verdict | SharedVerdict
        with _watch(terminal, kills) as on_progress:
            if cluster:
                from msgspec_runner.chaos.shared import shared_experiment

                verdict = shared_experiment(setup, workers or WORKERS, folder, on_progress)
                said = shared_lines(verdict, kills)
            else:
                verdict = experiment(setup, on_progress)
                said = lines(verdict, kills)
    if output == "json":
        terminal.report(json.dumps({"version": 1, "seed": seed, **verdict.as_dict()}))
    else:
        for line in said:
            terminal.report(line)
    return 0 if verdict.holds else 1


def _server(flag: str | None) -> str:
    """Return the PostgreSQL server for a shared run; a project's configuration is not asked.

    Raises:
        UsageError: none is named, or what it takes is not installed.
    """
    if find_spec("procrastinate") is None or find_spec("psycopg") is None:
        raise UsageError("--cluster needs more than is installed: pip install 'msgspec-runner[cluster]'")
    named = flag or os.environ.get("MSGSPEC_RUNNER_LEDGER") or ""
    if not named.startswith(("postgresql://", "postgres://")):
        raise UsageError(
            "--cluster needs a PostgreSQL server, for a schema that is dropped again: "
            "give --ledger postgresql://…, or set MSGSPEC_RUNNER_LEDGER"
        )
    return named


def lines(verdict: Verdict, asked: int) -> list[str]:
    """Return the verdict as people read it.

    Args:
        verdict: of the experiment.
        asked: kills that were asked for; fewer are made where everything is sent before.
    """
    kills = f"in {count(verdict.runs, 'run')}" + _fewer(verdict, asked)
    head = [("recipients", verdict.recipients, ""), ("kills", verdict.kills, kills)]
    return _table(verdict, head, holds=verdict.holds)


def shared_lines(verdict: SharedVerdict, asked: int) -> list[str]:
    """Return the verdict of an experiment with a shared run as people read it.

    Args:
        verdict: of the experiment.
        asked: kills that were asked for.
    """
    found = verdict.found
    coordinators = found.kills - verdict.worker_kills
    whom = f"{count(verdict.worker_kills, 'worker')}, `send` {count(coordinators, 'time')}"
    half_way = f", {verdict.enqueue_kills:,} of them in mid-enqueue" if verdict.enqueue_kills else ""
    head = [
        ("recipients", found.recipients, ""),
        ("workers", verdict.workers, f"killed or taken for dead {count(verdict.lost_workers, 'time')}"),
        ("kills", found.kills, whom + half_way + _fewer(found, asked)),
        ("stops", verdict.stops, "until it was taken for dead, and on again" if verdict.stops else ""),
        ("outages", verdict.outages, f"of the database, for {OUTAGE:g} s" if verdict.outages else ""),
    ]
    pace = f"at a rate of {verdict.rate:,.4g}/s; at most {verdict.allowed_in_a_second:,} were promised"
    more = [("sent by a second run", verdict.sent_again, ""), ("most in a second", verdict.most_in_a_second, pace)]
    return _table(found, head, more, holds=verdict.holds)


def _table(
    verdict: Verdict, head: list[tuple[str, int, str]], more: Sequence[tuple[str, int, str]] = (), *, holds: bool
) -> list[str]:
    rows = [
        *head,
        ("accepted at the server", verdict.accepted, ""),
        ("lost", verdict.lost, ""),
        ("duplicated", verdict.duplicated, ""),
        *more,
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
    return [*table, last if holds else "THE PROMISE IS BROKEN: keep the seed, and report it"]


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
