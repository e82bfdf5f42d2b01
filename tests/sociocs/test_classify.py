"""The tables, and ``docs/outcomes.md``, which shows them. To write that file anew: run this module as a program."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.model import OutcomeKind
from msgspec_runner.sociocs.classify import (
    BODY_RULES,
    FAILURE_RULES,
    MAX_ERROR,
    MAX_RETRY_AFTER,
    OTHER_STATUS,
    STATUS_RULES,
    Body,
    Failure,
    from_body,
    from_failure,
    from_status,
    one_line,
    retry_after_seconds,
)

PAGE = Path(__file__).parents[2] / "docs" / "outcomes.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
NOW = datetime(2031, 1, 2, 12, 0, tzinfo=UTC)

STATUSES = {
    OutcomeKind.STOP: (301, 302, 303, 307, 308, 401, 402, 403, 404, 405),
    OutcomeKind.REJECTED: (400, 413, 422),
    OutcomeKind.THROTTLED: (429,),
    OutcomeKind.IN_DOUBT: (101, 300, 304, 406, 408, 409, 410, 415, 418, 425, 451, 499, *range(500, 512), 520, 599),
}


def table() -> str:
    """Every failure and its outcome, as the page shows it."""
    rows = [("HTTP 2xx, " + body, rule.kind, rule.meaning) for body, rule in BODY_RULES.items()]
    rows += [(f"HTTP {rule.name}", rule.kind, rule.meaning) for rule in STATUS_RULES]
    rows += [("any other HTTP status", OTHER_STATUS.kind, OTHER_STATUS.meaning)]
    rows += [(failure, rule.kind, rule.meaning) for failure, rule in FAILURE_RULES.items()]
    lines = [f"| {what} | `{kind}` | {meaning} |" for what, kind, meaning in rows]
    return "\n".join(["| what happens | outcome | what the runner says |", "| --- | --- | --- |", *lines])


def page_with_table() -> str:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def test_the_page_shows_the_code() -> None:
    repair = "docs/outcomes.md is out of date; run: python tests/sociocs/test_classify.py"
    assert PAGE.read_text(encoding="utf-8") == page_with_table(), repair


@pytest.mark.parametrize(("kind", "status"), [(kind, status) for kind, all_ in STATUSES.items() for status in all_])
def test_each_status_proves_what_the_contract_says(kind: OutcomeKind, status: int) -> None:
    outcome = from_status(status, retry_after=7.0)
    assert outcome is not None
    assert outcome.kind is kind
    assert outcome.http_status == status
    assert outcome.error is not None
    assert str(status) in outcome.error
    assert outcome.retry_after == (7.0 if kind is OutcomeKind.THROTTLED else None)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_in_a_2xx_the_body_decides(status: int) -> None:
    assert from_status(status) is None


@pytest.mark.parametrize("status", [500, 503, 511])
def test_server_errors_are_retried_only_on_request(status: int) -> None:
    outcome = from_status(status, retry_after=3.0, retry_server_errors=True)
    assert outcome is not None
    assert (outcome.kind, outcome.retry_after) == (OutcomeKind.UNSENT, 3.0)
    beyond = from_status(512, retry_server_errors=True)
    assert beyond is not None
    assert beyond.kind is OutcomeKind.IN_DOUBT


@given(st.integers(100, 999), st.booleans())
def test_every_status_proves_something(status: int, retry: bool) -> None:
    outcome = from_status(status, retry_server_errors=retry)
    assert (outcome is None) == (200 <= status <= 299)
    assert outcome is None or outcome.kind is not OutcomeKind.ACCEPTED


@pytest.mark.parametrize("message_id", ["65f0c0ff", 17])
def test_success_is_accepted(message_id: object) -> None:
    outcome = from_body(200, orjson.dumps({"status": "success", "data": {"message_id": message_id}}))
    assert (outcome.kind, outcome.message_id, outcome.error) == (OutcomeKind.ACCEPTED, str(message_id), None)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": "error", "errors": [{"msg": "Invalid channel_key."}]}, "Invalid channel_key."),
        ({"status": "error", "errors": [{"msg": "One."}, {"msg": "Two."}]}, "One.; Two."),
        ({"status": "error", "errors": ["plain"]}, "plain"),
        ({"status": "error", "errors": "plain"}, "plain"),
        ({"status": "error", "errors": [{"code": 7}]}, '{"code":7}'),
        ({"status": "error", "errors": [{"msg": "two\nlines\x00"}]}, "two lines"),
        ({"status": "error"}, "the API refused the message"),
        ({"status": "error", "errors": [{}, None]}, "the API refused the message"),
        ({"status": "error", "data": None}, "the API refused the message"),
    ],
)
def test_an_error_in_a_2xx_is_rejected(answer: object, error: str) -> None:
    outcome = from_body(200, orjson.dumps(answer))
    assert (outcome.kind, outcome.error) == (OutcomeKind.REJECTED, error)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"status":"success"}',
        b'{"status":"success","data":{}}',
        b'{"status":"success","data":{"message_id":""}}',
        b'{"status":"success","data":{"message_id":null}}',
        b'{"status":"success","data":{"message_id":true}}',
        b'{"status":"success","data":[]}',
        b'{"status":"SUCCESS","data":{"message_id":"x"}}',
        b'{"status":"error","errors":[],"data":{"message_id":"x"}}',
        b'{"status":"queued","data":{"message_id":"x"}}',
        b'{"status":"success","data":{"message_id":"x"}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_2xx_that_makes_no_sense_is_in_doubt(body: bytes) -> None:
    outcome = from_body(200, body)
    assert outcome.kind is OutcomeKind.IN_DOUBT
    assert outcome.message_id is None


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(), lambda x: st.lists(x)).map(orjson.dumps))
def test_nothing_but_a_success_with_an_id_is_accepted(body: bytes) -> None:
    if from_body(200, body).kind is OutcomeKind.ACCEPTED:
        answer = orjson.loads(body)
        assert answer["status"] == "success"
        assert answer["data"]["message_id"]


def test_before_the_request_left_nothing_is_in_doubt() -> None:
    unsent = {Failure.NO_CONNECTION, Failure.CONNECT_TIMEOUT, Failure.TLS, Failure.PROXY, Failure.BEFORE_REQUEST}
    assert {f for f in Failure if from_failure(f).kind is OutcomeKind.UNSENT} == unsent
    assert from_failure(Failure.CERTIFICATE).kind is OutcomeKind.STOP
    assert set(FAILURE_RULES) == set(Failure)
    assert set(BODY_RULES) == set(Body)


def test_a_failure_tells_what_the_system_said() -> None:
    outcome = from_failure(Failure.NO_CONNECTION, "Connection\nrefused", http_status=None)
    assert outcome.error == "no connection to the API (Connection refused)"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", None),
        ("0.0", None),
        ("0.5", 0.5),
        ("120", 120.0),
        ("0000000000120", 120.0),
        ("86400", MAX_RETRY_AFTER),
        ("86401", MAX_RETRY_AFTER),
        ("99999999999999", MAX_RETRY_AFTER),
        ("9" * 5000, MAX_RETRY_AFTER),
        ("1e9", None),
        ("inf", None),
        ("nan", None),
        ("+5", None),
        (" 3 ", 3.0),
        ("1.5", 1.5),
        ("Thu, 02 Jan 2031 12:00:30 GMT", 30.0),
        ("Thu, 02 Jan 2031 12:00:30 -0000", 30.0),
        ("Thu, 02 Jan 2031 11:59:00 GMT", None),
        ("Thu, 02 Jan 2031 12:00:00 GMT", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER),
        ("Fri, 31 Dec 9999 23:59:59 -2359", MAX_RETRY_AFTER),
        ("Mon, 01 Jan 0001 00:00:00 +2359", None),
        ("Thu, 02 Jan 2031 13:00:10 +0100", 10.0),
        ("", None),
        (None, None),
        ("soon", None),
        ("-5", None),
        ("٣", None),
        ("Thu, 99 Jan 2031 12:00:30 GMT", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, NOW) == seconds


@given(st.text())
def test_any_retry_after_is_read_or_ignored(value: str) -> None:
    seconds = retry_after_seconds(value, NOW)
    assert seconds is None or 0 < seconds <= MAX_RETRY_AFTER


@given(st.integers().map(str) | st.floats().map(str) | st.datetimes().map(lambda moment: format_datetime(moment)))
def test_no_retry_after_makes_us_hurry_or_wait_for_ever(value: str) -> None:
    seconds = retry_after_seconds(value, NOW)
    assert seconds is None or 0 < seconds <= MAX_RETRY_AFTER


@given(st.text(max_size=5000))
def test_an_error_is_one_short_line(text: str) -> None:
    line = one_line(text)
    assert len(line) <= MAX_ERROR
    assert len(line.splitlines()) <= 1
    assert line.isprintable()


if __name__ == "__main__":
    PAGE.write_text(page_with_table(), encoding="utf-8")
    sys.exit()


@pytest.mark.parametrize(
    "message_id", ["\x1b[2J", "a\nb", "x\u202ey", "sk-SECRET", "id of sk-SECRET", "a" * 201, "", " ", True, None, ["a"]]
)
def test_what_no_api_gives_as_an_id_is_none(message_id: object) -> None:
    body = orjson.dumps({"status": "success", "data": {"message_id": message_id}})
    outcome = from_body(200, body, "sk-SECRET")
    assert (outcome.kind, outcome.message_id) == (OutcomeKind.IN_DOUBT, None)
    assert "SECRET" not in (outcome.error or "")


def test_errors_nested_too_deeply_are_still_errors() -> None:
    body = b'{"status":"error","errors":[{"msg":' + b"[" * 500 + b"]" * 500 + b"}]}"
    assert from_body(200, body).kind is OutcomeKind.REJECTED


@pytest.mark.parametrize(
    "value", ["Mon, 01 Jan 2020 00:00:00 +99999999999999999999", "Mon, 01 Jan 99999999999999999999999 00:00:00 GMT"]
)
def test_a_date_beyond_all_dates_is_none(value: str) -> None:
    assert retry_after_seconds(value, datetime(2031, 1, 1, tzinfo=UTC)) is None
