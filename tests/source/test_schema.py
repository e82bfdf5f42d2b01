"""The one schema: what it says of every key, and that both of its readers agree."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from msgspec_runner.providers import PROVIDERS
from msgspec_runner.recipients.cells import TYPES
from msgspec_runner.source import schema as reader
from msgspec_runner.source.document import parse_document
from msgspec_runner.source.schema import fits, home, load_schema, schema_path, text_places, violations

SCHEMA = load_schema("spec")
VALIDATOR = Draft202012Validator(SCHEMA)
MESSAGE = SCHEMA["$defs"]["message"]["properties"]
WHOLE = {
    "spec": "every-field",
    "edition": 2,
    "description": "d",
    "message": {
        "provider": "gswa",
        "channel_key": "k",
        "to": "{{ phone }}",
        "name": "Ann",
        "text": "Hi",
        "image_url": "https://example.com/a.png",
        "template": {"id": "x", "variables": {"MEDIA_URL": "u", "Body": {"1": "a", "2": 3, "3": None}}},
        "contact_saving": {"save": True, "list_id": 0, "extra_fields": {"a": "b", "c": 1.5}},
        "schedule": "2031-01-02T15:04:05-05:00",
    },
    "recipients": {
        "columns": {"phone": {"type": "phone", "required": True, "region": "US"}, "size": {"enum": ["S", 3]}},
        "rows": [{"phone": "+16175551212"}],
        "samples": [],
        "key": "",
    },
    "vars": {"a": [1, {"b": None}]},
    "locale": "en_US",
    "timezone": "UTC",
    "delivery": {"rate": "10/s", "window": {"from": "09:00", "to": "19:00"}, "max_recipients": 5, "hold": "5m"},
}


def subschemas(schema: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema in a schema, with where it stands."""
    yield path, schema
    for keyword in ("properties", "$defs"):
        for name, child in schema.get(keyword, {}).items():
            yield from subschemas(child, f"{path}/{keyword}/{name}")
    for keyword in ("additionalProperties", "items", "not"):
        if isinstance(schema.get(keyword), dict):
            yield from subschemas(schema[keyword], f"{path}/{keyword}")
    for number, child in enumerate(schema.get("anyOf", [])):
        yield from subschemas(child, f"{path}/anyOf/{number}")


def keys() -> Iterator[pytest.param]:
    for path, schema in subschemas(SCHEMA):
        for name, child in schema.get("properties", {}).items():
            target = SCHEMA["$defs"][child["$ref"].rpartition("/")[2]] if "$ref" in child else child
            yield pytest.param(target, id=f"{path}/{name}")


class TestWhatItSays:
    def test_it_is_a_schema(self) -> None:
        Draft202012Validator.check_schema(SCHEMA)
        assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"

    @pytest.mark.parametrize("key", list(keys()))
    def test_every_key_has_a_description_and_examples_that_are_right(self, key: dict[str, Any]) -> None:
        description = key["description"]
        assert description[0].isalnum()
        assert description.endswith(".")
        assert key["examples"]
        for value in [*key["examples"], *([key["default"]] if "default" in key else [])]:
            assert not list(VALIDATOR.evolve(schema=key).iter_errors(value)), value

    def test_its_own_examples_are_right(self) -> None:
        assert SCHEMA["examples"]
        assert all(fits("spec", value) for value in SCHEMA["examples"])
        for path, schema in subschemas(SCHEMA):
            for value in schema.get("examples", []):
                assert VALIDATOR.evolve(schema=schema).is_valid(value), path

    def test_only_known_keywords_are_used(self) -> None:
        known = reader._ANNOTATIONS | reader._KEYWORDS.keys() | {"properties", "additionalProperties"}
        for path, schema in subschemas(SCHEMA):
            assert schema.keys() <= known, path

    def test_every_reference_leads_somewhere(self) -> None:
        used = {schema["$ref"] for _, schema in subschemas(SCHEMA) if "$ref" in schema}
        assert used == {f"#/$defs/{name}" for name in SCHEMA["$defs"]}

    def test_no_object_takes_keys_by_accident(self) -> None:
        free = [path for path, item in subschemas(SCHEMA) if item.get("properties") and item["additionalProperties"]]
        assert free == []

    def test_it_knows_the_providers_and_the_column_types(self) -> None:
        assert MESSAGE["provider"]["anyOf"][0]["enum"] == list(PROVIDERS)
        assert SCHEMA["$defs"]["column"]["properties"]["type"]["enum"] == list(TYPES)

    @pytest.mark.parametrize("name", ["template", "variables", "save", "list_id", "extra_fields"])
    def test_a_template_may_stand_for_what_is_no_string(self, name: str) -> None:
        places = {"template": [], "variables": ["template"]}.get(name, ["contact_saving"])
        for value, expected in (("{{ x }}", True), ("{% if x %}1{% endif %}", True), ("x", False), ("{ x }", False)):
            spec = copy.deepcopy(WHOLE)
            target = spec["message"]
            for place in places:
                target = target[place]
            target[name] = value
            assert fits("spec", spec) is expected

    def test_the_file_is_json_with_a_newline_at_the_end(self) -> None:
        text = schema_path("spec").read_text(encoding="utf-8")
        assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


class TestViolations:
    @pytest.mark.parametrize(
        ("change", "path", "keyword", "name"),
        [
            ({"message": 5}, ("message",), "type", ""),
            ({"edition": 0}, ("edition",), "minimum", ""),
            ({"edition": 2**31}, ("edition",), "maximum", ""),
            ({"edition": 1.5}, ("edition",), "type", ""),
            ({"edition": True}, ("edition",), "type", ""),
            ({"spec": "A"}, ("spec",), "pattern", ""),
            ({"foo": 1}, (), "additionalProperties", "foo"),
            ({"message": {"provider": "twlo", "to": "x"}}, ("message",), "required", "channel_key"),
            ({"recipients": {"rows": [{}, 5]}}, ("recipients", "rows", 1), "type", ""),
            ({"recipients": {"rows": [], "file": "x"}}, ("recipients",), "not", ""),
            ({"recipients": {"columns": {"a": {"enum": []}}}}, ("recipients", "columns", "a", "enum"), "minItems", ""),
            (
                {"recipients": {"columns": {"a": {"header": ""}}}},
                ("recipients", "columns", "a", "header"),
                "minLength",
                "",
            ),
        ],
    )
    def test_each_is_found_at_its_place(
        self, change: dict[str, Any], path: tuple[str | int, ...], keyword: str, name: str
    ) -> None:
        found = violations("spec", WHOLE | change)
        assert [(item.path, item.keyword, item.name) for item in found] == [(path, keyword, name)]

    @pytest.mark.parametrize("value", [None, [], "x", 5])
    def test_recipients_of_another_type_are_one_violation(self, value: object) -> None:
        assert [item.keyword for item in violations("spec", WHOLE | {"recipients": value})] == ["type"]

    def test_several_missing_and_unknown_keys_are_each_one(self) -> None:
        found = violations("spec", {"a": 1, "b": 2})
        assert sorted((item.keyword, item.name) for item in found) == [
            ("additionalProperties", "a"), ("additionalProperties", "b"), ("required", "message"), ("required", "spec"),
        ]  # fmt: skip
        assert all(set(SCHEMA["properties"]) == set(item.known) for item in found if item.known)

    def test_a_key_whose_name_begins_like_another_is_not_mixed_up(self) -> None:
        found = violations("spec", {"spec": "a", "message": {"provider": "twlo", "channel_key": "'to' is a key"}})
        assert [item.name for item in found] == ["to"]


class TestTextPlaces:
    def test_where_nothing_but_text_is_taken(self) -> None:
        text = (
            "spec: a\nedition: 1\nmessage:\n  to: b\n  template: {id: c, variables: {1: x}}\n"
            "  contact_saving: {save: x, extra_fields: {a: x}}\nvars: {a: x}\n"
            "recipients: {key: d, rows: [{a: x}], columns: {a: {region: e, default: x, enum: [x]}}}\n"
            "delivery: {window: {from: f}}\nfoo: x\n"
        )
        found = [(".".join(path), node.text) for path, node in text_places("spec", parse_document("s", text).root)]
        assert sorted(found, key=lambda place: place[1]) == [
            ("spec", "a"), ("message.to", "b"), ("message.template.id", "c"), ("recipients.key", "d"),
            ("recipients.columns.a.region", "e"), ("delivery.window.from", "f"),
        ]  # fmt: skip


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 3), st.sampled_from([2**31 - 1, 2**31, 10**400]),
    st.floats(), st.text(max_size=3),
    st.sampled_from(["{{ x }}", "{%", "twlo", "phone", "09:00", "24:00", "10/s", "US", "en_US", "a-b", ""]),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


NAMES = sorted({name for _, item in subschemas(SCHEMA) for name in item.get("properties", {})})


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """Return a spec of which a few things were replaced, removed, added or renamed."""
    spec = copy.deepcopy(WHOLE)
    for _ in range(draw(st.integers(0, 3))):
        *parents, last = draw(st.sampled_from([path for path in places(spec) if path] or [("spec",)]))
        target = spec
        for step in parents:
            target = target[step]
        match draw(st.sampled_from(["replace", "remove", "add", "rename"])), target:
            case "remove", dict() | list():
                del target[last]
            case "add", dict():
                target[draw(st.sampled_from(NAMES))] = draw(VALUES)
            case "rename", dict():
                target[draw(st.sampled_from(NAMES))] = target.pop(last)
            case _:
                target[last] = draw(VALUES)
    return spec


@settings(max_examples=600, deadline=None)
@given(st.one_of(mutated(), VALUES))
@example(WHOLE)
@example({"edition": float("nan")} | WHOLE)
@example(WHOLE | {"edition": 1.0})
@example(WHOLE | {"edition": float("inf")})
def test_the_fast_reader_and_jsonschema_agree(value: Any) -> None:
    slow = VALIDATOR.is_valid(value)
    assert fits("spec", value) is slow
    assert bool(violations("spec", value)) is not slow


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("spec", ()),
        ("timezone", ()),  # a window has one too; the nearest to the top counts
        ("to", ("message",)),
        ("list_id", ("message", "contact_saving")),
        ("from", ("delivery", "window")),
        ("region", None),  # of a column, whose name is free
        ("subject", None),
    ],
)
def test_a_key_has_a_home(key: str, path: tuple[str, ...] | None) -> None:
    assert home("spec", key) == path
