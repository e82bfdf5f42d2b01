"""What a spec rule looks at: one spec with everything around it that a rule may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from msgspec_runner.config import Config
from msgspec_runner.diagnostics import Edit, Fix, Span
from msgspec_runner.linting.flows import FieldFlow, Flows
from msgspec_runner.linting.rule import SpecFacts
from msgspec_runner.providers.catalog import NO_CATALOGS, Catalogs
from msgspec_runner.source.document import Document, Scalar
from msgspec_runner.source.document import Mapping as MapNode
from msgspec_runner.source.partials import Partials
from msgspec_runner.source.schema import Violation, violations
from msgspec_runner.spec import Field, Spec, entry_at

if TYPE_CHECKING:
    from msgspec_runner.linting.reach import Reach


class _Given(NamedTuple):
    """What a :class:`Subject` is made of: a named tuple, as in :mod:`~msgspec_runner.diagnostics`.

    Attributes:
        document: the file.
        spec: its meaning.
        config: the project's configuration, profile applied.
        partials: what ``{% include %}`` may name.
        variables: the vars that the templates see, merged by precedence.
        columns: names of the columns that the templates see: declared, in the data, or in the samples;
            None where they cannot be known (recipients come with ``--recipients`` and nothing declares them).
        recipients_replaced: whether ``--recipients`` stands in for the spec's own.
        unnamed: headers in the data that are no names, and that no column maps.
        rows_seen: whether every recipient that the spec names was looked at.
        rowless: the recipients that have no row, and no sample in its place, by name; empty where there is one.
        as_committed: whether nothing of the command line (a profile, a var) has a part in what it is.
        catalogs: the WhatsApp templates that the project knows.
        now: the moment of the run, with a zone; None: not known, and no rule looks at dates.
        reach: which branches of the templates no row took; None where that is not known, or not asked.
        asked_of_text: conditions that ask a text whether it is true where rows say “false” or “no”: field, start, end.
        typed: the types in its templates, as far as the rules about rows have asked for them already.
    """

    document: Document
    spec: Spec
    config: Config
    partials: Partials
    variables: Mapping[str, object]
    columns: frozenset[str] | None
    recipients_replaced: bool = False
    unnamed: frozenset[str] = frozenset()
    rows_seen: bool = False
    rowless: str = ""
    as_committed: bool = True
    catalogs: Catalogs = NO_CATALOGS
    now: datetime | None = None
    reach: Reach | None = None
    asked_of_text: tuple[tuple[Field, int, int], ...] = ()
    typed: Flows | None = None


class Subject(_Given):
    """One spec under one profile, with what follows from that: computed when a rule first asks, and kept."""

    @cached_property
    def violations(self) -> tuple[Violation, ...]:
        """How the document violates the schema; computed once for the rules that explain it."""
        return violations("spec", self.document.value)

    @cached_property
    def flows(self) -> tuple[FieldFlow, ...]:
        """What is known of the values in the templates."""
        return (self.typed or Flows(self.spec, self.variables)).of(self.columns)

    def field_span(self, field: Field, start: int = -1, end: int = -1) -> Span:
        """Return the span of a part of a field's text (offsets in it), or of its whole value.

        Where nothing is written as the value, it is its key's.
        """
        if start >= 0:
            return self.document.locate(field.node, start, end)
        if field.node.start == field.node.end:
            return self.key_span(*field.path)
        return self.document.span(field.node.start, field.node.end)

    def replacement(self, node: Scalar, text: str, start: int = 0, end: int | None = None) -> Fix | None:
        """Return the repair that writes ``text`` in place of a part of a scalar, its quotes left as they are.

        Args:
            node: the value or the key.
            text: needs no quotes and no escapes.
            start: offset in the scalar's text of the first character to replace.
            end: offset behind the last one; None for all of it.

        Returns:
            An unsafe repair; None where the part's place is not known exactly, or it is written with escapes.
        """
        end = len(node.text) if end is None else end
        first, last = self.document.offsets(node, start, end)
        if self.document.text[first:last] != node.text[start:end]:
            return None
        return Fix("unsafe", (Edit(self.document.span(first, last), text),))

    def key_span(self, *path: str) -> Span:
        """Return the span of the key at a path; of the nearest parent's key where it is not there."""
        while path:
            entry = entry_at(self.document, path)
            if entry is not None:
                return self.document.span(entry.key.start, entry.key.end)
            path = path[:-1]
        return self.top_span

    @property
    def facts(self) -> SpecFacts:
        """Return what project rules know of the spec."""
        node = self.document.node(("spec",))
        place = self.document.span(node.start, node.end) if node is not None else self.top_span
        return SpecFacts(self.document.file, self.spec.id, place)

    @property
    def top_span(self) -> Span:
        """Return the place of a finding about the whole file: its first key, or its first character."""
        root = self.document.root
        if isinstance(root, MapNode) and root.entries:
            key = root.entries[0].key
            return self.document.span(key.start, key.end)
        return self.document.span(0, 0)
