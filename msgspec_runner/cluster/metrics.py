"""What a worker counts, and where monitoring asks for it: ``/metrics`` for Prometheus, ``/health`` for a supervisor."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from msgspec_runner.dispatch.progress import ENDS, Progress
from msgspec_runner.errors import UsageError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "msgspec_runner"

PATIENCE = 5.0
"""Seconds that who asks may take for the question, and to read the answer."""


class Metrics:
    """The counts of one worker; safe to read from other threads.

    Attributes:
        settled: outcomes by state; what waits for another attempt, or was handed back, has none yet.
        windows: windows that were worked on.
        ledger_up: whether the ledger could be reached when it was last tried.
        rate: messages a second that are allowed at present; None: no limit, or nothing to do.
        say: is told what the dispatcher notes.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.settled: Counter[str] = Counter()
        self.windows = 0
        self.ledger_up = False
        self.rate: float | None = None
        self.say = say
        self._note: str | None = None

    def on_event(self, progress: Progress) -> None:
        """Count what a dispatcher tells."""
        self.settled.update(str(settled.state) for settled in progress.settled if settled.state in ENDS)
        self.rate = progress.rate
        if progress.note is not None and progress.note.startswith("HTTP 429") and progress.note != self._note:
            self.say(progress.note)
            self._note = progress.note

    def connected(self, there: bool) -> None:  # noqa: FBT001 - what it is told is just that
        """Hear whether the ledger is there."""
        self.ledger_up = there


@contextmanager
def served(metrics: Metrics, host: str, port: int) -> Iterator[int]:
    """Serve the counts as long as the block lasts; yield the port.

    Args:
        metrics: the counts.
        host: address to listen on.
        port: 0: any that is free.

    Raises:
        UsageError: prometheus-client is not installed, or the port is taken.
    """
    try:
        from prometheus_client import CollectorRegistry, make_wsgi_app
    except ImportError:
        raise UsageError("--metrics needs more than is installed: pip install 'msgspec-runner[cluster]'") from None
    registry = CollectorRegistry()
    registry.register(_Collector(metrics))
    application = _with_health(make_wsgi_app(registry), metrics)
    try:
        server = make_server(host, port, application, _Server, _Quiet)
    except OSError as error:
        raise UsageError(f"--metrics {host}:{port}: cannot listen there: {error.strerror}") from error
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


class _Collector:
    """Asks the counts when Prometheus asks."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Any]:
        """Yield what there is."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        metrics = self._metrics
        settled = CounterMetricFamily(f"{PREFIX}_messages", "Outcomes recorded, by state.", labels=["state"])
        for state, number in sorted(metrics.settled.copy().items()):
            settled.add_metric([state], number)
        yield settled
        yield CounterMetricFamily(f"{PREFIX}_windows", "Windows worked on.", value=metrics.windows)
        yield GaugeMetricFamily(
            f"{PREFIX}_ledger_up", "1 if the ledger could be reached last time.", value=int(metrics.ledger_up)
        )
        if metrics.rate is not None:
            yield GaugeMetricFamily(
                f"{PREFIX}_rate", "Messages a second that the run allows, for all workers.", value=metrics.rate
            )


def _with_health(inner: WSGIApplication, metrics: Metrics) -> WSGIApplication:
    def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/metrics":
            return inner(environ, start)
        if path != "/health":
            status, words = "404 Not Found", b"/metrics or /health\n"
        elif metrics.ledger_up:
            status, words = "200 OK", b"ok\n"
        else:
            status, words = "503 Service Unavailable", b"no ledger\n"
        start(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(words)))])
        return [words]

    return application


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection: one that says nothing keeps nobody waiting, the worker's end neither."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: who asked has gone, or took too long."""


class _Quiet(WSGIRequestHandler):
    """Writes no line for each request, and does not wait for ever for one."""

    timeout = PATIENCE

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Say nothing."""
