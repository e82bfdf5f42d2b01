"""The calls that send nobody anything, on a real socket: what is asked, how patiently, and what an answer means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import TypeVar

import orjson
import pytest

from msgspec_runner.errors import RunStoppedError
from msgspec_runner.sociocs.client import Client
from msgspec_runner.sociocs.listed import Listing
from msgspec_runner.sociocs.lookups import ATTEMPTS, PAUSE, Deleted, Deletion, Lookups, NotAnswered
from tests.sociocs.misbehaving import KEY, Exchange, answer, serving

T = TypeVar("T")
MONDAY, FRIDAY = date(2026, 11, 23), date(2026, 11, 27)
SEARCH = b"text=Hi+%26+bye+%2B+Zo%C3%AB&direction=outbound&start_date=2026-11-23&end_date=2026-11-23"
LIST = orjson.dumps({"status": "success", "data": [{"id": "m1", "to": "+16175551212", "text": "Hi"}]})


def asked(
    call: Callable[[Lookups], Awaitable[T]], *answers: bytes | None
) -> tuple[T | Exception, list[bytes], list[float]]:
    """Make a call to a server that gives these answers in turn (None: resets), the last one for ever.

    Return what came of it, the first lines of the requests, and how long was waited between them.
    """
    waits: list[float] = []
    remaining = list(answers)

    async def behave(exchange: Exchange) -> None:
        while True:
            await exchange.read_request()
            said = remaining.pop(0) if len(remaining) > 1 else remaining[0]
            if said is None:
                exchange.reset()
                return
            await exchange.write(said)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def main() -> tuple[T | Exception, list[bytes]]:
        async with serving(behave) as (url, requests), Client(url, KEY, timeout=20) as client:
            try:
                outcome: T | Exception = await call(Lookups(client, KEY, sleep=sleep))
            except (NotAnswered, RunStoppedError) as problem:
                outcome = problem
        for request in requests:
            assert b"apikey: " + KEY.encode() in request
        return outcome, [request.partition(b"\r\n")[0] for request in requests]

    outcome, lines = asyncio.run(main())
    assert KEY not in str(outcome)
    return outcome, lines, waits


def test_what_is_asked() -> None:
    async def everything(lookups: Lookups) -> list[int]:
        found = [await lookups.scheduled(), await lookups.sent(MONDAY, FRIDAY)]
        found.append(await lookups.search("Hi & bye + Zoë", MONDAY, MONDAY))
        return [listing.size for listing in found]

    outcome, lines, waits = asked(everything, answer(200, LIST))
    assert outcome == [1, 1, 1]
    assert lines == [
        b"GET /messages/scheduled HTTP/1.1",
        b"GET /messages?start_date=2026-11-23&end_date=2026-11-27 HTTP/1.1",
        b"GET /messages/search?" + SEARCH + b" HTTP/1.1",
    ]
    assert waits == [PAUSE, PAUSE]


@pytest.mark.parametrize("trouble", [answer(503), None, answer(429), answer(408)])
def test_trouble_is_waited_for(trouble: bytes | None) -> None:
    outcome, lines, waits = asked(lambda lookups: lookups.scheduled(), trouble, trouble, answer(200, LIST))
    assert isinstance(outcome, Listing)
    assert len(lines) == 3
    assert waits == [1.0, 2.0]


def test_a_429_says_how_long() -> None:
    slow = answer(429, b"", b"Retry-After: 7")
    assert asked(lambda lookups: lookups.scheduled(), slow, answer(200, LIST))[2] == [7.0]
    outcome, lines, waits = asked(lambda lookups: lookups.scheduled(), answer(429, b"", b"Retry-After: 3600"))
    assert str(outcome) == "HTTP 429: the API asks for a lower rate"
    assert (len(lines), waits) == (1, [])


def test_trouble_that_does_not_end() -> None:
    outcome, lines, _ = asked(lambda lookups: lookups.scheduled(), answer(500))
    assert isinstance(outcome, NotAnswered)
    assert str(outcome) == "HTTP 500: the API is in trouble"
    assert len(lines) == ATTEMPTS


@pytest.mark.parametrize("status", [301, 401, 402, 403, 404, 405])
def test_what_no_patience_helps_against_stops(status: int) -> None:
    outcome, lines, _ = asked(lambda lookups: lookups.scheduled(), answer(status))
    assert isinstance(outcome, RunStoppedError)
    assert f"HTTP {status}" in str(outcome)
    assert len(lines) == 1


def test_what_the_api_says_is_told_without_the_key() -> None:
    said = orjson.dumps({"status": "error", "errors": [{"msg": f"no days for {KEY}"}]})
    for status in (200, 400):
        outcome, lines, _ = asked(lambda lookups: lookups.scheduled(), answer(status, said))
        assert str(outcome) == "no days for [the API key]"
        assert len(lines) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"status":"success","data":{}}'])
def test_an_answer_that_is_no_list_is_not_asked_for_again(body: bytes) -> None:
    outcome, lines, _ = asked(lambda lookups: lookups.scheduled(), answer(200, body))
    assert isinstance(outcome, NotAnswered)
    assert len(lines) == 1


REFUSAL = orjson.dumps({"status": "error", "errors": [{"msg": "It is being sent."}]})


@pytest.mark.parametrize(
    ("said", "deleted"),
    [
        (answer(200, b'{"status":"success"}'), Deleted(Deletion.DELETED)),
        (answer(204), Deleted(Deletion.DELETED)),
        (answer(200, REFUSAL), Deleted(Deletion.REFUSED, "It is being sent.")),
        (answer(400, REFUSAL), Deleted(Deletion.REFUSED, "It is being sent.")),
        (answer(404, REFUSAL), Deleted(Deletion.GONE, "It is being sent.")),
        (answer(410, REFUSAL), Deleted(Deletion.GONE, "It is being sent.")),
        (answer(404), Deleted(Deletion.GONE, "HTTP 404; is the base URL right?")),
        (answer(404, b"<html>"), Deleted(Deletion.GONE, "HTTP 404; is the base URL right?")),
        (answer(409), Deleted(Deletion.REFUSED, "HTTP 409: the API does not document this status")),
        (answer(200, b"<html>"), Deleted(Deletion.UNKNOWN, "the answer is not JSON")),
        (answer(200, b"[]"), Deleted(Deletion.UNKNOWN, "its status is neither success nor error")),
        (answer(500), Deleted(Deletion.UNKNOWN, "HTTP 500: the API is in trouble")),
    ],
)
def test_what_an_answer_means_for_a_deletion(said: bytes, deleted: Deleted) -> None:
    outcome, lines, _ = asked(lambda lookups: lookups.delete("a b/..?c"), said)
    assert outcome == deleted
    assert lines[0] == b"DELETE /messages/scheduled/a%20b%2F..%3Fc HTTP/1.1"


def test_a_deletion_whose_answer_is_lost_is_asked_for_again() -> None:
    outcome, lines, _ = asked(lambda lookups: lookups.delete("m1"), None, answer(200, b'{"status":"success"}'))
    assert outcome == Deleted(Deletion.DELETED)
    assert len(lines) == 2


def test_what_was_deleted_by_a_call_whose_answer_was_lost_is_gone() -> None:
    outcome, lines, _ = asked(lambda lookups: lookups.delete("m1"), None, answer(404, REFUSAL))
    assert outcome == Deleted(Deletion.GONE, "It is being sent.")
    assert len(lines) == 2


def test_an_id_that_is_a_way_up_is_never_asked_for() -> None:
    outcome, lines, _ = asked(lambda lookups: lookups.delete(".."), answer(200))
    assert outcome == Deleted(Deletion.REFUSED, "its id cannot be written into an address")
    assert lines == []
