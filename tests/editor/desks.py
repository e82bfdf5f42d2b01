"""Specs with a cursor in them, and questions about the place where it is."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec_runner.diagnostics import Diagnostic
from msgspec_runner.editor.helper import answer
from msgspec_runner.editor.positions import Extent, Positions, Spot
from msgspec_runner.editor.questions import (
    Check,
    Checked,
    CheckRows,
    Complete,
    Define,
    Desk,
    Explain,
    Explanation,
    Mend,
    MendAll,
    Others,
    Proposal,
    Repair,
    Settings,
    Target,
)
from msgspec_runner.editor.workplace import Memory

CURSOR = "▮"
"""Stands where the cursor is."""


class At:
    """A place in a text of a file that need not be on the disk.

    Args:
        path: of the file.
        marked: its text, with a cursor.
        settings: the person's.
        opened: other open texts.
    """

    def __init__(
        self,
        path: Path,
        marked: str,
        *,
        settings: Settings | None = None,
        opened: dict[str, str] | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.path = Path(os.path.abspath(path))  # noqa: PTH100 - symlinks stay
        self.text = marked.replace(CURSOR, "", 1)
        self.memory = memory or Memory()
        self.desk = Desk(
            str(self.path), self.text, {**(opened or {}), str(self.path): self.text}, settings or Settings(), "utf-16"
        )
        self.positions = Positions(self.text, "utf-16")
        self.spot = self.positions.spot(marked.find(CURSOR)) if CURSOR in marked else Spot(0, 0)

    def proposals(self, typed: str = "") -> tuple[Proposal, ...]:
        found = answer(Complete(self.desk, self.spot, typed), self.memory)
        assert isinstance(found, tuple)
        return found

    def labels(self, kind: str | None = None) -> list[str]:
        return [item.label for item in self.proposals() if kind is None or item.kind == kind]

    def chosen(self, label: str) -> str:
        """Return the text after a proposal was taken, with the cursor behind it."""
        item = next(item for item in self.proposals() if item.label == label)
        return self.changed([(item.extent, item.insert + CURSOR)])

    def hover(self, *findings: Diagnostic) -> str:
        found = self.explanation(*findings)
        return found.words if found is not None else ""

    def explanation(self, *findings: Diagnostic) -> Explanation | None:
        found = answer(Explain(self.desk, self.spot, findings), self.memory)
        assert found is None or isinstance(found, Explanation)
        return found

    def hovered(self) -> str:
        """Return the characters that a hover is about."""
        found = self.explanation()
        assert found is not None
        return self.characters(found.extent)

    def targets(self) -> list[tuple[str, str]]:
        """Return where the word comes from: the file's name, and the characters there (or their line, if none)."""
        found = answer(Define(self.desk, self.spot), self.memory)
        assert isinstance(found, tuple)
        return [self._target(target) for target in found]

    def lines(self) -> list[int]:
        """Return the 1-based lines that the word comes from."""
        found = answer(Define(self.desk, self.spot), self.memory)
        assert isinstance(found, tuple)
        return [target.extent.start.line + 1 for target in found]

    def _target(self, target: Target) -> tuple[str, str]:
        path = Path(target.path)
        text = self.desk.open.get(target.path)
        if text is None:
            text = "" if path.suffix == ".xlsx" else path.read_text(encoding="utf-8-sig")
        positions = Positions(text, "utf-16")
        start, end = (positions.offset(spot) for spot in target.extent)
        return path.name, text[start:end] or f"line {target.extent.start.line + 1}"

    def checked(self) -> Checked:
        found = answer(Check(self.desk), self.memory)
        assert isinstance(found, Checked)
        return found

    def checked_rows(self, others: Others | None = None) -> Checked:
        found = answer(CheckRows(self.desk, others if others is not None else self.checked().others), self.memory)
        assert isinstance(found, Checked)
        return found

    def findings(self) -> tuple[Diagnostic, ...]:
        return tuple(item.diagnostic for item in self.checked_rows().found)

    def repairs(self) -> tuple[Repair, ...]:
        found = answer(Mend(self.desk, self.findings()), self.memory)
        assert isinstance(found, tuple)
        return found

    def all_repaired(self) -> str | None:
        found = answer(MendAll(self.desk, self.findings()), self.memory)
        assert isinstance(found, tuple)
        return self.repaired(found[0]) if found else None

    def repaired(self, repair: Repair) -> str:
        return self.changed([(change.extent, change.text) for change in repair.changes])

    def characters(self, extent: Extent) -> str:
        start, end = (self.positions.offset(spot) for spot in extent)
        return self.text[start:end]

    def changed(self, changes: list[tuple[Extent, str]]) -> str:
        text = self.text
        for extent, new in sorted(changes, reverse=True):
            start, end = (self.positions.offset(spot) for spot in extent)
            text = text[:start] + new + text[end:]
        return text
