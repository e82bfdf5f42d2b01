"""A project of a few files, and what is gathered of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec_runner.linting.linter import Linter
from msgspec_runner.model import SANDBOX_ORIGIN
from msgspec_runner.project import load
from msgspec_runner.providers.catalog_files import read_catalogs
from msgspec_runner.reports.preview.gathering import Choice, gather
from msgspec_runner.reports.preview.values import Preview

HEAD = """\
spec: {id}
message:
  provider: twlo
  channel_key: deer-park
  to: "{{{{ phone }}}}"
  text: Hi {{{{ first_name }}}}
recipients:
  columns: {{phone: {{type: phone}}, first_name: {{}}}}
"""
SAMPLES = '  samples:\n    - {phone: "+16175551212", first_name: Ann}\n    - {phone: "617", first_name: Bob}\n'
ROWS = '  rows:\n    - {phone: "+442071838750", first_name: Zoë}\n    - {phone: "+442071838751", first_name: Li}\n'
FILE = "  file: ../people.csv\n"
PEOPLE = "phone,first_name\n+12125550101,Carol\n+12125550102,\n+12125550103,Erin\n"


@dataclass(frozen=True)
class Project:
    """Files in a folder that the working folder is."""

    root: Path

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def spec(self, rest: str, name: str = "hello") -> Path:
        """Write a spec to ``{{ phone }}`` with what comes under ``recipients``."""
        return self.write(f"specs/{name}.yaml", HEAD.format(id=name) + rest)

    def preview(self, **choice: Any) -> Preview:
        """Gather all of it, for the sandbox."""
        project = load((), None)
        config = project.config
        documents = list(project.documents())
        chosen = Choice(**{"api": SANDBOX_ORIGIN} | choice)
        linter = Linter(config, chosen.variables, chosen.recipients, every_row=True)
        catalogs = read_catalogs(config.root, config.catalogs)
        return gather(documents, linter.lint(documents), config, chosen, catalogs)
