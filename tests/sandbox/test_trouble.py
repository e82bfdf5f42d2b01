"""Faults and latency, over real sockets."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from msgspec_runner.sandbox.faults import Latency, parse_faults
from tests.sandbox.waiting import until

Start = Callable[..., Any]

SMS = {"provider": "twlo", "channel_key": "k", "to": "+16175551212", "text": "Hi Ann"}


@pytest.mark.parametrize(
    ("fault", "status", "kept"),
    [("429=1", 429, 0), *((f"{status}=1", status, 0) for status in range(500, 512)), ("500-after=1", 500, 1)],
)
def test_a_status_is_answered_as_the_api_would(start: Start, fault: str, status: int, kept: int) -> None:
    caller = start(faults=parse_faults([fault]))
    answer = caller.post(SMS)
    assert answer.status == status
    assert answer.body["status"] == "error"
    assert "Retry-After" not in answer.headers
    stats = caller.sandbox.stats
    assert (stats.kept, stats.faults) == (kept, {fault.removesuffix("=1"): 1})


def test_a_rate_limit_can_say_when_to_come_back(start: Start) -> None:
    assert start(faults=parse_faults(["429:2=1"])).post(SMS).headers["Retry-After"] == "2"


@pytest.mark.parametrize(("kind", "kept"), [("reset-before", 0), ("reset-after", 1)])
def test_a_reset_is_a_real_one(start: Start, kind: str, kept: int) -> None:
    caller = start(faults=parse_faults([f"{kind}=1"]))
    with pytest.raises(ConnectionResetError):
        caller.post(SMS)
    (request,) = caller.sandbox.requests
    assert (request.status, request.answer, request.fault) == (None, b"", kind)
    assert len(caller.sandbox.messages) == caller.sandbox.stats.kept == kept
    assert (request.message_id is not None) == bool(kept)


@pytest.mark.parametrize(("kind", "kept"), [("hang", 0), ("hang-after", 1)])
def test_a_hang_says_nothing_until_its_time_is_up(start: Start, kind: str, kept: int) -> None:
    caller = start(faults=parse_faults([f"{kind}:0.05=1"]))
    with pytest.raises(ConnectionResetError):
        caller.post(SMS)
    assert caller.sandbox.stats.kept == kept


@pytest.mark.parametrize(("kind", "kept"), [("hang", 0), ("hang-after", 1)])
def test_a_client_may_give_up_on_a_hang_and_the_server_still_stops_at_once(start: Start, kind: str, kept: int) -> None:
    caller = start(faults=parse_faults([f"{kind}=1"]))
    body = json.dumps(SMS).encode()
    headers = {"apikey": "k", "Content-Type": "application/json"}

    with closing(http.client.HTTPConnection(caller.address, timeout=20)) as connection:
        connection.request("POST", "/message", body, headers)
        until(lambda: caller.sandbox.stats.received == 1)
        connection.sock.settimeout(0.01)
        with pytest.raises(TimeoutError):
            connection.getresponse()

    with closing(http.client.HTTPConnection(caller.address, timeout=20)) as connection:
        connection.request("POST", "/message", body, headers)
        until(lambda: caller.sandbox.stats.received == 2)
        caller.sandbox.stop()
        with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
            connection.getresponse()
    assert caller.sandbox.stats.kept == 2 * kept


def test_garbage_is_a_200_that_makes_no_sense_with_the_message_kept(start: Start) -> None:
    caller = start(faults=parse_faults(["garbage=1"]))
    answer = caller.post(SMS)
    assert answer.status == 200
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(answer.body)
    assert caller.sandbox.stats.kept == 1


def test_slow_is_right_but_late(start: Start) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    caller = start(faults=parse_faults(["slow:30=1"]), sleep=sleep)
    answer = caller.post(SMS)
    (kept,) = caller.sandbox.messages
    assert answer.body == {"status": "success", "data": {"message_id": kept.message_id}}
    assert waited == [30.0]


def test_latency_holds_every_answer_back(start: Start) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    caller = start(latency=Latency(0.02, 0.08), sleep=sleep, seed=1)
    for number in range(20):
        caller.post({**SMS, "text": f"{number}"})
    caller.post(b"not JSON")
    assert len(set(waited)) == 21
    assert all(0.02 <= seconds <= 0.08 for seconds in waited)


@pytest.mark.parametrize("fault", ["500=1", "reset-after=1", "hang=1"])
def test_the_key_comes_before_the_trouble(start: Start, fault: str) -> None:
    assert start(faults=parse_faults([fault])).post(SMS, apikey="").status == 401


@pytest.mark.parametrize("fault", ["reset-after=1", "garbage=1", "hang-after=1", "slow=1", "500-after=1"])
def test_a_bad_body_is_not_kept_by_any_fault(start: Start, fault: str) -> None:
    caller = start(faults=parse_faults([fault]))
    assert caller.post({**SMS, "to": "x"}).status == 400
    assert caller.sandbox.stats.kept == 0


def test_only_sending_meets_trouble(start: Start) -> None:
    caller = start(faults=parse_faults(["500=1"]), latency=Latency(30.0, 30.0))
    assert caller.get("/messages")["data"] == []
    assert len(caller.get("/channels")) == 3


def story(start: Start, seed: int, order: list[int]) -> dict[int, tuple[Any, ...]]:
    """Send twice each, in an order; tell what happened to whom."""
    caller = start(seed=seed, faults=parse_faults(["500=0.3,429=0.2,garbage=0.2"]))
    told: dict[int, tuple[Any, ...]] = {}
    for number in [*order, *order]:
        answer = caller.post({**SMS, "text": f"{number}"})
        told[number] = (*told.get(number, ()), answer.status, str(answer.body))
    return told


def test_one_seed_tells_one_story_in_any_order(start: Start) -> None:
    numbers = list(range(25))
    told = story(start, 7, numbers)
    assert told == story(start, 7, numbers[::-1])
    assert told != story(start, 8, numbers)
    assert len({status for answers in told.values() for status in answers[::2]}) == 3
    assert any(answers[:2] != answers[2:] for answers in told.values())  # sent again, drawn again


def test_a_seed_is_drawn_and_told_when_none_is_given(start: Start) -> None:
    caller = start()
    assert caller.get("/_sandbox/stats")["seed"] == caller.sandbox.seed


def test_a_message_that_comes_twice_is_a_duplicate(start: Start) -> None:
    caller = start()
    ids = {caller.post(SMS).body["data"]["message_id"] for _ in range(3)}
    assert len(ids) == 3
    assert caller.sandbox.stats.duplicates == 2


def test_a_reset_takes_its_own_connection_only(start: Start) -> None:
    caller = start(faults=parse_faults(["reset-after=1"]))
    host, _, port = caller.address.rpartition(":")
    with closing(socket.create_connection((host, int(port)), timeout=20)) as idle:
        with pytest.raises(ConnectionResetError):
            caller.post(SMS)
        idle.sendall(b"GET /channels HTTP/1.1\r\nHost: x\r\napikey: k\r\n\r\n")
        assert idle.recv(65536).startswith(b"HTTP/1.1 200")
