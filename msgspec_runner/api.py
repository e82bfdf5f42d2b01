"""The Python way in: ``from msgspec_runner import lint, load_spec, render, segments``.

The same code as the command line, without a terminal: nothing is printed, and nothing is ever sent from here.
``docs/python.md`` shows each name at work. Whatever cannot go on raises a
:class:`~msgspec_runner.errors.RunnerError`, whose text is for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from msgspec_runner.audience import open_audience, rendered_rows
from msgspec_runner.config import Config, project_root
from msgspec_runner.content.segments import Segments, segments
from msgspec_runner.diagnostics import Diagnostic, Severity
from msgspec_runner.errors import RunnerError, UsageError
from msgspec_runner.linting.linter import Linter
from msgspec_runner.project import configure, load, read
from msgspec_runner.recipients.readers import inline
from msgspec_runner.recipients.rows import Source
from msgspec_runner.rendering import Renderer, merged_variables
from msgspec_runner.source.partials import Partials
from msgspec_runner.spec import Spec, build_spec

__all__ = ["Diagnostic", "RenderedMessage", "Segments", "Spec", "SpecError", "lint", "load_spec", "render", "segments"]

AnyPath = str | PathLike[str]
"""A path as people write it."""


class SpecError(RunnerError):
    """A spec cannot be used as it is written, or one of its rows cannot be sent.

    Attributes:
        diagnostics: the errors of a spec; empty where it is about a row.
    """

    def __init__(self, message: str, diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(message)
        self.diagnostics = tuple(diagnostics)


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """What one recipient would get.

    Attributes:
        spec: the spec's id.
        edition: the spec's edition.
        row: 1-based number of the recipient, a header not counted.
        to: E.164 with ``+``.
        recipient_key: the rendered ``recipients.key``; empty where there is none.
        body: the API's parameters, exactly as they would be posted.
    """

    spec: str
    edition: int
    row: int
    to: str
    recipient_key: str
    body: Mapping[str, object]


def lint(
    *paths: AnyPath,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    profile: str | None = None,
    variables: Mapping[str, object] | None = None,
    recipients: AnyPath | None = None,
) -> tuple[Diagnostic, ...]:
    """Return what is wrong with specs, for every recipient: the findings of ``msgspec-runner lint``.

    Args:
        paths: spec files and folders; none means the configuration's ``specs``.
        select: only these rules, over the configuration's: codes, beginnings of codes, names.
        ignore: not these rules, beside the configuration's.
        profile: of the configuration; without, every profile is linted.
        variables: vars over all others, as ``--var``.
        recipients: a file instead of the specs' own recipients.

    Returns:
        The findings, sorted by file and place; empty where all is well.

    Raises:
        UsageError: a path or a rule does not exist.
        NoSpecError: there is no spec.
        ConfigError: the configuration is wrong.
        RecipientsError: the file of ``recipients`` cannot be read.

    Example:
        >>> lint("specs", select=["MSG2"])
        ()
    """
    project = load([Path(path) for path in paths], profile)
    config = replace(
        project.config,
        select=tuple(select) or project.config.select,
        ignore=(*project.config.ignore, *ignore),
    )
    file = Path(recipients) if recipients is not None else None
    return Linter(config, variables or {}, file).lint(project.documents()).diagnostics


def load_spec(path: AnyPath) -> Spec:
    """Read one spec.

    Args:
        path: the file.

    Raises:
        SpecError: it is no spec: not YAML, or not of a spec's shape. Whether it is a sound one is :func:`lint`'s
            question.
        UsageError: there is no such file.
    """
    file = Path(path)
    if not file.is_file():
        raise UsageError(f"no file {file}")
    document = read(file, project_root(Path.cwd(), (file,)))
    shape = Linter(Config(root=Path.cwd(), select=("MSG1",)), rows=False)
    _refuse(shape.lint([document]).diagnostics)
    return build_spec(document)


def render(
    spec: Spec | AnyPath,
    recipients: AnyPath | Sequence[Mapping[str, object]] | None = None,
    *,
    profile: str | None = None,
    variables: Mapping[str, object] | None = None,
) -> Iterator[RenderedMessage]:
    """Render a spec for its recipients, one at a time: the memory does not grow with them.

    Args:
        spec: from :func:`load_spec`, or a spec's file. Its project's configuration is used.
        recipients: a file, or rows, instead of the spec's own. ``load_spec(…).samples`` are rows.
        profile: of the configuration.
        variables: vars over all others, as ``--var``.

    Yields:
        A message for each recipient.

    Raises:
        SpecError: the spec has errors as it is written, or a row cannot be sent; rows before it were yielded.
        RecipientsError: the recipients cannot be read.
        UsageError: the spec names no recipients, and there are no others.

    Example:
        >>> for message in render("specs/welcome.yaml"):
        ...     print(message.to, message.body["text"])
    """
    if not isinstance(spec, Spec):
        spec = load_spec(spec)
    document = spec.document
    config = configure((Path(document.file),), profile)
    if not config.profile:
        config = replace(config, profiles={})
    _refuse(Linter(config, variables or {}, rows=False).lint([document]).diagnostics)
    renderer = Renderer(
        spec,
        merged_variables(config, spec, variables or {}),
        locale=config.locale,
        timezone=config.timezone,
        partials=Partials(config.root),
    )
    with ExitStack() as stack:
        source = stack.enter_context(_open(spec, config, recipients))
        for row in rendered_rows(source, renderer):
            if row.problems:
                problem = row.problems[0]
                raise SpecError(f"{document.file}: row {row.row.number}: {problem.rule}: {problem.detail}")
            sent = row.rendered
            yield RenderedMessage(spec.id, spec.edition, row.row.number, sent.to, sent.recipient_key, sent.body)


def _open(spec: Spec, config: Config, recipients: AnyPath | Sequence[Mapping[str, object]] | None) -> Source:
    if recipients is None:
        return open_audience(spec, config.root)
    if isinstance(recipients, str | PathLike):
        return open_audience(spec, config.root, Path(recipients))
    return inline(recipients, "recipients")


def _refuse(diagnostics: Iterable[Diagnostic]) -> None:
    errors = [item for item in diagnostics if item.severity is Severity.ERROR]
    if errors:
        first = errors[0]
        place = f"{first.file}:{first.span.start.line}:{first.span.start.col}"
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise SpecError(f"{place}: {first.code} {first.message}{more}", errors)
