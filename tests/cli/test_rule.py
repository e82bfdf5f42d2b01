"""``rule``: the list and the pages, as a terminal shows them."""

from __future__ import annotations

import json
import re

import pytest

from msgspec_runner.cli import run


@pytest.mark.parametrize("arguments", [[], ["MSG1"], ["MSG103"]])
def test_no_mark_of_a_docstring_is_shown(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rule", *arguments]) == 0
    out = capsys.readouterr().out
    assert "`{{`" in out
    assert "``" not in out


def test_a_summary_is_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rule", "--output", "json"]) == 0
    summaries = {rule["code"]: rule["summary"] for rule in json.loads(capsys.readouterr().out)}
    assert summaries["MSG103"] == "A value starts with `{{` and is not quoted."


@pytest.mark.parametrize("arguments", [[], ["MSG201"]], ids=["the list", "a page"])
def test_colours_come_when_asked_for_and_change_no_word(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["rule", *arguments]) == 0
    plain = capsys.readouterr().out
    assert run(["rule", *arguments, "--color", "always"]) == 0
    colored = capsys.readouterr().out
    assert "\x1b" not in plain
    assert re.search("\x1b\\[31;1m(MSG201|error  )\x1b\\[0m", colored)
    assert re.sub("\x1b\\[[0-9;]*m", "", colored) == plain
