"""The list calls and scheduled messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]

NOON = 1_800_014_400.0  # 2027-01-15T12:00:00Z
SMS = {"provider": "twlo", "channel_key": "k", "to": "+16175551212", "text": "Hi Ann"}


def test_messages_are_listed_by_day(start: Start) -> None:
    now = NOON - 86_400
    caller = start(clock=lambda: now)
    first = caller.post({**SMS, "text": "yesterday"}).body["data"]["message_id"]
    now = NOON
    second = caller.post({**SMS, "text": "today"}).body["data"]["message_id"]
    listed = caller.get("/messages")
    assert listed["status"] == "success"
    assert [(item["message_id"], item["text"], item["direction"]) for item in listed["data"]] == [
        (second, "today", "outbound")
    ]
    both = caller.get("/messages?start_date=2027-01-14&end_date=2027-01-15")["data"]
    assert [item["id"] for item in both] == [second, first]
    assert [item["id"] for item in caller.get("/messages?end_date=2027-01-14")["data"]] == [first]
    assert caller.get("/messages?start_date=2027-01-16&end_date=2027-01-20")["data"] == []
    assert caller.get("/messages?direction=incoming")["data"] == []
    assert len(caller.get("/messages?direction=outbound")["data"]) == 1


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("start_date=yesterday", "start_date and end_date must be days like 2024-01-31."),
        ("end_date=2027-02-30", "start_date and end_date must be days like 2024-01-31."),
        ("end_date=20270115", "start_date and end_date must be days like 2024-01-31."),
        ("start_date=2027-01-16", "start_date must not be after end_date."),
        ("start_date=2026-12-15", "start_date and end_date must span at most 31 days."),
        ("direction=up", "direction must be incoming, outbound or both."),
    ],
)
@pytest.mark.parametrize("path", ["/messages?", "/messages/search?text=a&"])
def test_a_bad_span_is_400(start: Start, path: str, query: str, reason: str) -> None:
    answer = start(clock=lambda: NOON).call("GET", path + query)
    assert (answer.status, answer.told) == (400, [reason])


def test_thirty_one_days_are_allowed(start: Start) -> None:
    assert start(clock=lambda: NOON).get("/messages?start_date=2026-12-16&end_date=2027-01-15")["data"] == []


def test_messages_are_searched(start: Start) -> None:
    caller = start(clock=lambda: NOON)
    for text, to in (("See you Monday", "+16175551212"), ("See you Friday", "+16175553434")):
        caller.post({**SMS, "text": text, "to": to})
    found = caller.get("/messages/search?text=FRIDAY&direction=outbound&start_date=2027-01-15&end_date=2027-01-15")
    assert [item["text"] for item in found["data"]] == ["See you Friday"]
    assert [item["text"] for item in caller.get("/messages/search?text=%2B16175551212")["data"]] == ["See you Monday"]
    assert caller.get("/messages/search?text=nothing")["data"] == []
    answer = caller.call("GET", "/messages/search?text=%20")
    assert (answer.status, answer.told) == (400, ["text is required."])


def test_a_scheduled_message_waits_can_be_cancelled_and_goes_out(start: Start) -> None:
    now = NOON
    caller = start(clock=lambda: now)
    caller.post({**SMS, "text": "past", "schedule": "2006-01-02T15:04:05-04:00"})
    ids = [
        caller.post({**SMS, "text": text, "schedule": schedule}).body["data"]["message_id"]
        for text, schedule in (("soon", "2027-01-15T12:30:00Z"), ("late", "2027-01-15T09:00:00-05:00"))
    ]
    waiting = caller.get("/messages/scheduled")["data"]
    assert [(item["message_id"], item["status"]) for item in waiting] == [(ids[1], "scheduled"), (ids[0], "scheduled")]
    assert [item["text"] for item in caller.get("/messages")["data"]] == ["past"]

    assert caller.call("DELETE", f"/messages/scheduled/{ids[1]}").body == {"status": "success"}
    assert caller.call("DELETE", f"/messages/scheduled/{ids[1]}").status == 404
    assert caller.call("DELETE", "/messages/scheduled/unknown").status == 404

    now = NOON + 1800
    answer = caller.call("DELETE", f"/messages/scheduled/{ids[0]}")
    assert (answer.status, answer.told) == (400, ["The message is being sent or was sent already."])
    assert caller.get("/messages/scheduled")["data"] == []
    assert [item["text"] for item in caller.get("/messages")["data"]] == ["soon", "past"]
    assert caller.sandbox.stats.cancelled == 1


def test_channels_are_a_bare_array(start: Start) -> None:
    caller = start()
    assert [channel["channel_key"] for channel in caller.get("/channels?provider=twlo")] == ["sandbox-twlo"]
    assert len(caller.get("/channels")) == 3
    assert caller.call("GET", "/channels?provider=tlnx").status == 400
