"""The processes behind the server: what they survive, and what is ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from msgspec_runner.editor.helpers import Helper, Unanswered
from msgspec_runner.editor.positions import Spot
from msgspec_runner.editor.questions import Check, Checked, CheckRows, Complete, Desk, Others, Settings
from tests.editor.client import many
from tests.editor.texts import SPEC

LONG = 60.0


def with_helper(use: Callable[[Helper], Awaitable[None]]) -> None:
    async def run() -> None:
        helper = Helper("test")
        try:
            await use(helper)
        finally:
            await helper.close()

    asyncio.run(run())


@pytest.fixture
def desk(root: Path) -> Desk:
    path = str(root / "specs/hello.yaml")
    return Desk(path, SPEC, {path: SPEC}, Settings(), "utf-16")


def test_a_bug_is_logged_and_the_next_question_answered(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    broken: Any = "no place"

    async def use(helper: Helper) -> None:
        with pytest.raises(Unanswered):
            await helper.ask(Complete(desk, broken), LONG)
        assert await helper.ask(Complete(desk, Spot(0, 0)), LONG)

    with caplog.at_level(logging.ERROR):
        with_helper(use)
    [record] = caplog.records
    assert record.getMessage().startswith(
        f"test: a bug while answering Complete of {desk.path}; please report it\nTraceback"
    )


def test_what_takes_too_long_is_ended(desk: Desk, root: Path, caplog: pytest.LogCaptureFixture) -> None:
    many(root)

    async def use(helper: Helper) -> None:
        assert await helper.ask(Check(desk), LONG)
        with pytest.raises(Unanswered):
            await helper.ask(CheckRows(desk, Others()), 0.01)
        assert await helper.ask(Check(desk), LONG)

    with caplog.at_level(logging.ERROR):
        with_helper(use)
    assert [record.getMessage() for record in caplog.records] == [
        f"test: CheckRows of {desk.path} took more than 0.01 s and was ended"
    ]


def test_what_is_ended_on_purpose_is_no_news(desk: Desk, root: Path, caplog: pytest.LogCaptureFixture) -> None:
    many(root)

    async def use(helper: Helper) -> None:
        assert await helper.ask(Check(desk), LONG)
        rows = asyncio.create_task(helper.ask(CheckRows(desk, Others()), LONG))
        await asyncio.sleep(0)
        await asyncio.wait({rows}, timeout=0.05)
        helper.end()
        helper.warm()
        with pytest.raises(Unanswered):
            await rows
        assert await helper.ask(Check(desk), LONG)

    with caplog.at_level(logging.ERROR):
        with_helper(use)
    assert caplog.records == []


def test_whoever_goes_away_leaves_it_at_work(desk: Desk) -> None:
    async def use(helper: Helper) -> None:
        first = asyncio.create_task(helper.ask(Check(desk), LONG))
        waiting = asyncio.create_task(helper.ask(Check(desk), LONG))
        await asyncio.sleep(0)
        for task in (first, waiting):
            task.cancel()
        await asyncio.wait({first, waiting})
        assert first.cancelled()
        assert waiting.cancelled()
        found = await helper.ask(Check(desk), LONG)
        assert isinstance(found, Checked)

    with_helper(use)


def test_questions_take_turns(desk: Desk) -> None:
    async def use(helper: Helper) -> None:
        answers = await asyncio.gather(*(helper.ask(Complete(desk, Spot(line, 2)), LONG) for line in range(8)))
        again = [await helper.ask(Complete(desk, Spot(line, 2)), LONG) for line in range(8)]
        assert answers == again
        assert len({str(answer) for answer in answers}) > 1

    with_helper(use)


def test_no_module_is_taken_from_the_working_folder(desk: Desk, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.chdir(root)
    for name in ("yaml", "jinja2", "struct", "msgspec_runner", "sitecustomize"):
        (root / f"{name}.py").write_text("open('bitten', 'w').close()\nraise SystemExit\n", encoding="utf-8")

    async def use(helper: Helper) -> None:
        assert isinstance(await helper.ask(Check(desk), LONG), Checked)

    with_helper(use)
    assert not (root / "bitten").exists()
