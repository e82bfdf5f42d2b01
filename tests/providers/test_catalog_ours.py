"""The catalog's schema: what it says of every key, and that both of its readers agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from msgspec_runner.providers import PROVIDERS
from msgspec_runner.providers.catalog import MEDIA_KINDS
from msgspec_runner.providers.catalog_ours import SCHEMA as NAME
from msgspec_runner.providers.catalog_writing import FIELDS
from msgspec_runner.providers.gswa import COMPONENTS
from msgspec_runner.source.schema import fits, load_schema, schema_path

SCHEMA = load_schema(NAME)
VALIDATOR = Draft202012Validator(SCHEMA)
TEMPLATE = SCHEMA["$defs"]["template"]["properties"]


def subschemas(schema: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for keyword in ("properties", "$defs"):
        for name, child in schema.get(keyword, {}).items():
            yield from subschemas(child, f"{path}/{keyword}/{name}")


def test_it_is_a_schema_in_json_with_a_newline_at_the_end() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    text = schema_path(NAME).read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize(
    "key", [pytest.param(value, id=name) for name, value in {**SCHEMA["properties"], **TEMPLATE}.items()]
)
def test_every_key_has_a_description_and_examples_that_are_right(key: dict[str, Any]) -> None:
    assert key["description"].endswith(".")
    assert key["examples"]
    for value in key["examples"]:
        assert not list(VALIDATOR.evolve(schema=key).iter_errors(value)), value


def test_its_own_examples_are_right() -> None:
    for path, schema in subschemas(SCHEMA):
        for value in schema.get("examples", []):
            assert VALIDATOR.evolve(schema=schema).is_valid(value), path
    assert all(fits(NAME, value) for value in SCHEMA["examples"])


def test_it_knows_what_the_code_knows() -> None:
    assert SCHEMA["properties"]["provider"]["enum"] == [item.id for item in PROVIDERS.values() if item.is_whatsapp]
    assert tuple(TEMPLATE) == FIELDS
    assert TEMPLATE["media"]["enum"] == list(MEDIA_KINDS)
    assert tuple(SCHEMA["$defs"]["variables"]["anyOf"][1]["properties"]) == COMPONENTS


VALUES = st.recursive(
    st.none() | st.integers() | st.sampled_from(["", "a", "1", "image", "gswa", "HX"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from([*COMPONENTS, "x"]), inner, max_size=2),
    max_leaves=4,
)
CATALOGS = st.fixed_dictionaries(
    {"provider": st.sampled_from(["gswa", "twlo"])},
    optional={
        "templates": VALUES
        | st.lists(st.dictionaries(st.sampled_from([*TEMPLATE, "x"]), VALUES, max_size=3), max_size=2)
    },
)


@given(CATALOGS)
def test_both_readers_agree(value: object) -> None:
    assert fits(NAME, value) is VALIDATOR.is_valid(value)
