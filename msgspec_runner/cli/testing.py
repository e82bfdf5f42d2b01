"""``send --test-to``: one real message to yourself, to see on your own phone what a recipient would get.

It goes the way of every message, with a ledger that is thrown away: nothing is recorded as sent for that recipient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from msgspec_runner.audience import RenderedRow, open_audience, open_samples, rendered_rows
from msgspec_runner.cli.dispatching import Destination, Manner, confirmed, dispatch, exit_code, new_run
from msgspec_runner.cli.options import Terminal
from msgspec_runner.cli.outputs import summary_json
from msgspec_runner.cli.preparing import refuse_unsendable, sending_config, show_findings
from msgspec_runner.config import Config
from msgspec_runner.content.phone import canonical, country, is_unassigned, mask, problem
from msgspec_runner.dispatch.drafting import sms_segments
from msgspec_runner.dispatch.progress import RunResult
from msgspec_runner.errors import LedgerError, UnsendableError, UsageError
from msgspec_runner.ledger import temporary_ledger
from msgspec_runner.linting.linter import Linter
from msgspec_runner.messages import to_message
from msgspec_runner.model import Message, State
from msgspec_runner.project import Project
from msgspec_runner.recipients.rows import Source
from msgspec_runner.recipients.suppressed import read_suppressed
from msgspec_runner.rendering import Renderer, merged_variables
from msgspec_runner.reports.concise import concise
from msgspec_runner.reports.full import summary
from msgspec_runner.reports.run_summary import shown
from msgspec_runner.reports.text import count, printable
from msgspec_runner.source.partials import Partials
from msgspec_runner.spec import Spec, build_spec

LEFT_OUT = ("name", "contact_saving", "schedule")
"""What is somebody else's, or would keep the message back: your number is not saved under that person's name."""


@dataclass(frozen=True, slots=True)
class Pick:
    """Whose message it is.

    Attributes:
        sample: of the spec, 1-based; None for the first one, unless a row is asked for.
        row: of the recipients, 1-based; None for a sample.
        recipients: of ``--recipients``.
    """

    sample: int | None
    row: int | None
    recipients: Path | None


def send_test(
    project: Project,
    variables: Mapping[str, object],
    number: str,
    pick: Pick,
    destination: Destination,
    manner: Manner,
    terminal: Terminal,
) -> int:
    """Send one message of one spec to a number of the user's own; return the exit code.

    Args:
        project: of one spec.
        variables: of ``--var``.
        number: as the user wrote it.
        pick: whose message it is.
        destination: where it goes.
        manner: of ``send``.
        terminal: where to tell it.

    Raises:
        UsageError: there is no such recipient, the number is none or suppressed, or several specs are named.
        UnsendableError: that message cannot be sent.
    """
    config = sending_config(project)
    to = _number(number, config)
    if len(project.files) > 1:
        raise UsageError(f"--test-to sends one message: name one spec, not {len(project.files):,}. Nothing was sent.")
    documents = list(project.documents())
    result = Linter(config, variables, rows=False).lint(documents)
    if result.fails(config.fail_level):
        show_findings(concise(result), color=False, err=manner.output != "text")
        terminal.warn(f"{summary(result, color=terminal.colors(err=True))}; nothing was sent")
        return 1
    refuse_unsendable(documents, config)
    spec = build_spec(documents[0])
    message, left_out, who = _message(spec, config, variables, to, pick, destination.origin)
    where = country(to)  # a number without its country code may be somebody's elsewhere
    yours = f"your number {to if terminal.show_numbers else mask(to)}{f' (country {where})' if where else ''}"
    cost = f", {count(message.segments, 'segment')}" if message.segments else ""
    terminal.note(f"{spec.id} (edition {spec.edition})  {printable(spec.document.file)}: {who}, to {yours}{cost}")
    without = f"without its {', '.join(left_out)}; " if left_out else ""
    terminal.note(f"it goes out now, {without}delivery rules do not hold, and nothing is recorded")
    asks = destination.api is not None and not manner.yes
    if asks and not confirmed(f"Send it to {yours} by {destination.origin}?", terminal):
        terminal.warn("not confirmed: nothing was sent")
        return 2
    return _post(message, destination, config, manner, terminal)


def _number(number: str, config: Config) -> str:
    to = canonical(number)
    if to is None:
        raise UsageError(f"the number of --test-to {problem(number)}. Nothing was sent.")
    if is_unassigned(to):  # as MSG507 says
        raise UsageError(
            "nobody can have the number of --test-to: its country has not given it out. Is the country code missing? "
            "Write it like +16175551212. Nothing was sent."
        )
    if to in read_suppressed(config.suppressions, config.root):
        raise UsageError("the number of --test-to is on a list of `suppressions`. Nothing was sent.")
    return to


def _message(
    spec: Spec, config: Config, variables: Mapping[str, object], to: str, pick: Pick, origin: str
) -> tuple[Message, list[str], str]:
    """Return what to send, which of its fields were left out, and whose message it is."""
    renderer = Renderer(
        spec,
        merged_variables(config, spec, variables),
        locale=config.locale,
        timezone=config.timezone,
        partials=Partials(config.root),
    )
    source, wanted, who = _source(spec, config, pick)
    with source:
        found = _find(source, renderer, wanted)
    if found is None:
        raise UsageError(f"{spec.document.file}: there is no {who}. Nothing was sent.")
    if found.problems:
        first = found.problems[0]
        raise UnsendableError(
            f"{spec.document.file}: {who} cannot be sent ({first.rule}: {first.detail}). Nothing was sent."
        )
    rendered = found.rendered
    body = {name: value for name, value in rendered.body.items() if name not in LEFT_OUT} | {"to": to}
    message = to_message(
        spec,
        rendered._replace(body=body, to=to, recipient_key=""),
        wanted,
        origin,
        segments=sms_segments(rendered),
    )
    return message, [name for name in LEFT_OUT if name in rendered.body], who


def _source(spec: Spec, config: Config, pick: Pick) -> tuple[Source, int, str]:
    """Return where the message's recipient is, its number there, and what it is called."""
    if pick.row is not None:
        return open_audience(spec, config.root, pick.recipients), pick.row, f"row {pick.row}"
    if pick.recipients is not None:
        raise UsageError("--recipients has no samples: take one of its recipients with --row N. Nothing was sent.")
    wanted = pick.sample or 1
    if spec.samples or not spec.has_recipients:
        source = open_samples(spec) if spec.samples else open_audience(spec, config.root)
        return source, wanted, f"sample {wanted}"
    raise UsageError(
        f"{spec.document.file}: the spec has no samples: add `samples`, or take a recipient with --row N. "
        "Nothing was sent."
    )


def _find(source: Source, renderer: Renderer, wanted: int) -> RenderedRow | None:
    return next((row for row in rendered_rows(source, renderer) if row.row.number == wanted), None)


def _post(message: Message, destination: Destination, config: Config, manner: Manner, terminal: Terminal) -> int:
    run = new_run(destination.origin, [message.spec])
    alone, nobody = replace(manner, concurrency=1, rate=None), replace(terminal, quiet=True)
    with temporary_ledger() as book:
        book.begin(run)
        book.plan(run.id, [message])
        result = dispatch(book, run.id, 1, destination, replace(config, rate=None), alone, nobody, {})
        try:
            (record,) = book.messages(run=run.id)
            words = _words(record.state, record.message_id, record.error, result, terminal)
        except LedgerError:  # the disk is full, after the message had left, perhaps
            why = shown(result.stopped_reason or "nothing could be recorded", show_numbers=terminal.show_numbers)
            words = f"in doubt, so look at your phone: {why}"
    terminal.warn(words)
    if manner.output == "json":
        terminal.report(summary_json(None, result, {}))
    return exit_code(result)


def _words(state: State, message_id: str | None, error: str | None, result: RunResult, terminal: Terminal) -> str:
    said = shown(error or "no words", show_numbers=terminal.show_numbers)
    if state is State.ACCEPTED:
        return f"accepted: look at your phone (message {printable(message_id or '')})"
    if state is State.REJECTED:
        return f"rejected: {said}"
    if state in {State.IN_DOUBT, State.SENDING}:  # the ledger failed: what came of it could not be recorded
        return f"in doubt, so look at your phone: {said}"
    reason = result.stopped_reason or error or "interrupted"
    return f"not sent: {shown(reason, show_numbers=terminal.show_numbers)}"
