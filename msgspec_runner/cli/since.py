"""``--since REF``: from a git ref to the specs that a change touches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from msgspec_runner.changes.before import Before, before
from msgspec_runner.changes.files import Files
from msgspec_runner.changes.specs import Changes, find_changes
from msgspec_runner.cli.options import Terminal
from msgspec_runner.errors import NoSpecError
from msgspec_runner.git.repository import open_repository
from msgspec_runner.project import Project, configure, load
from msgspec_runner.reports.change_words import change_words
from msgspec_runner.reports.text import count, printable


class Compared(NamedTuple):
    """A project beside the version before.

    Attributes:
        project: as it is.
        before: the version before; its files are there as long as it is open.
        changes: what differs.
    """

    project: Project
    before: Before
    changes: Changes


@contextmanager
def compared(ref: str, paths: Sequence[Path], profile: str | None) -> Iterator[Compared]:
    """Compare the project with the merge base of a ref and HEAD, as ``git diff REF...`` does.

    The project is what is here: what is not committed yet counts too.

    Args:
        ref: of ``--since``.
        paths: of the command.
        profile: of ``--profile``.

    Raises:
        UsageError: there is no such ref, no repository, or a clone without the history that it takes.
        NoSpecError: there is no spec, and there was none.
    """
    missing: NoSpecError | None = None
    try:
        project = load(paths, profile)
    except NoSpecError as error:
        project, missing = Project(configure(paths, profile), ()), error
    repository = open_repository(project.config.root)
    since = repository.since(ref)
    with before(Files(repository, repository.tree(since.commit))) as old:
        changes = find_changes(project, paths, old, since)
        if missing is not None and not changes.deleted:
            raise missing
        yield Compared(project, old, changes)


def changes_since(ref: str, paths: Sequence[Path], profile: str | None, terminal: Terminal) -> tuple[Project, Changes]:
    """Return the project and its changes, and say on standard error what is looked at; see :func:`compared`."""
    with compared(ref, paths, profile) as found:
        for line in change_lines(found.changes):
            terminal.note(line)
        return found.project, found.changes


def change_lines(changes: Changes) -> Iterator[str]:
    """Yield what changed, as people read it: a line a spec.

    No line begins with a foreign word: what does begin with ``::`` is a command to GitHub.
    """
    if changes.specs:
        total = count(len(changes.documents), "spec")
        yield f"{len(changes.specs):,} of {total} changed since {printable(changes.since.words)}"
    else:
        yield f"no spec changed since {printable(changes.since.words)}"
    for change in (*changes.specs, *changes.deleted):
        yield f"- {change_words(change)}"
    for note in changes.notes:
        yield f"- {printable(note)}"
