"""MSG409."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.content.patterns import later
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.source.document import Mapping, Node, Scalar, Sequence
from msgspec_runner.spec import entry_at
from msgspec_runner.templates import RESERVED_NAMES, Template, parse

_ANCHOR = later(r"[\s:\[{,]&[^\s,\[\]{}]")
MAX_PARTIALS = 100
"""Partials that are followed; where a spec includes more, nothing is called unused."""


@spec_rule("MSG409", Severity.INFO)
def unused_name(subject: Subject) -> Iterator[Finding]:
    """A column or a var is declared, and nothing in the spec uses it.

    A required column that nobody needs still stops every recipient whose cell is empty. Or it was to be used, and a
    template has another name in its place. Looked at are the message, ``recipients.key``, the strings of ``delivery``
    and the partials that they include.

    Bad::

        message:
          text: "Hi {{ first_name }}!"
        recipients:
          columns: {phone: {type: phone}, first_name: {}, nick: {required: false}}

    Good::

        message:
          text: "Hi {{ nick | default(first_name) }}!"
        recipients:
          columns: {phone: {type: phone}, first_name: {}, nick: {required: false}}
    """
    columns, variables = {column.name for column in subject.spec.columns}, set(subject.spec.vars)
    if not (columns or variables) or subject.spec.message is None or subject.document.problems:
        return
    used = _used(subject)
    if used is None or not used <= (subject.columns or used) | set(subject.variables):
        return  # first things first: a name that does not exist (MSG402) may be meant to be one of these
    unused: list[tuple[str, ...]] = [("recipients", "columns", name) for name in columns - variables - used]
    unused += [("vars", name) for name in variables - columns - used if not _is_anchored(subject, name)]
    unused = [path for path in unused if path[-1].isidentifier() and path[-1] not in RESERVED_NAMES]
    if not unused or subject.violations:  # what is in the wrong place may be the use that is missing
        return
    for path in unused:
        what = "column" if path[0] == "recipients" else "var"
        cure = f"remove it, or write `{{{{ {path[-1]} }}}}` where it belongs"
        yield Finding(subject.key_span(*path), f"nothing uses the {what} `{path[-1]}`: {cure}", ".".join(path))


def _is_anchored(subject: Subject, name: str) -> bool:
    """Say whether a var holds an anchor: then it may be there to be repeated elsewhere in the file."""
    entry = entry_at(subject.document, ("vars", name))
    return entry is not None and _ANCHOR.search(subject.document.text, entry.key.end, entry.value.end) is not None


def _used(subject: Subject) -> set[str] | None:
    """Return every name that a template reads; None where one of them cannot be read."""
    document = subject.document
    templates = [
        parse(scalar.text)
        for path in (("message",), ("recipients", "key"), ("delivery",))
        for scalar in _scalars(document.node(path))
    ]
    partials = _partials(subject, templates)
    if partials is None or any(template.problems for template in (*templates, *partials)):
        return None
    return {use.name for template in (*templates, *partials) for use in template.names}


def _scalars(node: Node | None) -> Iterator[Scalar]:
    """Yield the scalars of a node that may be templates."""
    level = [node]
    while level:
        below: list[Node | None] = []
        for each in level:
            if isinstance(each, Scalar) and "{" in each.text:
                yield each
            elif isinstance(each, Sequence):
                below.extend(each.items)
            elif isinstance(each, Mapping):
                below.extend(entry.value for entry in each.entries)
        level = below


def _partials(subject: Subject, templates: list[Template]) -> list[Template] | None:
    """Return the partials that templates include, and theirs; None where one is not there, or there are too many."""
    found: dict[str, Template] = {}
    waiting = [use for template in templates for use in template.includes]
    while waiting:
        use = waiting.pop()
        if use.name in found:
            continue
        source = subject.partials(use.name)
        if source is None and use.optional:
            continue
        if source is None or len(found) >= MAX_PARTIALS:
            return None
        found[use.name] = parse(source)
        waiting += found[use.name].includes
    return list(found.values())
