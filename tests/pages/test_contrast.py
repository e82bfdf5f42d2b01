"""The tokens' colours: words are read on the paper that they stand on, in light and in dark (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re

import pytest

from msgspec_runner.pages.shell import asset

STATES = ("accepted", "rejected", "doubt", "skipped", "scheduled")
PAPERS = ("paper", "paper-raised", "paper-sunken")
WORDS = [
    *((ink, paper) for ink in ("ink", "ink-soft", "accent", *STATES) for paper in PAPERS),
    *((state, f"{state}-paper") for state in STATES),
    ("accent-ink", "accent"),
    *((f"{look}-{ink}", f"{look}-bubble") for look in ("sms", "whatsapp") for ink in ("ink", "soft", "link")),
    *((f"{look}-soft", f"{look}-screen") for look in ("sms", "whatsapp")),
    ("phone-bar-ink", "phone-bar"),
    ("media-ink", "media-paper"),
    ("bubble-mark-ink", "bubble-mark"),
]
EDGES = [("line-strong", paper) for paper in PAPERS]


def tokens(*, dark: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    for sheet in map(asset, ("base.css", "bubbles.css")):
        light, _, rest = sheet.partition("@media screen and (prefers-color-scheme: dark)")
        for part in (light, rest.partition("\n}\n")[0]) if dark else (light,):
            found |= dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})\b", part))
    return found


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_what_is_written_can_be_read(dark: bool) -> None:
    colours = tokens(dark=dark)
    faint = {
        f"--{ink} on --{paper}": round(contrast(colours[ink], colours[paper]), 2)
        for pairs, least in ((WORDS, 4.5), (EDGES, 3.0))
        for ink, paper in pairs
        if contrast(colours[ink], colours[paper]) < least
    }
    assert faint == {}


def test_dark_has_a_colour_of_its_own_for_every_token() -> None:
    light, dark = tokens(dark=False), tokens(dark=True)
    assert [name for name in light if light[name] == dark[name]] == []
