"""The report of a run, in a real browser: what people see, light and dark, on a telephone, on paper, without scripts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from msgspec_runner.ledger import Decided, RunStatus
from msgspec_runner.model import State
from msgspec_runner.reports.commands import Commands
from msgspec_runner.reports.run_report.figures import Figures
from msgspec_runner.reports.run_report.page import html
from tests.browser.browser import Browser
from tests.reports.run_report.examples import ID, RUN, figures, message, mixed

COMMANDS = Commands(ID)
HOSTILE = (
    "</style></title><script>document.title = 'taken'</script><img src=http://evil.example/x onerror=alert(1)> \u202e"
)


def written(folder: Path, found: Figures) -> Path:
    path = folder / "report.html"
    path.write_text(html(found, COMMANDS), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nobody_is_kept_out_and_nothing_is_fetched(browser: Browser, tmp_path: Path, dark: bool, width: int) -> None:
    page = written(tmp_path, mixed())
    browser.open(page, dark=dark, width=width, scripts=False)
    assert browser.barriers() == []
    assert browser.requests() == [page.as_uri()]
    browser.run("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
    assert browser.barriers() == []


def test_what_it_says_at_a_glance(browser: Browser, tmp_path: Path) -> None:
    browser.open(written(tmp_path, mixed()))
    assert browser.text("h1") == ID
    assert browser.text("header .badge") == "finished"
    totals = browser.run(
        "return Object.fromEntries([...document.querySelectorAll('section:first-of-type .totals > div')]"
        ".map((it) => [it.querySelector('dt').innerText, it.querySelector('dd').innerText]))"
    )
    assert totals["accepted"] == "61"
    assert totals["in doubt"] == "2"
    assert browser.texts("h2") == [
        *("Totals", "What is left to do", "Over time", "How long answers took", "Errors", "Attempts", "Specs"),
        *("Left out", "In doubt", "Decided afterwards", "About this run"),
    ]


def test_bars_are_as_high_as_what_they_mean_and_grow_with_the_window(browser: Browser, tmp_path: Path) -> None:
    found = figures([message(row, at=row // 10) for row in range(10, 30)] + [message(1, State.REJECTED, at=1)])
    sizes = (
        "return [...document.querySelectorAll('.plot[aria-labelledby=plot-sent] .accepted')]"
        ".map((it) => it.getBoundingClientRect()).map((it) => [it.width, it.height])"
    )
    page = written(tmp_path, found)
    browser.open(page, width=1200)
    wide = browser.run(sizes)
    assert len(wide) == 2
    assert wide[0][1] == pytest.approx(wide[1][1], abs=0.5)
    browser.open(page, width=400)
    narrow = browser.run(sizes)
    assert [height for _, height in narrow] == pytest.approx([height for _, height in wide], abs=0.5)
    assert narrow[0][0] < wide[0][0] / 2
    outside = browser.run(
        "const edge = document.querySelector('.plot').closest('.card').getBoundingClientRect();"
        "return [...document.querySelectorAll('.plot text')].map((it) => it.getBoundingClientRect())"
        ".filter((it) => it.left < edge.left || it.right > edge.right).length"
    )
    assert outside == 0


def test_bars_have_the_colour_of_their_fate_in_both_modes(browser: Browser, tmp_path: Path) -> None:
    page = written(tmp_path, mixed())
    fills = (
        "return ['accepted', 'rejected', 'doubt'].map((kind) => "
        "[getComputedStyle(document.querySelector(`.plot .${kind}`)).fill,"
        " getComputedStyle(document.querySelector(`.dot.${kind}`)).backgroundColor])"
    )
    browser.open(page)
    light = browser.run(fills)
    browser.open(page, dark=True)
    dark = browser.run(fills)
    for found in (light, dark):
        assert all(bar == legend for bar, legend in found)
        assert len({bar for bar, _ in found}) == 3
    assert light != dark


def test_a_plot_is_words_for_who_does_not_see_it(browser: Browser, tmp_path: Path) -> None:
    browser.open(written(tmp_path, mixed()))
    names = browser.run(
        "return [...document.querySelectorAll('svg[role=img]')]"
        ".map((it) => document.getElementById(it.getAttribute('aria-labelledby')).textContent)"
    )
    assert [name.split(":")[0] for name in names] == [
        *("What became of 71", "Messages sent over time", "What was not accepted over time", "How long answers took"),
    ]
    browser.click("summary")
    rows = browser.run("return [...document.querySelectorAll('details[open] tbody tr')].map((it) => it.innerText)")
    assert len(rows) == 31
    assert rows[12].split() == ["2031-11-23", "11:45:13", "UTC", "2", "2", "0", "0"]


def test_the_keyboard_reaches_what_can_be_opened_and_scrolled(browser: Browser, tmp_path: Path) -> None:
    browser.open(written(tmp_path, mixed()))
    seen = browser.tab_through(4)
    assert seen[:2] == ["The numbers as a table"] * 2
    assert seen[3] == "Specs"


def test_what_an_api_says_is_shown_and_not_obeyed(browser: Browser, tmp_path: Path) -> None:
    run = replace(RUN, specs=(HOSTILE,), host=HOSTILE, reason=HOSTILE, status=RunStatus.STOPPED)
    messages = [
        message(1, State.REJECTED, error=HOSTILE, spec=HOSTILE),
        message(2, State.IN_DOUBT, error="x" * 5000),
        message(3, State.REJECTED, error="ياسمين" * 80),
    ]
    decisions = [Decided("k", "2031-11-23T11:45:02.120Z", HOSTILE, HOSTILE, HOSTILE)]
    page = written(tmp_path, figures(messages, run, decisions))
    browser.open(page, width=400)
    assert browser.requests() == [page.as_uri()]
    assert browser.run("return document.title").startswith(f"Run {ID}")
    assert browser.run("return document.querySelectorAll('img, script').length") == 0
    assert HOSTILE.replace("\u202e", "<U+202E>") in browser.text(".stopped")
    assert browser.barriers() == []


def test_on_paper_nothing_is_cut_off(browser: Browser, tmp_path: Path) -> None:
    browser.open(written(tmp_path, mixed()), width=700, paper=True)
    assert browser.barriers() == []
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize(
    "found",
    [
        figures([]),
        figures([message(1)]),
        figures([message(row, State.IN_DOUBT, error="lost") for row in range(1, 31)]),
        figures([message(1, State.SENDING)], replace(RUN, status=RunStatus.RUNNING, ended_at=None)),
    ],
    ids=["empty", "one", "all-in-doubt", "running"],
)
def test_every_kind_of_run_is_a_sound_page(browser: Browser, tmp_path: Path, found: Figures) -> None:
    browser.open(written(tmp_path, found), width=500, dark=True)
    assert browser.barriers() == []
