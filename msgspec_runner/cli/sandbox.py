"""``msgspec-runner sandbox``."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from textwrap import fill

import click

from msgspec_runner.cli import completing
from msgspec_runner.cli.options import Terminal, common
from msgspec_runner.sandbox.faults import FAULT_KINDS, kinds_in_short, parse_faults, parse_latency
from msgspec_runner.sandbox.server import Sandbox, SandboxOptions, serve

_FAULTS = "\b\n" + fill(
    f"KIND is one of {kinds_in_short()}; RATE is 0.05 or 5%. What each does is in docs/sandbox.md.",
    width=76,
    break_on_hyphens=False,
)


@click.command("sandbox", short_help="Run a local server that speaks the Sociocs API.", epilog=_FAULTS)
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=8025,
    show_default=True,
    help="0 takes a free one.",
)
@click.option(
    "--fault",
    "faults",
    metavar="KIND=RATE",
    multiple=True,
    shell_complete=completing.one_of({f"{name}=0.05": kind.says for name, kind in FAULT_KINDS.items()}),
    help="Go wrong on purpose; repeatable.",
)
@click.option("--latency", metavar="TIME", default="0ms", help="Before each answer: 20ms, or 20ms..80ms.")
@click.option("--seed", type=int, metavar="N", help="Makes ids and faults repeatable.")
@click.option(
    "--url-file", type=click.Path(path_type=Path), metavar="FILE", help="Write the URL there once it listens."
)
@click.option("--open", "open_inbox", is_flag=True, help="Open the inbox in a browser.")
@common
def command(
    *,
    host: str,
    port: int,
    faults: tuple[str, ...],
    latency: str,
    seed: int | None,
    url_file: Path | None,
    open_inbox: bool,
    profile: str | None,
    terminal: Terminal,
) -> int:
    """Run a local server that speaks the Sociocs API, keeps what it gets, and sends nothing.

    Any key is accepted. In a browser its address is an inbox: what arrives, as phones show it, live.
    Stop it with Ctrl-C.

    \b
    Examples:
      msgspec-runner sandbox --open --latency 20ms..80ms
      msgspec-runner sandbox --fault 429=0.05 --fault reset-after=0.01 --seed 7
    """
    options = SandboxOptions(faults=parse_faults(faults), latency=parse_latency(latency), seed=seed)

    def on_ready(url: str, sandbox: Sandbox) -> None:
        click.echo(f"sandbox at {url} (seed {sandbox.seed}); stop it with Ctrl-C")
        if host not in {"127.0.0.1", "::1", "localhost"}:
            terminal.warn(f"warning: whoever reaches {host} can read the messages")
        terminal.note(f"send to it: MSGSPEC_RUNNER_BASE_URL={url} SOCIOCS_API_KEY=test msgspec-runner send specs --yes")
        if not open_inbox:
            terminal.note(f"see what arrives: open {url} in a browser")
        if url_file is not None:
            url_file.write_text(url + "\n", encoding="utf-8")
        if open_inbox:
            # A browser in the terminal would hold up the server, and one that starts may take seconds.
            threading.Thread(target=_open, args=(url + "/", terminal), daemon=True).start()

    asyncio.run(_serve(options, host, port, on_ready))
    return 0


def _open(url: str, terminal: Terminal) -> None:
    """Show a page in the browser that the system, or the variable BROWSER, names."""
    import webbrowser

    if not webbrowser.open(url):
        terminal.warn(f"no browser could be started: open {url} yourself")


async def _serve(options: SandboxOptions, host: str, port: int, on_ready: Callable[[str, Sandbox], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await serve(options, host=host, port=port, on_ready=on_ready, stop=stop)
