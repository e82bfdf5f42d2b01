"""What changed, in order, and who waits for it."""

from __future__ import annotations

import asyncio

from msgspec_runner.sandbox.journal import NEWEST, Journal


def test_a_reader_goes_on_from_its_place() -> None:
    journal = Journal()
    assert journal.since(0) == []
    for number in (1, 2, 3):
        journal.add("request", number)
    journal.add("cleared")
    assert journal.since(4) == []
    assert journal.since(2) == [(3, "request", 3), (4, "cleared", None)]
    assert [change.place for change in journal.since(0) or []] == [1, 2, 3, 4]


def test_a_place_that_is_not_held_or_not_there_is_none() -> None:
    journal = Journal()
    for number in range(NEWEST + 5):
        journal.add("request", number)
    assert journal.since(4) is None
    assert len(journal.since(5) or []) == NEWEST
    assert journal.since(NEWEST + 6) is None
    assert journal.since(-1) is None


def test_who_waits_is_woken_by_a_change_by_a_call_or_after_a_time() -> None:
    async def main() -> None:
        journal = Journal()
        for act in (lambda: journal.add("settings"), journal.wake):
            waiting = [asyncio.create_task(journal.news(journal.place, 60)) for _ in range(3)]
            await asyncio.sleep(0)
            act()
            await asyncio.wait_for(asyncio.gather(*waiting), 10)
        await asyncio.wait_for(journal.news(0, 60), 10)  # there is one already
        await journal.news(journal.place, 0.001)
        left = asyncio.create_task(journal.news(journal.place, 60))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)
        assert not journal._waiting

    asyncio.run(main())
