"""The three shapes of a catalog, and what is none."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from msgspec_runner.errors import ConfigError
from msgspec_runner.providers.catalog import CatalogTemplate
from msgspec_runner.providers.catalog_shapes import MAX_TEMPLATES, read_catalog
from tests.providers.catalog_lists import LISTS, content, gupshup, template, twilio

HX = "HX0123456789abcdef0123456789abcdef"
UUID = "7a3e14cf-4b35-4b8a-9d0c-0f8a1f4ad1c5"


def read(value: Any) -> tuple[CatalogTemplate, ...]:
    return read_catalog("list.json", json.dumps(value, indent=2).encode()).templates


def only(value: Any) -> CatalogTemplate:
    [found] = read(value)
    return found


class TestTwilio:
    def test_everything_that_it_tells(self) -> None:
        types = {
            "twilio/text": {"body": "Hi {{1}}, it is here."},
            "whatsapp/card": {
                "header_text": "Order {{2}}",
                "body": "Hi {{ 1 }}.",
                "footer": "Deer Park",
                "actions": [{"type": "URL", "title": "Track it", "url": "https://example.com/{{10}}"}],
            },
        }
        assert only(twilio(content(HX, types=types))) == CatalogTemplate(
            "twlowa", HX, "order_shipped", "en", "UTILITY", "approved", (("1",), ("2",), ("10",)),
            header="Order {{2}}", body="Hi {{ 1 }}.", footer="Deer Park", buttons=("Track it",),
            file="list.json", line=4,
        )  # fmt: skip

    def test_media_with_a_variable_in_its_url(self) -> None:
        types = {"twilio/media": {"body": "Hi {{1}}", "media": ["https://example.com/{{3}}"]}}
        found = only(twilio(content(HX, types=types)))
        assert (found.variables, found.media, found.media_url) == ((("1",), ("3",)), "", "https://example.com/{{3}}")

    def test_a_template_for_codes_needs_the_code_that_no_string_shows(self) -> None:
        types = {"whatsapp/authentication": {"actions": [{"type": "COPY_CODE", "copy_code_text": "Copy"}]}}
        found = only(twilio(content(HX, types=types)))
        assert (found.variables, found.buttons) == ((("1",),), ("Copy",))

    def test_samples_are_no_variables(self) -> None:
        assert only(twilio(content(HX, body="Hello", variables={"1": "Ann"}))).variables == ()

    def test_without_approvals_nothing_is_known_of_the_status(self) -> None:
        found = only(twilio(content(HX, approval_requests=None)))
        assert (found.category, found.status) == ("", "")

    @pytest.mark.parametrize(
        "value",
        [
            [twilio(content("HX1"), following="https://…"), twilio(content("HX2"))],
            twilio(content("HX1"), content("HX2")),
            {"contents": [content("HX1"), content("HX2")]},
            [content("HX1"), content("HX2")],
        ],
        ids=["pages", "answer", "contents", "items"],
    )
    def test_pages_are_one_list(self, value: object) -> None:
        assert [item.id for item in read(value)] == ["HX1", "HX2"]

    def test_a_list_that_goes_on_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="not the whole list"):
            read([twilio(content("HX1"), following="https://…")])

    def test_an_empty_list_is_a_list(self) -> None:
        assert read_catalog("a", b'{"contents": []}').provider == "twlowa"


class TestGupshup:
    def test_everything_that_it_tells(self) -> None:
        meta = {
            "header": "Dear {{1}}", "data": "Come on {{2}} to {{1}}.", "footer": "Deer Park",
            "buttons": [{"type": "URL", "text": "Map", "url": "https://example.com/{{1}}"}],
        }  # fmt: skip
        assert only(gupshup(template(UUID, meta))) == CatalogTemplate(
            "gswa", UUID, "invitation", "en", "MARKETING", "approved",
            (("Header", "1"), ("Body", "1"), ("Body", "2"), ("Buttons", "1")),
            header="Dear {{1}}", body="Come on {{2}} to {{1}}.", footer="Deer Park", buttons=("Map",),
            file="list.json", line=5,
        )  # fmt: skip

    @pytest.mark.parametrize("kind", ["IMAGE", "VIDEO", "DOCUMENT"])
    def test_media(self, kind: str) -> None:
        found = only(gupshup(template(UUID, {"data": "Look"}, kind)))
        assert (found.media, found.variables) == (kind.lower(), ())

    @pytest.mark.parametrize(
        ("urls", "required", "optional"),
        [
            (["/{{1}}"], ["1"], []),
            (["/{{1}}", "/{{1}}"], ["1", "2"], []),
            (["/{{1}}", None], ["1"], ["2"]),
            ([None, "/{{1}}"], [], ["1", "2"]),
            (["/", None], [], ["1", "2"]),
        ],
    )
    def test_a_button_is_needed_only_where_every_count_agrees(
        self, urls: list[str | None], required: list[str], optional: list[str]
    ) -> None:
        buttons = [{"type": "URL", "text": "x", "url": url} if url else {"type": "QUICK_REPLY"} for url in urls]
        found = only(gupshup(template(UUID, {"data": "Hi", "buttons": buttons})))
        assert found.variables == tuple(("Buttons", name) for name in required)
        assert found.optional == tuple(("Buttons", name) for name in optional)

    @pytest.mark.parametrize(
        "item",
        [
            template(UUID, {"data": "Hi", "cards": [{"body": "{{1}}"}]}, "CAROUSEL"),
            template(UUID, {}, data="Hi {{1}}"),
            template(UUID, {}, containerMeta=None),
            template(UUID, {}, containerMeta=""),
        ],
    )
    def test_where_it_does_not_tell_what_is_needed_nothing_is_known(self, item: dict[str, Any]) -> None:
        assert only(gupshup(item)).variables is None

    def test_a_list_of_templates_is_a_list_too(self) -> None:
        assert only([template(UUID, {"data": "Hi"})]).id == UUID

    @pytest.mark.parametrize("meta", ["{", "[" * 100_000])
    def test_a_container_that_is_no_json_is_told_with_its_template(self, meta: str) -> None:
        bad = template("second", {}, containerMeta=meta)
        with pytest.raises(ConfigError, match=r"list\.json:14: template 2: its `containerMeta` is not valid JSON"):
            read(gupshup(template("first", {"data": "Hi"}), bad))


OURS = """\
# Ours.
provider: gswa
templates:
  - id: 7a3e14cf-4b35-4b8a-9d0c-0f8a1f4ad1c5
    name: invitation
    language: no
    category: utility
    status: APPROVED
    variables: {Body: [1, 02]}
    optional: {Buttons: ["1"]}
    media: image
    body: Come on {{1}}
  - {id: b}
"""


class TestOurs:
    def test_everything_that_it_tells(self) -> None:
        found = read_catalog("catalogs/gswa.yaml", OURS.encode())
        assert found.is_ours
        assert found.templates == (
            CatalogTemplate(
                "gswa", UUID, "invitation", "no", "UTILITY", "approved", (("Body", "1"), ("Body", "02")),
                (("Buttons", "1"),), "image", body="Come on {{1}}", file="catalogs/gswa.yaml", line=4,
            ),
            CatalogTemplate("gswa", "b", file="catalogs/gswa.yaml", line=13),
        )  # fmt: skip

    def test_it_may_be_json(self) -> None:
        found = read_catalog("a.json", b'{"provider": "twlowa",\n"templates": [\n{"id": "HX1", "variables": ["1"]}]}')
        assert [(item.id, item.line, item.variables) for item in found.templates] == [("HX1", 3, (("1",),))]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("provider: twlo\ntemplates: []", "a.yaml:1: `provider` must be one of twlowa, gswa"),
            ("provider: gswa", "a.yaml:1: a catalog needs `templates`"),
            ("provider: gswa\ntemplates:\n  - id: a\n  - name: b", r"a.yaml:4: `templates\[2\]` needs `id`"),
            ("provider: gswa\ntemplates:\n  - id: a\n    nmae: b", r"a.yaml:4: `templates\[1\]` has no key `nmae`"),
            ("provider: gswa\ntemplates:\n  - id: a\n    media: gif", r"`templates\[1\].media` must be one of image"),
            ("provider: gswa\ntemplates:\n  - id: a\n    variables: {body: [1]}", "wrong type"),
            ("provider: gswa\ntemplates:\n  - id: a\n    variables: [1]", r"a.yaml:3: template 1: its `variables` are"),
            ("provider: twlowa\ntemplates:\n  - id: a\n    variables: {Body: [1]}", 'takes them: variables: \\["1"'),
            ("provider: gswa\ntemplates:\n  - id: ' '", "a.yaml:3: template 1 has no id"),
            ("provider: gswa\nprovider: gswa\ntemplates: []", "a.yaml:2: 'provider' is here a second time"),
        ],
    )
    def test_what_is_wrong_is_told_with_its_line(self, text: str, words: str) -> None:
        with pytest.raises(ConfigError, match=words):
            read_catalog("a.yaml", text.encode())


@pytest.mark.parametrize(
    ("file", "data", "words"),
    [
        ("a.yaml", b"", "a.yaml:1: no list of templates: save"),
        ("a.json", b"[]", "no list of templates"),
        ("a.json", b'{"code": 20003, "message": "Authenticate", "status": 401}', "an error that the provider answered"),
        ("a.json", b'{"status": "error", "message": "Unauthorised"}', "an error that the provider answered"),
        ("a.json", b'{"contents": [\n{"sid": "HX1"},\n]', "a.json:3: not valid JSON"),
        ("a.yaml", b"{contents: [", "a.yaml:1: "),
        ("a.json", b'[{"sid": "HX1"}, 5]', "item 2 is neither a page"),
        ("a.json", b'{"contents": [{}]}', "template 1 has no id"),
        ("a.json", b'[{"contents": []}, {"contents": [{"sid": "HX1"}, 5]}]', r"template 2\.2 has no id"),
        ("a.json", b"[" * 100_000, "nested too deeply"),
        ("a.json", b"[" + b"1" * 10_000 + b"]", "longer than any"),
        ("a.json", '{"contents": []}'.encode("utf-16"), "save it as UTF-8"),
        ("a.json", b'{"contents": ["\xff"]}', "0xff"),
        ("a.yaml", b"a: [" * 100, "a.yaml:1: nested more than 64"),
        ("a.yaml", b"a: 1\n" + b"#" * 2**20, "KiB of YAML"),
        ("a.json", b" " * (32 * 2**20 + 1), "larger than 32 MiB"),
        ("a.json", json.dumps([{"sid": "H"}] * (MAX_TEMPLATES + 1)).encode(), "more than 20,000 templates"),
        ("a.json", json.dumps([{"sid": "H" * 201}]).encode(), "template 1 has no id"),
    ],
)
def test_what_is_no_list_says_what_to_do(file: str, data: bytes, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_catalog(file, data)


@given(LISTS)
def test_yaml_says_the_same_as_json(value: dict[str, Any]) -> None:
    out = io.StringIO()
    yaml = YAML()
    yaml.width = 10_000
    yaml.allow_unicode = False
    yaml.dump(value, out)
    read_json, read_yaml = (
        [item.placeless for item in read_catalog(file, data).templates]
        for file, data in (("a.json", json.dumps(value).encode()), ("a.yaml", out.getvalue().encode()))
    )
    assert read_json == read_yaml


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["{{1}}", "TEXT"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from([
            "contents", "templates", "provider", "sid", "id", "elementName", "types", "containerMeta", "variables",
            "approval_requests", "meta", "next_page_url", "buttons", "media", "twilio/text", "actions",
        ]), inner, max_size=3,
    ),
    max_leaves=12,
)  # fmt: skip


def said(file: str, data: bytes) -> str:
    """Return why a file is refused; nothing but its name where it is not."""
    try:
        read_catalog(file, data)
    except ConfigError as error:
        return str(error)
    return f"{file}:"


@given(JSON | st.builds(lambda items: {"contents": items}, JSON) | st.builds(lambda items: {"templates": items}, JSON))
def test_hostile_values_raise_nothing_but_our_own(value: object) -> None:
    for file in ("a.json", "a.yaml"):
        assert said(file, json.dumps(value).encode()).startswith(f"{file}:")


@given(st.binary(max_size=60) | st.text("[]{}:,-\"'&*!|>#%@` \n\tabc1", max_size=60).map(str.encode))
def test_hostile_bytes_raise_nothing_but_our_own(data: bytes) -> None:
    for file in ("a.json", "a.yaml"):
        assert said(file, data).startswith(f"{file}:")


def test_half_a_character_is_replaced() -> None:
    assert only(twilio(content(HX, body="Hi \ud83d"))).body == "Hi \ufffd"
