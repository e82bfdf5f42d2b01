"""What a preview shows: frozen values, gathered before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from msgspec_runner.content.segments import Segments
from msgspec_runner.diagnostics import Diagnostic, Severity
from msgspec_runner.providers.catalog import CatalogTemplate


class Origin(StrEnum):
    """Whose message it is."""

    SAMPLE = "sample"
    """One of ``recipients.samples``: invented."""
    ROW = "row"
    """A recipient."""
    ONLY = "message"
    """The one message of a spec without ``recipients``."""


class Obstacle(NamedTuple):
    """Why a message would not be sent.

    Attributes:
        code: of the rule that explains it.
        name: of that rule.
        words: what is wrong.
    """

    code: str
    name: str
    words: str


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """One message.

    Attributes:
        origin: whose it is.
        number: of the sample or the row, 1-based.
        body: the exact JSON that would be posted; what there is of it where it would not be.
        key: its identity; empty where it would not be sent.
        recipient_key: the rendered ``recipients.key``.
        obstacles: why it would not be sent.
        findings: of the linter about this row, as numbers in :attr:`ShownSpec.findings`.
        segments: what the text costs; None where nothing is counted.
        forcing: the characters that make it UCS-2, each once.
        template: the catalog's entry; None where there is none.
    """

    origin: Origin
    number: int
    body: str
    key: str
    recipient_key: str
    obstacles: tuple[Obstacle, ...]
    findings: tuple[int, ...]
    segments: Segments | None
    forcing: str
    template: CatalogTemplate | None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The line of a spec that a finding is about, safe to show.

    Attributes:
        before: what stands before the offending characters.
        marked: these.
        after: what stands behind them.
    """

    before: str
    marked: str
    after: str


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """What the linter says of a spec.

    Attributes:
        diagnostic: it.
        excerpt: where.
        notes: the other places that have to do with it, a line each.
        shared: how many recipients share it, in words; empty where none are to blame.
    """

    diagnostic: Diagnostic
    excerpt: Excerpt
    notes: tuple[str, ...]
    shared: str


@dataclass(frozen=True, slots=True)
class ShownSpec:
    """One spec.

    Attributes:
        file: as people are shown it.
        id: empty where it is missing.
        edition: of the spec.
        description: for reviewers.
        findings: what the linter says of it, the first of them where there are too many.
        unsaid: how many findings more there are.
        messages: in the order of the recipients.
        notes: what there is to know of whose messages these are.
    """

    file: str
    id: str
    edition: int
    description: str
    findings: tuple[ShownFinding, ...]
    unsaid: int
    messages: tuple[ShownMessage, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """Everything that a page shows.

    Attributes:
        specs: in the order of their files.
        counts: findings by severity, those that are not shown too.
        personal: whether it holds data of people who would be texted.
    """

    specs: tuple[ShownSpec, ...]
    counts: dict[Severity, int]
    personal: bool

    @property
    def messages(self) -> int:
        """How many messages there are."""
        return sum(len(spec.messages) for spec in self.specs)

    @property
    def unsendable(self) -> int:
        """How many of them would not be sent."""
        return sum(bool(message.obstacles) for spec in self.specs for message in spec.messages)
