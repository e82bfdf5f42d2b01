"""MSG109."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec_runner.content.patterns import later
from msgspec_runner.conversions import parse_schedule
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, did_you_mean, spec_rule
from msgspec_runner.linting.rules.shape.implicit_type import is_implicit
from msgspec_runner.linting.subject import Subject
from msgspec_runner.recipients.cells import TYPES
from msgspec_runner.recipients.columns import default_problem
from msgspec_runner.source.document import Mapping, Node, Scalar, Sequence
from msgspec_runner.source.schema import Violation

_EXPLAINED_ELSEWHERE = frozenset({"required", "additionalProperties"})
_FAMILIAR = frozenset(
    ["de_DE", "en", "en_CA", "en_GB", "en_US", "es_ES", "es_MX", "es_US", "fr_CA", "fr_FR", "it_IT", "nl_NL", "pt_BR"]
)
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
          contact_saving: {save: maybe}

    Good::

        message:
          contact_saving: {save: "{{ opted_in }}"}
        recipients:
          samples: [{phone: "+16175551212", opted_in: "yes"}]
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
        if violation.keyword == "not":
            span = subject.key_span(*path, "rows")
        yield Finding(span, _message(violation, node), ".".join(path))
    yield from _columns(subject)
    yield from _timezone(subject)
    yield from _locale(subject)
    yield from _expires(subject)
    yield from _window(subject)


def _columns(subject: Subject) -> Iterator[Finding]:
    """What no schema can say of a column: its default is a value of its type, and its region exists."""
    columns = subject.document.node(("recipients", "columns"))
    for column in subject.spec.columns:
        body = columns.get(column.name) if isinstance(columns, Mapping) else None
        if not isinstance(body, Mapping):
            continue
        path = ("recipients", "columns", column.name)
        default, region = body.get("default"), body.get("region")
        problem = default_problem(column) if default is not None else None
        if default is not None and problem is not None:
            yield Finding(subject.document.span(default.start, default.end), problem, ".".join((*path, "default")))
        kind = body.get("type")
        if isinstance(region, Scalar) and (kind is None or column.type not in {"phone", "string"}):
            message = "`region` has a meaning for phone numbers only: add `type: phone`"
            yield Finding(subject.document.span(region.start, region.end), message, ".".join((*path, "region")))
        elif isinstance(region, Scalar) and column.region is None and re.fullmatch("[A-Z]{2}", region.text):
            message = f"no country has the code {region.text}: write two letters of ISO 3166, such as US"
            yield Finding(subject.document.span(region.start, region.end), message, ".".join((*path, "region")))


def _timezone(subject: Subject) -> Iterator[Finding]:
    if subject.spec.timezone is not None:
        yield from _zone(subject, subject.spec.timezone, ("timezone",))


def _locale(subject: Subject) -> Iterator[Finding]:
    name, node = subject.spec.locale, subject.document.node(("locale",))
    if name is None or node is None or name.replace("-", "_") in _FAMILIAR:
        return
    if any(violation.path == ("locale",) for violation in subject.violations):
        return  # it is not written as any locale is
    # Not at the top: Babel takes 20 ms, which a spec in a familiar locale need not wait for.
    from msgspec_runner.templates.filters import find_locale
    from msgspec_runner.templates.problems import Refusal

    try:
        find_locale(name)
    except Refusal as refusal:
        yield Finding(subject.document.span(node.start, node.end), refusal.message, "locale")


def _zone(subject: Subject, name: str, path: tuple[str, ...]) -> Iterator[Finding]:
    node = subject.document.node(path)
    if node is None:
        return
    # Not at the top: it costs a millisecond that only specs with a time zone should pay.
    from msgspec_runner.templates.filters import find_zone
    from msgspec_runner.templates.problems import Refusal

    try:
        find_zone(name)
    except Refusal as refusal:
        yield Finding(subject.document.span(node.start, node.end), refusal.message, ".".join(path))


def _expires(subject: Subject) -> Iterator[Finding]:
    text, node = subject.spec.delivery.expires, subject.document.node(("delivery", "expires"))
    if text is not None and node is not None and parse_schedule(text) is None:
        message = "`expires` takes a date and time with an offset: write it like 2031-12-24T18:00:00-05:00"
        yield Finding(subject.document.span(node.start, node.end), message, "delivery.expires")


def _window(subject: Subject) -> Iterator[Finding]:
    """What no schema can say of a window: it has hours, and its zone exists."""
    window = subject.spec.delivery.window
    if window is None:
        return
    path = ("delivery", "window", "to")
    node = subject.document.node(path)
    if node is not None and window.opens == window.closes:
        message = "`to` is the same time as `from`, so the window has no hours: write another, or remove the window"
        yield Finding(subject.document.span(node.start, node.end), message, ".".join(path))
    zone = window.zone
    if zone is not None and zone.template.is_static:
        yield from _zone(subject, zone.node.text, zone.path)


def _name(path: tuple[str | int, ...]) -> str:
    """Return the words for a place: its key, ``rows[2]`` for an item of a list."""
    return f"{path[-2]}[{path[-1]}]" if len(path) > 1 and isinstance(path[-1], int) else str(path[-1])


def _message(violation: Violation, node: Node) -> str:
    got = _kind(node)
    if not violation.path:
        return f"this is no spec but {got}: begin with `spec: …` and `message:`, or remove the file"
    name = _name(violation.path)
    match violation.keyword, violation.expected:
        case "type", str() | list() as expected:
            kinds = [expected] if isinstance(expected, str) else list(expected)
            words = _WORDS | ({"string": "a template in {{ }}"} if name in _TYPED else {})
            wanted = [words[kind] for kind in kinds if kind != "null"]
            shape = _TO if violation.path == ("message", "to") else _SHAPES.get(name, "")
            like = (
                f": write it {_UNITS.get(name) or shape.replace('such as', 'like')}"
                if kinds == ["string"] and shape
                else ""
            )
            if "object" in kinds and isinstance(node, Scalar) and _NO_SPACE.match(node.text):
                like = ": write a space behind the colon"
            elif violation.path[:-1] == ("recipients", "columns") and isinstance(node, Scalar) and node.text in TYPES:
                like = f": write {{type: {node.text}}}"
            return f"`{name}` takes {_either(wanted)}, not {got}{like}"
        case "enum", list() as choices:
            word = node.text if isinstance(node, Scalar) else ""
            hint = did_you_mean(word, map(str, choices)) or f": one of {', '.join(map(str, choices))}"
            return f"`{name}` is none of its choices{hint}"
        case "pattern", _ if name == "spec":
            return "a spec's id has only a-z, 0-9 and -: write it like `appointment-reminder`"
        case "pattern", "\\{[{%]":
            takes = (
                f"`{name}` takes {_TYPED.get(name, 'a value of its type')} or a template in {{{{ }}}}, not plain text"
            )
            return takes + _unquoted(name, node.text if isinstance(node, Scalar) else "")
        case "pattern", _:
            shape = _SHAPES.get(name, "see `msgspec-runner schema`")
            if name in {"from", "to"} and isinstance(node, Scalar) and _HOUR.fullmatch(node.text):
                shape = f'write it "0{node.text}"'
            return f"`{name}` is not written as it must be: {shape}"
        case "minimum", least:
            return f"`{name}` must be at least {least}"
        case "maximum", most:
            return f"`{name}` must be at most {most}"
        case "not", _:
            return "`recipients` takes `file` or `rows`, not both: remove one"
        case keyword, limit:
            return f"`{name}` must have {_LENGTHS.get(keyword, keyword)} {limit}"


_HOUR = later("[0-9]:[0-5][0-9]")
_NO_SPACE = later(r"[a-z_]+:[^ ]")
_TYPED = {
    "save": "true or false",
    "list_id": "a whole number",
    "template": "a mapping with `id`",
    "variables": "a mapping",
    "contact_saving": "a mapping with `save`",
    "extra_fields": "a mapping",
}
_SHAPES = {
    "locale": "such as en_US",
    "region": "two capital letters, such as US",
    "rate": "more than 0, such as 10/s or 300/min",
    "from": 'such as "09:00"',
    "to": 'such as "19:00"',
    "hold": "a whole number above 0 and s, m or h, such as 30s, 5m or 2h",
}
_UNITS = {
    "region": "in two capital letters, such as US",
    "rate": "with its unit, such as 10/s or 300/min",
    "hold": "with its unit, such as 30s, 5m or 2h",
}
_TO = 'such as "{{ phone }}"'
_LENGTHS = {
    "minLength": "a length of at least",
    "maxLength": "a length of at most",
    "minItems": "a number of items of at least",
}


def _unquoted(name: str, text: str) -> str:
    """Return what to write for a text that says what is meant, in the words of YAML 1.1 or in quotes."""
    value = text.strip().lower()
    if name == "list_id" and re.fullmatch("[0-9]{1,9}", value):
        return f": write {int(value)}, without quotes"
    if name == "save" and value in _YES | _NO:
        return f": write {'true' if value in _YES else 'false'}, without quotes"
    return ""


_YES, _NO = frozenset(["true", "yes", "on", "y", "1"]), frozenset(["false", "no", "off", "n", "0"])


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
