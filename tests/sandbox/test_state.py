"""One sandbox's state, and its end."""

from __future__ import annotations

import asyncio

import pytest

from msgspec_runner.sandbox.faults import NO_LATENCY, Latency
from msgspec_runner.sandbox.state import Sandbox, SandboxOptions, Settings
from msgspec_runner.sandbox.store import Message

NOON = 1_800_014_400.0


def test_who_waits_is_let_go_when_the_server_stops() -> None:
    async def main() -> None:
        sandbox = Sandbox(SandboxOptions())
        waiting = asyncio.create_task(sandbox.store.journal.news(0, 60))
        await asyncio.sleep(0)
        sandbox.stop()
        await asyncio.wait_for(waiting, 10)
        assert sandbox.stopping.is_set()

    asyncio.run(main())


def test_settings_are_the_options_until_they_are_changed() -> None:
    sandbox = Sandbox(SandboxOptions(latency=Latency(0.1, 0.2)))
    assert sandbox.settings == Settings((), Latency(0.1, 0.2))
    sandbox.change(Settings((), NO_LATENCY))
    assert sandbox.settings.latency == NO_LATENCY
    assert sandbox.store.journal.since(0) == [(1, "settings", None)]


@pytest.mark.parametrize(("message_id", "status"), [("waiting", None), ("gone", 400), ("unknown", 404)])
def test_only_what_waits_is_cancelled(message_id: str, status: int | None) -> None:
    sandbox = Sandbox(SandboxOptions(clock=lambda: NOON))
    sandbox.store.keep(Message("waiting", NOON, NOON + 1, b"{}"))
    sandbox.store.keep(Message("gone", NOON, NOON, b"{}"))
    refusal = sandbox.cancel(message_id)
    assert (refusal and refusal[0]) == status
    assert sandbox.store.is_cancelled(message_id) == (status is None)


def test_each_life_has_a_name_of_its_own() -> None:
    one, other = Sandbox(SandboxOptions(seed=1)), Sandbox(SandboxOptions(seed=1))
    assert one.place_id(3) != other.place_id(3)
    assert one.place_id(3).endswith("-3")
