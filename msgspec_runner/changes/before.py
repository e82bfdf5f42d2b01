"""The version before: files of a commit in a private folder, so that the code that reads a project reads that too.

Nothing is checked out: only the files that somebody asked for are written, into a folder that nobody else can read, and
none of them is a link. What git does not keep (recipients, mostly) is taken as it is here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from msgspec_runner.changes.files import Files
from msgspec_runner.config import CONFIG_FILE, Config, load_config
from msgspec_runner.git.repository import LINK
from msgspec_runner.project import shown

_CONFIGS: Final = (CONFIG_FILE, "pyproject.toml")
_MAX_LINKS: Final = 40
"""Links that one name may lead through, as on a disk."""


class Before:
    """A project as it was at a commit.

    Attributes:
        files: what the commit has.
        folder: the root of the version before; only what was brought is there.
    """

    def __init__(self, files: Files, folder: Path) -> None:
        self.files = files
        self.folder = folder
        self._brought: set[str] = set()

    def bring(self, names: Iterable[str]) -> None:
        """Write files of the commit into the folder; those that it does not have, or that are no files, are not there.

        Args:
            names: paths relative to the root.

        Raises:
            UsageError: the clone lacks one's content.
            OSError: the disk is full.
        """
        wanted: dict[str, list[str]] = {}
        for name in names:
            if name not in self._brought:
                self._brought.add(name)
                real = self._real(name)
                if real is not None:
                    wanted.setdefault(self.files.tree[real].object, []).append(name)
        if not wanted:
            return
        for content, chunks in self.files.repository.contents(wanted):
            for path in self._places(wanted[content][:1]):
                with path.open("xb") as file:
                    for chunk in chunks:
                        file.write(chunk)
            for path in self._places(wanted[content][1:]):
                shutil.copyfile(self.folder / wanted[content][0], path)

    def take(self, names: Iterable[str]) -> None:
        """Bring files, and borrow those that git does not keep."""
        wanted = dict.fromkeys(names)
        kept_out = {name for name in wanted if self.files.is_kept_out(name)}
        self.bring(name for name in wanted if name not in kept_out)
        self.borrow(kept_out)

    def borrow(self, names: Iterable[str]) -> None:
        """Copy files that git does not keep: nobody knows what they held before."""
        root = self.files.repository.root
        for name in names:
            real = (root / name).resolve()
            if name not in self._brought and real.is_file() and real.is_relative_to(root.resolve()):
                self._brought.add(name)
                for path in self._places([name]):
                    shutil.copyfile(real, path)

    def config(self, profile: str | None) -> Config:
        """Return the configuration as it was; all defaults where there was none.

        Raises:
            ConfigError: it was wrong, or the profile was not there.
        """
        self.bring(_CONFIGS)
        config = load_config(self.folder)
        return config.with_profile(profile) if profile else config

    def shown(self, words: str) -> str:
        """Return words about the version before without the name of its folder, which means nothing to people."""
        for folder in (str(self.folder), shown(self.folder)):
            words = words.replace(f"{folder}/", "").replace(folder, ".")
        return words

    def _places(self, names: Iterable[str]) -> Iterator[Path]:
        for name in names:
            path = self.folder / name
            with suppress(FileExistsError, NotADirectoryError):  # two names that this disk does not tell apart
                path.parent.mkdir(parents=True, exist_ok=True)
                if not path.exists():
                    yield path

    def _real(self, name: str) -> str | None:
        """Follow links within the commit; None where they lead out of it, or to no file."""
        tree = self.files.tree
        left, done, hops = name.split("/"), list[str](), 0
        while left:
            part = left.pop(0)
            if part == "..":
                if not done:
                    return None
                done.pop()
            elif part not in ("", "."):
                done.append(part)
                file = tree.get("/".join(done))
                if file is not None and file.mode == LINK:
                    hops += 1
                    target = self._target(file.object)
                    if hops > _MAX_LINKS or target.startswith("/"):
                        return None
                    done.pop()
                    left = [*target.split("/"), *left]
        real = "/".join(done)
        return real if real in tree and tree[real].is_file else None

    def _target(self, link: str) -> str:
        return "".join(os.fsdecode(b"".join(chunks)) for _, chunks in self.files.repository.contents([link]))


@contextmanager
def before(files: Files) -> Iterator[Before]:
    """Yield the version before; its folder is removed afterwards."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="msgspec-runner-before-", ignore_cleanup_errors=True) as folder:
        yield Before(files, Path(folder).resolve())


def same_settings(one: Config, other: Config) -> bool:
    """Say whether two configurations mean the same, wherever they stand."""
    return replace(one, root=Path(), file=None) == replace(other, root=Path(), file=None)
