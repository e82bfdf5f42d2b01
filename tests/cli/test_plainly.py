"""What is written where a stream knows few characters."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.cli import plainly


def written(text: str, encoding: str) -> bytes:
    plainly.register()
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding, errors=plainly.NAME, newline="") as stream:
        stream.write(text)
        stream.flush()
        return raw.getvalue()


@pytest.mark.parametrize(
    ("text", "encoding", "shown"),
    [
        ("+1•••••••12 “no” …", "ascii", b'+1*******12 "no" ...'),
        ("é ┌─", "latin-1", b"\xe9 +-"),
        ("é 😀", "ascii", rb"\xe9 \U0001f600"),
        ("• é", "utf-8", "• é".encode()),
    ],
)
def test_our_signs_have_a_plain_one_and_others_their_code(text: str, encoding: str, shown: bytes) -> None:
    assert written(text, encoding) == shown


@given(st.text(), st.sampled_from(["ascii", "latin-1", "cp1252", "koi8-r", "utf-8"]))
def test_every_text_can_be_written(text: str, encoding: str) -> None:
    written(text, encoding)
