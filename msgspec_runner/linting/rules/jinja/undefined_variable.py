"""MSG402."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, closest, spec_rule
from msgspec_runner.linting.rules.jinja.problems import MAX_TOLD
from msgspec_runner.linting.subject import Subject
from msgspec_runner.templates import RESERVED_NAMES

MAX_GUESSED = 50
"""For how many unknown names the closest known one is looked up."""


@spec_rule("MSG402", Severity.ERROR)
def undefined_variable(subject: Subject) -> Iterator[Finding]:
    """A template uses a name that is neither a column nor a var.

    Nobody would get the message: a missing value is an error, never an empty string.

    Bad::

        message:
          text: "Hi {{ frist_name }}!"
        recipients:
          samples: [{phone: "+16175551212", first_name: Ann}]

    Good::

        message:
          text: "Hi {{ first_name }}!"
        recipients:
          samples: [{phone: "+16175551212", first_name: Ann}]
    """
    if subject.columns is None:
        return
    known = subject.columns | set(subject.variables)
    meant: dict[str, str | None] = {}
    told = 0
    for field in subject.spec.templates:
        refused = {(problem.start, problem.end) for problem in field.template.problems}  # MSG407: it is called
        for use in field.template.names:
            if use.name in known or (use.start, use.end) in refused:
                continue
            told += 1
            if told > MAX_TOLD:
                return
            span = subject.field_span(field, use.start, use.end)
            if use.name not in meant:
                # Ten milliseconds where there are thousands of names.
                few = len(meant) < MAX_GUESSED
                meant[use.name] = closest(use.name, (name for name in known if name.isidentifier())) if few else None
            match = meant[use.name]
            fix = subject.replacement(field.node, match, use.start, use.end) if match else None
            header = _header(use.name, subject.unnamed)
            message = _message(use.name, match, known) if header is None else _unnamed(use.name, header)
            if told == MAX_TOLD:
                message += "; more like it follow"
            yield Finding(span, message, field.dotted, fix if header is None else None)


def _header(name: str, unnamed: Iterable[str]) -> str | None:
    """Return the header that is no name itself but reads like this one: ``First Name`` for ``firstName``."""
    read = _read(name)
    return next((header for header in sorted(unnamed) if read and _read(header) == read), None)


def _read(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _unnamed(name: str, header: str) -> str:
    return f"the data have a column “{header}”, which is no name: declare it as `{name}: {{header: {header}}}`"


def _message(name: str, match: str | None, known: set[str] | frozenset[str]) -> str:
    if name in RESERVED_NAMES:
        return (
            f"`{name}` is a name of Python's or Jinja's own: there is no such function here, "
            f"and a column of that name needs another one, with `header: {name}`"
        )
    if match:
        return f"`{name}` is no column and no var; did you mean `{match}`?"
    if not known:
        return f"`{name}` is no column and no var: add it under `vars`, or under `recipients`"
    some = ", ".join(sorted(known)[:8]) + (", …" if len(known) > 8 else "")
    return f"`{name}` is no column and no var; there are {some}"
