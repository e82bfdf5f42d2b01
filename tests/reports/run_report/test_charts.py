from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from msgspec_runner.reports.run_report.charts import Bar, Tick, bar_plot, scale, share_bar

SVG = "{http://www.w3.org/2000/svg}"
XML_TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]))


@given(st.floats(1e-6, 1e9))
@example(1999999.9999999998)
def test_a_scale_holds_what_it_measures_in_few_round_steps(highest: float) -> None:
    lines = scale(highest)
    assert lines[0] == 0
    assert lines[-1] >= highest * (1 - 1e-6)
    assert lines[-2] < highest
    assert 3 <= len(lines) <= 7
    assert f"{lines[1]:.0e}"[0] in "125"


def test_a_scale_of_nothing() -> None:
    assert scale(0) == [0, 1]


@pytest.mark.parametrize(("highest", "lines"), [(0, [0, 1]), (1, [0, 1]), (2, [0, 1, 2]), (7, [0, 2, 4, 6, 8])])
def test_what_is_counted_has_whole_lines(highest: float, lines: list[float]) -> None:
    assert scale(highest, whole=True) == lines


@given(XML_TEXT, XML_TEXT)
def test_words_stay_words(description: str, words: str) -> None:
    plot = bar_plot("x", description, [Bar((("accepted", 1.0),), words)], [Tick(0, words)], "/s", 100)
    root = ET.fromstring(plot)
    titles = [title.text or "" for title in root.iter(f"{SVG}title")]
    assert titles == [description, words]
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        *("div", "svg", "title", "line", "text", "g", "rect"),
    }


def bars(plot: str, kind: str) -> list[ET.Element]:
    return [rect for rect in ET.fromstring(plot).iter(f"{SVG}rect") if rect.get("class") == kind]


@given(st.lists(st.lists(st.floats(0, 1e6), min_size=2, max_size=2), min_size=1, max_size=120))
def test_parts_stand_on_each_other_within_the_plot_and_none_is_lost(heights: list[list[float]]) -> None:
    plot = bar_plot("x", "d", [Bar((("a", low), ("b", high)), "") for low, high in heights], [], "", 100)
    assert len(bars(plot, "a")) == sum(low > 0 for low, _ in heights)
    assert len(bars(plot, "b")) == sum(high > 0 for _, high in heights)
    for rect in (*bars(plot, "a"), *bars(plot, "b")):
        assert float(rect.attrib["height"]) >= 1
        assert 5 <= float(rect.attrib["y"]) <= 107.001
        assert 0 <= float(rect.attrib["x"].rstrip("%")) <= 100


@pytest.mark.parametrize(("at", "anchor"), [(0, "start"), (0.5, "middle"), (1, "end")])
def test_labels_stay_inside(at: float, anchor: str) -> None:
    plot = bar_plot("x", "d", [Bar((("a", 1.0),), "")], [Tick(at, "12:00")], "", 100)
    [label] = [text for text in ET.fromstring(plot).iter(f"{SVG}text") if text.text == "12:00"]
    assert label.attrib["class"].split() == ["label", anchor]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=5).filter(any))
def test_every_part_of_a_whole_can_be_seen(numbers: list[int]) -> None:
    root = ET.fromstring(share_bar("s", "d", [("a", number) for number in numbers]))
    widths = [float(rect.attrib["width"].rstrip("%")) for rect in root.iter(f"{SVG}rect")]
    assert len(widths) == sum(number > 0 for number in numbers)
    assert min(widths) >= 0.5
    assert sum(widths) == pytest.approx(100, abs=0.01)
