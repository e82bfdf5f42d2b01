"""From arguments to a project: its root, its configuration, and the specs that a command is about."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from msgspec_runner.config import Config, load_config, project_root
from msgspec_runner.errors import NoSpecError, UsageError
from msgspec_runner.source.document import Document, read_document

SUFFIXES = (".yaml", ".yml")
"""Every file with one of these below a spec folder is a spec (contract, section 2)."""


@dataclass(frozen=True, slots=True)
class Project:
    """What a command works on.

    Attributes:
        config: the configuration, profile applied.
        files: the specs, sorted, as the user would write them.
    """

    config: Config
    files: tuple[Path, ...]

    def documents(self) -> Iterator[Document]:
        """Read the specs, one at a time."""
        for file in self.files:
            yield read(file)


def read(file: Path) -> Document:
    """Read one spec.

    Raises:
        UsageError: it cannot be opened.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    return read_document(shown(file), data)


def shown(file: Path) -> str:
    """Return a path relative to the working folder where it lies in it, with ``/``."""
    try:
        return Path(os.path.abspath(file)).relative_to(Path.cwd()).as_posix()  # noqa: PTH100 - symlinks stay
    except ValueError:
        return file.as_posix()


def load(paths: Sequence[Path], profile: str | None) -> Project:
    """Find the project and its specs.

    Args:
        paths: files and folders; none means the configuration's.
        profile: of ``--profile``.

    Raises:
        UsageError: a path does not exist.
        NoSpecError: there is no spec.
        ConfigError: the configuration is wrong.
    """
    config = configure(paths, profile)
    wanted = list(paths) or [config.root / path for path in config.specs]
    files: dict[Path, None] = {}
    for path in wanted:
        if path.is_dir():
            files |= dict.fromkeys(_below(path, config))
        elif path.is_file():
            files[path] = None
        elif paths:
            raise UsageError(f"no file or folder {path}")
    if not files:
        where = ", ".join(str(path) for path in paths) or ", ".join(config.specs)
        raise NoSpecError(f"no spec found in {where}: write one, or run `msgspec-runner init`")
    return Project(config, tuple(files))


def configure(paths: Sequence[Path], profile: str | None) -> Config:
    """Find the project's configuration and lay the profile over it."""
    config = load_config(project_root(Path.cwd(), tuple(paths)))
    return config.with_profile(profile) if profile else config


def _below(folder: Path, config: Config) -> list[Path]:
    found = [
        Path(parent, name)
        for parent, folders, names in os.walk(folder)
        # Pruned in place: hidden folders are nobody's specs.
        if not folders.sort() and not _prune(folders)  # type: ignore[func-returns-value]
        for name in sorted(names)
        if name.endswith(SUFFIXES) and not name.startswith(".")
    ]
    return [path for path in found if not _excluded(path, config)]


def _prune(folders: list[str]) -> None:
    folders[:] = [name for name in folders if not name.startswith(".")]


def _excluded(path: Path, config: Config) -> bool:
    if not config.exclude:
        return False
    resolved, root = path.resolve(), config.root.resolve()
    inside = resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else path.as_posix()
    return any(fnmatch(inside, pattern) or inside.startswith(pattern.rstrip("/") + "/") for pattern in config.exclude)


@contextmanager
def recipients_file(given: Path | None) -> Iterator[Path | None]:
    """Yield the file of ``--recipients``; standard input is spooled to a private file for as long as it is needed.

    Raises:
        UsageError: the file does not exist.
    """
    if given is None or str(given) != "-":
        if given is not None and not given.is_file():
            raise UsageError(f"--recipients: no file {given}")
        yield given
        return
    from msgspec_runner.recipients.readers import spool

    with tempfile.TemporaryDirectory(prefix="msgspec-runner-") as folder:
        yield spool(sys.stdin.buffer, Path(folder))
