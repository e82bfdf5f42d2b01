"""One run from start to end: the event loop, the client, and Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping

from msgspec_runner.dispatch.dispatcher import Dispatcher
from msgspec_runner.dispatch.progress import Progress, RunResult
from msgspec_runner.ledger.ledger import Ledger
from msgspec_runner.sociocs.client import Client


def run_dispatcher(
    ledger: Ledger,
    run_id: str,
    *,
    base_url: str,
    api_key: str,
    concurrency: int,
    timeout: float,
    rate: float | None,
    rates: Mapping[str, float],
    retry_server_errors: bool,
    on_event: Callable[[Progress], None],
) -> RunResult:
    """Carry out a planned run in an event loop of its own.

    The first SIGINT, SIGTERM or SIGHUP lets what is in flight finish and be recorded; the second gives it up as in
    doubt.

    Args:
        ledger: knows the run.
        run_id: a run that was begun and planned.
        base_url: of the API.
        api_key: for its header.
        concurrency: requests under way at once.
        timeout: seconds for one request.
        rate: messages a second; None for no limit.
        rates: messages a second of specs that have a rate of their own.
        retry_server_errors: take a 500-511 as a proof that nothing was sent.
        on_event: is told what happens, in the event loop; must be quick.
    """
    return asyncio.run(
        _run(
            ledger,
            run_id,
            Client(
                base_url, api_key, concurrency=concurrency, timeout=timeout, retry_server_errors=retry_server_errors
            ),
            concurrency=concurrency,
            rate=rate,
            rates=rates,
            on_event=on_event,
        )
    )


async def _run(
    ledger: Ledger,
    run_id: str,
    client: Client,
    *,
    concurrency: int,
    rate: float | None,
    rates: Mapping[str, float],
    on_event: Callable[[Progress], None],
) -> RunResult:
    async with client:
        dispatcher = Dispatcher(
            ledger, client, run_id, concurrency=concurrency, rate=rate, rates=rates, on_event=on_event
        )
        loop = asyncio.get_running_loop()
        # SIGHUP: the terminal is gone. Who started the run with nohup has it ignored, and goes on.
        hangs_up = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
        heard = (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if hangs_up else ()))
        for number in heard:
            loop.add_signal_handler(number, dispatcher.request_stop)
        try:
            return await dispatcher.run()
        finally:
            for number in heard:
                loop.remove_signal_handler(number)
