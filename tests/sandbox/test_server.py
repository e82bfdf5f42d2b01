from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from aiohttp import web

from msgspec_runner.errors import UsageError
from msgspec_runner.sandbox.handlers import MAX_BODY
from msgspec_runner.sandbox.server import RunningSandbox, SandboxOptions, create_app, serve

Start = Callable[..., Any]

NOON = 1_800_014_400.0  # 2027-01-15T12:00:00Z
SMS = {"provider": "twlo", "channel_key": "your_channel_key", "to": "+16175551212", "text": "Hi Ann"}
PICTURE = "https://fastly.picsum.photos/id/1068/200/300.jpg?hmac=ICIwYXRGTpDxBPZAI7V8YxGtBBanV8Dfbe_DLNKtYcE"
POST = b"POST /message HTTP/1.1\r\nHost: x\r\napikey: k\r\nConnection: close\r\nContent-Type: application/json\r\n"
SAMPLE = {
    "provider": "twlo",
    "channel_key": "your_channel_key",
    "to": "phone_number",
    "name": "recipient_name",
    "text": "message",
}


# The samples of the API document, as it writes them.


@pytest.mark.parametrize(
    "sample",
    [
        SAMPLE,
        {**SAMPLE, "image_url": PICTURE},
        {**{name: value for name, value in SAMPLE.items() if name != "text"}, "image_url": PICTURE},
    ],
)
def test_the_documents_samples_are_accepted(start: Start, sample: dict[str, str]) -> None:
    caller = start()
    answer = caller.post(json.dumps({**sample, "to": "16175551212"}, indent=4).encode())
    assert answer.status == 200
    assert answer.body["status"] == "success"
    (kept,) = caller.sandbox.messages
    assert answer.body == {"status": "success", "data": {"message_id": kept.message_id}}
    assert kept.fields() == {**sample, "to": "16175551212"}


def test_a_placeholder_left_in_a_sample_is_refused(start: Start) -> None:
    caller = start()
    answer = caller.post(SAMPLE)
    assert answer.status == 400
    assert answer.told == ["to must be a phone number with its country code, like +16175551212 or 16175551212."]
    assert caller.sandbox.messages == []


def test_the_curl_sample_byte_for_byte(start: Start) -> None:
    caller = start()
    body = (
        b'{\r\n    "provider": "twlo",\r\n    "channel_key": "k",\r\n    "to": "16175551212",\r\n    "text": "m"\r\n}'
    )
    host = caller.address.encode()
    request = b"POST /message HTTP/1.1\r\nHost: %s\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n" % host
    request += b"apikey: your_api_key\r\nContent-Type: application/json\r\nConnection: close\r\n"
    request += b"Content-Length: %d\r\n\r\n" % len(body) + body
    answer = talk(caller, request)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nServer: msgspec-runner-sandbox/" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == "success"


def talk(caller: Any, request: bytes) -> bytes:
    """Send bytes, then read until the server closes."""
    host, _, port = caller.address.rpartition(":")
    with closing(socket.create_connection((host, int(port)), timeout=20)) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


# Keys, shapes, paths.


@pytest.mark.parametrize(("method", "path"), [("POST", "/message"), ("GET", "/messages"), ("GET", "/messages/search"),
                                              ("GET", "/messages/scheduled"), ("DELETE", "/messages/scheduled/x"),
                                              ("GET", "/channels")])  # fmt: skip
@pytest.mark.parametrize("headers", [{}, {"apikey": ""}, {"apikey": "  "}, {"Authorization": "Basic eDp5"}])
def test_every_call_wants_a_key(start: Start, method: str, path: str, headers: dict[str, str]) -> None:
    answer = start().call(method, path, json.dumps(SMS).encode(), headers)
    assert answer.status == 401
    assert answer.told == ["Authentication failed. Check the apikey header."]


def test_one_key_can_be_demanded(start: Start) -> None:
    options = SandboxOptions(api_key="right")
    assert "right" not in repr(options)
    caller = start(api_key="right")
    assert caller.post(SMS, apikey="wrong").status == 401
    assert caller.post(SMS, apikey="wr\u00f6ng").status == 401
    assert caller.post(SMS, apikey="right").status == 200


def test_the_key_is_not_kept_anywhere(start: Start) -> None:
    caller = start()
    caller.post(SMS, apikey="the-secret-key")
    caller.post(b"x", apikey="the-secret-key")
    shown = caller.get("/_sandbox/requests")
    page = caller.call("GET", "/", headers={"Accept": "text/html"}).body.decode()
    assert len(shown["requests"]) == 2
    assert "the-secret-key" not in json.dumps(shown) + repr(caller.sandbox.requests) + page
    assert ["Content-Type", "application/json"] in shown["requests"][0]["request"]["headers"]
    assert ["apikey", "(not kept)"] in shown["requests"][0]["request"]["headers"]


def test_a_refusal_of_the_provider_comes_inside_a_200(start: Start) -> None:
    caller = start()
    answer = caller.post({**SMS, "channel_key": "invalid"})
    assert (answer.status, answer.told) == (200, ["Invalid channel_key."])
    assert caller.sandbox.messages == []


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/nowhere", 404, None),
        ("POST", "/message/", 404, None),
        ("POST", "/messages/bulk", 404, None),
        ("GET", "/%2e%2e/etc", 404, None),
        ("GET", "/message", 405, "POST"),
        ("PUT", "/message", 405, "POST"),
        ("OPTIONS", "/message", 405, "POST"),
        ("POST", "/messages", 405, "GET"),
        ("POST", "/messages/scheduled", 405, "GET"),
        ("GET", "/messages/scheduled/abc", 405, "DELETE"),
        ("POST", "/", 405, "GET"),
        ("POST", "/_sandbox/requests", 405, "GET, DELETE"),
        ("OPTIONS", "/_sandbox/settings", 405, "GET, PUT"),
        ("HEAD", "/_sandbox/events", 405, "GET"),
        ("DELETE", "/_sandbox/requests/1", 405, "GET"),
        ("GET", "/_sandbox/scheduled/abc", 405, "DELETE"),
        ("GET", "/_sandbox/messages", 404, None),
    ],
)
def test_other_paths_and_methods_are_refused_as_json(
    start: Start, method: str, path: str, status: int, allow: str | None
) -> None:
    answer = start().call(method, path)
    assert answer.status == status
    assert answer.headers.get("Allow") == allow
    assert method == "HEAD" or len(answer.told) == 1


def test_the_front_page_says_what_this_is(start: Start) -> None:
    answer = start().call("GET", "/", headers={})
    assert answer.status == 200
    assert b"sends nothing to anybody" in answer.body


@pytest.mark.parametrize(
    "path", ["/_sandbox/requests", "/_sandbox/events", "/messages", "/messages/scheduled", "/channels"]
)
@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[", "a@b.example"])
def test_a_web_site_cannot_read_through_a_browser(start: Start, path: str, host: str) -> None:
    assert start().call("GET", path, headers={"apikey": "k", "Host": host}).status == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "sandbox:8080", "[::1]:80", "10.0.0.7", "a.localhost"])
def test_this_machine_can(start: Start, host: str) -> None:
    assert start().call("GET", "/_sandbox/requests", headers={"Host": host}).status == 200


# Hostile bodies.


def test_a_body_over_a_megabyte_is_too_large(start: Start) -> None:
    caller = start()
    answer = caller.post({**SMS, "name": "x" * MAX_BODY})
    assert answer.status == 413
    assert answer.told == ["The request body is larger than 1048576 bytes."]
    assert caller.post({**SMS, "name": "x" * (MAX_BODY - 1000)}).status == 200


def test_a_compressed_bomb_is_too_large_and_a_compressed_body_is_read(start: Start) -> None:
    caller = start()
    bomb = gzip.compress(b" " * (64 * MAX_BODY))
    assert caller.post(bomb, **{"Content-Encoding": "gzip"}).status == 413
    assert caller.post(gzip.compress(json.dumps(SMS).encode()), **{"Content-Encoding": "gzip"}).status == 200
    assert caller.post(b"no gzip", **{"Content-Encoding": "gzip"}).status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"to": NaN}', b"{}{}"])
def test_a_bad_body_is_400(start: Start, body: bytes) -> None:
    caller = start()
    answer = caller.post(body)
    assert answer.status == 400
    assert answer.told
    (request,) = caller.sandbox.requests
    assert (request.body, request.status, request.message_id) == (body, 400, None)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json"])
def test_another_content_type_is_400(start: Start, kind: str) -> None:
    answer = start().post(SMS, **{"Content-Type": kind})
    assert (answer.status, answer.told) == (400, ["Content-Type must be application/json."])


def test_a_content_type_may_name_its_charset(start: Start) -> None:
    assert start().post(SMS, **{"Content-Type": "Application/JSON; charset=utf-8"}).status == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\r\n\r\n\x00\xff garbage\r\n\r\n",
        POST + b"Content-Length: -5\r\n\r\n",
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcdeXX",
        POST + b"Content-Encoding: gzip\r\nContent-Length: 500\r\n\r\nno gzip",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\nConnection: close\r\n\r\n",
    ],
    ids=["no-http", "negative-length", "two-lengths", "bad-chunk", "bad-chunk-end", "bad-gzip", "long-header"],
)
def test_broken_http_is_400(start: Start, request_bytes: bytes) -> None:
    caller = start()
    assert b" 400 " in talk(caller, request_bytes).partition(b"\r\n")[0]
    assert caller.post(SMS).status == 200


def test_a_client_that_leaves_in_the_middle_of_a_body_leaves_nothing(start: Start) -> None:
    caller = start()
    host, _, port = caller.address.rpartition(":")
    with closing(socket.create_connection((host, int(port)), timeout=20)) as connection:
        connection.sendall(b"POST /message HTTP/1.1\r\nHost: x\r\napikey: k\r\nContent-Length: 500\r\n\r\n{")
    assert caller.post(SMS).status == 200
    assert caller.sandbox.stats.kept == 1


# The sandbox's own pages and how it runs.


def test_what_runs_beside_it_is_in_its_thread_and_ends_with_it() -> None:
    begun, ended = threading.Event(), []

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(threading.current_thread().name)

    sandbox = RunningSandbox()
    with pytest.raises(RuntimeError, match="not started"):
        sandbox.beside(work)
    with sandbox:
        sandbox.beside(work)
        begun.wait()
    assert ended == ["sandbox"]


def test_what_it_got_can_be_read_after_it_stopped() -> None:
    sandbox = RunningSandbox()
    with pytest.raises(RuntimeError, match="not started"):
        _ = sandbox.stats
    with sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")
    sandbox.stop()
    assert sandbox.stats.received == 0
    assert (sandbox.messages, sandbox.requests) == ([], [])


def test_an_address_that_is_taken_is_a_usage_error() -> None:
    with RunningSandbox() as sandbox:
        port = int(sandbox.url.rpartition(":")[2])
        with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use; try another"):
            RunningSandbox(port=port).start()
    with pytest.raises(UsageError, match=r"cannot listen on 127\.0\.0\.1:70000"):
        RunningSandbox(port=70_000).start()


def test_a_wildcard_address_is_reached_over_loopback() -> None:
    with RunningSandbox(host="0.0.0.0") as sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")


def test_it_runs_in_the_foreground_until_it_is_told_to_stop() -> None:
    async def main() -> str:
        stop = asyncio.Event()
        urls: list[str] = []

        def ready(url: str, _: object) -> None:
            urls.append(url)
            stop.set()

        await asyncio.wait_for(serve(on_ready=ready, stop=stop), 20)
        return urls[0]

    assert asyncio.run(main()).startswith("http://127.0.0.1:")


def test_it_cleans_up_when_it_is_interrupted() -> None:
    async def main() -> int:
        started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(serve(on_ready=lambda url, _: started.set_result(url)))
        url = await started
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return int(url.rpartition(":")[2])

    port = asyncio.run(main())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_the_application_can_be_mounted_elsewhere() -> None:
    assert isinstance(create_app(), web.Application)


def test_many_clients_at_once_lose_nothing(start: Start) -> None:
    caller = start()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: caller.post({**SMS, "text": f"number {number}"}), range(200)))
        snapshots = list(pool.map(lambda _: caller.sandbox.stats.kept, range(20)))
    assert len({answer.body["data"]["message_id"] for answer in answers}) == 200
    assert snapshots[-1] == 200
    assert caller.sandbox.stats.duplicates == 0
