"""How requests are shown and found."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.sandbox.shown import STATES, Wanted, moment, read, search, show, state_of, written
from msgspec_runner.sandbox.store import Message, Received, Store

NOON = 1_800_014_400.0  # 2027-01-15T12:00:00Z
SMS = {
    "provider": "twlo",
    "channel_key": "reminders",
    "to": "+16175551212",
    "name": "Ann Moe",
    "text": "See you Monday",
}


def received(body: object, *, due: float | None = NOON, fault: str | None = None, answer: bytes = b"{}") -> Received:
    store = Store()
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    message = None if due is None else Message("a1b2c3", NOON, due, raw)
    store.record(NOON, ((b"Host", b"\xe9"),), raw, 200, answer, message=message, fault=fault)
    return store.requests()[0]


@pytest.mark.parametrize(
    ("due", "fault", "cancelled", "state"),
    [
        (NOON, None, False, "sent"),
        (NOON, "reset-after", False, "sent"),
        (NOON + 60, None, False, "scheduled"),
        (NOON + 60, None, True, "cancelled"),
        (None, None, False, "refused"),
        (None, "500", False, "failed"),
    ],
)
def test_states(due: float | None, fault: str | None, cancelled: bool, state: str) -> None:
    assert state in STATES
    assert state_of(received(SMS, due=due, fault=fault), NOON, cancelled=cancelled) == state
    if state == "scheduled":
        assert state_of(received(SMS, due=due), NOON + 60, cancelled=False) == "sent"


def test_all_of_a_request_is_shown() -> None:
    answer = b'{"status":"success","data":{"message_id":"a1b2c3"}}'
    assert show(received(SMS, due=NOON + 60, answer=answer), "scheduled") == {
        "number": 1,
        "at": "2027-01-15T12:00:00.000Z",
        "state": "scheduled",
        "message_id": "a1b2c3",
        "due": "2027-01-15T12:01:00.000Z",
        "duplicate": False,
        "fault": None,
        "reasons": [],
        "message": SMS,
        "request": {"headers": [["Host", "é"]], "body": json.dumps(SMS)},
        "answer": {"status": 200, "body": answer.decode()},
    }


def test_a_refusal_has_its_reasons() -> None:
    answer = b'{"status":"error","errors":[{"msg":"one"},{"msg":"two"}]}'
    shown = show(received(b"\xff", due=None, answer=answer), "refused")
    assert (shown["reasons"], shown["message"], shown["request"]["body"]) == (["one", "two"], None, "\ufffd")
    assert (shown["message_id"], shown["due"]) == (None, None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'{"text": "\\ud83d"}', {"text": "\ud83d"}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": NaN}', None),
        (b'{"a": 1e999}', None),
        (b"[1]", None),
        (b"", None),
        (b"\xff", None),
        (b"[" * 100_000, None),
        (b'{"a":' + b"[" * 900 + b"]" * 900 + b"}", ...),
        (b'{"a":' + b"[" * 9000 + b"]" * 9000 + b"}", None),
        (b'{"a":' + b"9" * 9000 + b"}", None),
    ],
    ids=range(12),
)
def test_whatever_a_client_sends_is_written_as_json_that_a_browser_reads(body: bytes, message: object) -> None:
    text = written(show(received(body, due=None, fault="500"), "failed"))
    found = json.loads(text, parse_constant=pytest.fail)
    assert found["request"]["body"] == body.decode("utf-8", "replace")
    if message is not ...:  # how deep is too deep differs from Python to Python
        assert found["message"] == message
    assert text.isascii()
    assert "\n" not in text


@given(
    st.one_of(
        st.binary(), st.recursive(st.none() | st.floats() | st.text(), lambda inner: st.dictionaries(st.text(), inner))
    )
)
def test_nothing_breaks_the_list(body: object) -> None:
    one = received(body, due=None, fault="500")
    json.loads(written(show(one, "failed")), parse_constant=pytest.fail)
    search(Wanted(q="a 123"))(one)


def test_a_time_that_no_calendar_has_is_none() -> None:
    assert moment(1e20) is None


def finds(query: str, **fields: object) -> bool:
    return search(Wanted(q=query))(received({**SMS, **fields}))


@pytest.mark.parametrize("query", ["", "  ", "monday", "SEE you", "you see", "ann", "a1b2c3", "remind", "5551212", "617-555",
                                   "(617) 555 12", "+1 617", "ann 5551212"])  # fmt: skip
def test_words_are_found_in_any_order_and_numbers_by_their_digits(query: str) -> None:
    assert finds(query)


@pytest.mark.parametrize("query", ["tuesday", "ann tuesday", "5551213", "twlo", "text", "5551212 5551213", "+44"])
def test_what_is_not_there_is_not_found(query: str) -> None:
    assert not finds(query)


def test_all_that_a_recipient_sees_is_searched() -> None:
    variables = {"MEDIA_URL": "https://placehold.co/600x400", "Body": {"1": "Jürgen"}}
    assert finds("JÜRGEN placehold", template={"id": "T-9", "variables": variables})
    assert finds("t-9", template={"id": "T-9"})
    assert finds("pic.jpg", image_url="https://example.com/pic.jpg")
    assert finds("STRASSE", text="Straße")
    assert finds("12", text="12 eggs")
    assert finds("2027-01", text="until 2027-01-15")


def test_a_number_is_found_exactly_and_a_fault_by_its_kind() -> None:
    def found(**wanted: str) -> bool:
        return search(Wanted(**wanted))(received(SMS, fault="reset-after"))

    assert found(to="+16175551212")
    assert found(to=" 16175551212")
    assert not found(to="1617555121")
    assert found(fault="any")
    assert found(fault="reset-after", q="ann", to="16175551212")
    assert not found(fault="500")
    assert not search(Wanted(fault="any"))(received(SMS))
    assert not search(Wanted(to="1"))(received(b"no json", due=None))


def test_bodies_that_are_no_objects_have_no_message() -> None:
    assert read(b"3") is None
