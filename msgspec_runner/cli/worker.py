"""``msgspec-runner worker``."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, closing, nullcontext
from pathlib import Path

import click

from msgspec_runner.cli.clustering import check_place
from msgspec_runner.cli.connection import api_options, choose_api, read_api_key
from msgspec_runner.cli.options import Terminal, common
from msgspec_runner.cli.runs import api_key_file_option, timeout_option
from msgspec_runner.errors import LedgerError, UsageError
from msgspec_runner.ledger import Ledger, ledger_exists, open_ledger
from msgspec_runner.ledger.postgres_address import parse_address
from msgspec_runner.reports.run_summary import shown
from msgspec_runner.reports.text import count, printable

CONCURRENCY = 20
"""Requests under way at once, unless a flag says otherwise; as for `send`."""


@click.command("worker", short_help="Carry out runs that are shared between machines.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    metavar="N",
    default=CONCURRENCY,
    envvar="MSGSPEC_RUNNER_CONCURRENCY",
    help=f"Requests under way at once. Default: {CONCURRENCY}.",
)
@click.option("--queue", "queues", metavar="NAME", multiple=True, help="Take runs of this queue only; repeatable.")
@timeout_option
@click.option("--metrics", metavar="[HOST:]PORT", help="Serve /metrics for Prometheus, and /health; host: 127.0.0.1.")
@api_key_file_option
@api_options
@common
def command(
    *,
    concurrency: int,
    queues: tuple[str, ...],
    timeout: float | None,
    metrics: str | None,
    api_key_file: Path | None,
    base_url: str | None,
    ledger: str | None,
    profile: str | None,
    terminal: Terminal,
) -> int:
    """Join the dispatch of runs that `send --cluster` put into a PostgreSQL ledger, on this machine too.

    A worker needs the ledger's address and the API key, and nothing of the project. It takes runs to its own API only,
    whatever the ledger says. SIGTERM or Ctrl-C: it finishes what is in flight, records it, and leaves the rest to
    others. A database that is away is waited for, five minutes at most.

    \b
    Example:
      export MSGSPEC_RUNNER_LEDGER=postgresql://sms@db.example.com/messages
      export SOCIOCS_API_KEY=your-key
      msgspec-runner worker --concurrency 50 --metrics 9464
    """
    from msgspec_runner.sociocs.network import check_network

    api = choose_api(base_url)
    check_network(api.base_url)
    key = read_api_key(api_key_file)
    endpoint = _endpoint(metrics) if metrics is not None else None
    try:
        from msgspec_runner.cluster.metrics import Metrics, served
        from msgspec_runner.cluster.queue import DEFAULT_QUEUE, queue_of
        from msgspec_runner.cluster.sharing import Shared
        from msgspec_runner.cluster.worker import Work, run_worker
        from msgspec_runner.ledger.leases import terms
    except ImportError:
        raise UsageError("a worker needs more than is installed: pip install 'msgspec-runner[cluster]'") from None
    names = queues or (DEFAULT_QUEUE,)
    channels = tuple(queue_of(name, api.origin) for name in names)
    counts = Metrics(lambda words: terminal.note(shown(words)), terms().fence)
    with closing(_awaited(ledger, terminal, counts.doubt, loopback=api.loopback)) as book:
        shared = Shared(book)
        place = printable(book.location)
        work = Work(
            address=shared.address,
            ledger_id=book.id,
            journals=shared.journals,
            base_url=api.base_url,
            origin=api.origin,
            api_key=key,
            queues=channels,
            concurrency=concurrency,
            timeout=timeout,
            terms=terms(),
            metrics=counts,
            say=lambda words: terminal.note(shown(words)),
            greeting=f"worker for {api.origin}, queue {', '.join(names)}, ledger {place}; stop it with Ctrl-C",
        )
    with served(work.metrics, *endpoint) if endpoint is not None else nullcontext() as port:
        if port is not None:
            terminal.note(f"metrics at http://{endpoint[0]}:{port}/metrics" if endpoint else "")
        run_worker(work)
    return 0


def _awaited(flag: str | None, terminal: Terminal, doubt: Callable[[int], None], *, loopback: bool) -> Ledger:
    """Open the ledger as soon as its server can be used for work: machines that start together wait for each other.

    Args:
        flag: of ``--ledger``.
        terminal: where it is told what is waited for.
        doubt: is told how many messages are in doubt because of runs and workers that died.
        loopback: the worker's API is on this machine: a missing ledger or queue is made.
    """
    from msgspec_runner.ledger.postgres_connection import Patience, may_come_back

    away: LedgerError | None = None
    for _ in Patience().attempts():
        with ExitStack() as stack:
            try:
                book = stack.enter_context(closing(_ledger(flag, terminal, loopback=loopback)))
                _check_queue(book, loopback=loopback)
                in_doubt = book.recover()
            except LedgerError as error:
                if not may_come_back(error.__cause__):
                    raise
                if away is None:
                    terminal.note(shown(f"{error}. Waits for it, five minutes at most"))
                away = error
            else:
                doubt(in_doubt)
                if in_doubt:
                    doubtful = count(in_doubt, "message")
                    terminal.note(f"an earlier run died: {doubtful} may or may not have been sent: in doubt")
                stack.pop_all()
                return book
    assert away is not None
    raise away


_WHAT_IS_MISSING = (
    "Check the address and its ?schema=. If they are right, run once, on the project's machine, "
    "`msgspec-runner ledger init` and `msgspec-runner ledger migrate`"
)
"""What a worker is told: its machine has no project."""


def _ledger(flag: str | None, terminal: Terminal, *, loopback: bool) -> Ledger:
    """Open the ledger that the flag or the environment names; a project's configuration is not asked."""
    location = flag or os.environ.get("MSGSPEC_RUNNER_LEDGER")
    if not location:
        raise UsageError("which ledger? Give --ledger postgresql://…, or set MSGSPEC_RUNNER_LEDGER")
    check_place(location)
    if not ledger_exists(location, Path.cwd()):
        place = parse_address(location).location
        if not loopback:
            raise LedgerError(f"there is no ledger at {place}. {_WHAT_IS_MISSING}")
        book = open_ledger(location, Path.cwd(), loopback_or_sandbox=True, create=True, say=terminal.warn)
        terminal.note(shown(f"there was no ledger at {place}: made one, as the API is on this machine"))
        return book
    return open_ledger(location, Path.cwd(), loopback_or_sandbox=True, create=False, say=terminal.warn)


def _check_queue(book: Ledger, *, loopback: bool) -> None:
    from msgspec_runner.cluster.sharing import Shared

    shared = Shared(book)
    if loopback:
        shared.make_queue()
    elif not shared.has_queue():
        raise LedgerError(f"the ledger {book.location} has no queue for workers yet. {_WHAT_IS_MISSING}")
    shared.check()


def _endpoint(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"--metrics {printable(text)}: write a port, or HOST:PORT such as 0.0.0.0:9464")
    return host or "127.0.0.1", int(port)
