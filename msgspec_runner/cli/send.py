"""``msgspec-runner send``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
from click.core import ParameterSource

from msgspec_runner.cli.clustering import busy_lines, check_place, choose_sharing
from msgspec_runner.cli.connection import Api, api_options, choose_ledger
from msgspec_runner.cli.dispatching import Manner, afterwards, choose_destination, manner_options
from msgspec_runner.cli.options import (
    SkipsInvalid,
    Terminal,
    common,
    paths_argument,
    recipients_option,
    show_numbers_option,
    skip_invalid_option,
    var_option,
)
from msgspec_runner.cli.overwriting import ledger_files, project_files, refuse_overwriting
from msgspec_runner.cli.pinning import check_flags, check_paths, hold_to, planned_paths, read_plan
from msgspec_runner.cli.preparing import NotSound, lint_first, make_plan, refuse_too_many_invalid
from msgspec_runner.cli.sending import Bounds, Sending
from msgspec_runner.cli.testing import Pick, send_test
from msgspec_runner.config import Config, project_root
from msgspec_runner.dispatch.drafting import Drafts
from msgspec_runner.dispatch.plan import Decision
from msgspec_runner.errors import UsageError
from msgspec_runner.ledger import Ledger, open_ledger, temporary_ledger
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.project import load, recipients_file
from msgspec_runner.reports.text import count


@click.command("send", cls=SkipsInvalid, short_help="Lint, plan, confirm, and send each message once.")
@paths_argument()
@click.option("--sandbox", is_flag=True, help="Send to a sandbox of its own, started for this run.")
@click.option("--dry-run", is_flag=True, help="Only plan.")
@click.option(
    "--plan",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Send exactly what `plan --out` wrote. PATHS may be left out.",
)
@skip_invalid_option
@click.option("--test-to", metavar="NUMBER", help="Send one message to yourself instead; nothing is recorded.")
@click.option(
    "--sample", type=click.IntRange(min=1), metavar="N", help="With --test-to: sample N of the spec. Default: 1."
)
@click.option("--row", type=click.IntRange(min=1), metavar="N", help="With --test-to: recipient N instead of a sample.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Send at most N of what is new.")
@click.option("--max", "most", type=click.IntRange(min=1), metavar="N", help="Refuse if more than N are new.")
@click.option("--cluster", is_flag=True, help="Let workers on any machines carry it out, and watch them.")
@click.option("--queue", metavar="NAME", help="With --cluster: only workers of this queue.")
@manner_options
@api_options
@recipients_option
@var_option
@common
@show_numbers_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    paths: tuple[Path, ...],
    sandbox: bool,
    dry_run: bool,
    plan: Path | None,
    skip_invalid: int | None,
    test_to: str | None,
    sample: int | None,
    row: int | None,
    limit: int | None,
    most: int | None,
    cluster: bool,
    queue: str | None,
    manner: Manner,
    base_url: str | None,
    ledger: str | None,
    recipients: Path | None,
    variables: Mapping[str, str],
    profile: str | None,
    terminal: Terminal,
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
    _check_paths(paths, plan, dry_run=dry_run)
    not_for_a_test = {
        "--plan": plan,
        "--dry-run": dry_run or None,
        "--limit": limit,
        "--max": most,
        "--skip-invalid": skip_invalid,
        "--cluster": cluster or None,
        **manner.files,
    }
    _check_test(test_to, sample, row, not_for_a_test)
    concurrency = ctx.get_parameter_source("concurrency") is ParameterSource.COMMANDLINE
    sharing = choose_sharing(queue, cluster=cluster, sandbox=sandbox, concurrency=concurrency)
    if dry_run:
        manner.check()
        if limit is not None or most is not None:
            terminal.note("--limit and --max are for sending: the plan shows all that is new")
        from msgspec_runner.cli.plan import command as plan_command

        outcome: int = ctx.invoke(
            plan_command,
            paths=paths,
            output=manner.output,
            out=None,
            skip_invalid=skip_invalid,
            sandbox=sandbox,
            base_url=base_url,
            ledger=ledger,
            recipients=recipients,
            variables=variables,
            profile=profile,
            quiet=terminal.quiet,
            verbose=terminal.verbose,
            color=terminal.color,
            show_numbers=terminal.show_numbers,
        )
        return outcome
    pinned = read_plan(plan) if plan is not None else None
    if plan is not None and pinned is not None:
        check_flags(plan, pinned, sandbox=sandbox, recipients=recipients, variables=variables, profile=profile)
        root = project_root(Path.cwd(), paths)
        named, paths = load(paths, profile).files if paths else (), planned_paths(pinned, root)
        if named:
            check_paths(named, paths, root)
    project = load(paths, profile)
    with ExitStack() as stack:
        file = stack.enter_context(recipients_file(recipients))
        destination = choose_destination(base_url, manner.api_key_file, sandbox=sandbox, posts=not cluster)
        manner.check()
        if test_to is not None:
            return send_test(project, variables, test_to, Pick(sample, row, file), destination, manner, terminal)
        if sharing is not None:
            check_place(choose_ledger(ledger, project.config))
        # The ledger first: who has none should not wait for a lint to hear it.
        book = stack.enter_context(_ledger(ledger, project.config, destination.api, terminal))
        if sharing is not None:
            sharing.check(book, loopback=destination.api is not None and destination.api.loopback)
        spool = stack.enter_context(PlanSpool())
        try:
            sound = lint_first(
                project,
                variables,
                file,
                terminal,
                data_on_stdout=manner.output != "text",
                skip_invalid=skip_invalid is not None,
                drafts=Drafts(spool, destination.origin, leaves_out=skip_invalid is not None),
            )
        except NotSound:
            return 1
        read = (*project_files(project.config), *project.files, *sound.fingerprints, plan, manner.api_key_file)
        refuse_overwriting(manner.files, (*read, *ledger_files(project.config, book.location)))
        in_doubt = book.recover()
        if in_doubt:
            terminal.note(f"an earlier run died: {count(in_doubt, 'message')} may or may not have been sent: in doubt")
        made = make_plan(sound, spool, book, destination.origin)
        refuse_too_many_invalid(made, skip_invalid)
        if pinned is not None:
            hold_to(pinned, sound, made, book, destination.origin, variables)
        if made.count(Decision.BUSY):
            for line in busy_lines(book, destination.origin, [spec.spec for spec in made.specs]):
                terminal.note(line)
        bounds = Bounds(limit, most)
        after = afterwards(base_url, ledger, book, destination)
        return Sending(sound, made, spool, book, destination, bounds, manner, terminal, after, sharing).carry_out()


def _check_paths(paths: tuple[Path, ...], plan: Path | None, *, dry_run: bool) -> None:
    """Make sure that what to send is named.

    Raises:
        UsageError: it says what to leave out.
    """
    if plan is None and not paths:
        raise UsageError("name what to send: `msgspec-runner send specs/reminder.yaml`")
    if plan is not None and dry_run:
        raise UsageError("--dry-run makes a plan of its own: leave --plan out")


def _check_test(test_to: str | None, sample: int | None, row: int | None, not_for_it: Mapping[str, object]) -> None:
    """Make sure that the flags of a test message fit together.

    Args:
        test_to: the number; None: it is no test.
        sample: which sample.
        row: which recipient.
        not_for_it: the value of each flag that makes no sense with a test; None where it is not given.

    Raises:
        UsageError: it says what to leave out.
    """
    if sample is not None and row is not None:
        raise UsageError("--sample and --row are two recipients: leave one out. Nothing was sent.")
    if test_to is None and (sample is not None or row is not None):
        raise UsageError("--sample and --row are for --test-to NUMBER. Nothing was sent.")
    given = [flag for flag, value in not_for_it.items() if value is not None]
    if test_to is not None and given:
        raise UsageError(f"--test-to sends one message to yourself: leave {', '.join(given)} out. Nothing was sent.")


@contextmanager
def _ledger(flag: str | None, config: Config, api: Api | None, terminal: Terminal) -> Iterator[Ledger]:
    if api is None and flag is None:
        with temporary_ledger() as book:
            yield book
        return
    location = flag if api is None else choose_ledger(flag, config)
    loopback = api is None or api.loopback
    book = open_ledger(location, config.root, loopback_or_sandbox=loopback, create=loopback, say=terminal.warn)
    try:
        yield book
    finally:
        book.close()
