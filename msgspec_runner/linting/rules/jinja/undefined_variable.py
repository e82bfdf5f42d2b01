"""MSG402."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from msgspec_runner.content.patterns import later
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, closest, spec_rule
from msgspec_runner.linting.rules.jinja.problems import MAX_TOLD, problem_findings
from msgspec_runner.linting.rules.shape.meant_keys import place_of
from msgspec_runner.linting.rules.shape.misspelt_blocks import Block, misspelt_blocks
from msgspec_runner.linting.subject import Subject
from msgspec_runner.templates import RESERVED_NAMES
from msgspec_runner.templates.reserved import JINJA_GLOBALS

MAX_GUESSED = 50
"""For how many unknown names the closest known one is looked up."""

MAX_NAMED = 3
"""Further names that a message lists."""

_ARGUMENT = later(r"\|\s*(?P<filter>currency|date|datetime)\s*\(\s*(?P<key>[a-z]+\s*=\s*)?\Z")
_DATES = later(r"short|medium|long|full|[EyMdHhmsa]+")
_PATTERNS = {"currency": later(r"[A-Z]{3}"), "date": _DATES, "datetime": _DATES}
"""What the text that such a filter takes looks like."""


@spec_rule("MSG402", Severity.ERROR)
def undefined_variable(subject: Subject) -> Iterator[Finding]:
    """A template uses a name that is neither a column nor a var.

    Nobody would get the message: a missing value is an error, never an empty string. The names of a misspelt or
    misplaced ``recipients`` or ``vars`` (MSG107) are told of once, with what to correct. What Jinja itself would have
    (``range``, ``dict``, ``lipsum``, ``cycler``, ``joiner``, ``namespace``) is not there either, called or not.

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
    yield from problem_findings(subject, "undefined")
    columns = subject.columns
    if columns is None:  # of names that any recipients may bring nothing is said
        uses = (use.name for field in subject.spec.templates for use in field.template.names)
        columns = frozenset(uses) - JINJA_GLOBALS
    known = columns | set(subject.variables)
    unknown = {use.name for field in subject.spec.templates for use in field.template.names} - known
    blocks = misspelt_blocks(subject) if unknown else ()
    found = known.union(*(block.names for block in blocks))
    meant: dict[str, str | None] = {}
    explained: set[Block] = set()
    told = 0
    for field in subject.spec.templates:
        refused = {(problem.start, problem.end) for problem in field.template.problems}  # it is called
        for use in field.template.names:
            if use.name in known or (use.start, use.end) in refused:
                continue
            block = next((block for block in blocks if use.name in block.names), None)
            if block in explained:
                continue
            told += 1
            if told > MAX_TOLD:
                return
            span = subject.field_span(field, use.start, use.end)
            if block is not None:
                explained.add(block)
                yield Finding(span, _come_from(block, use.name, unknown), field.dotted)
                continue
            if use.name not in meant:
                # Ten milliseconds where there are thousands of names.
                few = len(meant) < MAX_GUESSED
                meant[use.name] = closest(use.name, (name for name in found if name.isidentifier())) if few else None
            match = meant[use.name]
            fix = subject.replacement(field.node, match, use.start, use.end) if match else None
            header = _header(use.name, subject.unnamed)
            message = _message(use.name, match, found) if header is None else _unnamed(use.name, header)
            unquoted = _without_quotes(field.template.source[: use.start], use.name)
            if unquoted is not None:
                fix, message = None, f"`{use.name}` is no column and no var: write it in quotes, as in `{unquoted}`"
            if told == MAX_TOLD:
                message += "; more like it follow"
            yield Finding(span, message, field.dotted, fix if header is None else None)


def _without_quotes(before: str, name: str) -> str | None:
    """Return how to write a currency or a date's pattern that is taken for a name: ``currency("USD")``; or None.

    Args:
        before: what stands before the name in the template.
        name: the name.
    """
    found = _ARGUMENT.search(before)
    if found is None or _PATTERNS[found["filter"]].fullmatch(name) is None:
        return None
    return f'{found["filter"]}({found["key"] or ""}"{name}")'


def _come_from(block: Block, name: str, unknown: Collection[str]) -> str:
    """Say of a block's names that are missing, once for all of them, what has to be corrected."""
    more = sorted(other for other in block.names if other in unknown and other != name)
    names = [f"`{each}`" for each in (name, *more[:MAX_NAMED])]
    names += [f"{len(more) - MAX_NAMED} more"] if len(more) > MAX_NAMED else []
    listed = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    key = ".".join(block.path)
    cure = (
        f"write `{block.meant[-1]}`" if block.meant[:-1] == block.path[:-1] else f"it belongs {place_of(block.meant)}"
    )
    return f"{listed} would come from `{key}`, which is no field of a spec: {cure}"


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
