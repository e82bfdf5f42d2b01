"""What the JSON Schema says of a place in a document: its words, its keys, its choices. For editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec_runner.source.schema import load_schema

Path = tuple[str | int, ...]


class SchemaPlace(NamedTuple):
    """One place.

    Attributes:
        description: in a sentence or two.
        types: JSON's names of what may stand there; empty where anything may.
        keys: the keys that it knows, in the schema's order.
        required: those that must be there.
        free: whether other keys may be there, too.
        choices: the values that may stand there; empty where others may.
        examples: values.
        default: None where there is none.
        pattern: what a text must match; empty where any will do.
    """

    description: str
    types: tuple[str, ...]
    keys: tuple[str, ...]
    required: tuple[str, ...]
    free: bool
    choices: tuple[object, ...]
    examples: tuple[object, ...]
    default: object
    pattern: str


def schema_place(name: str, path: Path) -> SchemaPlace | None:
    """Return what the schema ``name`` says of a place; None where it knows none.

    Args:
        name: of the schema: ``spec``.
        path: keys and indexes from the root; empty for the root itself.
    """
    root = load_schema(name)
    schema: Mapping[str, Any] | None = root
    for step in path:
        schema = _child(_resolved(schema, root), step)
        if schema is None:
            return None
    assert schema is not None
    return _place(_resolved(schema, root))


def _child(schema: Mapping[str, Any], step: str | int) -> Mapping[str, Any] | None:
    if isinstance(step, int):
        items = schema.get("items")
        return items if isinstance(items, dict) else None
    found = schema.get("properties", {}).get(step)
    if found is not None:
        return dict(found)
    rest = schema.get("additionalProperties")
    return rest if isinstance(rest, dict) else None


def _resolved(schema: Mapping[str, Any] | None, root: Mapping[str, Any]) -> Mapping[str, Any]:
    schema = schema or {}
    if "$ref" in schema:
        found: Mapping[str, Any] = root["$defs"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _place(schema: Mapping[str, Any]) -> SchemaPlace:
    types = schema.get("type", ())
    choices = list(schema.get("enum", ()))
    for either in schema.get("anyOf", ()):
        choices += either.get("enum", ())
    return SchemaPlace(
        description=schema.get("description", ""),
        types=(types,) if isinstance(types, str) else tuple(types),
        keys=tuple(schema.get("properties", ())),
        required=tuple(schema.get("required", ())),
        free=schema.get("additionalProperties", "object" in types) is not False,
        choices=tuple(choices),
        examples=tuple(schema.get("examples", ())),
        default=schema.get("default"),
        pattern=schema.get("pattern", ""),
    )
