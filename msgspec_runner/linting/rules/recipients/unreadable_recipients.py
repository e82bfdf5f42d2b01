"""MSG506."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec_runner.audience import recipients_path, shown_path
from msgspec_runner.diagnostics import Severity
from msgspec_runner.errors import RecipientsError
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject


@spec_rule("MSG506", Severity.ERROR)
def unreadable_recipients(subject: Subject) -> Iterator[Finding]:
    """The recipients' file does not exist, lies outside the project, or cannot be read to its end.

    A file that is kept out of git is a warning only where samples stand in for it in the lint; ``send`` still
    needs it.

    Bad::

        recipients:
          file: no-such-file.csv

    Good::

        recipients:
          rows: [{phone: "+16175551212"}]
    """
    spec = subject.spec
    if spec.file is None or subject.recipients_replaced:
        return
    span = subject.document.span(spec.file.start, spec.file.end)
    try:
        path = recipients_path(spec, subject.config.root)
    except RecipientsError as error:
        yield Finding(span, error.message, "recipients.file")
        return
    assert path is not None
    if not path.is_file():
        shown = shown_path(path, subject.config.root)
        if spec.samples:
            message = f"no file {shown} here: linted with the samples only, and `send` will need it"
            yield Finding(span, message, "recipients.file", severity=Severity.WARNING)
        else:
            message = f"no file {shown}{_elsewhere(subject)}"
            yield Finding(span, message, "recipients.file")


def _elsewhere(subject: Subject) -> str:
    """Say where the file is, where the path was meant from the project's root."""
    written = subject.spec.file.text if subject.spec.file is not None else ""
    if (subject.config.root / written).is_file():
        here = Path(subject.document.file).resolve().parent
        found = Path(os.path.relpath((subject.config.root / written).resolve(), here)).as_posix()
        return f"; paths are relative to the spec: write `{found}`"
    return ": add it, or add `samples` to lint without it and send with --recipients"
