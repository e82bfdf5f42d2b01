"""From specs to what a preview shows of them: linted as ``lint`` does, rendered as ``render`` and ``send`` do."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from msgspec_runner.audience import RenderedRow, open_audience, open_samples, recipients_path, rendered_rows
from msgspec_runner.config import Config
from msgspec_runner.content.segments import GSM_BASIC, GSM_EXTENSION, segments
from msgspec_runner.diagnostics import Diagnostic, Severity
from msgspec_runner.errors import RecipientsError
from msgspec_runner.linting.linter import LintResult
from msgspec_runner.linting.rules import RULES
from msgspec_runner.messages import message_maker
from msgspec_runner.providers import TWLO
from msgspec_runner.providers.catalog import NO_CATALOGS, Catalogs, CatalogTemplate, Variable
from msgspec_runner.recipients.rows import Source
from msgspec_runner.rendering import Renderer, RowProblem, merged_variables
from msgspec_runner.reports.notes import cells, rows
from msgspec_runner.reports.preview.values import (
    Excerpt,
    Obstacle,
    Origin,
    Preview,
    ShownFinding,
    ShownMessage,
    ShownSpec,
)
from msgspec_runner.reports.text import printable
from msgspec_runner.source.document import Document
from msgspec_runner.source.partials import Partials
from msgspec_runner.spec import Spec, build_spec

MOST_FINDINGS = 100
"""Of one spec that a page shows: who has more reads ``lint``'s own report."""

MOST_CHARACTERS = 160
"""Of a spec's line that are shown around a finding."""

_GSM = frozenset(GSM_BASIC + GSM_EXTENSION)
_RULES = {rule.name: rule for rule in RULES}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which messages to show.

    Attributes:
        recipients: of ``--recipients``.
        variables: of ``--var``.
        api: the origin whose identities are shown; see :func:`msgspec_runner.model.identity`.
        show_data: whether the recipients are shown; else samples, or the rows that a spec itself holds.
        only: the number of the one row to show of each spec; None: all.
        limit: most rows of each spec.
    """

    recipients: Path | None = None
    variables: Mapping[str, object] = field(default_factory=dict)
    api: str = ""
    show_data: bool = False
    only: int | None = None
    limit: int = 10_000


def gather(
    documents: Iterable[Document], result: LintResult, config: Config, choice: Choice, catalogs: Catalogs = NO_CATALOGS
) -> Preview:
    """Render the messages that were chosen, and put beside each what the linter said of it.

    Args:
        documents: the specs.
        result: of the linter, which was asked for every row (``every_row``).
        config: the configuration that they were linted under.
        choice: which messages to show.
        catalogs: the WhatsApp templates that the project knows.

    Raises:
        RecipientsError: the file of ``--recipients`` cannot be read.
    """
    by_file: dict[str, list[Diagnostic]] = defaultdict(list)
    for item in result.diagnostics:
        by_file[item.file].append(item)
    partials = Partials(config.root)
    specs = []
    personal = choice.show_data
    for document in documents:
        spec = build_spec(document)
        specs.append(_Gathering(spec, by_file[document.file], config, choice, catalogs, partials).gather())
        # Rows in a spec are real; where samples stand in for them, a finding may still show one's line.
        personal = personal or spec.rows is not None or not spec.has_recipients
    return Preview(tuple(specs), {severity: result.count(severity) for severity in Severity}, personal)


class _Gathering:
    """One spec on its way into a preview."""

    def __init__(
        self,
        spec: Spec,
        diagnostics: list[Diagnostic],
        config: Config,
        choice: Choice,
        catalogs: Catalogs,
        partials: Partials,
    ) -> None:
        self._spec = spec
        self._diagnostics = diagnostics[:MOST_FINDINGS]
        self._unsaid = len(diagnostics) - len(self._diagnostics)
        self._config = config
        self._choice = choice
        self._catalogs = catalogs
        self._partials = partials
        self._make = message_maker(spec, choice.api)
        self._notes: list[str] = []

    def gather(self) -> ShownSpec:
        spec = self._spec
        return ShownSpec(
            spec.document.file,
            spec.id,
            spec.edition,
            spec.description,
            tuple(_finding(item, spec.document) for item in self._diagnostics),
            self._unsaid,
            tuple(self._messages()) if spec.message is not None else (),
            tuple(self._notes),
        )

    def _messages(self) -> Iterator[ShownMessage]:
        choice, spec = self._choice, self._spec
        try:
            opened = self._open()
            if opened is None:
                return
            source, origin = opened
            renderer = Renderer(
                spec,
                merged_variables(self._config, spec, choice.variables),
                locale=self._config.locale,
                timezone=self._config.timezone,
                partials=self._partials,
            )
            blamed = self._blamed(origin)
            with source:
                chosen = islice(self._chosen(rendered_rows(source, renderer)), choice.limit + 1)
                for count, row in enumerate(chosen):
                    if count == choice.limit:
                        more = f"only the first {choice.limit:,} recipients are shown: --limit N shows more"
                        self._notes.append(more)
                        return
                    yield self._message(row, origin, blamed.get(row.row.number, ()))
        except RecipientsError as error:
            if choice.recipients is not None:
                raise
            self._notes.append(f"reading stopped here: {error}")

    def _chosen(self, all_rows: Iterator[RenderedRow]) -> Iterator[RenderedRow]:
        only = self._choice.only
        for row in all_rows:
            if only is None or row.row.number == only:
                yield row
            if only is not None and row.row.number >= only:
                return

    def _open(self) -> tuple[Source, Origin] | None:
        """Open the recipients that were asked for: real ones only where somebody said so, or the spec itself does."""
        spec, choice, root = self._spec, self._choice, self._config.root
        if choice.show_data and choice.recipients is not None:
            return open_audience(spec, root, choice.recipients), Origin.ROW
        if not spec.has_recipients:
            return open_audience(spec, root), Origin.ONLY
        if choice.show_data:
            if spec.rows is not None:
                return open_audience(spec, root), Origin.ROW
            path = recipients_path(spec, root)
            if path is not None and path.is_file():
                return open_audience(spec, root), Origin.ROW
            self._notes.append("its recipients are not here: add --recipients FILE")
        if spec.samples:
            return open_samples(spec), Origin.SAMPLE
        if spec.rows is not None:
            return open_audience(spec, root), Origin.ROW
        self._notes.append("no samples to show: write `samples` under `recipients`, or add --show-data")
        return None

    def _blamed(self, origin: Origin) -> dict[int, list[int]]:
        """Return which findings are about which row."""
        blamed: dict[int, list[int]] = defaultdict(list)
        for index, item in enumerate(self._diagnostics):
            if item.rows is not None:
                for number in set(item.rows.samples if origin is Origin.SAMPLE else item.rows.every):
                    blamed[number].append(index)
        return blamed

    def _message(self, row: RenderedRow, origin: Origin, findings: Iterable[int]) -> ShownMessage:
        rendered, body = row.rendered, row.rendered.body
        provider, text = body.get("provider"), body.get("text")
        counted = segments(text) if provider == TWLO.id and isinstance(text, str) else None
        forcing = dict.fromkeys(text) if counted and counted.encoding == "UCS-2" and isinstance(text, str) else {}
        if row.problems:
            key, shown = "", json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=str)
        else:
            message = self._make(rendered, row.row.number, None, None)
            key, shown = message.key, message.body.decode()
        return ShownMessage(
            origin,
            row.row.number,
            shown,
            key,
            rendered.recipient_key,
            tuple(dict.fromkeys(map(_obstacle, row.problems))),
            tuple(findings),
            counted,
            "".join(character for character in forcing if character not in _GSM),
            _template(self._catalogs, body),
        )


def _obstacle(problem: RowProblem) -> Obstacle:
    rule = _RULES[problem.rule]
    words = rule.wording(problem) if rule.wording is not None else problem.detail
    return Obstacle(rule.code, rule.name, words)


def _finding(item: Diagnostic, document: Document) -> ShownFinding:
    return ShownFinding(
        item,
        _excerpt(document.line(item.span.start.line), item),
        tuple(cells(item)),
        rows(item),
    )


def _excerpt(line: str, item: Diagnostic) -> Excerpt:
    start, end = item.span
    first = start.col - 1
    last = max(end.col - 1 if end.line == start.line else len(line.rstrip()), first)
    cut = max(0, first - MOST_CHARACTERS // 2) if len(line) > MOST_CHARACTERS else 0
    stop = cut + MOST_CHARACTERS
    before = ("…" if cut else "") + printable(line[cut:first])
    after = printable(line[min(last, stop) : stop]) + ("…" if len(line) > stop else "")
    return Excerpt(before, printable(line[first : min(last, stop)]), after)


def _template(catalogs: Catalogs, body: Mapping[str, object]) -> CatalogTemplate | None:
    """Return the entry that a message's template has; of several, the first whose variables are all given."""
    given, provider = body.get("template"), body.get("provider")
    if catalogs.is_empty or not isinstance(given, dict) or not isinstance(provider, str):
        return None
    entries = catalogs.find(provider, str(given.get("id")))
    variables = set(_variables(given.get("variables")))
    return next((entry for entry in entries if not entry.missing(variables)), next(iter(entries), None))


def _variables(given: object) -> Iterator[Variable]:
    for name, value in given.items() if isinstance(given, dict) else ():
        if isinstance(value, dict):
            yield from ((str(name), str(inner)) for inner in value)
        else:
            yield (str(name),)
