"""What plain scalars mean, by the core schema of YAML 1.2.2."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from msgspec_runner.source.core_schema import MAX_NUMBER_CHARACTERS, resolve, resolve_tagged

TAG = "tag:yaml.org,2002:"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None), ("nULL", "nULL"),
        ("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False),
        ("0", 0), ("-12", -12), ("+7", 7), ("010", 10), ("0o17", 15), ("0x1F", 31), ("0xff", 255),
        ("1.", 1.0), (".5", 0.5), ("-0.25", -0.25), ("1e3", 1000.0), ("+1.5E-2", 0.015),
        (".inf", math.inf), ("+.INF", math.inf), ("-.Inf", -math.inf),
    ],
)  # fmt: skip
def test_core_schema(text: str, value: object) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_not_a_number(text: str) -> None:
    value = resolve(text)
    assert isinstance(value, float)
    assert math.isnan(value)


@pytest.mark.parametrize(
    "text",
    [
        "yes", "no", "on", "off", "y", "N", "12:30", "190:20:30", "2026-01-02", "2026-01-02T10:00:00Z", "1_000", "0b1",
        "-0x1F", "+0o7", "0o8", "0xg", "inf", "nan", "+", "-", ".", "+.", "1e", "e3", "1.2.3", "٣", "+15551234567x",
    ],
)  # fmt: skip
def test_what_yaml_1_1_took_for_something_else_is_text(text: str) -> None:
    assert resolve(text) == text


def test_the_plus_of_a_number_is_lost_which_is_why_numbers_need_quotes() -> None:
    assert resolve("+15551234567") == 15551234567


def test_a_number_too_long_to_be_one_is_text() -> None:
    assert resolve("1" * MAX_NUMBER_CHARACTERS) == int("1" * MAX_NUMBER_CHARACTERS)
    assert resolve("1" * (MAX_NUMBER_CHARACTERS + 1)) == "1" * (MAX_NUMBER_CHARACTERS + 1)


@pytest.mark.parametrize(
    ("text", "tag", "value"),
    [
        ("5", "!", "5"), ("5", TAG + "str", "5"), ("", TAG + "str", ""), ("5", TAG + "int", 5), ("5", TAG + "float", 5.0),
        ("1.5", TAG + "float", 1.5), ("true", TAG + "bool", True), ("", TAG + "null", None), ("~", TAG + "null", None),
    ],
)  # fmt: skip
def test_core_tags(text: str, tag: str, value: object) -> None:
    assert resolve_tagged(text, tag) == value
    assert type(resolve_tagged(text, tag)) is type(value)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("x", TAG + "int"), ("true", TAG + "int"), ("1.5", TAG + "int"), ("true", TAG + "float"), ("1", TAG + "bool"),
        ("x", TAG + "null"), ("x", TAG + "binary"), ("2026-01-02", TAG + "timestamp"), ("x", "!mine"), ("x", "str"),
        ("x", TAG + "python/object:os.system"), ("x", TAG + "map"),
    ],
)  # fmt: skip
def test_other_tags_and_wrong_values_are_refused_with_a_next_step(text: str, tag: str) -> None:
    with pytest.raises(ValueError, match="remove"):
        resolve_tagged(text, tag)


_RUAMEL_DIFFERS = re.compile(
    r".*[0-9].*_.*|[-+]?_.*|[-+]?\._.*|.*\d_*\._.*|[-+]0[ox].*|[-+]?0b[01_]+|\d{4}-\d\d?-\d\d?.*|[=<].*|[-+]?\.[0-9]+[eE].*"
)
"""What ruamel takes for something and the core schema does not: numbers with underscores or in base two, signs
before 0o and 0x, timestamps, ``=`` and ``<<``; and ``.5e1``, which is a number only in the core schema."""


@given(st.text(alphabet="0123456789+-._eExXobaAfFnNtTruUlLsSi~:yY", min_size=1, max_size=9))
def test_plain_words_mean_what_they_mean_to_ruamel(text: str) -> None:
    if _RUAMEL_DIFFERS.fullmatch(text):
        return
    try:
        theirs = YAML(typ="safe", pure=True).load(f"k: {text}")["k"]
    except YAMLError:
        return
    if isinstance(theirs, (dict, list)):
        return
    assert repr(resolve(text)) == repr(theirs)
