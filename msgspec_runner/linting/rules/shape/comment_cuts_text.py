"""MSG105."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.content.patterns import later
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject

_PROSE = ("text", "name")
# One space and then `#1`, `#sale` or a template: words of the message. A comment of the author stands further off,
# or begins with a space.
_WORDS = later(r" #(?=[^\s#!])|[ \t]+#(?=.*\{[{%])")


@spec_rule("MSG105", Severity.WARNING)
def comment_cuts_text(subject: Subject) -> Iterator[Finding]:
    """A ``#`` in a text begins a YAML comment, and the rest is not sent.

    In a value without quotes, a space and a ``#`` begin a comment: ``Ticket #12 is ready`` is sent as ``Ticket``.
    A comment of yours is told from that by two spaces in front of it and one behind the ``#``.

    Bad::

        message:
          text: Ticket #12 is ready.

    Good::

        message:
          text: "Ticket #12 is ready."  # quoted, so that the number is part of it
    """
    document = subject.document
    for field in subject.spec.fields:
        prose = field.path[1] in _PROSE or field.path[:3] == ("message", "template", "variables")
        if not prose or field.node.style != "plain" or field.blank:
            continue
        line_end = document.text.find("\n", field.node.end)
        rest = document.text[field.node.end : line_end if line_end >= 0 else None]
        match = _WORDS.match(rest)
        if match is not None:
            start = field.node.end + match.end() - 1
            span = document.span(start, field.node.end + len(rest.rstrip()))
            message = "a space and `#` begin a comment, so this is not sent: put the whole value in quotes"
            yield Finding(span, message, field.dotted)
