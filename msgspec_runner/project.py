"""From arguments to a project: its root, its configuration, and the specs that a command is about."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from msgspec_runner.config import Config, is_spec_name, load_config, project_root
from msgspec_runner.errors import NoSpecError, UsageError
from msgspec_runner.source.document import MAX_BYTES, Document, Problem, read_document

TOOLS = frozenset({".git", ".hg", ".jj", ".svn", ".venv", "node_modules", ".tox", ".nox"})
"""Folders that tools fill, and nobody with specs; one of them is looked into where it is itself a spec folder."""


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
            raise UsageError(f"no file or folder {path}{_did_you_mean(path, config)}")
    files = find_specs(wanted, config)
    if not files:
        where = ", ".join(str(path) for path in paths) or ", ".join(config.specs)
        raise NoSpecError(f"no spec found in {where}: write one, or run `msgspec-runner init`")
    return Project(config, files)


MAX_NEIGHBOURS = 2_000
"""Entries of a folder that are looked at for what a misspelt path was meant to be."""


def _did_you_mean(missing: Path, config: Config) -> str:
    """Return ``; did you mean specs/welcome.yaml?`` where a spec or a folder has nearly that name, or nothing.

    Names are compared without folder and suffix, which make all specs look alike.
    """
    from difflib import get_close_matches

    specs = find_specs([config.root / path for path in config.specs], config)
    known: dict[str, list[str]] = {}
    for path in dict.fromkeys([*_beside(missing), *specs, *(spec.parent for spec in specs)]):
        if shown(path).isprintable():
            known.setdefault(path.stem.lower(), []).append(shown(path))
    close = get_close_matches(missing.stem.lower(), known, n=1, cutoff=0.7)
    return f"; did you mean {get_close_matches(shown(missing), known[close[0]], n=1, cutoff=0)[0]}?" if close else ""


def _beside(missing: Path) -> Iterator[Path]:
    """Yield the folders, and what may be specs, in the folder that a path names."""
    try:
        with os.scandir(missing.parent) as entries:
            for entry in islice(entries, MAX_NEIGHBOURS):
                if not entry.name.startswith(".") and (is_spec_name(entry.name) or entry.is_dir()):
                    yield missing.parent / entry.name
    except (OSError, ValueError):  # it is not there, nobody may look into it, or it cannot exist
        return


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


def others_with(words: Iterable[str], project: Project) -> Iterator[Document]:
    """Yield the project's other specs in which one of some words stands; no other is parsed.

    Args:
        words: such as the ids of the specs that are worked on.
        project: what is worked on; the configuration says which specs there are beside.
    """
    wanted = [word.encode() for word in words if word]
    own = {os.path.realpath(file) for file in project.files}
    config = project.config
    for file in find_specs([config.root / path for path in config.specs], config):
        if os.path.realpath(file) in own or _leads_out(file, config.root):
            continue
        try:
            if os.path.isfile(file) and file.stat().st_size <= MAX_BYTES:  # noqa: PTH113
                data = file.read_bytes()
                if any(word in data for word in wanted):
                    yield read_document(shown(file), data)
        except OSError:
            continue  # whoever lints it hears of it


def configure(paths: Sequence[Path], profile: str | None) -> Config:
    """Find the project's configuration and lay the profile over it."""
    config = load_config(project_root(Path.cwd(), tuple(paths)))
    return config.with_profile(profile) if profile else config


def _below(folder: Path, config: Config) -> list[Path]:
    """Return every spec below a folder, hidden ones too: what is skipped, nobody would hear of.

    The project's root may be a spec folder. What is hidden right in it is there for other tools: ``.github``.
    """
    root, found = os.path.realpath(config.root), []
    for parent, folders, names in os.walk(folder):
        specs = [name for name in names if is_spec_name(name)]
        folders[:] = sorted(name for name in folders if name not in TOOLS)  # in place: os.walk() goes by it
        if os.path.realpath(parent) == root:
            folders[:] = [name for name in folders if not name.startswith(".")]
            specs = [name for name in specs if not name.startswith(".")]
        found += [Path(parent, name) for name in sorted(specs)]
    return [path for path in found if not _is_excluded(path, config)] if config.exclude else found


def _is_excluded(path: Path, config: Config) -> bool:
    resolved, root = path.resolve(), config.root.resolve()
    inside = resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else path.as_posix()
    return is_excluded(inside, config)


def is_excluded(inside: str, config: Config) -> bool:
    """Say whether ``exclude`` leaves a spec out, as a .gitignore would.

    Args:
        inside: the spec, relative to the project's root, with ``/``.
        config: its patterns mean a path from the root, or whatever lies below one; a pattern without ``/`` means a
            file or folder of that name anywhere.
    """
    parts = inside.split("/")
    for pattern in config.exclude:
        place = pattern.rstrip("/")
        if fnmatch(inside, pattern) or inside.startswith(f"{place}/"):
            return True
        names = parts[:-1] if pattern.endswith("/") else parts
        if "/" not in place and any(fnmatch(name, place) for name in names):
            return True
    return False


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
