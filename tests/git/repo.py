"""Real repositories for tests: no configuration of whoever runs them, and never a repository above."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

PERSON = {
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_AUTHOR_DATE": "2031-01-02T03:04:05Z",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
    "GIT_COMMITTER_DATE": "2031-01-02T03:04:05Z",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}

SPEC = """\
spec: {id}
edition: {edition}
message:
  provider: twlo
  channel_key: ch
  to: "{{{{ phone }}}}"
  text: "{text}"
recipients:
  columns: {{phone: {{type: phone}}, name: {{}}}}
  file: {file}
  samples: [{{phone: "+16175551212", name: Ann}}]
"""


def isolate(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Keep git, and what runs it, away from the settings of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith(("GIT_", "MSGSPEC_RUNNER_", "SOCIOCS_", "GITHUB_")):
            monkeypatch.delenv(name)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, PERSON[name])
    monkeypatch.setenv("HOME", str(home))


class Repo:
    """A repository with a project in it."""

    def __init__(self, root: Path, *, project: str = "") -> None:
        self.top = root
        self.root = root / project
        self.root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch", "main")

    def git(self, *arguments: str) -> str:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(
            ["git", *arguments], cwd=self.top, env=kept | PERSON, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text("utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def spec(
        self, name: str = "hello", *, text: str = "Hi {{ name }}", rows: int = 3, edition: int = 1, file: str = ""
    ) -> None:
        """Write a spec and as many recipients: +16175550001 is called P1, and so on."""
        self.write(f"specs/{name}.yaml", SPEC.format(id=name, edition=edition, text=text, file=file or f"{name}.csv"))
        if not file:
            self.rows(f"specs/{name}.csv", rows)

    def rows(self, name: str, rows: int, *more: str) -> None:
        lines = [f"+1617555{row:04d},P{row}" for row in range(1, rows + 1)]
        self.write(name, "\n".join(["phone,name", *lines, *more]) + "\n")

    def commit(self, message: str = "a change") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")
