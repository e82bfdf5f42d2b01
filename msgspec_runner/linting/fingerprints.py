"""A finding's identity over time: the same when lines are added above it, another when its text changes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec_runner.diagnostics import Diagnostic
from msgspec_runner.source.document import Document


def with_fingerprints(
    diagnostics: Iterable[Diagnostic], documents: Mapping[str, Document], root: Path | None = None
) -> Iterator[Diagnostic]:
    """Yield the findings with their fingerprints: file, code, key path, offending line, and the how-many-eth.

    The line's number and the message are no part of it, the count of equal ones is, so that each is unique.

    Args:
        diagnostics: the findings.
        documents: what they are about, by file.
        root: the project's, so that a fingerprint is the same in whichever folder the command runs.
    """
    import hashlib  # 3 ms that a clean run need not wait

    seen: Counter[str] = Counter()
    lines: dict[tuple[str, int], str] = {}  # digests: thousands of findings may stand on one line of a megabyte
    for diagnostic in diagnostics:
        place = (diagnostic.file, diagnostic.span.start.line)
        line = lines.get(place)
        if line is None:
            text = documents[diagnostic.file].line(place[1]).strip()
            line = lines[place] = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        parts = "\0".join((in_project(diagnostic.file, root), diagnostic.code, diagnostic.path, line))
        seen[parts] += 1
        digest = hashlib.sha256(f"{parts}\0{seen[parts]}".encode("utf-8", "surrogatepass")).hexdigest()
        yield diagnostic._replace(fingerprint=digest[:32])


def in_project(file: str, root: Path | None) -> str:
    """Return a file's name relative to the project's root where it lies in it; else as it is."""
    if root is None or file.startswith("<"):  # standard input
        return file
    path = Path(os.path.abspath(file))  # noqa: PTH100 - symlinks stay
    top = Path(os.path.abspath(root))  # noqa: PTH100
    return path.relative_to(top).as_posix() if path.is_relative_to(top) else file
