"""Every page of the documentation as it ought to be: generated whole, or with its sessions run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.docs.command_pages import command_reference
from tests.docs.rule_pages import rule_pages
from tests.docs.spec_reference import spec_reference

ROOT = Path(__file__).resolve().parents[2]
GENERATED_FOLDER = ROOT / "docs" / "rules"
"""All of it is generated: a page of a rule that is gone goes too."""


def generated() -> Iterator[tuple[Path, str]]:
    """Yield every page that is generated whole."""
    for name, text in rule_pages():
        yield ROOT / name, text
    yield ROOT / "docs" / "spec-reference.md", spec_reference()
    yield ROOT / "docs" / "commands.md", command_reference()


def written() -> list[Path]:
    """Return the pages that people write; their sessions are generated."""
    made = {path for path, _ in generated()}
    return [ROOT / "README.md", *(path for path in sorted((ROOT / "docs").glob("*.md")) if path not in made)]
