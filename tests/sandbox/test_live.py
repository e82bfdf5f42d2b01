"""Server-sent events, over real sockets."""

from __future__ import annotations

import gc
import http.client
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import pytest

from msgspec_runner.sandbox import journal, live
from tests.sandbox.waiting import until

Start = Callable[..., Any]

SMS = {"provider": "twlo", "channel_key": "k", "to": "+16175551212", "text": "Hi Ann"}


class Event(NamedTuple):
    id: str
    kind: str
    data: Any


class Stream:
    """One reader of events."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self._answer = answer
        self.comments = 0

    def next(self, *kinds: str) -> Event:
        """Read on to the next event of one of some kinds; of any kind but stats where none is named."""
        fields: dict[str, str] = {}
        while line := self._answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if line == "\n" and "event" in fields:
                event = Event(fields["id"], fields["event"], json.loads(fields["data"]))
                if event.kind in (kinds or ("hello", "request", "cleared", "settings", "missed")):
                    return event
                fields = {}
            elif line.startswith(":"):
                self.comments += 1
                if "comment" in kinds:
                    return Event("", "comment", None)
            elif line != "\n":
                fields[name] = value
        raise EOFError


@contextmanager
def reading(caller: Any, query: str = "", **headers: str) -> Iterator[Stream]:
    with closing(http.client.HTTPConnection(caller.address, timeout=20)) as connection:
        connection.request("GET", f"/_sandbox/events?{query}", headers=headers)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
        assert answer.headers["Cache-Control"] == "no-store"
        yield Stream(answer)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PAUSE_SECONDS", 0.0)


def test_what_happens_is_told_in_order(start: Start) -> None:
    caller = start(seed=3)
    with reading(caller) as stream:
        hello = stream.next()
        assert hello.kind == "hello"
        assert (hello.data["resumed"], hello.data["stats"]["seed"], hello.data["settings"]["latency"]) == (
            False,
            3,
            "0ms",
        )
        assert hello.data["now"].endswith("Z")
        sent = caller.post(SMS).body["data"]["message_id"]
        assert stream.next().data == caller.listed()[0]
        caller.post({**SMS, "schedule": "2037-01-01T00:00:00Z"})
        scheduled = stream.next().data
        assert (scheduled["state"], scheduled["due"]) == ("scheduled", "2037-01-01T00:00:00.000Z")
        caller.change("DELETE", f"/_sandbox/scheduled/{scheduled['message_id']}")
        cancelled = stream.next()
        assert (cancelled.kind, cancelled.data["number"], cancelled.data["state"]) == ("request", 2, "cancelled")
        caller.post({**SMS, "to": "nobody"})
        assert stream.next().data["state"] == "refused"
        caller.change("PUT", "/_sandbox/settings", {"latency": "1ms"})
        assert stream.next("settings").data["latency"] == "1ms"
        assert stream.next("stats").data["received"] == 3
        caller.change("DELETE", "/_sandbox/requests")
        assert stream.next("cleared").data == {}
        assert stream.next("stats").data["received"] == 0
        assert caller.post(SMS).body["data"]["message_id"] == stream.next().data["message_id"] == sent


def test_a_reader_that_comes_back_misses_nothing(start: Start) -> None:
    caller = start()
    with reading(caller) as stream:
        stream.next()
        caller.post(SMS)
        place = stream.next().id
    for text in ("while away", "again"):
        caller.post({**SMS, "text": text})
    for query, headers in (("", {"Last-Event-ID": place}), (f"last_event_id={place}", {})):
        with reading(caller, query, **headers) as stream:
            assert stream.next().data["resumed"] is True
            assert [stream.next().data["message"]["text"] for _ in range(2)] == ["while away", "again"]


@pytest.mark.parametrize(
    "place", ["", "x", "0a1b2c3d-1", "-1", "{life}-", "{life}-x", "{life}-٣", "{life}-99", "{life}-" + "9" * 99]
)
def test_a_place_that_is_not_known_begins_anew(start: Start, place: str) -> None:
    caller = start()
    caller.post(SMS)
    life = caller.get("/_sandbox/requests")["place"].partition("-")[0]
    query = "last_event_id=" + "".join(f"%{byte:02x}" for byte in place.format(life=life).encode())
    with reading(caller, query) as stream:
        assert stream.next().data["resumed"] is False
        caller.post({**SMS, "text": "new"})
        assert stream.next().data["message"]["text"] == "new"


def test_a_place_of_the_sandbox_that_was_here_before_begins_anew(start: Start) -> None:
    with reading(start()) as stream:
        place = stream.next().id
    with reading(start(), **{"Last-Event-ID": place}) as stream:
        assert stream.next().data["resumed"] is False


def test_a_reader_hears_only_of_what_it_looks_for(start: Start) -> None:
    caller = start()
    with reading(caller, "q=bob") as stream:
        stream.next()
        for text in ("Hi Ann", "Hi Bob"):
            caller.post({**SMS, "text": text})
        assert stream.next().data["message"]["text"] == "Hi Bob"
    answer = caller.call("GET", "/_sandbox/events?state=sent")
    assert (answer.status, answer.told[0][:25]) == (400, "Unknown parameter 'state'")


def test_a_reader_that_has_missed_too_much_is_told_so(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "NEWEST", 3)
    caller = start()
    with reading(caller) as stream:
        stream.next()
        # All of these are there before the reader gets its turn: one call, in the server's own loop.
        caller.sandbox._read(
            lambda sandbox: [sandbox.store.record(0.0, (), b"{}", 400, b'{"errors":[]}') for _ in range(9)]
        )
        assert stream.next().kind == "missed"
        caller.post(SMS)
        assert stream.next().data["number"] == 10


def test_a_slow_reader_costs_nothing(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PATIENCE_SECONDS", 0.2)
    caller = start()
    host, _, port = caller.address.rpartition(":")
    with closing(socket.socket()) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(20)
        slow.connect((host, int(port)))
        slow.sendall(f"GET /_sandbox/events HTTP/1.1\r\nHost: {caller.address}\r\n\r\n".encode())
        assert slow.recv(20).startswith(b"HTTP/1.1 200")
        for number in range(30):
            caller.post({**SMS, "name": f"{number}" * 200_000})  # far more than the buffers between them hold
        assert caller.sandbox.stats.kept == 30
        until(lambda: not readers(caller))  # let go
        assert received(slow) < 12_000_000


def received(connection: socket.socket) -> int:
    """Read to the end, and return how many bytes there were."""
    held = 0
    try:
        while part := connection.recv(1 << 20):
            held += len(part)
    except ConnectionResetError:
        pass
    return held


def readers(caller: Any) -> int:
    """How many connections the server holds for readers."""
    return caller.sandbox._read(
        lambda sandbox: sum(
            len(one._readers) for one in gc.get_objects() if isinstance(one, live.Live) and one._sandbox is sandbox
        )
    )


def test_there_is_room_for_so_many_and_who_leaves_makes_some(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_READERS", 2)
    monkeypatch.setattr(live, "SILENCE_SECONDS", 1000.0)
    caller = start()
    with reading(caller) as first, reading(caller) as second:
        first.next()
        second.next()
        for path in ("/_sandbox/events", "/_sandbox/requests?wait=1"):
            answer = caller.call("GET", path)
            assert (answer.status, answer.told) == (
                503,
                ["2 readers wait already. Close a page, or end a test that waits."],
            )
        assert caller.post(SMS).status == 200
        first.next("stats")
        second.next("stats")
        until(lambda: caller.sandbox._read(lambda sandbox: len(sandbox.store.journal._waiting)) == 2)
    until(lambda: caller.call("GET", "/_sandbox/requests?q=nothing&wait=0.001").status == 200)


def test_silence_is_broken_so_that_nobody_takes_the_line_for_dead(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "SILENCE_SECONDS", 0.01)
    with reading(start()) as stream:
        stream.next()
        stream.next("comment")
        assert stream.comments == 1


def test_a_stream_ends_when_the_server_stops(start: Start) -> None:
    caller = start()
    with reading(caller) as stream:
        stream.next()
        caller.sandbox.stop()
        with pytest.raises(EOFError):
            stream.next()
