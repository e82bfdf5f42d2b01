"""What the schema says of places: enough to explain every key and to propose its values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from msgspec_runner.providers import PROVIDERS
from msgspec_runner.source.schema import load_schema
from msgspec_runner.source.schema_places import Path, schema_place


def paths(path: Path = ()) -> Iterator[Path]:
    place = schema_place("spec", path)
    assert place is not None
    yield path
    for name in place.keys:
        yield from paths((*path, name))


@pytest.mark.parametrize("path", list(paths()), ids=lambda path: ".".join(path) or "root")
def test_every_key_has_words_and_an_example(path: Path) -> None:
    place = schema_place("spec", path)
    assert place is not None
    assert place.description
    assert place.examples


def test_what_it_says() -> None:
    provider = schema_place("spec", ("message", "provider"))
    assert provider is not None
    assert provider.choices == tuple(PROVIDERS)
    column = schema_place("spec", ("recipients", "columns", "any_name"))
    assert column is not None
    assert column.keys[:2] == ("type", "required")
    assert not column.free
    required = schema_place("spec", ("recipients", "columns", "any_name", "required"))
    assert required is not None
    assert (required.types, required.default) == (("boolean",), True)
    message = schema_place("spec", ("message",))
    assert message is not None
    assert message.required == ("provider", "channel_key", "to")
    row = schema_place("spec", ("recipients", "rows", 3))
    assert row is not None
    assert row.free


@pytest.mark.parametrize("path", [("nothing",), ("message", "to", "deeper"), ("message", 1), ("vars", "a", "b")])
def test_places_that_it_does_not_know(path: Any) -> None:
    assert schema_place("spec", path) is None


def test_it_is_read_from_the_one_schema() -> None:
    root = schema_place("spec", ())
    assert root is not None
    assert root.keys == tuple(load_schema("spec")["properties"])
