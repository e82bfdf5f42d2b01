"""MSG109."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, did_you_mean, spec_rule
from msgspec_runner.linting.rules.shape.implicit_type import is_implicit
from msgspec_runner.linting.subject import Subject
from msgspec_runner.source.document import Mapping, Node, Scalar, Sequence
from msgspec_runner.source.schema import Violation

_EXPLAINED_ELSEWHERE = frozenset({"required", "additionalProperties"})
_WORDS = {
    "string": "text",
    "object": "a mapping",
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


@spec_rule("MSG109", Severity.ERROR)
def wrong_type(subject: Subject) -> Iterator[Finding]:
    """A value is of another type than its field takes.

    A field that the API wants as an integer, a boolean or an object may be a template; any other string there
    is a mistake.

    Bad::

        message:
          contact_saving: {save: "maybe", list_id: "{{ list }}"}

    Good::

        message:
          contact_saving: {save: true, list_id: "{{ list }}"}
    """
    document = subject.document
    for violation in subject.violations:
        node = document.node(violation.path)
        if node is None and not document.problems:
            yield Finding(subject.top_span, "the file is empty: write a spec, or remove the file")
        if violation.keyword in _EXPLAINED_ELSEWHERE or node is None or is_implicit(violation, node):
            continue
        if violation.path == ("message", "provider") and violation.keyword == "anyOf":
            continue  # MSG206 knows the providers
        path = tuple(map(str, violation.path))
        span = document.span(node.start, node.end)
        if span.start == span.end or not path:
            span = subject.key_span(*path)
        name = path[-1] if path else "a spec"
        yield Finding(span, _message(name, violation, node), ".".join(path))


def _message(name: str, violation: Violation, node: Node) -> str:
    got = _kind(node)
    match violation.keyword, violation.expected:
        case "type", str() | list() as expected:
            kinds = [expected] if isinstance(expected, str) else list(expected)
            wanted = [_WORDS[kind] for kind in kinds if kind != "null"]
            return f"`{name}` takes {_either(wanted)}, not {got}"
        case "enum", list() as choices:
            word = node.text if isinstance(node, Scalar) else ""
            hint = did_you_mean(word, map(str, choices)) or f": one of {', '.join(map(str, choices))}"
            return f"`{name}` is none of its choices{hint}"
        case "pattern", _ if name == "spec":
            return "a spec's id has only a-z, 0-9 and -: write it like `appointment-reminder`"
        case "pattern", "\\{[{%]":
            return (
                f"`{name}` takes {_TYPED.get(name, 'a value of its type')} or a template in {{{{ }}}}, not plain text"
            )
        case "pattern", _:
            return f"`{name}` is not written as it must be: {_SHAPES.get(name, 'see `msgspec-runner schema`')}"
        case "minimum", least:
            return f"`{name}` must be at least {least}"
        case "not", _:
            return "`recipients` takes `file` or `rows`, not both: remove one"
        case keyword, limit:
            return f"`{name}` must have {_LENGTHS.get(keyword, keyword)} {limit}"


_TYPED = {
    "save": "true or false",
    "list_id": "a whole number",
    "template": "a mapping with `id`",
    "variables": "a mapping",
    "extra_fields": "a mapping",
}
_SHAPES = {
    "locale": "such as en_US",
    "region": "two capital letters, such as US",
    "rate": "such as 10/s or 300/min",
    "from": 'such as "09:00"',
    "to": 'such as "19:00"',
    "hold": "such as 30s, 5m or 2h",
}
_LENGTHS = {
    "minLength": "a length of at least",
    "maxLength": "a length of at most",
    "minItems": "a number of items of at least",
}


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _kind(node: Node) -> str:
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, bool):
        return "true or false"
    if isinstance(node.value, int):
        return "a whole number"
    return "a number" if isinstance(node.value, float) else "text"
