from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.sandbox.checks import Accepted, Refused, check

SMS: dict[str, Any] = {"provider": "twlo", "channel_key": "front-desk", "to": "+16175551212", "text": "Hi"}
SID = "HX" + "0a" * 16
TWILIO: dict[str, Any] = {
    "provider": "twlowa",
    "channel_key": "front-desk",
    "to": "16175551212",
    "template": {"id": SID, "variables": {"1": "John", "2": "john@example.com", "3": "11-Jul-2024"}},
}
GUPSHUP: dict[str, Any] = {
    "provider": "gswa",
    "channel_key": "front-desk",
    "to": "16175551212",
    "template": {
        "id": "a-template",
        "variables": {
            "MEDIA_URL": "https://placehold.co/600x400",
            "Header": {"1": "John"},
            "Body": {"1": "john@example.com", "2": "11-Jul-2024"},
            "Buttons": {"1": "Quick Reply Text"},
        },
    },
}


def judge(fields: object) -> Accepted | Refused:
    return check(json.dumps(fields).encode())


def reasons(fields: object, status: int = 400) -> tuple[str, ...]:
    verdict = judge(fields)
    assert isinstance(verdict, Refused), verdict
    assert verdict.status == status
    return verdict.reasons


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


@pytest.mark.parametrize(
    "fields",
    [
        SMS,
        TWILIO,
        GUPSHUP,
        {**SMS, "to": "16175551212", "name": "Ann", "user_id": "u1"},
        {**without(SMS, "text"), "image_url": "https://example.com/a.jpg?x=1"},
        {**without(SMS, "text"), "video_url": "http://example.com:8080/a.mp4"},
        {**without(SMS, "text"), "file_url": "HTTPS://example.com/a.pdf"},
        {**SMS, "text": "", "image_url": "https://example.com/a.jpg"},
        {**SMS, "text": "x" * 1600},
        {**SMS, "text": "👋 ñ"},
        {**SMS, "contact_saving": {}},
        {
            **SMS,
            "contact_saving": {"save": True, "list_id": 0, "extra_fields": {"email": "a@b.c", "age": 3, "vip": True}},
        },
        {**TWILIO, "text": "shown as well"},
        {**TWILIO, "template": {"id": SID}},
        {**TWILIO, "template": {"id": SID, "variables": {"first_name".replace("_", ""): "Ann"}}},
        {**GUPSHUP, "template": {"id": "a-template"}},
        {**without(TWILIO, "template"), "text": "free text"},
    ],
)
def test_what_the_document_allows_is_accepted(fields: dict[str, Any]) -> None:
    assert judge(fields) == Accepted(fields, None)


@pytest.mark.parametrize(
    ("schedule", "moment"),
    [
        ("2006-01-02T15:04:05-04:00", 1136228645.0),
        ("2006-01-02T19:04:05Z", 1136228645.0),
        ("2006-01-02T19:04:05", 1136228645.0),
        ("20060102T190405Z", 1136228645.0),
        ("2006-01-02T19:04:05.5Z", 1136228645.5),
    ],
)
def test_a_schedule_is_a_moment(schedule: str, moment: float) -> None:
    assert judge({**SMS, "schedule": schedule}) == Accepted({**SMS, "schedule": schedule}, moment)


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        " ",
        "now",
        "2006-01-02",
        "2006-01-02 15:04:05-04:00",
        "2006-13-02T15:04:05Z",
        "15:04",
        1136228645,
        None,
        "٢006-01-02T15:04:05Z",
    ],
)
def test_anything_else_is_no_schedule(schedule: object) -> None:
    assert reasons({**SMS, "schedule": schedule}) == (
        "schedule must be an ISO 8601 date and time, like 2006-01-02T15:04:05-04:00.",
    )


@pytest.mark.parametrize("schedule", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_the_ends_of_time_do_not_matter(schedule: str) -> None:
    assert isinstance(judge({**SMS, "schedule": schedule}), Accepted)


@pytest.mark.parametrize("name", ["provider", "channel_key", "to"])
def test_a_required_field_is_required(name: str) -> None:
    assert reasons(without(SMS, name)) == (f"{name} is required.",)


@pytest.mark.parametrize("content", [{}, {"text": ""}, {"text": " \n"}, {"name": "Ann"}])
def test_something_must_be_said(content: dict[str, str]) -> None:
    told = "One of text, image_url, video_url, file_url or template is required."
    assert reasons({**without(SMS, "text"), **content}) == (told,)


def test_all_reasons_come_at_once() -> None:
    assert len(reasons({})) == 4


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"provider": "tlnx"}, "provider must be one of twlo, twlowa, gswa."),
        ({"provider": "TWLO"}, "provider must be one of"),
        ({"provider": ["twlo"]}, "provider must be one of"),
        ({"provider": None}, "provider must be one of"),
        ({"channel_key": ""}, "channel_key must not be empty."),
        ({"channel_key": 7}, "channel_key must be a string."),
        ({"to": "phone_number"}, "to must be a phone number"),
        ({"to": 16175551212}, "to must be a string."),
        ({"to": "+1 617 555 1212"}, "to must be a phone number"),
        ({"to": "+0617555121"}, "to must be a phone number"),
        ({"to": "+16175551212\n"}, "to must be a phone number"),
        ({"to": "１６１７５５５１２１２"}, "to must be a phone number"),
        ({"to": "+1234567890123456"}, "to must be a phone number"),
        ({"name": None}, "name must be a string."),
        ({"text": 5}, "text must be a string."),
        ({"text": "\ud83d"}, "text holds half of a character"),
        ({"image_url": ""}, "image_url must be a URL"),
        ({"image_url": "example.com/a.jpg"}, "image_url must be a URL"),
        ({"image_url": "ftp://example.com/a.jpg"}, "image_url must be a URL"),
        ({"image_url": "https:///a.jpg"}, "image_url must be a URL"),
        ({"image_url": "https://[::1/a.jpg"}, "image_url must be a URL"),
        ({"image_url": "https://example.com:99999/"}, "image_url must be a URL"),
        ({"image_url": "https://example.com/a b.jpg"}, "image_url must be a URL"),
        ({"image_url": "https://example.com/\ud83d"}, "image_url must be a URL"),
        ({"image_url": ["https://example.com/a.jpg"]}, "image_url must be a string."),
        ({"video_url": 1}, "video_url must be a string."),
        ({"file_url": "x"}, "file_url must be a URL"),
        ({"image_urls": ["https://example.com/a.jpg"]}, "image_urls is not a field of this call; use image_url."),
        ({"imge_url": "https://example.com/a.jpg"}, "Unknown field 'imge_url'."),
        ({"user_id": ""}, "user_id must not be empty."),
        ({"template": {"id": SID}}, "template can only be used when provider is twlowa or gswa."),
        ({"contact_saving": True}, "contact_saving must be an object."),
        ({"contact_saving": {"save": "true"}}, "contact_saving.save must be true or false."),
        ({"contact_saving": {"save": 1}}, "contact_saving.save must be true or false."),
        ({"contact_saving": {"list_id": "0"}}, "contact_saving.list_id must be an integer"),
        ({"contact_saving": {"list_id": True}}, "contact_saving.list_id must be an integer"),
        ({"contact_saving": {"list_id": 1.0}}, "contact_saving.list_id must be an integer"),
        ({"contact_saving": {"list_id": -1}}, "contact_saving.list_id must be an integer"),
        ({"contact_saving": {"extra_fields": []}}, "contact_saving.extra_fields must be an object."),
        ({"contact_saving": {"extra_fields": {"a": None}}}, "contact_saving.extra_fields.a must be a string"),
        ({"contact_saving": {"extra_fields": {"a": {}}}}, "contact_saving.extra_fields.a must be a string"),
        ({"contact_saving": {"extra_fields": {"a": "\udc00"}}}, "contact_saving.extra_fields.a holds half"),
        ({"contact_saving": {"list": 1}}, "Unknown field 'list' in contact_saving."),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], told: str) -> None:
    found = reasons({**SMS, **fields})
    assert len(found) == 1
    assert found[0].startswith(told)


@pytest.mark.parametrize(
    ("provider", "template", "told"),
    [
        ("twlowa", SID, "template must be an object."),
        ("twlowa", {"variables": {}}, "template.id is required."),
        ("twlowa", {"id": ""}, "template.id must not be empty."),
        ("twlowa", {"id": 5}, "template.id must be a string."),
        ("twlowa", {"id": SID, "name": "x"}, "Unknown field 'name' in template."),
        ("twlowa", {"id": SID, "variables": []}, "template.variables must be an object."),
        ("twlowa", {"id": SID, "variables": None}, "template.variables must be an object."),
        ("twlowa", {"id": SID, "variables": {"1": 5}}, "template.variables.1 must be a string."),
        ("twlowa", {"id": SID, "variables": {"Body": {"1": "x"}}}, "template.variables.Body must be a string."),
        (
            "twlowa",
            {"id": SID, "variables": {"a b": "x"}},
            "template.variables has a variable with a wrong name: 'a b'.",
        ),
        ("twlowa", {"id": SID, "variables": {str(n): "x" for n in range(101)}}, "template.variables has more than 100"),
        ("gswa", {"id": "t", "variables": {"1": "x"}}, "template.variables.1 is unknown; use MEDIA_URL"),
        ("gswa", {"id": "t", "variables": {"body": {"1": "x"}}}, "template.variables.body is unknown"),
        ("gswa", {"id": "t", "variables": {"Body": "x"}}, "template.variables.Body must be an object."),
        (
            "gswa",
            {"id": "t", "variables": {"Body": {"name": "x"}}},
            "template.variables.Body has a variable with a wrong",
        ),
        ("gswa", {"id": "t", "variables": {"Body": {"1": None}}}, "template.variables.Body.1 must be a string."),
        ("gswa", {"id": "t", "variables": {"MEDIA_URL": "x"}}, "template.variables.MEDIA_URL must be a URL"),
    ],
)
def test_a_wrong_template_is_explained(provider: str, template: object, told: str) -> None:
    found = reasons({**TWILIO, "provider": provider, "template": template})
    assert len(found) == 1
    assert found[0].startswith(told)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({**SMS, "channel_key": "invalid"}, "Invalid channel_key."),
        ({**SMS, "to": "+15005550004"}, "The recipient has opted out. (21610)"),
        ({**SMS, "to": "15005550001"}, "The 'To' number is not a valid phone number. (21211)"),
        ({**SMS, "text": "x" * 1601}, "The message body exceeds the limit of 1600 characters. (21617)"),
        ({**TWILIO, "template": {"id": "HX1"}}, "The template ID is not a Content SID"),
        ({**TWILIO, "template": {"id": SID, "variables": {"1": " "}}}, "A template variable is empty. (21656)"),
        ({**TWILIO, "template": {"id": SID, "variables": {"1": "a\nb"}}}, "A template variable has a new line"),
        ({**TWILIO, "template": {"id": SID, "variables": {"1": "a     b"}}}, "A template variable has a new line"),
        ({**TWILIO, "template": {"id": SID, "variables": {"1": "x" * 1601}}}, "A template variable exceeds"),
        ({**GUPSHUP, "template": {"id": "t", "variables": {"Body": {"1": ""}}}}, "A template variable is empty."),
    ],
)
def test_the_provider_refuses_inside_a_200(fields: dict[str, Any], told: str) -> None:
    (found,) = reasons(fields, status=200)
    assert found.startswith(told)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"\xff\xfe{}",
        '{"to": "1"}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b'{"text": "\x00"}',
        b'{"text": NaN}',
        b'{"text": -Infinity}',
        b'{"text": "a", "text": "b"}',
        b'{"contact_saving": {"save": true, "save": false}}',
        b'{"list_id": ' + b"9" * 5000 + b"}",
        b"provider=twlo&to=1",
        b'{"text": "a"} {}',
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_hostile_body_is_refused(body: bytes) -> None:
    verdict = check(body)
    assert isinstance(verdict, Refused)
    assert verdict.status == 400
    assert len(verdict.reasons) == 1


def test_a_number_too_large_to_list_again_is_refused() -> None:
    body = json.dumps({**SMS, "contact_saving": {"extra_fields": {"a": 0.5}}}).encode().replace(b"0.5", b"1e999")
    assert isinstance(check(body), Refused)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = [
    "provider", "channel_key", "to", "name", "text", "image_url", "video_url", "file_url",
    "template", "contact_saving", "schedule", "user_id",
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(_FIELDS), _JSON))
def test_any_value_in_any_field_is_judged(fields: dict[str, Any]) -> None:
    for base in (SMS, TWILIO, GUPSHUP):
        assert isinstance(judge({**base, **fields}), Accepted | Refused)
