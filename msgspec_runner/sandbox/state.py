"""One sandbox: how it was asked to behave, how it behaves now, and what it got."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec_runner.sandbox.faults import NO_LATENCY, Fault, Latency
from msgspec_runner.sandbox.store import HELD_BYTES, NEWEST, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """How a sandbox behaves.

    Args:
        faults: the trouble it makes; their rates add up to at most 1.
        latency: how long every answer to ``POST /message`` takes at least.
        seed: decides which requests meet trouble and which ids messages get; None draws one.
        api_key: the only key that is accepted; None accepts any that is not empty.
        newest: how many requests and messages are held in full.
        held_bytes: how many bytes of requests, and of messages, are held in full.
        clock: gives the time in seconds since the epoch; tests set it.
        sleep: waits for so many seconds; tests set it.
    """

    faults: tuple[Fault, ...] = ()
    latency: Latency = NO_LATENCY
    seed: int | None = None
    api_key: str | None = field(default=None, repr=False)
    newest: int = NEWEST
    held_bytes: int = HELD_BYTES
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


class Settings(NamedTuple):
    """What can be changed while the sandbox runs.

    Attributes:
        faults: the trouble it makes; their rates add up to at most 1.
        latency: how long every answer to ``POST /message`` takes at least.
    """

    faults: tuple[Fault, ...]
    latency: Latency


class Sandbox:
    """What the handlers of one sandbox share.

    Args:
        options: how it behaves.

    Attributes:
        options: how it was asked to behave.
        settings: the faults and the latency of now.
        seed: the seed in use, drawn if none was given; the same seed tells the same story again.
        life: tells this sandbox from the one that listened here before.
        store: what it got.
        stopping: set when the server stops.
    """

    def __init__(self, options: SandboxOptions) -> None:
        self.options = options
        self.settings = Settings(options.faults, options.latency)
        self.seed = secrets.randbelow(2**32) if options.seed is None else options.seed
        self.life = secrets.token_hex(4)
        self.store = Store(options.newest, options.held_bytes)
        self.stopping = asyncio.Event()

    def now(self) -> float:
        """The time in seconds since the epoch."""
        return self.options.clock()

    def change(self, settings: Settings) -> None:
        """Behave in another way from the next request on."""
        self.settings = settings
        self.store.journal.add("settings")

    def cancel(self, message_id: str) -> tuple[int, str] | None:
        """Cancel a scheduled message.

        Args:
            message_id: its id.

        Returns:
            None, or the HTTP status and the words that say why not: 404 for an unknown one, 400 once it is due.
        """
        message = self.store.find(message_id)
        if message is None:
            return 404, "There is no scheduled message with that ID."
        if message.due <= self.now():
            return 400, "The message is being sent or was sent already."
        self.store.cancel(message_id)
        return None

    def place_id(self, place: int) -> str:
        """Name a place in the journal so that no other sandbox, nor this one after a restart, takes it for its own."""
        return f"{self.life}-{place}"

    def stop(self) -> None:
        """Let go of hanging requests and of readers."""
        self.stopping.set()
        self.store.journal.wake()
