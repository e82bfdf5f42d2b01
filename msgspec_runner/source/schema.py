"""The JSON Schema of a spec: where it is found, whether a value fits it, and why it does not.

``schemas/*.schema.json`` is the single home of a spec's shape. It is served to editors as it is; the
linter asks it twice: :func:`fits`, a closure-compiled yes or no for the many specs that are right, and
:func:`violations`, where jsonschema explains the few that are wrong. A test holds the two together.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

from msgspec_runner.content.patterns import later
from msgspec_runner.source.nodes import Mapping as MapNode
from msgspec_runner.source.nodes import Node, Scalar

Check = Callable[[object], bool]

_TYPES: dict[str, Check] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    # JSON Schema counts 1.0 as an integer.
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())
    ),
}
_ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "title", "description", "examples", "default"})


class Violation(NamedTuple):
    """One way in which a value does not fit.

    Attributes:
        path: keys and indexes from the root to the value that is wrong.
        keyword: the schema's keyword: ``type``, ``required``, ``additionalProperties``, ``pattern`` …
        expected: the keyword's value in the schema.
        name: the missing or the unknown key, for ``required`` and ``additionalProperties``.
        known: the keys that are known at this place, for ``additionalProperties``.
        pattern: what a string at this place must match, for ``type``; empty where any will do.
    """

    path: tuple[str | int, ...]
    keyword: str
    expected: object
    name: str = ""
    known: tuple[str, ...] = ()
    pattern: str = ""


def schema_path(name: str) -> Path:
    """Return where the schema ``name`` (``spec``) lies: inside the wheel, or at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_schemas" / f"{name}.schema.json"
    return installed if installed.is_file() else package.parent / "schemas" / f"{name}.schema.json"


@cache
def load_schema(name: str) -> dict[str, Any]:
    """Return the schema ``name`` as parsed JSON."""
    return cast("dict[str, Any]", json.loads(schema_path(name).read_text(encoding="utf-8")))


def fits(name: str, value: object) -> bool:
    """Say whether ``value`` (plain dicts, lists and scalars) fits the schema ``name``."""
    return _checker(name)(value)


def violations(name: str, value: object) -> tuple[Violation, ...]:
    """Return why ``value`` does not fit the schema ``name``, in the order of the document; empty where it fits."""
    if fits(name, value):
        return ()
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(load_schema(name))
    found = [violation for error in validator.iter_errors(value) for violation in _explain(error)]
    return tuple(sorted(found, key=lambda violation: [str(part) for part in violation.path]))


def text_places(name: str, node: Node | None) -> Iterator[tuple[tuple[str, ...], Scalar]]:
    """Yield the scalars of a document where the schema ``name`` takes text and nothing else, with their key paths."""
    waiting: list[tuple[_Place, Node | None, tuple[str, ...]]] = [(_places(name), node, ())]
    while waiting:
        place, node, path = waiting.pop()
        for entry in node.entries if isinstance(node, MapNode) else ():
            child, value = place.members.get(entry.key.text, place.others), entry.value
            if child is None:
                continue
            if not isinstance(value, Scalar):
                waiting.append((child, value, (*path, entry.key.text)))
            elif child.is_text:
                yield (*path, entry.key.text), value


def home(name: str, key: str) -> tuple[str, ...] | None:
    """Return the key path of the mapping that knows ``key`` in the schema ``name``; None where none does.

    Of several, the one nearest to the top. Mappings whose keys are free (columns, vars) are not looked into.
    """
    waiting: deque[tuple[_Place, tuple[str, ...]]] = deque([(_places(name), ())])
    while waiting:
        place, path = waiting.popleft()
        if key in place.members:
            return path
        waiting.extend((child, (*path, member)) for member, child in place.members.items())
    return None


class _Place:
    """A place in a document, as :func:`text_places` sees it.

    Attributes:
        is_text: whether it takes text and nothing else.
        members: the places of the keys that it knows.
        others: the place of any other key; None where there is none.
    """

    __slots__ = ("is_text", "members", "others")

    def __init__(self, *, is_text: bool) -> None:
        self.is_text = is_text
        self.members: dict[str, _Place] = {}
        self.others: _Place | None = None


@cache
def _places(name: str) -> _Place:
    root = load_schema(name)
    known: dict[int, _Place] = {}

    def place_of(schema: Mapping[str, Any]) -> _Place:
        if "$ref" in schema:
            schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
        if id(schema) not in known:
            place = known[id(schema)] = _Place(is_text=schema.get("type") == "string")
            rest = schema.get("additionalProperties")
            place.members = {key: place_of(child) for key, child in schema.get("properties", {}).items()}
            place.others = place_of(rest) if isinstance(rest, dict) else None
        return known[id(schema)]

    return place_of(root)


def _explain(error: Any) -> list[Violation]:
    path = tuple(error.absolute_path)
    keyword, expected = str(error.validator), error.validator_value
    if keyword == "required":
        # jsonschema reports each missing key by itself; only its message says which.
        return [Violation(path, keyword, expected, name) for name in expected if error.message.startswith(repr(name))]
    if keyword == "additionalProperties":
        known = tuple(error.schema.get("properties", ()))
        return [Violation(path, keyword, expected, name, known) for name in error.instance if name not in known]
    return [Violation(path, keyword, expected, pattern=error.schema.get("pattern", ""))]


@cache
def _checker(name: str) -> Check:
    root = load_schema(name)
    references: dict[str, Check] = {}

    def resolve(reference: str) -> Check:
        if reference not in references:
            target: Any = root
            for part in reference.removeprefix("#/").split("/"):
                target = target[part]
            references[reference] = _compile(target, resolve)
        return references[reference]

    return _compile(root, resolve)


def _compile(schema: Mapping[str, Any], resolve: Callable[[str], Check]) -> Check:
    """Turn a schema into one closure; only the keywords that our schemas use are known, others are a bug."""
    checks: list[Check] = []
    for keyword, expected in schema.items():
        if keyword not in _ANNOTATIONS and keyword not in {"properties", "additionalProperties"}:
            checks.append(_KEYWORDS[keyword](expected, resolve))
    if "properties" in schema or "additionalProperties" in schema:
        checks.append(_members(schema, resolve))
    return checks[0] if len(checks) == 1 else _all(checks)


# Loops, where all() and any() over a generator would read better: they take half the time, and most of a lint of
# many specs is theirs.
def _all(checks: list[Check]) -> Check:
    def fits_all(value: object) -> bool:
        for check in checks:  # noqa: SIM110
            if not check(value):
                return False
        return True

    return fits_all


def _any(checks: list[Check]) -> Check:
    def fits_any(value: object) -> bool:
        for check in checks:  # noqa: SIM110
            if check(value):
                return True
        return False

    return fits_any


def _members(schema: Mapping[str, Any], resolve: Callable[[str], Check]) -> Check:
    known = {name: _compile(child, resolve) for name, child in schema.get("properties", {}).items()}
    rest = schema.get("additionalProperties", True)
    other: Check = (lambda _: bool(rest)) if isinstance(rest, bool) else _compile(rest, resolve)

    def check(value: object) -> bool:
        if isinstance(value, dict):
            for name, child in value.items():
                if not known.get(name, other)(child):
                    return False
        return True

    return check


def _type(expected: Any, _: object) -> Check:
    kinds = [_TYPES[kind] for kind in ([expected] if isinstance(expected, str) else expected)]
    return kinds[0] if len(kinds) == 1 else _any(kinds)


def _pattern(expected: str, _: object) -> Check:
    pattern = later(expected)
    return lambda value: not isinstance(value, str) or pattern.search(value) is not None


def _any_of(expected: list[Any], resolve: Callable[[str], Check]) -> Check:
    return _any([_compile(choice, resolve) for choice in expected])


def _items(expected: Any, resolve: Callable[[str], Check]) -> Check:
    item = _compile(expected, resolve)
    return lambda value: not isinstance(value, list) or all(map(item, value))


def _not(expected: Any, resolve: Callable[[str], Check]) -> Check:
    refused = _compile(expected, resolve)
    return lambda value: not refused(value)


def _required(expected: list[str], _: object) -> Check:
    return lambda value: not isinstance(value, dict) or all(name in value for name in expected)


def _enum(expected: list[Any], _: object) -> Check:
    return lambda value: any(value == item and type(value) is type(item) for item in expected)


def _minimum(expected: float, _: object) -> Check:
    number = _TYPES["number"]
    return lambda value: not number(value) or cast("float", value) >= expected


def _maximum(expected: float, _: object) -> Check:
    number = _TYPES["number"]
    return lambda value: not number(value) or cast("float", value) <= expected


_KEYWORDS: dict[str, Callable[[Any, Callable[[str], Check]], Check]] = {
    "$ref": lambda expected, resolve: resolve(expected),
    "type": _type,
    "pattern": _pattern,
    "anyOf": _any_of,
    "items": _items,
    "not": _not,
    "required": _required,
    "enum": _enum,
    "minimum": _minimum,
    "maximum": _maximum,
    "minLength": lambda expected, _: lambda value: not isinstance(value, str) or len(value) >= expected,
    "maxLength": lambda expected, _: lambda value: not isinstance(value, str) or len(value) <= expected,
    "minItems": lambda expected, _: lambda value: not isinstance(value, list) or len(value) >= expected,
}
