"""Questions to a ledger that takes its time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from msgspec_runner.dispatch import ledger_thread
from msgspec_runner.dispatch.ledger_thread import WAITING, LedgerThread


def ask(question: Callable[[], object], say: Callable[[str], None]) -> object:
    with ThreadPoolExecutor(1) as executor:
        return asyncio.run(LedgerThread(executor, say).ask(question))


def test_people_are_told_once_that_it_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_thread, "PATIENCE", 0.0)
    said: list[str] = []
    told = threading.Event()

    def say(words: str) -> None:
        said.append(words)
        told.set()

    assert ask(lambda: told.wait(60) and "an answer", say) == "an answer"
    assert said == [WAITING]


def test_nobody_is_told_of_one_that_does() -> None:
    said: list[str] = []
    assert ask(lambda: 1, said.append) == 1
    with pytest.raises(OSError, match="disk"):
        ask(lambda: (_ for _ in ()).throw(OSError("disk")), said.append)
    assert not said
