"""Names of files as a forge knows them: relative to the repository, wherever in it the command runs."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec_runner.linting.linter import LintResult


def in_repository(result: LintResult, folder: Path) -> LintResult:
    """Return the result with names relative to the top of the repository, which annotations are attached by.

    Where there is no repository, names stay; a file outside of it is named by its whole path.

    Args:
        result: its files are named relative to ``folder``.
        folder: where the command runs, absolute.
    """
    top = next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)
    if top is None:
        return result

    def named(file: str) -> str:
        if file.startswith("<"):  # standard input
            return file
        path = Path(os.path.normpath(folder / file))
        return (path.relative_to(top) if path.is_relative_to(top) else path).as_posix()

    diagnostics = tuple(
        item._replace(
            file=named(item.file),
            related=tuple(related._replace(file=named(related.file)) for related in item.related),
        )
        for item in result.diagnostics
    )
    return LintResult(diagnostics, {named(file): document for file, document in result.documents.items()})
