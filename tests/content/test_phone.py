"""Phone numbers: agreement with the library that knows them, and words that never repeat a number."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.content import phone

CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
EXAMPLES = sorted(
    phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    for region in phonenumbers.SUPPORTED_REGIONS
    if (example := phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)) is not None
)
DIGITS = st.text("0123456789", max_size=17)
EDITED = st.builds(
    lambda number, at, digit: number[1:at] + digit + number[at:],
    st.sampled_from(EXAMPLES),
    st.integers(1, 9),
    st.sampled_from("0123456789"),
)
NUMBERS = st.one_of(
    DIGITS,
    st.builds("{}{}".format, st.sampled_from(CODES), DIGITS),
    st.builds("{}{}{}".format, st.sampled_from(CODES), st.sampled_from("0178"), DIGITS),
    st.sampled_from(EXAMPLES).map(lambda number: number[1:]),
    EDITED,
    st.text("0123456789", min_size=9, max_size=11).map("1{}".format),
)


def by_the_library(digits: str) -> str | None:
    """The rule of the facts, without any short cut."""
    if not (7 <= len(digits) <= 15) or digits[0] == "0":
        return None
    try:
        parsed = phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE
    same = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == "+" + digits
    return "+" + digits if possible and same else None


@settings(max_examples=3000, deadline=None)
@given(NUMBERS)
def test_the_short_cut_agrees_with_the_library(digits: str) -> None:
    expected = by_the_library(digits)
    assert phone.canonical(digits) == expected
    assert phone.canonical("+" + digits) == expected


@pytest.mark.parametrize("number", EXAMPLES)
def test_every_country_s_mobile_number_is_canonical_and_valid(number: str) -> None:
    assert phone.canonical(number) == number
    assert phone.canonical(number[1:]) == number
    assert phone.problem(number) is None
    assert phone.is_valid(number)


@pytest.mark.parametrize(
    "number",
    [
        "", " ", "+", "+1 617 555 3434", "1-617-555-3434", "tel:+16175553434", "+16175553434;ext=4", "+1617555CALL",
        "+１６１７５５５３４３４", "+4407911123456", "+\u200b16175553434", "+16175553434\n", "0016175553434",
        "123456", "+15553434", "+1617555343", "+161755534345", "+999123456789", "++16175553434", "1.6175553434E+10",
    ],
)  # fmt: skip
def test_what_the_library_would_guess_is_refused_with_words(number: str) -> None:
    assert phone.canonical(number) is None
    said = phone.problem(number)
    assert said is not None
    digits = number.strip().lstrip("+")
    assert len(digits) < 5 or digits not in said


@given(st.text(max_size=30))
def test_any_text_is_either_canonical_or_has_a_problem(text: str) -> None:
    assert (phone.canonical(text) is None) == (phone.problem(text) is not None)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("", "is empty"),
        ("+1617555CALL", "has letters"),
        ("(617) 555-1212", "has spaces or punctuation"),
        ("0016175551212", "write + instead of 00"),
        ("07911123456", "country code first"),
        ("+1617", "is too short"),
        ("+1617555121212345", "more than 15 digits"),
        ("+161755512", "is too short for the country code +1"),
        ("+161755512123", "is too long for the country code +1"),
        ("+4407911123456", "too long for the country code +44"),
        ("+440791112345", "trunk prefix"),
        ("+9991234567", "no country code that exists"),
        ("1.6E+10", "scientific notation"),
        ("1,70123E+11", "scientific notation"),
        ("+１６１７５５５１２１２", "no digits"),
    ],
)
def test_a_problem_says_what_to_write(number: str, words: str) -> None:
    assert words in str(phone.problem(number))


@pytest.mark.parametrize(
    ("number", "region", "expected"),
    [
        ("(617) 555-1212", "US", "+16175551212"),
        ("617.555.1212", "us", "+16175551212"),
        ("16175551212", "US", "+16175551212"),
        ("07911 123456", "GB", "+447911123456"),
        ("+44 7911 123456", "US", "+447911123456"),
        ("+447911123456", "US", "+447911123456"),
        ("02 1234 5678", "IT", "+390212345678"),
        ("555-1212", "US", None),
        ("617 555 1212 ext 5", "US", None),
        ("617-555-CALL", "US", None),
        ("", "US", None),
        ("617 555 1212", "XX", None),
        ("+44 07911 123456", "GB", None),
    ],
)
def test_national_numbers(number: str, region: str, expected: str | None) -> None:
    assert phone.national(number, region) == expected


@pytest.mark.parametrize(
    ("number", "region", "words"),
    [
        ("4915112345678", "DE", "write + in front, or 0 for a number in DE"),  # both readings are in use
        ("49 151 1234-5678", "de", "could be a number +49… that has lost its +, or a number in DE"),
        ("49 (0)30 1234567", "DE", "+49…"),
        ("49301234567", "DE", "+49…"),  # in use with a + only, but possible without
        ("393471234567", "IT", "write + in front, or +39 for a number in IT"),  # no trunk prefix there
        ("436601234567", "AT", "+43…"),
        ("919812345678", "IN", "+91…"),
        ("62812345678", "ID", "+62…"),
    ],
)
def test_a_number_that_has_lost_its_plus_is_not_guessed_at(number: str, region: str, words: str) -> None:
    assert words in str(phone.ambiguity(number, region))


@pytest.mark.parametrize(
    ("number", "region"),
    [
        ("+4915112345678", "DE"),
        ("004915112345678", "DE"),
        ("015112345678", "DE"),
        ("04921 123456", "DE"),
        ("494112345", "DE"),  # with a +, it would be in no range: area code 4941
        ("3931234567", "IT"),  # a mobile number that begins with 393
        ("6175551212", "US"),
        ("16175551212", "US"),  # both readings are the same number
        ("447911123456", "GB"),  # too long for a national number
        ("4915112345678", "US"),
        ("49 ask Ann", "DE"),
        ("49", "DE"),
        ("4915112345678", "XX"),
        ("", "DE"),
    ],
)
def test_a_number_with_one_reading_is_no_doubt(number: str, region: str) -> None:
    assert phone.ambiguity(number, region) is None


@settings(max_examples=300, deadline=None)
@given(st.text("0123456789 ()+-./eE", max_size=20), st.sampled_from(["US", "GB", "IT", "BR", "AR", "DE", "AQ"]))
def test_no_text_is_too_odd_to_be_doubted(number: str, region: str) -> None:
    assert phone.ambiguity(number, region) is None or phone.national(number, region) is not None


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=24), st.sampled_from(["US", "GB", "IT", "BR", "AR", "DE"]))
def test_a_national_number_is_canonical_or_none(number: str, region: str) -> None:
    read = phone.national(number, region)
    assert read is None or phone.canonical(read) == read


def test_possible_is_not_valid() -> None:
    assert phone.canonical("+16175550123") == "+16175550123"
    assert phone.is_valid("+16175551212")
    assert not phone.is_valid("+15555550123")


@pytest.mark.parametrize(
    ("number", "doubted", "lacks"),
    [
        ("+16175551212", False, False),
        ("+18005551212", False, False),
        ("+15555550123", True, False),
        ("+13710000000", True, False),
        ("+6175551212", True, True),
        ("+3125551212", True, True),
        ("+6562345678", False, True),
        ("+447911123456", False, False),
        ("+440000000000", True, False),
        ("+390612345678", False, False),
    ],
)
def test_what_no_country_has_given_out_is_doubted(number: str, doubted: bool, lacks: bool) -> None:
    assert phone.is_unassigned(number) is doubted
    assert phone.lacks_north_america(number) is lacks


@given(st.from_regex(r"\A\+[1-9][0-9]{7,12}\Z"))
def test_a_valid_number_is_never_doubted(number: str) -> None:
    if phone.canonical(number) is not None and phone.is_valid(number):
        assert not phone.is_unassigned(number)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+16175551212", "US"),
        ("+14165551212", "CA"),
        ("+447400123456", "GB"),
        ("+4915112345678", "DE"),
        ("+80012345678", None),
        ("+15555550123", None),
        ("+989121234567", "IR"),
        ("+9631111", "SY"),
    ],
)
def test_country(number: str, expected: str | None) -> None:
    assert phone.country(number) == expected


def test_regions() -> None:
    assert phone.is_region("us")
    assert not phone.is_region("XX")
    assert not phone.is_region("1")


def test_a_mask_shows_three_digits_and_no_length() -> None:
    assert phone.mask("+16175551212") == "+1•••••••12"
    assert phone.mask("4479111234") == "+4•••••••34"
    assert phone.mask("not a number") == "•••••••"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("The 'To' number +16175551212 is not valid.", "The 'To' number +1•••••••12 is not valid."),
        ("to=16175551212;from=+447911123456.", "to=+1•••••••12;from=+4•••••••56."),
        ("+1234567", "+1•••••••67"),
        ("HTTP 400 on 2026-11-23 in run 20261123-114501-x7k2", "HTTP 400 on 2026-11-23 in run 20261123-114501-x7k2"),
        ("error 21211, 12345678 rows", "error 21211, 12345678 rows"),
        ("a digest of 1234567890123456789012 digits", "a digest of 1234567890123456789012 digits"),
    ],
)
def test_numbers_within_a_text_are_masked(text: str, masked: str) -> None:
    assert phone.mask_within(text) == masked
