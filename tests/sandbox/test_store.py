from __future__ import annotations

import json
from datetime import date

import pytest

from msgspec_runner.sandbox.store import MAX_SCHEDULED, NOT_KEPT, Message, Store

NOON = 1_800_014_400.0  # 2027-01-15T12:00:00Z
DAY = 86_400.0


def message(number: int, due: float = NOON) -> Message:
    return Message(f"id{number}", NOON, due, json.dumps({"text": f"text {number}", "id": "theirs"}).encode())


def test_the_newest_are_held_and_all_are_counted() -> None:
    store = Store(newest=3)
    for number in range(5):
        kept = message(number)
        store.keep(kept)
        store.record(NOON, (), b"", 200, b"", message=kept)
    assert [kept.message_id for kept in store.messages()] == ["id2", "id3", "id4"]
    assert [request.number for request in store.requests()] == [3, 4, 5]
    assert [request.number for request in store.requests(2)] == [4, 5]
    assert store.requests(0) == []
    assert store.requests(9) == store.requests()
    assert (store.stats().received, store.stats().kept) == (5, 5)


def test_a_body_kept_twice_is_a_duplicate_even_when_the_first_is_no_longer_held() -> None:
    store = Store(newest=1)
    assert [store.keep(message(number)) for number in (1, 2, 1, 1)] == [False, False, True, True]
    assert store.stats().duplicates == 2


def test_arrivals_are_counted_by_body() -> None:
    store = Store()
    assert [store.arrive(body) for body in (b"a", b"b", b"a", b"a")] == [0, 0, 1, 2]


def test_secret_headers_are_never_stored_and_equal_sets_are_shared() -> None:
    store = Store()
    for key in (b"one", b"two"):
        headers = ((b"Host", b"x"), (b"ApiKey", key), (b"Authorization", key), (b"cookie", key))
        store.record(NOON, headers, b"", 200, b"")
    first, second = store.requests()
    secret = ((b"ApiKey", NOT_KEPT), (b"Authorization", NOT_KEPT), (b"cookie", NOT_KEPT))
    assert first.headers == ((b"Host", b"x"), *secret)
    assert first.headers is second.headers


@pytest.mark.parametrize(
    "name", [b"X-Api-Key", b"X-Auth-Token", b"Proxy-Authorization", b"Set-Cookie", b"X-Amz-Signature", b"client_SECRET"]
)
def test_what_may_hold_a_secret_of_another_api_is_not_kept_either(name: bytes) -> None:
    store = Store()
    store.record(NOON, ((name, b"hush"), (b"User-Agent", b"curl/8.5.0")), b"", 200, b"")
    assert store.requests()[0].headers == ((name, NOT_KEPT), (b"User-Agent", b"curl/8.5.0"))


def test_memory_is_bounded_by_bytes_too_and_the_newest_is_always_held() -> None:
    store = Store(held_bytes=10_000)
    for number in range(5):
        body = b'{"text": "%s"}' % (b"x" * 3000)
        kept = Message(f"id{number}", NOON, NOON, body)
        store.keep(kept)
        store.record(NOON, ((b"X", b"y" * 1000),), body, 200, b"", message=kept)
    assert [request.number for request in store.requests()] == [4, 5]
    assert [kept.message_id for kept in store.messages()] == ["id2", "id3", "id4"]
    store.cancel("id2")
    store.keep(Message("id5", NOON, NOON, body))
    assert [kept.message_id for kept in store.messages()] == ["id3", "id4", "id5"]
    store.record(NOON, (), b"x" * 50_000, 400, b"")
    assert [request.number for request in store.requests()] == [6]
    assert store.stats().received == 6


def test_a_request_is_found_by_its_number_as_long_as_it_is_held() -> None:
    store = Store(newest=2)
    assert store.request(1) is None
    for body in (b"a", b"b", b"c"):
        store.record(NOON, (), body, 400, b"")
    assert [getattr(store.request(number), "body", None) for number in range(5)] == [None, None, b"b", b"c", None]


def test_cleared_is_as_if_it_had_just_started_but_numbers_go_on() -> None:
    store = Store()
    assert store.arrive(b"a") == 0
    for number in (1, 2):
        kept = message(number, NOON + 60)
        store.keep(kept)
        store.record(NOON, (), kept.body, 200, b"", message=kept)
    store.cancel("id1")
    assert store.is_cancelled("id1")
    assert store.clear() == 2
    assert (store.requests(), store.messages(), store.stats()) == ([], [], Store().stats())
    assert not store.is_cancelled("id1")
    assert store.arrive(b"a") == 0
    assert store.keep(message(2)) is False
    store.record(NOON, (), b"", 400, b"")
    assert store.requests()[0].number == 3
    assert store.request(2) is None


def test_what_changes_is_written_into_the_journal() -> None:
    store = Store()
    kept = message(1, NOON + 60)
    store.keep(kept)
    store.record(NOON, (), kept.body, 200, b"", message=kept)
    store.cancel("id1")
    store.clear()
    assert store.journal.since(0) == [(1, "request", 1), (2, "cancelled", 1), (3, "cleared", None)]


def test_requests_are_counted_by_what_became_of_them() -> None:
    store = Store()
    store.record(NOON, (), b"", 200, b"", message=message(1))
    store.record(NOON, (), b"", 400, b"")
    store.record(NOON, (), b"", 500, b"", fault="500")
    store.record(NOON, (), b"", None, b"", message=message(2), fault="reset-after")
    stats = store.stats()
    assert (stats.received, stats.refused, stats.faults) == (4, 1, {"500": 1, "reset-after": 1})


def test_what_went_out_is_found_by_its_day_newest_first() -> None:
    store = Store()
    for number, due in enumerate((NOON - DAY, NOON, NOON + 60, NOON + DAY)):
        store.keep(message(number, due))
    today, yesterday = date(2027, 1, 15), date(2027, 1, 14)

    def ids(now: float, first: date, last: date) -> list[str]:
        return [found.message_id for found in store.sent(now, first, last)]

    assert ids(NOON, today, today) == ["id1"]
    assert ids(NOON + 60, today, today) == ["id2", "id1"]
    assert ids(NOON, yesterday, yesterday) == ["id0"]
    assert ids(NOON, yesterday, today) == ["id1", "id0"]
    assert ids(NOON + 2 * DAY, date.min, date.max) == ["id3", "id2", "id1", "id0"]


def test_scheduled_messages_come_latest_first_and_at_most_a_hundred() -> None:
    store = Store()
    for number in range(MAX_SCHEDULED + 5):
        store.keep(message(number, NOON + 1 + number))
    found = store.scheduled(NOON)
    assert len(found) == MAX_SCHEDULED
    assert found[0].message_id == f"id{MAX_SCHEDULED + 4}"
    assert len(store.scheduled(NOON + MAX_SCHEDULED)) == 5


def test_a_cancelled_message_is_gone() -> None:
    store = Store()
    store.keep(message(1, NOON + 1))
    store.cancel("id1")
    assert store.find("id1") is None
    assert store.messages() == []
    assert store.stats().cancelled == 1


def test_a_body_cannot_pose_as_another_message() -> None:
    shown = message(1).describe(NOON)
    assert (shown["id"], shown["message_id"], shown["status"]) == ("id1", "id1", "sent")
    assert message(1, NOON + 1).describe(NOON)["status"] == "scheduled"
    assert shown["created_at"] == "2027-01-15T12:00:00.000+00:00"
