"""Plots as inline SVG: bars that stretch with the page, and words that do not.

Positions along a plot are percentages, so a bar gets wider with the window while its labels stay as large as the page's
other words. Colours are the page's (``page.css``), light and dark. svg.py writes the elements; it does not escape, so
all text passes through :func:`_words`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import svg
from markupsafe import Markup, escape

_TOP, _BOTTOM = 8, 22
"""Pixels above the bars, for half of the topmost label, and below them, for the labels of the axis."""

_GAP = 0.14
"""Part of a bar's place that is left free beside it."""

_FEWEST_LINES = 2
"""Lines of a scale, at least, above zero."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a plot.

    Attributes:
        parts: from the bottom to the top: the class of its colour, and how high it is.
        words: what it says to who points at it.
    """

    parts: Sequence[tuple[str, float]]
    words: str

    @property
    def height(self) -> float:
        """The height of all its parts."""
        return sum(value for _, value in self.parts)


@dataclass(frozen=True, slots=True)
class Tick:
    """A label below a plot.

    Attributes:
        at: its place, from 0 to 1.
        words: short.
    """

    at: float
    words: str


def bar_plot(name: str, description: str, bars: Sequence[Bar], ticks: Iterable[Tick], unit: str, height: int) -> Markup:
    """Return a plot of bars side by side.

    Args:
        name: one that no other plot of the page has.
        description: the plot in words, for who does not see it.
        bars: at least one.
        ticks: labels of the axis below.
        unit: behind the topmost label of the scale, such as ``/s``; empty for plain numbers.
        height: pixels of the bars.
    """
    lines = scale(max(bar.height for bar in bars), whole=not unit)
    top = lines[-1]
    place = 100 / len(bars)
    elements: list[svg.Element] = [svg.Title(text=_words(description), id=f"plot-{name}")]
    for line in lines:
        y = _TOP + height - height * line / top
        label = f"{_number(line)}{unit if line == top else ''}"
        elements += [
            svg.Line(x1=0, x2=_percent(100), y1=_round(y), y2=_round(y), class_=["grid" if line else "axis"]),
            svg.Text(text=_words(label), x=-8, y=_round(y + 4), class_=["label", "end"]),
        ]
    for index, bar in enumerate(bars):
        elements.append(svg.G(elements=list(_bar(bar, index * place, place, height, top))))
    elements += [_tick(tick, _TOP + height + 16) for tick in ticks]
    plot = svg.SVG(
        width=_percent(100),
        height=_TOP + height + _BOTTOM,
        class_=["plot"],
        elements=elements,
        extra={"role": "img", "aria-labelledby": f"plot-{name}"},
    )
    return Markup('<div class="frame">{}</div>').format(Markup(plot))  # noqa: S704 - every text in it was escaped


def share_bar(name: str, description: str, parts: Sequence[tuple[str, int]]) -> Markup:
    """Return one flat bar that shows what parts a whole has; each part that has anything can be seen.

    Args:
        name: one that no other plot of the page has.
        description: the bar in words.
        parts: the class of its colour, and how large it is; one at least is not zero.
    """
    shown = [(kind, max(number / sum(number for _, number in parts), 0.006)) for kind, number in parts if number]
    whole = sum(share for _, share in shown)
    elements: list[svg.Element] = [svg.Title(text=_words(description), id=f"plot-{name}")]
    left = 0.0
    for kind, share in shown:
        width = share / whole * 100
        elements.append(svg.Rect(x=_percent(left), width=_percent(width), y=0, height=_percent(100), class_=[kind]))
        left += width
    plot = svg.SVG(
        width=_percent(100),
        height=14,
        class_=["share"],
        elements=elements,
        extra={"role": "img", "aria-labelledby": f"plot-{name}"},
    )
    return Markup(plot)  # noqa: S704 - every text in it was escaped


def scale(highest: float, *, whole: bool = False) -> list[float]:
    """Return the lines of a scale from zero to ``highest`` or a little above, in steps of 1, 2 or 5 times 10^n.

    Args:
        highest: what is to be measured.
        whole: it counts, so there are no lines between whole numbers.
    """
    if highest <= (1 if whole else 0):
        return [0, 1]
    power = 10.0 ** floor(log10(highest / _FEWEST_LINES))
    # The last is for what is a hair below a power of ten, where the logarithm is rounded up.
    step = next(power * factor for factor in (5, 2, 1, 0.5) if highest / (power * factor) >= _FEWEST_LINES)
    return [step * index for index in range(ceil(highest / step - 1e-9) + 1)]


def _bar(bar: Bar, left: float, place: float, height: int, top: float) -> Iterator[svg.Element]:
    """Yield a bar's parts above each other, and its words; what is not zero is seen."""
    yield svg.Title(text=_words(bar.words))
    # Who points above a low bar means it too.
    yield svg.Rect(x=_percent(left), width=_percent(place), y=_TOP, height=height, class_=["reach"])
    y = float(_TOP + height)
    for kind, value in bar.parts:
        if value:
            part = max(height * value / top, 1.0)
            y -= part
            x, width = left + place * _GAP / 2, place * (1 - _GAP)
            yield svg.Rect(x=_percent(x), width=_percent(width), y=_round(y), height=_round(part), class_=[kind])


def _tick(tick: Tick, y: int) -> svg.Element:
    anchor: list[str] = ["label", "start" if tick.at <= 0.02 else "end" if tick.at >= 0.98 else "middle"]
    return svg.Text(text=_words(tick.words), x=_percent(tick.at * 100), y=y, class_=anchor)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == round(value) else f"{value:g}"


def _percent(value: float) -> svg.Length:
    return svg.Length(_round(value), "%")


def _round(value: float) -> float:
    rounded = round(value, 3)
    return int(rounded) if rounded == int(rounded) else rounded


def _words(text: str) -> str:
    return str(escape(text))
