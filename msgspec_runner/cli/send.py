"""``msgspec-runner send``."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from msgspec_runner.cli.connection import Api, api_options, choose_api, choose_ledger, read_api_key
from msgspec_runner.cli.options import Terminal, common, paths_argument, recipients_option, var_option
from msgspec_runner.cli.preparing import NotSound, lint_first, make_plan
from msgspec_runner.cli.sending import Options, Sending
from msgspec_runner.config import MAX_TIMEOUT, Config
from msgspec_runner.dispatch.pace import parse_rate
from msgspec_runner.errors import UsageError
from msgspec_runner.ledger import Ledger, open_ledger, temporary_ledger
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.model import SANDBOX_ORIGIN
from msgspec_runner.project import load, recipients_file
from msgspec_runner.reports.text import count


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
        if api is not None:
            _check_network(api)
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
        return Sending(sound, plan, spool, book, api, key, options, terminal).carry_out()


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


def _check_network(api: Api) -> None:
    from msgspec_runner.sociocs.network import check_network  # urllib.request: 10 ms that `--help` need not wait for

    check_network(api.base_url)


def _check_writable(path: Path) -> None:
    replaced = path.is_file() or not path.exists()
    target = path.resolve().parent if replaced else path
    if path.is_dir() or (replaced and not target.is_dir()) or not os.access(target, os.W_OK):
        raise UsageError(f"--results {path}: cannot be written. Nothing was sent.")
