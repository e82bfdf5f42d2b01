"""What the API lists is undocumented: every name is read that is seen in the wild, and nonsense raises nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.sociocs.listed import Content, Listed, Listing, content_of, read_listing, read_time

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
EPOCH = 1_795_435_200
TO = "+16175551212"


def listing(answer: object) -> Listing:
    found = read_listing(orjson.dumps(answer))
    assert isinstance(found, Listing), found
    return found


SHAPES: list[dict[str, Any]] = [
    {"message_id": "m1", "to": TO, "text": "Hi", "created_at": "2026-11-23T12:00:00Z", "direction": "outbound"},
    {"id": "m1", "to": "16175551212", "message": "Hi", "date": "2026-11-23T07:00:00-05:00"},
    {"_id": "m1", "phone_number": "+1 (617) 555-1212", "body": "Hi\r\n", "timestamp": EPOCH},
    {"_id": {"$oid": "m1"}, "recipient": {"phone": TO}, "message": {"text": "Hi"}, "timestamp": EPOCH * 1000},
    {"messageId": "m1", "contact": {"name": "Ann", "phone_number": TO}, "content": " Hi ", "sent_at": str(EPOCH)},
    {"message_id": "m1", "id": 77, "to": f"whatsapp:{TO}", "text": "Hi", "createdAt": "2026-11-23T12:00:00"},
    {"id": "m1", "phone": 16175551212, "text": "Hi", "date": float(EPOCH), "message": None, "direction": "OUT"},
]


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_of_a_message(shape: dict[str, Any]) -> None:
    assert listing([shape]) == Listing((Listed("m1", TO, Content("Hi"), NOON),))


@pytest.mark.parametrize(
    "envelope",
    [
        lambda items: items,
        lambda items: {"status": "success", "data": items},
        lambda items: {"data": {"messages": items, "total": 1}},
        lambda items: {"messages": items},
        lambda items: {"results": items},
    ],
)
def test_shapes_of_a_list(envelope: Any) -> None:
    assert listing(envelope([SHAPES[0]])).messages[0].message_id == "m1"
    assert listing(envelope([])) == Listing(())


def test_what_came_in_is_left_out_and_what_cannot_be_read_is_counted() -> None:
    found = listing([{**SHAPES[0], "direction": "Incoming"}, {"id": "x"}, {"to": TO}, "m1", None, SHAPES[0]])
    assert [message.message_id for message in found.messages] == ["m1"]
    assert (found.unread, found.size) == (4, 5)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"<html>", "the answer is not JSON"),
        (b"", "the answer is not JSON"),
        (b"{}", "the answer is no list of messages"),
        (b'"list"', "the answer is no list of messages"),
        (b'{"data": {"data": {"data": {"data": []}}}}', "the answer is no list of messages"),
        (b'{"status": "error", "errors": [{"msg": "Too many days."}]}', "Too many days."),
        (b'{"status": "error"}', "the API refused"),
    ],
)
def test_nonsense_is_told_from_nothing_found(answer: bytes, words: str) -> None:
    assert read_listing(answer) == words


def test_the_key_is_in_nothing_that_is_read() -> None:
    assert read_listing(b'{"status":"error","errors":[{"msg":"key s3cret is wrong"}]}', "s3cret") == (
        "key [the API key] is wrong"
    )
    assert read_listing(orjson.dumps([{**SHAPES[0], "message_id": "s3cret"}]), "s3cret") == Listing((), 1)


def test_templates_are_compared_in_one_notation() -> None:
    ours = content_of({"template": {"id": "HX1", "variables": {"2": "b", "1": "a"}}, "provider": "twlowa"})
    assert ours == Content(template="HX1", variables='{"1":"a","2":"b"}', provider="twlowa")
    assert content_of({"template_id": "HX1", "template_variables": '{"1": "a", "2": "b"}'}).variables == ours.variables
    assert content_of({"template": "HX1", "variables": {"1": 5}}) == Content(template="HX1", variables='{"1":"5"}')
    nested = {"Body": {"1": "a"}, "MEDIA_URL": "https://x"}
    assert content_of({"template": {"id": "g", "variables": nested}}).variables == orjson.dumps(nested).decode()
    deep: Any = "a"
    for _ in range(20):
        deep = {"1": deep}
    assert content_of({"template": {"id": "g", "variables": deep}}).variables is None


@pytest.mark.parametrize(
    "value",
    ["", "soon", "0", 0, -1, True, None, [], {}, 20261123, "2026-13-01", 1e300, 1, "9" * 40, "١", "1" * 5000,
     "0001-01-01T00:00:00+14:00"],
)  # fmt: skip
def test_what_is_no_time(value: object) -> None:
    assert read_time(value) is None


names = st.sampled_from(
    ["id", "_id", "$oid", "to", "contact", "phone", "text", "message", "date", "timestamp", "schedule", "direction",
     "template", "variables", "data", "messages", "status", "errors", "msg", "image_url", "provider"]
)  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from([TO, "outbound", "m1", str(EPOCH)]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
    max_leaves=20,
)  # fmt: skip


@given(json_values)
def test_nothing_foreign_is_raised(value: object) -> None:
    for answer in (value, [value], {"data": [value]}):
        found = read_listing(orjson.dumps(answer))
        assert isinstance(found, str | Listing)


@given(st.binary(max_size=200))
def test_nothing_foreign_is_raised_for_bytes(answer: bytes) -> None:
    assert isinstance(read_listing(answer), str | Listing)
