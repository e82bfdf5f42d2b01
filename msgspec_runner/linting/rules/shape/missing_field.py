"""MSG108."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.rules.shape.meant_keys import meant_path
from msgspec_runner.linting.subject import Subject
from msgspec_runner.source.schema import Violation

_EXAMPLES = {
    "spec": "spec: appointment-reminder",
    "message": "message: {provider: …, channel_key: …, to: …, text: …}",
    "provider": "provider: twlo",
    "channel_key": "channel_key: your_channel_key",
    "to": 'to: "{{ phone }}"',
    "id": "id: HX…",
    "from": 'from: "09:00"',
}


@spec_rule("MSG108", Severity.ERROR)
def missing_field(subject: Subject) -> Iterator[Finding]:
    """A key that must be there is not there.

    The API requires ``provider``, ``channel_key`` and ``to``, a template requires its ``id``, and the ledger
    knows a spec by ``spec``.

    Bad::

        message:
          provider: twlo
          to: "{{ phone }}"
          text: Hello!

    Good::

        message:
          provider: twlo
          channel_key: your_channel_key
          to: "{{ phone }}"
          text: Hello!
    """
    for violation in subject.violations:
        if violation.keyword != "required" or _is_misspelt(violation, subject.violations):
            continue
        path = tuple(map(str, violation.path))
        where = f"`{'.'.join(path)}`" if path else "the spec"
        example = _EXAMPLES.get(violation.name, f"{violation.name}: …")
        if violation.name == "to" and path[:1] == ("delivery",):
            example = 'to: "19:00"'
        yield Finding(
            subject.key_span(*path),
            f"{where} needs `{violation.name}`: add `{example}`",
            ".".join((*path, violation.name)),
        )


def _is_misspelt(missing: Violation, violations: Iterable[Violation]) -> bool:
    """Say whether MSG107 asks of another key of the mapping whether this one was meant, or has it moved here."""
    return any(
        other.keyword == "additionalProperties" and meant_path(other) == (*missing.path, missing.name)
        for other in violations
    )
