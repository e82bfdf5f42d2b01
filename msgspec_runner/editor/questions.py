"""What the server asks a helper, and what it gets: plain values that go from one process to another."""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import Final, NamedTuple

from msgspec_runner.diagnostics import Diagnostic
from msgspec_runner.editor.positions import Extent, Spot, Units
from msgspec_runner.linting.rule import SpecFacts


class Settings(NamedTuple):
    """What a person may set in the editor.

    Attributes:
        profile: of the configuration; empty: a spec is linted under each, as by ``lint`` without it. Projects
            that have no such profile are taken without.
        show_data: whether findings and hovers may show what is in recipients' cells, which is people's data.
        row_seconds: how long the recipients of one spec may take; then only the spec itself is spoken of.
    """

    profile: str = ""
    show_data: bool = False
    row_seconds: float = 60.0


class Desk(NamedTuple):
    """An open text, and what is open beside it.

    Attributes:
        path: of the file, absolute; it need not exist yet.
        text: as the client has it.
        open: every open file's text, by its absolute path; it stands in for what is on the disk.
        settings: the person's.
        units: what the client counts.
    """

    path: str
    text: str
    open: Mapping[str, str]
    settings: Settings
    units: Units


class Check(NamedTuple):
    """Lint a spec as it is written, beside the other specs of its project. The answer: :class:`Checked`."""

    desk: Desk


class CheckRows(NamedTuple):
    """Lint a spec with all its recipients. The answer: :class:`Checked`, without ``others``.

    Attributes:
        desk: the spec.
        others: what :class:`Check` found out about the other specs.
    """

    desk: Desk
    others: Others


class Complete(NamedTuple):
    """Ask what may be typed at a place. The answer: a tuple of :class:`Proposal`.

    Attributes:
        desk: the text.
        spot: the place.
        typed: the character that made the client ask by itself; empty where the person asked.
    """

    desk: Desk
    spot: Spot
    typed: str = ""


class Explain(NamedTuple):
    """Ask what is at a place. The answer: :class:`Explanation` or None.

    Attributes:
        desk: the text.
        spot: the place.
        findings: those that the client shows there.
    """

    desk: Desk
    spot: Spot
    findings: tuple[Diagnostic, ...]


class Define(NamedTuple):
    """Ask where something comes from. The answer: a tuple of :class:`Target`."""

    desk: Desk
    spot: Spot


class Mend(NamedTuple):
    """Ask how to mend or suppress findings. The answer: a tuple of :class:`Repair`.

    Attributes:
        desk: the text.
        findings: of its current version.
    """

    desk: Desk
    findings: tuple[Diagnostic, ...]


class MendAll(NamedTuple):
    """Ask for all safe repairs at once. The answer: a tuple of at most one :class:`Repair`.

    Attributes:
        desk: the text.
        findings: all of its current version.
    """

    desk: Desk
    findings: tuple[Diagnostic, ...]


class Answer(NamedTuple):
    """What a helper says.

    Attributes:
        value: the answer; None where there was a bug.
        bug: the traceback of a bug; empty where there was none.
    """

    value: object
    bug: str = ""


LENGTH: Final = Struct("!Q")
"""What stands before each value between the processes: how many bytes it has."""

Question = Check | CheckRows | Complete | Explain | Define | Mend | MendAll


class Others(NamedTuple):
    """The other specs of a project, in the order in which ``lint`` takes them: before this one, and after it."""

    before: tuple[SpecFacts, ...] = ()
    after: tuple[SpecFacts, ...] = ()


class Target(NamedTuple):
    """A place in a file."""

    path: str
    extent: Extent


class Shown(NamedTuple):
    """A finding with the places that the client can go to.

    Attributes:
        diagnostic: it.
        extent: its place in the text.
        places: other places, and what they have to do with it.
    """

    diagnostic: Diagnostic
    extent: Extent
    places: tuple[tuple[Target, str], ...]


class Checked(NamedTuple):
    """What was found in a text.

    Attributes:
        is_spec: False for a YAML file that is none, of which nothing is said.
        found: the findings.
        trouble: why the linter could not go on (a broken configuration); empty where it could.
        others: the project's other specs.
    """

    is_spec: bool
    found: tuple[Shown, ...] = ()
    trouble: str = ""
    others: Others = Others()


class Proposal(NamedTuple):
    """Something that may be typed.

    Attributes:
        label: what people choose.
        kind: ``key``, ``value``, ``column``, ``var``, ``filter``, ``test``, ``word``, ``file``, ``template``, ``rule``.
        insert: what is written in place of ``extent``.
        extent: the word that is being typed.
        detail: a few words beside the label.
        words: Markdown below it.
    """

    label: str
    kind: str
    insert: str
    extent: Extent
    detail: str = ""
    words: str = ""


class Explanation(NamedTuple):
    """What something is: Markdown, and the characters that it is about."""

    words: str
    extent: Extent


class Change(NamedTuple):
    """Characters to replace, and what comes in their place."""

    extent: Extent
    text: str


class Repair(NamedTuple):
    """A change of the text that mends or suppresses findings.

    Attributes:
        title: what people choose.
        changes: none overlapping another.
        of: the findings that it is for; none for a repair of all.
        preferred: whether it is the one to take without a second thought: a safe one.
        suppresses: whether it only makes the finding silent.
    """

    title: str
    changes: tuple[Change, ...]
    of: tuple[Diagnostic, ...] = ()
    preferred: bool = False
    suppresses: bool = False
