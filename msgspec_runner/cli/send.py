"""``msgspec-runner send``."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from msgspec_runner._version import __version__
from msgspec_runner.cli.connection import Api, api_options, choose_api, choose_ledger, read_api_key
from msgspec_runner.cli.options import Terminal, common, paths_argument, recipients_option, var_option
from msgspec_runner.cli.preparing import NotSound, Sound, lint_first, make_plan, plan_lines
from msgspec_runner.cli.watching import watch
from msgspec_runner.config import MAX_TIMEOUT, Config
from msgspec_runner.dispatch.pace import parse_rate
from msgspec_runner.dispatch.plan import Decision
from msgspec_runner.dispatch.planner import Plan, duplicate_skips, expired_skips, new_messages
from msgspec_runner.dispatch.progress import RunResult
from msgspec_runner.errors import LedgerError, RunStoppedError, UsageError
from msgspec_runner.ledger import Ledger, Run, new_run_id, open_ledger, temporary_ledger
from msgspec_runner.ledger.ledger import Totals
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.model import SANDBOX_ORIGIN
from msgspec_runner.project import load, recipients_file
from msgspec_runner.reports.results import write_results
from msgspec_runner.reports.run_summary import summary_lines
from msgspec_runner.reports.text import count


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked ``send`` for, beside what to send."""

    sandbox: bool
    yes: bool
    limit: int | None
    most: int | None
    concurrency: int | None
    rate: str | None
    timeout: float | None
    results: Path | None
    api_key_file: Path | None
    output: str


@click.command("send", short_help="Lint, plan, confirm, and send each message once.")
@paths_argument()
@click.option("--sandbox", is_flag=True, help="Send to a sandbox of its own, started for this run.")
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@click.option("--dry-run", is_flag=True, help="Only plan.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Send at most N of what is new.")
@click.option("--max", "most", type=click.IntRange(min=1), metavar="N", help="Refuse if more than N are new.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    metavar="N",
    envvar="MSGSPEC_RUNNER_CONCURRENCY",
    help="Requests under way at once.",
)
@click.option("--rate", metavar="RATE", envvar="MSGSPEC_RUNNER_RATE", help="No faster than this: 20/s, 300/min.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=MAX_TIMEOUT),
    metavar="SECONDS",
    envvar="MSGSPEC_RUNNER_TIMEOUT",
    help="For one request.",
)
@click.option("--results", type=click.Path(path_type=Path), metavar="FILE.jsonl", help="Every message's outcome.")
@click.option("--api-key-file", type=click.Path(path_type=Path), metavar="FILE", help="Instead of SOCIOCS_API_KEY.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="Form of the summary.")
@api_options
@recipients_option
@var_option
@common
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    paths: tuple[Path, ...],
    dry_run: bool,
    base_url: str | None,
    ledger: str | None,
    recipients: Path | None,
    variables: Mapping[str, str],
    profile: str | None,
    terminal: Terminal,
    **flags: object,
) -> int:
    """Lint the specs with every recipient, plan against the ledger, confirm, and send each message once.

    PATHS must be named: nobody should text last year's list by pressing Enter. To go on after a crash, an
    interruption or a stop, run the same command again: what was sent is never sent twice.

    \b
    Examples:
      msgspec-runner send specs --sandbox
      msgspec-runner send specs/reminder.yaml --rate 20/s --results results.jsonl
    """
    # Until the dispatcher listens itself, SIGTERM ends the program as Ctrl-C does: temporary files are people's data.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not paths:
        raise UsageError("name what to send: `msgspec-runner send specs/reminder.yaml`")
    if dry_run:
        from msgspec_runner.cli.plan import command as plan_command

        outcome: int = ctx.invoke(
            plan_command,
            paths=paths,
            output=flags["output"],
            sandbox=flags["sandbox"],
            base_url=base_url,
            ledger=ledger,
            recipients=recipients,
            variables=variables,
            profile=profile,
            quiet=terminal.quiet,
            verbose=terminal.verbose,
            color=terminal.color,
        )
        return outcome
    options = Options(**flags)  # type: ignore[arg-type]  # click checked the types
    project = load(paths, profile)
    with ExitStack() as stack:
        file = stack.enter_context(recipients_file(recipients))
        api = None if options.sandbox else choose_api(base_url)
        key = "sandbox" if api is None else read_api_key(options.api_key_file)
        if options.rate is not None:
            parse_rate(options.rate)
        if options.results is not None:
            _check_writable(options.results)
        # The ledger first: who has none should not wait for a lint to hear it.
        book = stack.enter_context(_ledger(ledger, project.config, api))
        try:
            sound = lint_first(project, variables, file, terminal, data_on_stdout=options.output != "text")
        except NotSound:
            return 1
        in_doubt = book.recover()
        if in_doubt:
            terminal.note(f"an earlier run died: {count(in_doubt, 'message')} may or may not have been sent: in doubt")
        spool = stack.enter_context(PlanSpool())
        plan = make_plan(sound, spool, book, api.origin if api else SANDBOX_ORIGIN)
        return _Sending(sound, plan, spool, book, api, key, options, terminal).carry_out()


@dataclass(frozen=True, slots=True)
class _Sending:
    """Everything that a run needs, from the plan to the exit code."""

    sound: Sound
    plan: Plan
    spool: PlanSpool
    book: Ledger
    api: Api | None
    key: str
    options: Options
    terminal: Terminal

    def carry_out(self) -> int:
        new = self.plan.count(Decision.NEW)
        if self.options.most is not None and new > self.options.most:
            raise UsageError(
                f"{count(new, 'message')} are new, more than --max {self.options.most:,}. Nothing was sent."
            )
        number = min(new, self.options.limit or new)
        for line in plan_lines(self.plan):
            self.terminal.note(line)
        if not new:
            return self._nothing()
        if not self._confirmed(number):
            self.terminal.warn("not confirmed: nothing was sent")
            return 2
        rate = self._rate()
        run = self._begin()
        try:
            result = self._dispatch(run, number, rate)
        except LedgerError as error:
            # Exit 2 would say that nothing was sent.
            raise RunStoppedError(
                f"{error}\nNothing more was sent. What was sent and could not be recorded is in doubt. "
                "Once the ledger can be written again, run the same command again to go on."
            ) from error
        return self._report(run, result)

    def _nothing(self) -> int:
        waiting = self.plan.count(Decision.IN_DOUBT)
        self.terminal.warn("nothing to send")
        self._write_results(None)
        if self.options.output == "json":
            totals = Totals().as_dict()
            self.terminal.report(json.dumps({"version": 1, "run": None, "totals": totals, "stopped": None}))
        self._remind(waiting)
        return 3 if waiting else 0

    def _remind(self, waiting: int) -> None:
        """Say why the exit code is 3 although this run did well."""
        if waiting:
            rest = f"{count(waiting, 'message')} of earlier runs still in doubt"
            self.terminal.warn(f"{rest}: see `msgspec-runner status --state in_doubt`")

    def _confirmed(self, number: int) -> bool:
        if self.options.yes or self.api is None:
            return True
        if sys.stdin is None or not sys.stdin.isatty():
            raise UsageError("there is no terminal to confirm at: add --yes. Nothing was sent.")
        segments = self.plan.segments
        cost = f", {count(segments, 'segment')}," if segments and number == self.plan.count(Decision.NEW) else ""
        try:
            return click.confirm(f"Send {count(number, 'message')}{cost} to {self.api.origin}?", err=True)
        except click.Abort:
            self.terminal.warn("\nnothing was sent")
            raise

    def _begin(self) -> str:
        """Enter the run and its messages into the ledger; from here on a crash forgets nothing."""
        origin = self.api.origin if self.api else SANDBOX_ORIGIN
        run = new_run_id()
        specs = tuple(target.spec.id for target in self.sound.targets)
        self.book.begin(Run(run, origin, specs, __version__, socket.gethostname(), os.getpid()))
        self.book.plan(run, new_messages(self.spool, self.book, self.options.limit))
        self.book.skip(run, duplicate_skips(self.spool))
        self.book.skip(
            run,
            expired_skips(
                self.sound.targets,
                origin=origin,
                root=self.sound.config.root,
                recipients=self.sound.recipients,
                now=datetime.now(UTC),
            ),
        )
        return run

    def _dispatch(self, run: str, number: int, rate: float | None) -> RunResult:
        from msgspec_runner.dispatch.running import run_dispatcher

        config = self.sound.config
        with _server(self.api) as url, watch(self.terminal, number) as on_event:
            return run_dispatcher(
                self.book,
                run,
                base_url=url,
                api_key=self.key,
                concurrency=self.options.concurrency or config.concurrency,
                timeout=self.options.timeout or config.timeout,
                rate=rate,
                retry_server_errors=config.server_errors == "retry",
                on_event=on_event,
            )

    def _rate(self) -> float | None:
        """The slowest of what the run and the specs ask for: a reviewed guard rail is not widened by a flag."""
        asked = [self.options.rate or self.sound.config.rate]
        asked += [target.spec.delivery.rate for target in self.sound.targets]
        return min((parse_rate(text).per_second for text in asked if text), default=None)

    def _write_results(self, run: str | None) -> None:
        """Write the results that were asked for; a full disk must not hide how the run ended."""
        path = self.options.results
        if path is None:
            return
        try:
            write_results(path, self.book.messages(run=run) if run is not None else ())
        except OSError as error:
            hint = f"; `msgspec-runner status {run} --output json` has the same" if run is not None else ""
            self.terminal.warn(f"--results {path}: cannot be written: {error.strerror}{hint}")

    def _report(self, run: str, result: RunResult) -> int:
        self._write_results(run)
        if self.options.output == "json":
            totals, stopped = result.totals.as_dict(), result.stopped_reason
            self.terminal.report(json.dumps({"version": 1, "run": run, "totals": totals, "stopped": stopped}))
        for line in summary_lines(run, result, self.book.messages(run=run)):
            self.terminal.warn(line)
        waiting = self.plan.count(Decision.IN_DOUBT)
        self._remind(waiting)
        return exit_code(result, earlier_doubts=waiting)


def exit_code(result: RunResult, *, earlier_doubts: int = 0) -> int:
    """Return the exit code of a run; where several hold: 130, 5, 3, 1 (contract, section 2).

    Args:
        result: how the run ended.
        earlier_doubts: messages of this plan that an earlier run left in doubt.
    """
    if result.interrupted:
        return 130
    if result.stopped_reason is not None:
        return 5
    if result.totals.in_doubt or earlier_doubts:
        return 3
    return 1 if result.totals.rejected else 0


@contextmanager
def _ledger(flag: str | None, config: Config, api: Api | None) -> Iterator[Ledger]:
    if api is None and flag is None:
        with temporary_ledger() as book:
            yield book
        return
    location = flag if api is None else choose_ledger(flag, config)
    loopback = api is None or api.loopback
    book = open_ledger(location, config.root, loopback_or_sandbox=loopback, create=loopback)
    try:
        yield book
    finally:
        book.close()


@contextmanager
def _server(api: Api | None) -> Iterator[str]:
    if api is not None:
        yield api.base_url
        return
    from msgspec_runner.sandbox.server import RunningSandbox

    with RunningSandbox() as sandbox:
        yield sandbox.url


def _check_writable(path: Path) -> None:
    replaced = path.is_file() or not path.exists()
    target = path.resolve().parent if replaced else path
    if path.is_dir() or (replaced and not target.is_dir()) or not os.access(target, os.W_OK):
        raise UsageError(f"--results {path}: cannot be written. Nothing was sent.")
