"""A finding's identity over time: the same when lines are added above it, another when its text changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from msgspec_runner.diagnostics import Diagnostic
from msgspec_runner.source.document import Document


def with_fingerprints(diagnostics: Iterable[Diagnostic], documents: Mapping[str, Document]) -> Iterator[Diagnostic]:
    """Yield the findings with their fingerprints: file, code, key path, offending line, and the how-many-eth.

    The line's number and the message are no part of it, the count of equal ones is, so that each is unique.
    """
    import hashlib  # 3 ms that a clean run need not wait

    seen: Counter[str] = Counter()
    for diagnostic in diagnostics:
        line = documents[diagnostic.file].line(diagnostic.span.start.line).strip()
        parts = "\0".join((diagnostic.file, diagnostic.code, diagnostic.path, line))
        seen[parts] += 1
        digest = hashlib.sha256(f"{parts}\0{seen[parts]}".encode("utf-8", "surrogatepass")).hexdigest()
        yield diagnostic._replace(fingerprint=digest[:32])
