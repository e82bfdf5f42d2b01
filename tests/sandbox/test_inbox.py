"""The sandbox's own calls, over real sockets: what people's integration tests rely on (docs/sandbox.md)."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from msgspec_runner.sandbox.faults import FAULT_KINDS
from tests.sandbox.waiting import until

Start = Callable[..., Any]

NOON = 1_800_014_400.0  # 2027-01-15T12:00:00Z
SMS = {"provider": "twlo", "channel_key": "k", "to": "+16175551212", "text": "Hi Ann"}
LATER = {**SMS, "text": "later", "schedule": "2027-01-15T12:30:00Z"}


def numbers(entries: list[Any]) -> list[int]:
    return [entry["number"] for entry in entries]


# Lists.


def test_requests_are_listed_newest_first_as_they_came(start: Start) -> None:
    caller = start(clock=lambda: NOON, seed=5)
    sent = caller.post(SMS).body["data"]["message_id"]
    caller.post(b"\xff")
    refused, first = caller.listed()
    assert (first["number"], first["state"], first["message_id"], first["message"]) == (1, "sent", sent, SMS)
    assert json.loads(first["request"]["body"]) == SMS
    assert json.loads(first["answer"]["body"])["data"]["message_id"] == sent
    assert first["at"] == "2027-01-15T12:00:00.000Z"
    assert (refused["state"], refused["message"], refused["answer"]["status"]) == ("refused", None, 400)
    assert refused["reasons"] == ["The request body is not UTF-8."]
    assert caller.get("/_sandbox/stats") == {
        "seed": 5, "received": 2, "kept": 1, "refused": 1, "cancelled": 0, "duplicates": 0, "faults": {},
    }  # fmt: skip


def test_one_request_by_its_number(start: Start) -> None:
    caller = start(newest=1)
    for text in ("one", "two"):
        caller.post({**SMS, "text": text})
    assert caller.get("/_sandbox/requests/2")["message"]["text"] == "two"
    for number in ("1", "3", "9" * 5000, "abc", "-1", "%D9%A3"):
        assert caller.call("GET", f"/_sandbox/requests/{number}").status == 404


def test_a_list_goes_on_where_the_last_one_ended(start: Start) -> None:
    caller = start()
    for number in range(5):
        caller.post({**SMS, "text": f"{number}"})
    first = caller.get("/_sandbox/requests?limit=2")
    assert (numbers(first["requests"]), first["next"]) == ([5, 4], 4)
    second = caller.get("/_sandbox/requests?limit=2&before=4")
    assert (numbers(second["requests"]), second["next"]) == ([3, 2], 2)
    last = caller.get("/_sandbox/requests?limit=2&before=2")
    assert (numbers(last["requests"]), last["next"]) == ([1], None)
    assert numbers(caller.listed("after=3")) == [5, 4]
    assert caller.listed("limit=0") == []


def test_a_list_of_large_requests_is_cut_and_goes_on(start: Start) -> None:
    caller = start()
    for number in range(4):
        caller.post({**SMS, "name": f"{number}" * 1_000_000, "text": "\u00e9" * 5000})
    seen, query = [], ""
    while True:
        page = caller.get(f"/_sandbox/requests?{query}")
        seen.append(numbers(page["requests"]))
        if page["next"] is None:
            break
        query = f"before={page['next']}"
    assert seen == [[4, 3, 2], [1]]


def test_what_is_looked_for(start: Start) -> None:
    now = NOON
    caller = start(clock=lambda: now)
    caller.post(SMS)
    caller.post({**SMS, "to": "442071838750", "text": "Hello Bob"})
    caller.post({**SMS, "to": "nobody", "text": "lost"})
    caller.post(LATER)
    cancelled = caller.post({**LATER, "text": "never"}).body["data"]["message_id"]
    caller.change("DELETE", f"/_sandbox/scheduled/{cancelled}")
    for query, found in {
        "q=ann": [1],
        "q=7183+8750": [2],
        "to=%2B442071838750": [2],
        "to=442071838750": [2],
        "state=sent": [2, 1],
        "state=refused": [3],
        "state=scheduled": [4],
        "state=cancelled": [5],
        "state=sent&q=hello": [2],
        "state=scheduled&limit=1": [4],
        "fault=any": [],
    }.items():
        assert numbers(caller.listed(query)) == found, query
    now = NOON + 1800
    assert numbers(caller.listed("state=sent")) == [4, 2, 1]
    answer = caller.call("GET", "/_sandbox/requests?stat=sent")
    assert (answer.status, answer.told[0][:24]) == (400, "Unknown parameter 'stat'")


def test_a_message_that_came_before_says_so(start: Start) -> None:
    caller = start()
    for _ in range(2):
        caller.post(SMS)
    assert [entry["duplicate"] for entry in caller.listed()] == [True, False]


# Waiting.


def test_a_list_waits_for_what_is_looked_for(start: Start) -> None:
    caller = start()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(caller.listed, "q=bob&wait=30")
        pair = pool.submit(caller.listed, "wait=30&at_least=3")
        for text in ("Hi Ann", "Hi Cid", "Hi Bob"):
            assert not waiting.done()
            caller.post({**SMS, "text": text})
        assert [entry["message"]["text"] for entry in waiting.result(20)] == ["Hi Bob"]
        assert len(pair.result(20)) == 3
    assert len(caller.listed("wait=30&at_least=2")) == 3


def test_a_wait_in_vain_ends_with_an_empty_list(start: Start) -> None:
    assert start().listed("q=nothing&wait=0.05") == []


def test_a_list_waits_for_a_scheduled_message_to_go_out(start: Start) -> None:
    now = NOON
    caller = start(clock=lambda: now)
    caller.post(LATER)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(caller.listed, "state=sent&wait=30")
        until(lambda: begun(caller))
        now = NOON + 1800
        assert len(waiting.result(20)) == 1


def test_who_waits_does_not_hold_up_the_end(start: Start) -> None:
    caller = start()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(caller.listed, "q=nothing&wait=60")
        until(lambda: begun(caller))
        caller.sandbox.stop()
        assert waiting.result(20) == []


def begun(caller: Any) -> bool:
    """Whether the server has begun to wait: what is posted now is seen by it."""
    return bool(caller.sandbox._read(lambda sandbox: len(sandbox.store.journal._waiting)))


# Changes.


def test_cleared_is_as_if_it_had_just_started(start: Start) -> None:
    caller = start(seed=1, clock=lambda: NOON)
    caller.post(LATER)
    first = caller.post(SMS).body
    answer = caller.change("DELETE", "/_sandbox/requests")
    assert (answer.status, answer.body) == (200, {"cleared": 2})
    assert caller.listed() == caller.get("/messages")["data"] == caller.get("/messages/scheduled")["data"] == []
    assert caller.sandbox.stats.received == 0
    assert caller.post(SMS).body == first
    (entry,) = caller.listed()
    assert (entry["number"], entry["duplicate"]) == (3, False)


def test_a_scheduled_message_is_cancelled_without_a_key(start: Start) -> None:
    now = NOON
    caller = start(clock=lambda: now, api_key="right")
    first, second = (caller.post({**LATER, "text": text}, apikey="right").body["data"]["message_id"] for text in "ab")
    assert caller.change("DELETE", f"/_sandbox/scheduled/{first}").body == {"status": "success"}
    assert caller.change("DELETE", f"/_sandbox/scheduled/{first}").status == 404
    assert [entry["state"] for entry in caller.listed()] == ["scheduled", "cancelled"]
    now = NOON + 1800
    answer = caller.change("DELETE", f"/_sandbox/scheduled/{second}")
    assert (answer.status, answer.told) == (400, ["The message is being sent or was sent already."])
    assert caller.sandbox.stats.cancelled == 1


def test_a_message_that_the_api_cancelled_is_cancelled_here(start: Start) -> None:
    caller = start(clock=lambda: NOON)
    message_id = caller.post(LATER).body["data"]["message_id"]
    assert caller.call("DELETE", f"/messages/scheduled/{message_id}").status == 200
    assert [entry["state"] for entry in caller.listed()] == ["cancelled"]


def test_faults_and_latency_are_changed_while_it_runs(start: Start) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    caller = start(sleep=sleep)
    settings = caller.get("/_sandbox/settings")
    assert (settings["faults"], settings["latency"]) == ([], "0ms")
    assert [kind["kind"] for kind in settings["kinds"]] == list(FAULT_KINDS)
    assert caller.post(SMS).status == 200

    answer = caller.change("PUT", "/_sandbox/settings", {"faults": ["429:2=100%"], "latency": "20ms"})
    assert (answer.status, answer.body["faults"], answer.body["latency"]) == (200, ["429:2=1"], "20ms")
    assert caller.get("/_sandbox/settings") == answer.body
    assert caller.post(SMS).status == 429
    assert slept == [0.02]

    caller.change("PUT", "/_sandbox/settings", {"faults": []})
    assert caller.get("/_sandbox/settings")["latency"] == "20ms"
    caller.change("PUT", "/_sandbox/settings", {"latency": "0ms"})
    assert caller.post(SMS).status == 200
    assert [(entry["state"], entry["fault"]) for entry in caller.listed()] == [
        ("sent", None), ("failed", "429"), ("sent", None),
    ]  # fmt: skip
    assert numbers(caller.listed("fault=429")) == [2]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (b"", 'Write {"faults": ["500=5%"], "latency": "20ms..80ms"}, or one of the two.'),
        ([], 'Write {"faults": ["500=5%"], "latency": "20ms..80ms"}, or one of the two.'),
        ({"fault": []}, 'Write {"faults": ["500=5%"], "latency": "20ms..80ms"}, or one of the two.'),
        (b"[" * 100_000, 'Write {"faults": ["500=5%"], "latency": "20ms..80ms"}, or one of the two.'),
        ({"faults": "500=1"}, 'faults is a list of texts, such as ["500=5%", "reset-after=0.01"].'),
        ({"faults": [1]}, 'faults is a list of texts, such as ["500=5%", "reset-after=0.01"].'),
        ({"faults": ["500"]}, "faults '500': write KIND=RATE, for example 500=0.05 or reset-after=5%"),
        ({"faults": ["500=0"]}, "faults '500=0': the rate must be above 0 and at most 1 (or 100%)"),
        ({"faults": ["500=60%", "501=60%"]}, "faults: the rates add up to more than 1; a request meets at most one fault"),
        ({"latency": 20}, 'latency is a text, such as "20ms" or "20ms..80ms".'),
        ({"latency": "20"}, "latency '20': write a duration with its unit, for example 20ms or 20ms..80ms"),
    ],
    ids=range(11),
)  # fmt: skip
def test_wrong_settings_change_nothing_and_say_what_to_write(start: Start, settings: object, told: str) -> None:
    caller = start()
    answer = caller.change("PUT", "/_sandbox/settings", settings)
    assert (answer.status, answer.told) == (400, [told])
    assert caller.get("/_sandbox/settings")["faults"] == []


def test_settings_that_are_too_long_are_413(start: Start) -> None:
    assert start().change("PUT", "/_sandbox/settings", b" " * (1024 * 1024 + 1)).status == 413


# Other people's pages.

CHANGES = [("DELETE", "/_sandbox/requests"), ("DELETE", "/_sandbox/scheduled/x"), ("PUT", "/_sandbox/settings")]
READINGS = [("GET", path) for path in ("/_sandbox/requests", "/_sandbox/requests/1", "/_sandbox/events",
                                       "/_sandbox/stats", "/_sandbox/settings")]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CHANGES + READINGS)
@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
    ids=["rebinding", "origin", "cross-site", "same-site"],
)  # fmt: skip
def test_a_page_of_another_site_neither_reads_nor_changes(
    start: Start, method: str, path: str, headers: dict[str, str]
) -> None:
    caller = start()
    caller.post(SMS)
    answer = caller.call(method, path, b"{}", {"X-Sandbox": "1", **headers})
    assert answer.status == 403
    assert len(answer.told) == 1
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert caller.sandbox.stats.kept == 1


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_a_change_needs_the_header_that_no_form_sends(start: Start, method: str, path: str) -> None:
    caller = start()
    caller.post(SMS)
    assert caller.call(method, path, b"{}", {}).status == 403
    assert caller.sandbox.stats.kept == 1
