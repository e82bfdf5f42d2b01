"""MSG410."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from posixpath import normpath

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, did_you_mean, spec_rule
from msgspec_runner.linting.rules.jinja.problems import problem_findings
from msgspec_runner.linting.subject import Subject
from msgspec_runner.source.partials import MAX_PARTIAL


@spec_rule("MSG410", Severity.ERROR)
def missing_include(subject: Subject) -> Iterator[Finding]:
    """``{% include %}`` or ``{% import %}`` names a file that is not in ``partials/``.

    Partials lie in the folder ``partials/`` of the project's root, and are named by their path in it; nothing else is
    read, symlinks included.

    Bad::

        message:
          text: "Hello! {% include 'no-such-signature.txt' %}"

    Good::

        message:
          text: "Hello! Your clinic"
    """
    yield from problem_findings(subject, "include")
    for field in subject.spec.templates:
        for use in field.template.includes:
            if not use.optional and subject.partials(use.name) is None:
                span = subject.field_span(field, use.start, use.end)
                yield Finding(span, _message(use.name, subject), field.dotted)


def _message(name: str, subject: Subject) -> str:
    known = subject.partials.names()
    inner, last = name.removeprefix("partials/"), name.rstrip("/").rpartition("/")[2]
    if not last.strip("."):
        return "this names no file: write the name of one in `partials/`, such as 'signature.txt'"
    if name in known and _leads_out(name, subject):
        return f"`partials/{name}` is a link that leads out of `partials/`: put the file itself there"
    if name in known:
        return f"`partials/{name}` cannot be read: it is larger than {MAX_PARTIAL // 1024} KiB, or not UTF-8"
    if inner != name and inner in known:
        return f"a partial is named by its path in `partials/`: write '{inner}'"
    if name.startswith("/") or normpath(name).startswith("..") or _lies_elsewhere(name, subject):
        cure = f"write '{last}', which is there" if last in known else f"move the file to `partials/{last}`"
        cure += "" if last in known else f", and write '{last}'"
        return f"`{name}` is not in `partials/`, and nothing else can be included: {cure}"
    hint = did_you_mean(name, known) or "; includes come from `partials/` only: add it there, or write the text here"
    return f"no file `partials/{name}` in the project{hint}"


def _leads_out(name: str, subject: Subject) -> bool:
    folder = (subject.config.root / "partials").resolve()
    return not (folder / name).resolve().is_relative_to(folder)


def _lies_elsewhere(name: str, subject: Subject) -> bool:
    """Say whether the project has the file at the path from its root, or from the spec; of others nothing is asked."""
    root = subject.config.root.resolve()
    for folder in (root, Path(subject.document.file).resolve().parent):
        try:
            path = (folder / name).resolve()
            if path.is_relative_to(root) and path.is_file():
                return True
        except (OSError, RuntimeError, ValueError):  # too long, a circle of links, a NUL
            continue
    return False
