"""From arguments to a project: its root, its configuration, and the specs that a command is about."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO, NamedTuple

from msgspec_runner.config import Config, load_config, project_root
from msgspec_runner.errors import NoSpecError, UsageError
from msgspec_runner.source.document import Document, Problem, read_document

SUFFIXES = (".yaml", ".yml")
"""Every file with one of these below a spec folder is a spec (contract, section 2)."""


class Project(NamedTuple):
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
            yield read(file, self.config.root)


def read(file: Path, root: Path) -> Document:
    """Read one spec. What cannot be read is a document with a problem: one bad file hides no other's findings.

    A link out of the project is not followed: what it leads to would be shown in the report of whoever lints it.

    Args:
        file: the spec.
        root: the project's root.
    """
    name = shown(file)
    try:
        if _leads_out(file, root):
            return _unreadable(name, "this link leads out of the project: put the file itself here")
        if not file.is_file():  # a pipe or a device would keep us waiting
            return _unreadable(name, "this is no file that can be read: remove it, or correct the link")
        return read_document(name, file.read_bytes())
    except OSError as error:
        return _unreadable(name, f"this cannot be read: {error.strerror}")


def _leads_out(file: Path, root: Path) -> bool:
    written = os.path.abspath(file)  # noqa: PTH100 - symlinks stay
    if not written.startswith(os.path.join(os.path.abspath(root), "")):  # noqa: PTH100, PTH118
        return False  # named by the user
    real = os.path.realpath(file)
    return real != written and not real.startswith(os.path.join(os.path.realpath(root), ""))  # noqa: PTH118


def _unreadable(name: str, message: str) -> Document:
    return Document(name, "", None, (Problem("invalid-yaml", message, 0, 0),))


def shown(file: Path) -> str:
    """Return a path relative to the working folder where it lies in it, with ``/``."""
    path, folder = os.path.abspath(file), os.path.join(os.getcwd(), "")  # noqa: PTH100, PTH109, PTH118 - symlinks stay
    return path.removeprefix(folder).replace(os.sep, "/") if path.startswith(folder) else file.as_posix()


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
    for path in paths:
        if not os.path.isdir(path) and not os.path.isfile(path):  # noqa: PTH112, PTH113 - is_dir() raises for a long name
            raise UsageError(f"no file or folder {path}")
    files = find_specs(wanted, config)
    if not files:
        where = ", ".join(str(path) for path in paths) or ", ".join(config.specs)
        raise NoSpecError(f"no spec found in {where}: write one, or run `msgspec-runner init`")
    return Project(config, files)


def find_specs(places: Sequence[Path], config: Config) -> tuple[Path, ...]:
    """Return the specs at some places, each once: the files, and what lies below the folders and is not excluded.

    Args:
        places: files and folders; one that is not there has no specs.
        config: says what is excluded.
    """
    files: dict[Path, None] = {}
    for path in places:
        if os.path.isdir(path):  # noqa: PTH112 - is_dir() raises for a long name
            files |= dict.fromkeys(_below(path, config))
        elif os.path.isfile(path):  # noqa: PTH113
            files[path] = None
    return tuple(files)


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
        if given is not None and not os.path.isfile(given):  # noqa: PTH113
            raise UsageError(f"--recipients: no file {given}")
        yield given
        return
    import tempfile  # 3 ms that only a spool is worth

    from msgspec_runner.recipients.readers import spool

    with tempfile.TemporaryDirectory(prefix="msgspec-runner-") as folder:
        yield spool(standard_input(), Path(folder))


def standard_input() -> BinaryIO:
    """Return the bytes that come in.

    Raises:
        UsageError: standard input is closed, as for some services.
    """
    if sys.stdin is None:
        raise UsageError("standard input is closed: name a file instead of -")
    return sys.stdin.buffer
