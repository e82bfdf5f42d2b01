"""From rendered text to the API's value, or a reason why not."""

from __future__ import annotations

import pytest

from msgspec_runner.conversions import Invalid, converter, parse_schedule, to_object, url_problem
from msgspec_runner.templates import ABSENT
from tests.conftest import MakeSpec


@pytest.mark.parametrize(
    "text",
    [
        "2006-01-02T15:04:05-04:00",
        "2006-01-02T15:04:05Z",
        "2006-01-02T15:04-0400",
        "2006-01-02 15:04:05.123+05:30",
    ],
)
def test_schedules(text: str) -> None:
    assert parse_schedule(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2006-01-02",
        "2006-01-02T15:04:05",
        "2006-02-30T15:04:05Z",
        "2006-01-02T25:00:00Z",
        "20060102T150405Z",
        "2006-W01-1T10:00Z",
        " 2006-01-02T15:04:05Z",
    ],
)
def test_no_schedules(text: str) -> None:
    assert parse_schedule(text) is None


@pytest.mark.parametrize(
    "url", ["https://example.com/a.png", "http://9.9.9.9/x", "https://[2620:fe::fe]/x", "HTTPS://EXAMPLE.COM"]
)
def test_urls(url: str) -> None:
    assert url_problem(url) is None


@pytest.mark.parametrize(
    "url",
    ["", "example.com/a.png", "ftp://example.com", "https://", "https:///a", "https://a b.com", "http://localhost/x",
     "http://intranet/x", "https://[bad/", " https://example.com", "javascript:alert(1)", "data:image/png;base64,AA",
     "https://.com/a.png", "https://example..com/a", "https://example.com:99999/a", "https://example.com/a.png\n"],
)  # fmt: skip
def test_no_urls(url: str) -> None:
    assert url_problem(url) is not None


@pytest.mark.parametrize(
    ("line", "path", "good", "bad"),
    [
        ("contact_saving: {list_id: '{{ x }}'}", ("contact_saving", "list_id"), {"12": 12, " 7 ": 7}, ["", "x", "1.5"]),
        (
            "contact_saving: {save: '{{ x }}'}",
            ("contact_saving", "save"),
            {"True": True, "no": False, "1": True},
            ["", "maybe"],
        ),
        ("template: {id: a, variables: {1: '{{ x }}'}}", ("template", "variables", "1"), {"a b": "a b", "a    b": "a    b"},
         ["", " ", "a\nb", "a\tb", "a     b"]),
        ("template: {id: a, variables: {MEDIA_URL: '{{ x }}'}}", ("template", "variables", "MEDIA_URL"),
         {"https://e.org/x": "https://e.org/x"}, ["", "x"]),
        ("schedule: '{{ x }}'", ("schedule",), {"2031-01-02T09:00:00Z": "2031-01-02T09:00:00Z"}, ["", "now"]),
        ("image_url: '{{ x }}'", ("image_url",), {"": None, "  ": None, "https://e.org/x": "https://e.org/x"},
         ["x", "https://e.org/x\u200b", "https://e.org/x\n"]),
        ("user_id: '{{ x }}'", ("user_id",), {"": None, "u": "u"}, []),
        ("channel_key: '{{ x }}'", ("channel_key",), {"k": "k"}, ["", " "]),
        ("provider: '{{ x }}'", ("provider",), {"gswa": "gswa"}, ["", "tlnx", "Twlo"]),
        ("to: '{{ x }}'", ("to",), {"16175551212": "+16175551212"}, ["", "617", "+1 617"]),
    ],
)  # fmt: skip
def test_fields(make_spec: MakeSpec, line: str, path: tuple[str, ...], good: dict[str, object], bad: list[str]) -> None:
    field = make_spec(head="message:\n", message=f"  {line}\n").field(*path)
    assert field is not None
    convert = converter(field)
    for text, value in good.items():
        assert convert(text) == value
    for text in bad:
        with pytest.raises(Invalid):
            convert(text)


class TestObjects:
    def test_a_template_from_json(self) -> None:
        value = to_object("template", '{"id": "HX1", "variables": {"1": 2, "Body": {"1": "x"}}}')
        assert value == {"id": "HX1", "variables": {"1": "2", "Body": {"1": "x"}}}

    @pytest.mark.parametrize(
        "value",
        ["", "no json", "[]", "{}", {"id": ""}, {"id": 3}, {"id": "a", "x": 1}, {"id": "a", "variables": []},
         {"id": "a", "variables": {"MEDIA_URL": "x"}}, {"id": "a", "variables": {"1": ""}}, {"id": "a", "variables": {"1": None}}, {"id": "a", "variables": {"1": [1]}}],
    )  # fmt: skip
    def test_no_template(self, value: object) -> None:
        with pytest.raises(Invalid):
            to_object("template", value)

    def test_extra_fields_without_a_value_are_left_out(self) -> None:
        assert to_object("extra_fields", {"a": "x", "b": "", "c": None, "d": ABSENT, "e": 0}) == {"a": "x", "e": 0}
        assert to_object("extra_fields", {"b": " "}) is None


class TestContactSaving:
    def test_each_part_is_converted(self) -> None:
        text = '{"save": "yes", "list_id": "7", "extra_fields": {"nick": "", "age": 30}}'
        assert to_object("contact_saving", text) == {"save": True, "list_id": 7, "extra_fields": {"age": 30}}

    @pytest.mark.parametrize("value", ["{}", {}, {"extra_fields": None}, {"extra_fields": {"nick": " "}}])
    def test_nothing_in_it_leaves_it_out(self, value: object) -> None:
        assert to_object("contact_saving", value) is None

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            ({"save": "perhaps"}, "`save`: it is neither true nor false"),
            ({"save": None}, "`save`: it is empty"),
            ({"list_id": 7.5}, "`list_id`: it is not a whole number"),
            ({"extra_fields": "x"}, "`extra_fields`: it must render to a JSON object"),
            ({"save": True, "list": 7}, "it has only `save`, `list_id` and `extra_fields`"),
            ("yes", "it must render to a JSON object"),
            ("[true]", "it must render to an object"),
        ],
    )
    def test_what_is_wrong_is_named(self, value: object, words: str) -> None:
        with pytest.raises(Invalid, match=words):
            to_object("contact_saving", value)


def test_a_component_is_a_map_of_texts() -> None:
    assert to_object("Body", '{"1": 2, "2": "x"}') == {"1": "2", "2": "x"}
    with pytest.raises(Invalid, match="a variable's value is text"):
        to_object("Body", {"1": {"2": "x"}})
