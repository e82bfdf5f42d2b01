"""One git command: a clean environment, no shell, no network, no program that a repository's configuration names."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from msgspec_runner.errors import UsageError

_KEPT = frozenset(
    {
        "GIT_CONFIG_GLOBAL",  # the three where this user's own settings are, safe.directory among them
        "GIT_CONFIG_SYSTEM",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CEILING_DIRECTORIES",  # the two that say how far to look for a repository
        "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    }
)
"""Of git's environment variables, those that go on. A hook's ``GIT_DIR``, say, would make it another repository."""

_SET = {
    "GIT_ALLOW_PROTOCOL": "none",  # a partial clone would fetch what it lacks, by whatever program it is told to
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",  # its words are read
}

_OPTIONS = (
    "--no-pager",
    "-c",
    "core.fsmonitor=false",
    "-c",
    f"core.hooksPath={os.devnull}",
)

MAX_WORDS = 2_000
"""Characters of git's complaint that are kept: it may quote a hostile name at length."""


class Answer(NamedTuple):
    """What a git command said.

    Attributes:
        code: its exit code.
        out: standard output.
        err: the beginning of standard error.
    """

    code: int
    out: bytes
    err: str

    @property
    def line(self) -> str:
        """Standard output without its line break, as the name of a file or a commit."""
        return os.fsdecode(self.out.removesuffix(b"\n"))


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that git runs in.

    Args:
        given: this process's own.
    """
    others = {name: value for name, value in given.items() if not name.startswith("GIT_") or name in _KEPT}
    return others | _SET


def ask(folder: Path, *arguments: str, given: bytes = b"") -> Answer:
    """Run a git command to its end.

    Args:
        folder: where it runs.
        arguments: the command and its words; what users wrote comes behind ``--end-of-options`` or ``--``.
        given: its standard input.

    Raises:
        UsageError: git is not installed.
    """
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the words are ours, but for those behind --end-of-options
            _command(folder, arguments),
            input=given,
            env=environment(os.environ),
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise UsageError("git is not installed here: install it, or leave out --since") from None
    return Answer(done.returncode, done.stdout, done.stderr[:MAX_WORDS].decode("utf-8", "replace").strip())


@contextmanager
def talking(folder: Path, *arguments: str) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Run a git command that answers question by question; yield what it reads and what it writes."""
    with subprocess.Popen(  # noqa: S603 - as above
        _command(folder, arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(os.environ),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdin, process.stdout
        finally:
            process.kill()  # it only reads


def _command(folder: Path, arguments: Sequence[str]) -> list[str]:
    return ["git", "-C", os.fspath(folder), *_OPTIONS, *arguments]
