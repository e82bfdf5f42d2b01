"""Which files are others than a commit had them, judged by their content: git never looks at the working tree."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from msgspec_runner.git.repository import LINK, SUBMODULE, Repository, Tree

_CHUNK = 1024 * 1024


class Files:
    """The files of a commit beside those that are here, below one root.

    Args:
        repository: that the project lies in.
        tree: the commit's files.
    """

    def __init__(self, repository: Repository, tree: Tree) -> None:
        self.repository = repository
        self.tree = tree
        self._root = repository.root
        self._real_root = os.path.realpath(self._root)
        self.changed: Callable[[str], bool] = cache(self._changed)
        """Say whether a file, by its path below the root, is another now: came, went, or has other content."""

    def below(self, path: Path) -> str | None:
        """Return a path relative to the root, links in it left as they are; None where it lies outside."""
        written = os.path.abspath(path)  # noqa: PTH100 - links stay
        for root in (os.path.abspath(self._root), self._real_root):  # noqa: PTH100
            inside = os.path.join(root, "")  # noqa: PTH118
            if written.startswith(inside):
                return written.removeprefix(inside).replace(os.sep, "/")
        return None

    def is_kept_out(self, name: str) -> bool:
        """Say whether git does not have a file that is here: it is ignored, in a submodule, or kept by a filter.

        What such a file held at the commit is not known, so it is taken as it is now.
        """
        if "\0" in name:
            return False
        if self._submodule(name) is not None:
            return True
        if name in self.tree:
            return name in self.repository.filtered([name])
        return name in self.repository.ignored([name])

    def _changed(self, name: str) -> bool:
        if "\0" in name:
            return False
        submodule = self._submodule(name)
        if submodule is not None:
            return self.repository.commit_in(submodule) != self.tree[submodule].object
        real = self.below(Path(os.path.realpath(self._root / name)))
        if real is not None and real != name and self.changed(real):  # a link, or a file behind one
            return True
        before = self.tree.get(name)
        path = self._root / name
        if before is None:
            is_link = os.path.islink(path)  # noqa: PTH114 - is_symlink() raises for a long name
            if not is_link and (not os.path.isfile(path) or (real is not None and real != name)):  # noqa: PTH113
                return False  # a folder, nothing, or a file behind a link, which was asked about above
            return not self.is_kept_out(name)
        if before.mode == LINK or os.path.islink(path):  # noqa: PTH114
            return before.mode != LINK or self._link(path) != before.object
        if not os.path.isfile(path):  # noqa: PTH113
            return True
        if self._digest(path) == before.object:
            return False
        if name in self.repository.filtered([name]):  # its content here tells nothing of that in git
            return self.repository.indexed([name]).get(name) != before.object
        return self._digest(path, unified=True) != before.object

    def _submodule(self, name: str) -> str | None:
        parts = name.split("/")
        heads = ("/".join(parts[:number]) for number in range(1, len(parts) + 1))
        return next((head for head in heads if head in self.tree and self.tree[head].mode == SUBMODULE), None)

    def _link(self, path: Path) -> str | None:
        try:
            target = os.fsencode(os.readlink(path))  # noqa: PTH115 - of bytes
        except OSError:
            return None
        return self._named(target)

    def _named(self, content: bytes) -> str:
        return hashlib.new(
            self.repository.hash, b"blob %d\0" % len(content) + content, usedforsecurity=False
        ).hexdigest()

    def _digest(self, path: Path, *, unified: bool = False) -> str | None:
        """Return the name that git gives to a file's content; None where it cannot be read.

        Args:
            path: the file; read in chunks.
            unified: with every CR LF taken for LF, as a checkout on Windows may have written it.
        """
        try:
            size = sum(map(len, _chunks(path, unified=True))) if unified else path.stat().st_size
            digest = hashlib.new(self.repository.hash, b"blob %d\0" % size, usedforsecurity=False)
            for chunk in _chunks(path, unified=unified):
                digest.update(chunk)
        except OSError:
            return None
        return digest.hexdigest()


def _chunks(path: Path, *, unified: bool) -> Iterator[bytes]:
    with path.open("rb") as file:
        held = b""
        while chunk := file.read(_CHUNK):
            if not unified:
                yield chunk
                continue
            chunk = held + chunk
            held = b"\r" if chunk.endswith(b"\r") else b""
            yield chunk.removesuffix(b"\r").replace(b"\r\n", b"\n")
        if held:
            yield held
