"""``msgspec-runner send``."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from msgspec_runner.cli.connection import Api, api_options, choose_api, choose_ledger, read_api_key
from msgspec_runner.cli.options import (
    SkipsInvalid,
    Terminal,
    check_writable,
    common,
    paths_argument,
    recipients_option,
    skip_invalid_option,
    var_option,
)
from msgspec_runner.cli.pinning import hold_to, planned_paths, read_plan
from msgspec_runner.cli.preparing import NotSound, lint_first, make_plan, refuse_overwriting, refuse_too_many_invalid
from msgspec_runner.cli.sending import Options, Sending
from msgspec_runner.cli.testing import Pick, send_test
from msgspec_runner.config import MAX_TIMEOUT, Config, project_root
from msgspec_runner.dispatch.pace import parse_rate
from msgspec_runner.errors import UsageError
from msgspec_runner.ledger import Ledger, open_ledger, temporary_ledger
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.model import SANDBOX_ORIGIN
from msgspec_runner.project import load, recipients_file
from msgspec_runner.reports.text import count


@click.command("send", cls=SkipsInvalid, short_help="Lint, plan, confirm, and send each message once.")
@paths_argument()
@click.option("--sandbox", is_flag=True, help="Send to a sandbox of its own, started for this run.")
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@click.option("--dry-run", is_flag=True, help="Only plan.")
@click.option("--plan", type=click.Path(path_type=Path), metavar="FILE", help="Send exactly what `plan --out` wrote.")
@skip_invalid_option
@click.option("--test-to", metavar="NUMBER", help="Send one message to yourself instead; nothing is recorded.")
@click.option(
    "--sample", type=click.IntRange(min=1), metavar="N", help="With --test-to: sample N of the spec; default 1."
)
@click.option("--row", type=click.IntRange(min=1), metavar="N", help="With --test-to: recipient N instead of a sample.")
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
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="The run as a test report.")
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
    plan: Path | None,
    test_to: str | None,
    sample: int | None,
    row: int | None,
    base_url: str | None,
    ledger: str | None,
    recipients: Path | None,
    variables: Mapping[str, str],
    profile: str | None,
    terminal: Terminal,
    **flags: object,
) -> int:
    """Lint the specs with every recipient, plan against the ledger, confirm, and send each message once.

    PATHS must be named, by you or by --plan: nobody should text last year's list by pressing Enter. To go on after a
    crash, an interruption or a stop, run the same command again: what was sent is never sent twice.

    \b
    Examples:
      msgspec-runner send specs --sandbox
      msgspec-runner send specs/reminder.yaml --test-to +16175551212 --sample 2
      msgspec-runner send specs/reminder.yaml --rate 20/s --results results.jsonl
    """
    # Until the dispatcher listens itself, SIGTERM ends the program as Ctrl-C does: temporary files are people's data.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _check_flags(paths, plan, test_to, sample, row, dry_run=dry_run, flags=flags)
    if dry_run:
        from msgspec_runner.cli.plan import command as plan_command

        outcome: int = ctx.invoke(
            plan_command,
            paths=paths,
            output=flags["output"],
            out=None,
            skip_invalid=flags["skip_invalid"],
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
    pinned = read_plan(plan) if plan is not None else None
    if pinned is not None:
        paths = planned_paths(pinned, project_root(Path.cwd()))
    project = load(paths, profile)
    with ExitStack() as stack:
        file = stack.enter_context(recipients_file(recipients))
        api = None if options.sandbox else choose_api(base_url)
        if api is not None:
            _check_network(api)
        key = "sandbox" if api is None else read_api_key(options.api_key_file)
        if options.rate is not None:
            parse_rate(options.rate)
        if test_to is not None:
            pick = Pick(sample, row, file)
            return send_test(project, variables, test_to, pick, api, key, options, terminal)
        if options.results is not None:
            check_writable(options.results, "--results")
        if options.junit is not None:
            check_writable(options.junit, "--junit")
        # The ledger first: who has none should not wait for a lint to hear it.
        book = stack.enter_context(_ledger(ledger, project.config, api))
        try:
            sound = lint_first(
                project,
                variables,
                file,
                terminal,
                data_on_stdout=options.output != "text",
                skip_invalid=options.skip_invalid is not None,
            )
        except NotSound:
            return 1
        outputs = {"--results": options.results, "--junit": options.junit}
        refuse_overwriting(outputs, project, sound, book.location, plan, options.api_key_file)
        in_doubt = book.recover()
        if in_doubt:
            terminal.note(f"an earlier run died: {count(in_doubt, 'message')} may or may not have been sent: in doubt")
        spool = stack.enter_context(PlanSpool())
        origin = api.origin if api else SANDBOX_ORIGIN
        made = make_plan(sound, spool, book, origin)
        refuse_too_many_invalid(made, options.skip_invalid)
        if pinned is not None:
            hold_to(pinned, sound, made, book, origin, variables)
        return Sending(sound, made, spool, book, api, key, options, terminal).carry_out()


def _check_flags(
    paths: tuple[Path, ...],
    plan: Path | None,
    test_to: str | None,
    sample: int | None,
    row: int | None,
    *,
    dry_run: bool,
    flags: Mapping[str, object],
) -> None:
    """Refuse what makes no sense together.

    Raises:
        UsageError: it says what to leave out.
    """
    if plan is not None and paths:
        raise UsageError("--plan names the specs: leave the paths out. Nothing was sent.")
    if plan is None and not paths:
        raise UsageError("name what to send: `msgspec-runner send specs/reminder.yaml`")
    if plan is not None and dry_run:
        raise UsageError("--dry-run makes a plan of its own: leave --plan out")
    if sample is not None and row is not None:
        raise UsageError("--sample and --row are two recipients: leave one out. Nothing was sent.")
    if test_to is None and (sample is not None or row is not None):
        raise UsageError("--sample and --row are for --test-to NUMBER. Nothing was sent.")
    if test_to is not None:
        given = {"plan": plan, "dry_run": dry_run or None, **{name: flags[name] for name in _NOT_FOR_A_TEST}}
        names = [f"--{_FLAGS.get(name, name.replace('_', '-'))}" for name, value in given.items() if value is not None]
        if names:
            raise UsageError(
                f"--test-to sends one message to yourself: leave {', '.join(names)} out. Nothing was sent."
            )


_NOT_FOR_A_TEST = ("limit", "most", "skip_invalid", "results", "junit")
_FLAGS = {"most": "max"}


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
