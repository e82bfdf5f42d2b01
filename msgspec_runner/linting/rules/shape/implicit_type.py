"""MSG104."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec_runner.content.patterns import later
from msgspec_runner.diagnostics import Edit, Fix, Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.rules.shape.unquoted_template import quoted
from msgspec_runner.linting.subject import Subject
from msgspec_runner.source.document import Mapping, Scalar
from msgspec_runner.source.schema import Violation, text_places

# Plain scalars that are text in YAML 1.2's core schema and something else to the types of YAML 1.1 (yaml.org/type).
_YAML_1_1 = later(
    r"(?P<boolean>[Yy]|[Nn]|[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF)"
    r"|(?P<date>\d{4}-\d\d-\d\d"
    r"|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)"
    r"|(?P<number>[-+]?0b[01_]+|[-+]?0x[0-9a-fA-F_]+|[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?"
    r"|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)",
    re.ASCII,
)
_STARTS = frozenset("yYnNoO+-0123456789")  # what such a scalar begins with; most do not, and need no closer look
# A number is not written like that, but a postcode, a code or a phone number is.
_NO_NUMBER = later(r"[-+]?0[0-9]+|\+[0-9]+", re.ASCII)
_FREE = (("vars",), ("message", "contact_saving", "extra_fields"))
"""Where the format takes numbers and text alike."""
_WINDOW = ("delivery", "window")
"""Where a time of day has two digits for its hour."""
_KINDS = {"boolean": "a boolean", "date": "a date", "number": "a number"}


@spec_rule("MSG104", Severity.WARNING)
def implicit_type(subject: Subject) -> Iterator[Finding]:
    """A string is written so that YAML reads a number, a boolean or a date.

    A phone number without quotes is an integer to YAML readers, its ``+`` gone, and ``yes``, ``on``, ``12:30`` and
    ``2031-01-02`` are text in YAML 1.2 but a boolean, the number 750 and a date in YAML 1.1, which most readers
    still speak. Sent is what is written, but the next tool that reads the file may think otherwise. Among ``vars``
    and ``extra_fields``, which take numbers too, ``zip: 01234`` would arrive as 1234. Quote it.

    Bad::

        message:
          to: +16175551212
          name: On

    Good::

        message:
          to: "+16175551212"
          name: "On"
    """
    document = subject.document
    for names, text in text_places("spec", document.root):
        kind = _in_yaml_1_1(text)
        if kind is not None:
            span = document.span(text.start, text.end)
            meant = f"0{text.text}" if names[:-1] == _WINDOW and len(text.text) == len("9:00") else text.text
            message = f"YAML 1.1 reads {kind} here, but a string is meant: quote it, {quoted(meant)}"
            yield Finding(span, message, ".".join(names), Fix("safe", (Edit(span, quoted(meant)),)))
    for path in _FREE:
        parent = document.node(path)
        for entry in parent.entries if isinstance(parent, Mapping) else ():
            number = entry.value
            if isinstance(number, Scalar) and number.style == "plain" and _loses_its_front(number):
                span = document.span(number.start, number.end)
                message = f"YAML reads the number {number.value} here: quote it, {quoted(number.text)}"
                fix = Fix("unsafe", (Edit(span, quoted(number.text)),))
                yield Finding(span, message, ".".join((*path, entry.key.text)), fix)
    for violation in subject.violations:
        scalar = document.node(violation.path)
        if is_implicit(violation, scalar):
            assert isinstance(scalar, Scalar)
            span = document.span(scalar.start, scalar.end)
            kind = "a boolean" if isinstance(scalar.value, bool) else "a number"
            yield Finding(
                span,
                f"YAML reads {kind} here, but a string is meant: quote it, {quoted(scalar.text)}",
                ".".join(map(str, violation.path)),
                Fix("safe", (Edit(span, quoted(scalar.text)),)),
            )


def _loses_its_front(scalar: Scalar) -> bool:
    return isinstance(scalar.value, int) and _NO_NUMBER.fullmatch(scalar.text) is not None


def _in_yaml_1_1(scalar: Scalar) -> str | None:
    if scalar.style != "plain" or scalar.text[:1] not in _STARTS or scalar.tag is not None:
        return None
    if not isinstance(scalar.value, str):
        return None
    found = _YAML_1_1.fullmatch(scalar.text)
    return None if found is None else _KINDS[found.lastgroup or ""]


def is_implicit(violation: Violation, node: object) -> bool:
    """Say whether a violation is nothing but a string without quotes: what is written is what is meant, and fits."""
    return (
        violation.keyword == "type"
        and violation.expected == "string"
        and isinstance(node, Scalar)
        and node.style == "plain"
        and node.value is not None
        and not isinstance(node.value, str)
        and re.search(violation.pattern, node.text) is not None
    )
