"""The catalogs that the configuration names: found below the project's root, read once. The only I/O of this floor."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec_runner.errors import ConfigError
from msgspec_runner.providers.catalog import Catalogs
from msgspec_runner.providers.catalog_shapes import read_catalog
from msgspec_runner.providers.catalog_source import MAX_JSON

MAX_FILES: Final = 100
"""Files that one pattern of ``catalogs`` may match."""

_PATTERN: Final = frozenset("*?[")


def read_catalogs(root: Path, names: Sequence[str]) -> Catalogs:
    """Read every catalog of a project.

    Args:
        root: the project's root.
        names: the configuration's ``catalogs``: files or patterns, relative to the root.

    Raises:
        ConfigError: a name matches nothing, or leads out of the project, or a file is no catalog.
    """
    read = [read_catalog(shown(path), _bytes(path)) for path in catalog_files(root, names)]
    return Catalogs((template for one in read for template in one.templates), (one.provider for one in read))


def catalog_files(root: Path, names: Sequence[str]) -> tuple[Path, ...]:
    """Return the files that the configuration's ``catalogs`` name, each once, those of a pattern sorted.

    Raises:
        ConfigError: see :func:`read_catalogs`.
    """
    files: dict[Path, None] = {}
    for name in names:
        try:
            files |= dict.fromkeys(_inside(path, root, name) for path in _matches(root, name))
        except (OSError, RuntimeError, ValueError):  # too long, a circle of links, a NUL
            raise ConfigError(f"`catalogs`: {name!r} is no path that can exist") from None
    return tuple(files)


def _matches(root: Path, name: str) -> Iterator[Path]:
    parts = Path(name).parts
    if os.path.isabs(name) or ".." in parts:  # noqa: PTH117 - of the text, not of a path
        raise ConfigError(f"`catalogs`: {name} must lie inside the project's root; write it relative to that")
    if not _PATTERN.intersection(name):
        if not (root / name).is_file():
            raise ConfigError(f"`catalogs`: no file {name}; `msgspec-runner catalog import FILE` writes one")
        yield root / name
        return
    if parts.count("**") > 1:  # each of them walks the whole tree below every folder
        raise ConfigError(f"`catalogs`: {name} has more than one `**`; one is enough")
    found = sorted(islice((path for path in root.glob(name) if path.is_file()), MAX_FILES + 1))
    if not found:
        raise ConfigError(f"`catalogs`: nothing matches {name}; `msgspec-runner catalog import FILE` writes a catalog")
    if len(found) > MAX_FILES:
        raise ConfigError(f"`catalogs`: {name} matches more than {MAX_FILES} files; name the folder of the catalogs")
    yield from found


def _inside(path: Path, root: Path, name: str) -> Path:
    if not path.resolve().is_relative_to(root.resolve()):
        raise ConfigError(f"`catalogs`: {name} leads out of the project's root; copy the file into the project")
    return path


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_JSON + 1)
    except OSError as error:
        raise ConfigError(f"{shown(path)}: cannot be read: {error.strerror}") from error


def shown(path: Path) -> str:
    """Return a path as people are shown it: relative to the working folder where it lies in it, with ``/``."""
    written, folder = os.path.abspath(path), os.path.join(os.getcwd(), "")  # noqa: PTH100, PTH109, PTH118
    return Path(written.removeprefix(folder) if written.startswith(folder) else path).as_posix()
