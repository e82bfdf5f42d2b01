"""Segments against Twilio's own calculator (npm ``sms-segments-calculator``), where node and npm are there."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from msgspec_runner.content.segments import GSM_BASIC, GSM_EXTENSION, segments

TEXTS = 4_000
SCRIPT = """
const { SegmentedMessage } = require("sms-segments-calculator");
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => {
  const message = new SegmentedMessage(text);
  return [message.encodingName, message.segmentsCount];
})));
"""
ALPHABETS = [
    GSM_BASIC,
    GSM_BASIC[:60] + GSM_EXTENSION,
    GSM_EXTENSION,
    "abc çáêñ’“–…",
    "नमस्ते हिन्दी क्षत्रिय ",
    "مرحبا بك العربية ",
    "你好世界 ab",
    ["👨‍👩‍👧‍👦", "🇺🇸", "👍🏽", "e\u0301", "a", "🎉", "1️⃣", " ", "\r\n"],
    ["각", "ก็", "\u0301", "\u200d", "🇩", "x", "€"],
]


def install(folder: Path) -> str | None:
    """Install the calculator into a folder; return why it could not be, if so."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node and npm are not installed"
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)]
    done = subprocess.run([*command, "sms-segments-calculator@1.3.0"], capture_output=True, text=True, timeout=120)
    return None if done.returncode == 0 else f"npm cannot install the calculator: {done.stderr.strip()[-200:]}"


def test_the_count_is_the_one_that_twilio_charges(tmp_path: Path) -> None:
    missing = install(tmp_path)
    if missing:
        pytest.skip(missing)
    dice = random.Random(604)
    texts = ["".join(dice.choices(dice.choice(ALPHABETS), k=dice.randint(0, 400))) for _ in range(TEXTS)]
    answer = subprocess.run(
        ["node", "-e", SCRIPT], input=json.dumps(texts), capture_output=True, text=True, cwd=tmp_path, check=True
    )
    for text, (encoding, count) in zip(texts, json.loads(answer.stdout), strict=True):
        ours = segments(text)
        assert (ours.encoding, ours.count) == (encoding, count), text.encode("unicode_escape")
