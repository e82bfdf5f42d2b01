"""MSG108."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject

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
        if violation.keyword != "required":
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
