"""MSG107."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.rules.message.undefined_api_field import UNDEFINED
from msgspec_runner.linting.rules.shape.meant_keys import meant_path, place_of
from msgspec_runner.linting.subject import Subject
from msgspec_runner.source.document import Scalar
from msgspec_runner.spec import entry_at


@spec_rule("MSG107", Severity.ERROR)
def unknown_field(subject: Subject) -> Iterator[Finding]:
    """A key is not part of the spec format.

    A misspelt key is not sent, and nobody notices: ``image_ulr`` sends the text without its image. Keys under
    ``message`` are exactly the API's parameters.

    Bad::

        message:
          image_ulr: https://placehold.co/600x400.png

    Good::

        message:
          image_url: https://placehold.co/600x400.png
    """
    repaired: set[tuple[str | int, ...]] = set()
    for violation in subject.violations:
        if violation.keyword != "additionalProperties":
            continue
        if violation.path == ("message",) and violation.name in UNDEFINED:
            continue
        path = tuple(map(str, (*violation.path, violation.name)))
        span = subject.key_span(*path)
        meant = meant_path(violation)
        where = f"`{'.'.join(path[:-1])}`" if violation.path else "a spec"
        if _is_rest_of_a_value(subject, path):
            message = f"a comma ends the value before it, so `{violation.name}` is read as a field: quote that value"
            yield Finding(span, message, ".".join(path))
        elif meant is not None and meant[:-1] != violation.path:
            message = f"`{violation.name}` is no field of {where}: move it, it belongs {place_of(meant)}"
            yield Finding(span, message, ".".join(path))
        elif meant is not None:
            match = str(meant[-1])
            message = f"unknown field `{violation.name}` in {where}; did you mean `{match}`?"
            entry = entry_at(subject.document, path)
            fix = None
            if entry is not None and subject.document.node(meant) is None and meant not in repaired:
                fix = subject.replacement(entry.key, match)
                repaired.add(meant)
            yield Finding(span, message, ".".join(path), fix)
        else:
            known = ", ".join(sorted(violation.known))
            yield Finding(span, f"unknown field `{violation.name}` in {where}; known are {known}", ".".join(path))


_NEAR = 100
"""Characters around a key that are looked at: no sane text has more white space than that."""


def _is_rest_of_a_value(subject: Subject, path: tuple[str, ...]) -> bool:
    """Say whether this key is the end of an unquoted text in braces that has a comma: no colon stands behind it."""
    entry, text = entry_at(subject.document, path), subject.document.text
    if entry is None or not isinstance(entry.value, Scalar) or entry.value.start != entry.value.end:
        return False
    start, end = entry.key.start, entry.key.end
    before, behind = text[max(0, start - _NEAR) : start].rstrip(), text[end : end + _NEAR].lstrip()
    return before.endswith(",") and not behind.startswith(":")
