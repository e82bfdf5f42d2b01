"""The sandbox's HTTP server: ``POST /message``, the list calls, and faults where they were asked for.

Start it in a process of its own with :func:`serve`, beside other code with :class:`RunningSandbox`, or
take the bare application from :func:`create_app`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Final, TypeVar

from aiohttp import web

from msgspec_runner.errors import UsageError
from msgspec_runner.sandbox.front import Front
from msgspec_runner.sandbox.handlers import MAX_BODY, Api
from msgspec_runner.sandbox.inbox import Inbox
from msgspec_runner.sandbox.state import Sandbox, SandboxOptions
from msgspec_runner.sandbox.store import Message, Received, Stats

__all__ = ["RunningSandbox", "Sandbox", "SandboxOptions", "create_app", "serve"]

T = TypeVar("T")

GRACE_SECONDS: Final = 1.0
"""How long stopping waits for requests in flight."""


def create_app(options: SandboxOptions | None = None) -> web.Application:
    """Build the sandbox as an aiohttp application, for a server of your own.

    Args:
        options: how it behaves; the default accepts everything that the API document allows.

    Returns:
        The application.
    """
    return _application(Sandbox(options or SandboxOptions()))


async def serve(
    options: SandboxOptions | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[str, Sandbox], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Run a sandbox until it is told to stop or the task is cancelled (Ctrl-C under ``asyncio.run``).

    Args:
        options: how it behaves.
        host: address to listen on. Anybody who can reach it can read what it got.
        port: TCP port; 0 takes a free one.
        on_ready: called once with the base URL and the sandbox when requests are accepted.
        stop: set it to end.

    Raises:
        UsageError: the address cannot be listened on; says what to try.
    """
    sandbox = Sandbox(options or SandboxOptions())
    runner = web.AppRunner(_application(sandbox), access_log=None, shutdown_timeout=GRACE_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=1024)
        try:
            await site.start()
        except (OSError, OverflowError, ValueError) as error:
            number = error.errno if isinstance(error, OSError) else None
            reason = os.strerror(number) if number and number > 0 else str(error).rstrip(".")
            raise UsageError(
                f"the sandbox cannot listen on {host}:{port}: {reason}; try another port, or 0 for a free one"
            ) from error
        if on_ready is not None:
            on_ready(_url(host, runner), sandbox)
        await (stop or asyncio.Event()).wait()
    finally:
        await runner.cleanup()


class RunningSandbox:
    """A sandbox in a thread of its own, for ``send --sandbox`` and for tests.

    Use it as a context manager::

        with RunningSandbox(SandboxOptions(seed=1)) as sandbox:
            post_to(sandbox.url)
            assert sandbox.stats.kept == 1

    What it got can still be read after it stopped.

    Args:
        options: how it behaves.
        host: address to listen on.
        port: TCP port; 0 takes a free one.

    Attributes:
        url: base URL, once started, for example ``http://127.0.0.1:40123``.
        seed: the seed in use.
    """

    def __init__(self, options: SandboxOptions | None = None, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.url = ""
        self.seed = 0
        self._options = options or SandboxOptions()
        self._host = host
        self._port = port
        self._sandbox: Sandbox | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    def start(self) -> None:
        """Start the thread and wait until requests are accepted.

        Raises:
            UsageError: the address cannot be listened on.
        """
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """Stop the server and its thread; does nothing the second time."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop closed in between: it is stopping by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread.ident is not None:
            self._thread.join()

    def beside(self, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Let something run in the server's own event loop until that ends: a measurement has to be where it works."""
        if self._loop is None:
            raise RuntimeError("the sandbox was not started: use it in a with statement")
        asyncio.run_coroutine_threadsafe(work(), self._loop)

    @property
    def messages(self) -> list[Message]:
        """The kept messages, oldest first: a snapshot."""
        return self._read(lambda sandbox: sandbox.store.messages())

    @property
    def requests(self) -> list[Received]:
        """The requests to ``POST /message``, oldest first: a snapshot."""
        return self._read(lambda sandbox: sandbox.store.requests())

    @property
    def stats(self) -> Stats:
        """Counts since the start: a snapshot."""
        return self._read(lambda sandbox: sandbox.store.stats())

    def __enter__(self) -> RunningSandbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        """Run the server in this thread; what goes wrong before it is ready is handed to ``start``."""

        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            self._stop = asyncio.Event()
            await serve(self._options, host=self._host, port=self._port, on_ready=self._started, stop=self._stop)

        try:
            asyncio.run(main())
        except BaseException as error:  # noqa: BLE001 - raised again by start(), in the thread that asked
            self._failure = error
        finally:
            self._ready.set()

    def _started(self, url: str, sandbox: Sandbox) -> None:
        """Note the address and wake the thread that waits in ``start``."""
        self.url, self.seed, self._sandbox = url, sandbox.seed, sandbox
        self._ready.set()

    def _read(self, take: Callable[[Sandbox], T]) -> T:
        """Read the store in its own event loop, or directly once that has ended."""
        sandbox, loop = self._sandbox, self._loop
        if sandbox is None or loop is None:
            raise RuntimeError("the sandbox was not started: use it in a with statement")

        async def reading() -> T:
            return take(sandbox)

        if self._thread.is_alive():
            work: Coroutine[Any, Any, T] = reading()
            try:
                return asyncio.run_coroutine_threadsafe(work, loop).result(timeout=30)
            except RuntimeError:  # the loop closed in between
                work.close()
        return take(sandbox)


def _application(sandbox: Sandbox) -> web.Application:
    """Build the aiohttp application of a sandbox."""
    app = web.Application(client_max_size=MAX_BODY)
    Api(sandbox).add_routes(app.router)
    Inbox(sandbox).add_routes(app.router)
    Front(sandbox).add_routes(app.router)

    async def stop(_: web.Application) -> None:
        sandbox.stop()

    app.on_shutdown.append(stop)
    return app


def _url(host: str, runner: web.AppRunner) -> str:
    """The base URL of a started server."""
    port = runner.addresses[0][1]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
    shown = f"[{reachable}]" if ":" in reachable else reachable
    return f"http://{shown}:{port}"
