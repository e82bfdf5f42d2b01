"""MSG209."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, SpecFacts, project_rule


@project_rule("MSG209", Severity.ERROR)
def duplicate_spec_id(specs: Sequence[SpecFacts]) -> Iterator[tuple[str, Finding]]:
    """Two specs have the same id.

    The ledger knows a message by its spec's id, never by its path: with one id, who got the first message would
    never get the second.

    Bad::

        spec: hello  # and another file with `spec: hello`

    Good::

        spec: hello-again
    """
    first: dict[str, str] = {}
    for spec in specs:
        if not spec.id:
            continue
        other = first.setdefault(spec.id, spec.file)
        if other != spec.file:
            yield (
                spec.file,
                Finding(spec.place, f"`{spec.id}` is the id of {other} too: give this spec its own", "spec"),
            )
