"""``msgspec-runner plan``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import click

from msgspec_runner.cli.connection import api_options, choose_api, choose_ledger, shown_ledger
from msgspec_runner.cli.options import (
    SkipsInvalid,
    Terminal,
    check_writable,
    common,
    paths_argument,
    recipients_option,
    show_numbers_option,
    skip_invalid_option,
    var_option,
)
from msgspec_runner.cli.overwriting import ledger_files, project_files, refuse_overwriting
from msgspec_runner.cli.pinning import send_command, write_plan
from msgspec_runner.cli.preparing import (
    NotSound,
    lint_first,
    make_plan,
    nothing_to_send,
    plan_lines,
    refuse_too_many_invalid,
)
from msgspec_runner.dispatch.drafting import Drafts
from msgspec_runner.dispatch.plan import Decision
from msgspec_runner.dispatch.planner import Plan
from msgspec_runner.errors import UsageError
from msgspec_runner.ledger import ledger_exists, open_ledger
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.model import SANDBOX_ORIGIN
from msgspec_runner.project import load, recipients_file
from msgspec_runner.reports.text import count, printable

_NO_LEDGER = "no ledger here: everything is taken as new"
_NO_SANDBOX_LEDGER = "no ledger for the sandbox: everything is new"

OUTPUTS = ("text", "json", "markdown")
"""What ``--output`` takes."""


@click.command("plan", cls=SkipsInvalid, short_help="Show what `send` would do, against the ledger.")
@paths_argument()
@click.option("--output", type=click.Choice(OUTPUTS), default="text", help="Form of the output.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Keep the plan for `send --plan FILE`.")
@click.option("--sandbox", is_flag=True, help="Plan for the sandbox, where everything is new.")
@click.option("--since", metavar="REF", help="What changes since the merge base with REF, such as origin/main.")
@click.option("--show-data", is_flag=True, help="With --since: show rendered rows, which are people's data.")
@skip_invalid_option
@api_options
@recipients_option
@var_option
@common
@show_numbers_option
def command(
    *,
    paths: tuple[Path, ...],
    output: str,
    out: Path | None,
    sandbox: bool,
    since: str | None,
    show_data: bool,
    skip_invalid: int | None,
    base_url: str | None,
    ledger: str | None,
    recipients: Path | None,
    variables: Mapping[str, str],
    profile: str | None,
    terminal: Terminal,
) -> int:
    """Show what `send` would do: new, already sent, changed since sent, in doubt, skipped; and the SMS segments.

    Without a ledger everything is new; none is created. A plan that is kept with --out holds no people's data, and
    `send --plan` sends exactly that, or says what has changed since.

    \b
    Examples:
      msgspec-runner plan specs/reminder.yaml
      msgspec-runner plan --output markdown --out plan.json
      msgspec-runner plan --since origin/main
    """
    if since is not None:
        from msgspec_runner.cli.plan_since import plan_since

        if out is not None or skip_invalid is not None:
            raise UsageError("--since shows what a change means: leave out --out and --skip-invalid")
        return plan_since(
            since,
            paths,
            profile,
            output=output,
            sandbox=sandbox,
            base_url=base_url,
            ledger=ledger,
            recipients=recipients,
            variables=variables,
            show_data=show_data,
            show_numbers=terminal.show_numbers,
        )
    if show_data:
        raise UsageError("--show-data: only --since shows messages; `render` prints those of every row")
    if out is not None:
        check_writable(out, "--out")
    project = load(paths, profile)
    with ExitStack() as stack:
        file = stack.enter_context(recipients_file(recipients))
        api = None if sandbox else choose_api(base_url)
        location = ledger if sandbox else choose_ledger(ledger, project.config)
        origin = api.origin if api else SANDBOX_ORIGIN
        spool = stack.enter_context(PlanSpool())
        try:
            sound = lint_first(
                project,
                variables,
                file,
                terminal,
                data_on_stdout=output != "text",
                skip_invalid=skip_invalid is not None,
                drafts=Drafts(spool, origin, leaves_out=skip_invalid is not None),
            )
        except NotSound:
            return 1
        book = None
        if (location or not sandbox) and ledger_exists(location, project.config.root):
            loopback = api is None or api.loopback
            book = open_ledger(location, project.config.root, loopback_or_sandbox=loopback, create=False, reads=True)
            stack.callback(book.close)
        elif not sandbox:
            terminal.note(_NO_LEDGER)
        read = (*project_files(project.config), *project.files, *sound.fingerprints)
        more = ledger_files(project.config, book.location) if book is not None else ()
        refuse_overwriting({"--out": out}, (*read, *more))
        plan = make_plan(sound, spool, book, origin)
        refuse_too_many_invalid(plan, skip_invalid)
        known = "" if book is not None else _NO_SANDBOX_LEDGER if sandbox else _NO_LEDGER
        if output == "markdown":
            from msgspec_runner.reports.markdown import code

            click.echo(_markdown(plan, known, nothing_to_send(sound, plan, code)))
        else:
            click.echo(_json(plan) if output == "json" else _text(plan, nothing_to_send(sound, plan)))
        if out is not None:
            write_plan(out, sound, plan, book, origin, variables)
            to_send = send_command(
                out,
                sandbox=sandbox,
                base_url=base_url,
                ledger=shown_ledger(ledger, book.location if book is not None else "postgresql://…"),
                recipients=recipients,
                variables=variables,
                profile=profile,
                skips_invalid=bool(plan.count(Decision.INVALID)),
            )
            terminal.note(f"to send exactly this: {printable(to_send)}")
    return 1 if plan.count(Decision.INVALID) else 0


def _text(plan: Plan, nothing: str) -> str:
    last = f"`send` would send {_what(plan)}" if plan.count(Decision.NEW) else nothing
    return "\n".join([*plan_lines(plan), last])


def _what(plan: Plan) -> str:
    """Return ``3 messages (4 segments), 2 of them scheduled for later``."""
    segments, waiting = plan.segments, sum(plan.scheduled.values())
    cost = f" ({count(segments, 'segment')})" if segments else ""
    later = f", {waiting:,} of them scheduled for later" if waiting else ""
    return f"{count(plan.count(Decision.NEW), 'message')}{cost}{later}"


def _json(plan: Plan) -> str:
    totals = {decision.name.lower(): plan.count(decision) for decision in Decision}
    report = {
        "version": 1,
        "specs": [spec.as_dict() for spec in plan.specs],
        "totals": {
            **totals,
            "changed_in_doubt": plan.changed_in_doubt,
            "scheduled": {reason.value: number for reason, number in plan.scheduled.items()},
            "segments": plan.segments if plan.count(Decision.NEW) else 0,
        },
    }
    return json.dumps(report, ensure_ascii=False, indent=2)


_MEANINGS = {
    Decision.CHANGED: "the words are others now, and nobody is texted again: raise `edition` to send again on purpose",
    Decision.IN_DOUBT: "an earlier run could not tell whether it was sent: it is not sent again by itself",
    Decision.REJECTED: "the API refused it: it is sent again when its words change",
    Decision.CANCELLED: "it was taken back before it went out",
    Decision.BUSY: "another `send` that is still at work has it",
    Decision.DUPLICATE: "another row says the same to the same number",
    Decision.EXPIRED: "it would arrive after `delivery.expires`",
    Decision.SUPPRESSED: "the number is on a list of `suppressions`",
    Decision.INVALID: "the row is wrong: the linter says why",
}
"""What a reviewer may ask of a column. New and sent say it themselves."""


def _markdown(plan: Plan, known: str, nothing: str) -> str:
    """Return what a pull request shows: the sum in a sentence, a line a spec, and what the columns mean."""
    new = plan.count(Decision.NEW)
    sentence = f"**`send` would send {_what(plan)}.**" if new else f"**{nothing.replace('nothing', 'Nothing', 1)}.**"
    if known:  # a reviewer does not see standard error
        sentence += f" There is {known}."
    lines = [sentence, "", *_table(plan)]
    doubts = plan.changed_in_doubt
    more = f" Of these, {doubts:,} {'is' if doubts == 1 else 'are'} in doubt: {_MEANINGS[Decision.IN_DOUBT]}."
    meanings = [
        f"- **{item.value}**: {words}.{more if doubts and item is Decision.CHANGED else ''}"
        for item, words in _MEANINGS.items()
        if plan.count(item)
    ]
    if plan.segments:
        meanings.append(
            "- **segments**: what the new SMS are billed by; one holds 160 characters, 70 with an emoji in it."
        )
    return "\n".join([*lines, *([""] if meanings else []), *meanings])


def _table(plan: Plan) -> Iterator[str]:
    columns = [decision for decision in Decision if decision is Decision.NEW or plan.count(decision)]
    waits = [reason for reason, number in plan.scheduled.items() if number]
    heads = [*columns, *(f"scheduled ({reason})" for reason in waits), *(["segments"] if plan.segments else [])]
    yield "| spec | edition | " + " | ".join(heads) + " |"
    yield "| --- |" + " ---: |" * (len(heads) + 1)
    for spec in plan.specs:
        numbers = [spec.decisions[decision] for decision in columns] + [spec.scheduled[reason] for reason in waits]
        cells = [f"{number:,}" for number in numbers]
        if plan.segments:
            cells.append("" if spec.segments is None else f"{spec.segments:,}")
        yield f"| `{spec.spec}` | {spec.edition} | {' | '.join(cells)} |"
