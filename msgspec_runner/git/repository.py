"""A repository as a project sees it: the commit to compare with, and the files that it holds below the project."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, NoReturn

from msgspec_runner.errors import UsageError
from msgspec_runner.git.process import Answer, ask, talking

LINK = "120000"
"""The mode of a symbolic link."""
SUBMODULE = "160000"
"""The mode of another repository's commit."""

SHORT = 10
"""Digits of a commit's name that people are shown."""

_CHUNK = 1024 * 1024
_DEEPEN = (
    "get all of it: `git fetch --unshallow` (GitHub: `fetch-depth: 0` under `with` of actions/checkout; "
    'GitLab: `GIT_DEPTH: "0"` under `variables`)'
)
_DUBIOUS = re.compile(r"dubious ownership in repository at '([^\n]*)'")


class TreeFile(NamedTuple):
    """A file of a commit.

    Attributes:
        mode: git's, six digits.
        object: the name of its content (a blob's, or a submodule's commit).
    """

    mode: str
    object: str

    @property
    def is_file(self) -> bool:
        """Whether it is a file with content of its own: neither a link nor a submodule."""
        return self.mode not in (LINK, SUBMODULE)


Tree = Mapping[str, TreeFile]
"""Files by their path relative to the project's root, with ``/``."""


class Since(NamedTuple):
    """What a project is compared with.

    Attributes:
        ref: as the user named it.
        commit: the newest commit that the branch here and ``ref`` have in common: what ``git diff REF...`` takes.
    """

    ref: str
    commit: str

    @property
    def words(self) -> str:
        """As people are told it."""
        return f"{self.ref} (merge base {self.commit[:SHORT]})"


@dataclass(frozen=True, slots=True)
class Repository:
    """The repository that a project lies in.

    Attributes:
        root: the project's root; every path is relative to it.
        hash: the hash that names its objects, as :mod:`hashlib` knows it: ``sha1`` or ``sha256``.
        shallow: whether its history was cut off when it was cloned.
    """

    root: Path
    hash: str
    shallow: bool

    def since(self, ref: str) -> Since:
        """Return what to compare with: the merge base of ``ref`` and HEAD.

        Args:
            ref: a branch, a tag, a commit, or whatever else git takes for one.

        Raises:
            UsageError: git knows no such commit, or it and HEAD have none in common; says what to type.
        """
        if self._commit("HEAD") is None:
            raise UsageError("--since: there is no commit yet: commit first, or leave out --since")
        commit = self._commit(ref)
        if commit is None:
            self._refuse_unknown(ref)
        found = ask(self.root, "merge-base", "--end-of-options", commit, "HEAD")
        if found.code == 0:
            return Since(ref, found.line)
        if self.shallow:
            raise UsageError(f"--since {ref}: this clone ends before it meets that commit; {_DEEPEN}")
        raise UsageError(f"--since {ref}: HEAD and {ref} have no commit in common: name a branch that HEAD grew from")

    def tree(self, commit: str) -> dict[str, TreeFile]:
        """Return the files of a commit below the project's root."""
        listed = self._asked("ls-tree", "-r", "-z", "--end-of-options", commit)
        files = {}
        for record in filter(None, listed.out.split(b"\0")):
            facts, _, name = record.partition(b"\t")
            mode, _, identity = facts.decode("ascii").split(" ")
            path = os.fsdecode(name)
            if _is_sound(path):
                files[path] = TreeFile(mode, identity)
        return files

    def indexed(self, paths: Iterable[str]) -> dict[str, str]:
        """Return which objects the index has for some paths; those that it has not are left out."""
        listed = self._asked("--literal-pathspecs", "ls-files", "--stage", "-z", "--", *paths)
        found = {}
        for record in filter(None, listed.out.split(b"\0")):
            facts, _, name = record.partition(b"\t")
            found[os.fsdecode(name)] = facts.decode("ascii").split(" ")[1]
        return found

    def ignored(self, paths: Iterable[str]) -> set[str]:
        """Return those of some paths that are kept out of git by its ignore rules."""
        # It knows no --literal-pathspecs; behind ./ no name begins with a pattern's mark.
        answer = ask(self.root, "check-ignore", "-z", "--stdin", given=_listed(f"./{path}" for path in paths))
        return {os.fsdecode(name).removeprefix("./") for name in answer.out.split(b"\0") if name}

    def filtered(self, paths: Iterable[str]) -> set[str]:
        """Return those of some paths whose content in git is another than on the disk: Git LFS, git-crypt and such."""
        answer = ask(self.root, "check-attr", "-z", "--stdin", "filter", given=_listed(paths))
        words = answer.out.split(b"\0")
        triples = zip(words[0::3], words[1::3], words[2::3], strict=False)
        return {os.fsdecode(name) for name, _, value in triples if value not in (b"unspecified", b"unset", b"")}

    def commit_in(self, submodule: str) -> str | None:
        """Return the commit that a submodule is at, by its path; None where it is not there."""
        folder = self.root / submodule
        if not (folder / ".git").exists():
            return None
        found = ask(folder, "rev-parse", "--verify", "--quiet", "HEAD")
        return found.line if found.code == 0 else None

    def contents(self, objects: Iterable[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Yield each object's content in chunks, in order; the chunks must be used before the next object is.

        Raises:
            UsageError: the clone lacks one: it was made without all contents.
        """
        with talking(self.root, "cat-file", "--batch") as (questions, answers):
            for name in objects:
                try:
                    questions.write(f"{name}\n".encode("ascii"))
                    questions.flush()
                except OSError:
                    _refuse_missing(name)
                head = answers.readline().split()
                if len(head) != 3:
                    _refuse_missing(name)
                chunks = _chunks(answers, int(head[2]), name)
                yield name, chunks
                for _ in chunks:  # whatever was not used
                    pass
                answers.read(1)

    def _commit(self, ref: str) -> str | None:
        if "\0" in ref:
            return None
        found = ask(self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        return found.line if found.code == 0 else None

    def _refuse_unknown(self, ref: str) -> NoReturn:
        if self._commit(f"origin/{ref}") is not None:
            raise UsageError(f"--since {ref}: there is no {ref} here, but there is origin/{ref}: --since origin/{ref}")
        if self.shallow:
            raise UsageError(f"--since {ref}: git knows no such commit, and this clone is shallow; {_DEEPEN}")
        fetch = "fetch it (`git fetch origin`), or correct the name; `git branch --all` lists those that are here"
        raise UsageError(f"--since {ref}: git knows no such commit: {fetch}")

    def _asked(self, *arguments: str) -> Answer:
        answer = ask(self.root, *arguments)
        if answer.code != 0:
            raise UsageError(f"--since: git {' '.join(arguments[:2])} failed: {_last_line(answer.err)}")
        return answer


def open_repository(root: Path) -> Repository:
    """Open the repository that a folder lies in.

    Args:
        root: the project's root.

    Raises:
        UsageError: there is none, or git refuses to read it; says what to type.
    """
    found = ask(root, "rev-parse", "--is-inside-work-tree", "--show-object-format", "--is-shallow-repository")
    if found.code != 0:
        _refuse_folder(root, found.err)
    words = os.fsdecode(found.out).split()
    if words[0] != "true":
        raise UsageError(f"--since: {root} is inside of git's own folder: run this where the specs are")
    return Repository(root, words[1], words[2] == "true")


def _refuse_folder(root: Path, words: str) -> NoReturn:
    dubious = _DUBIOUS.search(words)
    if dubious is not None:
        raise UsageError(
            "--since: git does not read this repository, because another user owns it. If you trust it: "
            f"git config --global --add safe.directory '{dubious[1]}'"
        )
    if "not a git repository" in words:
        raise UsageError(f"--since: {root} is in no git repository: run this in a clone, or leave out --since")
    raise UsageError(f"--since: git cannot read the repository of {root}: {_last_line(words)}")


def _refuse_missing(name: str) -> NoReturn:
    raise UsageError(
        f"--since: this clone lacks the object {name[:SHORT]}: it was made without old contents (`--filter`), or is "
        "damaged. Get them: `git fetch --refetch --no-filter origin` (GitHub: leave out `filter` of actions/checkout)"
    )


def _chunks(stream: IO[bytes], size: int, name: str) -> Iterator[bytes]:
    while size:
        chunk = stream.read(min(size, _CHUNK))
        if not chunk:
            _refuse_missing(name)
        size -= len(chunk)
        yield chunk


def _is_sound(path: str) -> bool:
    """Say whether a path can be written below a folder: a hostile tree may hold any bytes for a name."""
    parts = path.split("/")
    return not any(
        part in ("", ".", "..") or part.lower() == ".git" or os.sep in part or "\\" in part for part in parts
    )


def _listed(paths: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def _last_line(words: str) -> str:
    return words.splitlines()[-1] if words else "it says nothing"
