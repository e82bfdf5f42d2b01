"""The bell, with a clock that a test moves."""

from __future__ import annotations

import asyncio

from msgspec_runner.dispatch.clock import Bell


class Alarms:
    """A clock whose sleepers a test wakes."""

    def __init__(self) -> None:
        self.sleepers: list[asyncio.Future[None]] = []

    def now(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.sleepers.append(asyncio.get_running_loop().create_future())
        await self.sleepers[-1]


async def turns(number: int = 10) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def test_who_was_woken_by_the_bell_does_not_wake_the_next_by_its_alarm() -> None:
    async def main() -> None:
        bell = Bell(Alarms())
        first = asyncio.ensure_future(bell.wait(5.0))
        await turns()
        bell.ring()
        await first
        second = asyncio.ensure_future(bell.wait(5.0))
        await turns()
        assert not second.done()
        second.cancel()

    asyncio.run(main())


def test_a_sleeper_is_woken_by_its_alarm_and_by_a_bell_that_rang_before() -> None:
    async def main() -> None:
        clock = Alarms()
        bell = Bell(clock)
        sleeper = asyncio.ensure_future(bell.wait(5.0))
        await turns()
        clock.sleepers[0].set_result(None)
        await sleeper
        bell.ring()
        await bell.wait(None)
        await turns()
        waiting = asyncio.ensure_future(bell.wait(None))
        await turns()
        assert not waiting.done()
        waiting.cancel()

    asyncio.run(main())
