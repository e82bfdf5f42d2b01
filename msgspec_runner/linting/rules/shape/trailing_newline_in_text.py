"""MSG106."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.content.patterns import later
from msgspec_runner.diagnostics import Edit, Fix, Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject

# What Jinja takes away: with trim_blocks one newline behind a block tag or a comment (but not behind `+%}`), and all
# white space behind `-}}`, `-%}` and `-#}`.
_TAKEN_BY_JINJA = later(r"(?:-[%}#]\}\s*|(?<!\+)[%#]\}\n)\Z")
_TEXT = frozenset({"string", "scalar"})
"""Kinds of fields that are sent as written; white space around a number or an object has no effect."""


@spec_rule("MSG106", Severity.WARNING)
def trailing_newline_in_text(subject: Subject) -> Iterator[Finding]:
    """A block scalar ends with a newline that becomes part of the message.

    ``|`` and ``>`` keep the last line's end, ``|-`` and ``>-`` do not. A trailing newline costs a character of
    the segment and makes an exact-match template value wrong.

    Bad::

        message:
          text: |
            Hello {{ first_name }}

    Good::

        message:
          text: |-
            Hello {{ first_name }}
    """
    document = subject.document
    for field in (*subject.spec.fields, *([subject.spec.key] if subject.spec.key else [])):
        node = field.node
        if node.style not in {"literal", "folded"} or not node.text.endswith("\n") or field.kind not in _TEXT:
            continue
        if not field.template.is_static and _TAKEN_BY_JINJA.search(node.text):
            continue
        span = document.span(node.start, node.header_end)
        header = document.text[node.start : node.header_end]
        wanted = header.replace("+", "") + "-"
        yield Finding(
            span,
            f"`{header}` keeps the newline at the end, and it is sent: write `{wanted}`",
            field.dotted,
            Fix("safe", (Edit(span, wanted),)),
        )
