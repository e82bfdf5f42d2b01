"""What a worker counts, and where monitoring asks for it: ``/metrics`` for Prometheus, ``/health`` for a supervisor."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from msgspec_runner.cluster.overview import Overview
from msgspec_runner.dispatch.progress import ENDS, Progress
from msgspec_runner.errors import UsageError
from msgspec_runner.model import State

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "msgspec_runner"

PATIENCE = 5.0
"""Seconds that who asks may take for the question, and to read the answer."""

WATCHED = 300.0
"""Seconds for which who asked is expected to ask again: Prometheus does each minute, unless told otherwise."""


class Metrics:
    """The counts of one worker, and how the ledger's runs stand; safe to read from other threads.

    Args:
        say: is told what the dispatcher notes.
        silence: seconds without a word from the ledger after which it counts as out of reach. A line that is dead and
            was not hung up keeps who asks waiting, and nobody is told.
        now: tells how much time has passed, in seconds.
        clock: tells the time of day, in seconds since 1970.

    Attributes:
        settled: outcomes by state; what waits for another attempt, or was handed back, has none yet.
        windows: windows that were worked on.
        rate: messages a second that are allowed at present; None: no limit, or nothing to do.
        accepted_at: when this worker recorded its last accepted message, in seconds since 1970; None: it had none yet.
        overview: of the ledger's shared runs; None: nobody asks for it, or the ledger is out of reach.
        say: is told what the dispatcher notes.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        silence: float,
        now: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        # Each is there from the start: what grows from nothing to five has not grown, to Prometheus.
        self.settled = Counter({str(state): 0 for state in ENDS})
        self.windows = 0
        self.rate: float | None = None
        self.accepted_at: float | None = None
        self.overview: Overview | None = None
        self.say = say
        self._clock = clock
        self._asked_at = float("-inf")
        self._note: str | None = None
        self._silence = silence
        self._now = now
        self._heard = float("-inf")
        """When the ledger was last reached; -inf: when it was last tried, it was not."""

    def on_event(self, progress: Progress) -> None:
        """Count what a dispatcher tells."""
        self.settled.update(str(settled.state) for settled in progress.settled if settled.state in ENDS)
        if any(settled.state is State.ACCEPTED for settled in progress.settled):
            self.accepted_at = self._clock()
        self.rate = progress.rate
        if progress.note is not None and progress.note.startswith("HTTP 429") and progress.note != self._note:
            self.say(progress.note)
            self._note = progress.note

    def doubt(self, messages: int) -> None:
        """Count messages that the dead left in doubt, and that this worker found."""
        self.settled[str(State.IN_DOUBT)] += messages

    def ask(self) -> None:
        """Take note that somebody asks."""
        self._asked_at = self._now()

    @property
    def watched(self) -> bool:
        """Whether somebody asked lately: else the ledger need not be asked."""
        return self._now() - self._asked_at < WATCHED

    def connected(self, there: bool) -> None:  # noqa: FBT001 - what it is told is just that
        """Hear whether the ledger is there."""
        self._heard = self._now() if there else float("-inf")

    @property
    def ledger_up(self) -> bool:
        """Whether the ledger could be reached when it was last tried, and that was not long ago."""
        return self._now() - self._heard < self._silence


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
    metrics.ask()  # whoever has it served is about to
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
        metrics.ask()
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
        if metrics.accepted_at is not None:
            yield GaugeMetricFamily(
                f"{PREFIX}_last_accepted_timestamp_seconds",
                "When this worker recorded its last accepted message, in seconds since 1970.",
                value=metrics.accepted_at,
            )
        if (overview := metrics.overview) is not None:
            runs = GaugeMetricFamily(
                f"{PREFIX}_runs", "Shared runs in the ledger that have not ended.", labels=["state"]
            )
            runs.add_metric(["going"], overview.going)
            runs.add_metric(["paused"], overview.paused)
            runs.add_metric(["stopping"], overview.stopping)
            yield runs
            yield GaugeMetricFamily(
                f"{PREFIX}_messages_left", "Messages of those runs that are not done yet, at most.", value=overview.left
            )
            yield GaugeMetricFamily(f"{PREFIX}_workers", "Workers of the ledger that live.", value=overview.workers)


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
