"""Phone numbers: one canonical form, and no guessing.

Numbers come with the country code first, with or without ``+``; we send E.164 with ``+``. The library behind it
(``phonenumbers``, its metadata from Google's libphonenumber) reads far too much as a number: letters, ``tel:``,
extensions, fullwidth digits, a trunk zero in ``+4407…``. So a strict guard stands in front, and what the library
understood must equal what was written (facts, section 2).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from msgspec_runner.content.patterns import later

if TYPE_CHECKING:
    from phonenumbers import PhoneMetadata, PhoneNumber

_WRITTEN: Final = re.compile(r"\+?([1-9][0-9]{6,14})")
"""The guard of facts, section 2; ASCII digits only."""
_IN_TEXT: Final = later(r"\+[1-9][0-9]{6,14}(?![0-9])|(?<![+0-9])[1-9][0-9]{8,14}(?![0-9])")
_NORTH_AMERICAN: Final = re.compile(r"\+?1[02-9][0-9]{9}")
"""Known by heart: country code 1, ten digits (ITU-T E.164, annex to the North American plan), and no second 1, which
would be a trunk prefix. To load the other countries' plans takes 10 ms, for which a lint of one file need not wait."""
_ORDINARY: Final = re.compile(r"\+1(?!.11|37|555|96)[2-9][0-8][0-9][2-9][0-9]{6}")
"""Of a form that the North American plan gives out (NANPA on area codes: no second digit 9, no 37x and 96x, no N11;
555 has never been one), and so not doubted: to ask the metadata of each costs 30 µs."""
_NATIONAL: Final = later(r"\(?[0-9](?:[ ()./\-]*[0-9]){3,16}")
"""Digits as people group them; nothing else may stand in a national number."""
_LOOKS_NATIONAL: Final = later(r"(?!00)[(0-9][()0-9 ./\-]{5,20}")
_GROUPING: Final = later(r"[ ()./\-]+")
_SCIENTIFIC: Final = later(r"[+0-9]*[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]+")
_BULLETS: Final = "•" * 7
_FEWEST_DIGITS: Final = 7
_MOST_DIGITS: Final = 15  # E.164
_NORTH_AMERICAN_DIGITS: Final = 10  # without the country code


def canonical(number: str) -> str | None:
    """Return a number in E.164 with ``+``, or None if it is not a possible international number.

    Possible means: its country code exists and its length is one of that country's. Whether the number range is in
    use is :func:`is_valid`.

    Args:
        number: country code first, with or without ``+``; no spaces and no punctuation.
    """
    if _NORTH_AMERICAN.fullmatch(number):
        return number if number[0] == "+" else "+" + number
    written = _WRITTEN.fullmatch(number)
    if written is None:
        return None
    digits = written[1]
    for size in (1, 2, 3):
        plan = _plan(digits[:size])
        if plan is not None:
            trunk, lengths = plan
            if trunk is not None and trunk.match(digits, size):
                return "+" + digits if _parsed_as_written(digits) else None
            return "+" + digits if len(digits) - size in lengths else None
    return None


def national(number: str, region: str) -> str | None:
    """Return a number as people of a region write it in E.164 with ``+``, or None if it is not possible.

    ``(617) 555-1212`` in ``US`` is ``+16175551212``. A number that starts with ``+`` is read as an international one
    of any country.

    Args:
        number: digits, which may be grouped by spaces, brackets, dots, slashes and hyphens.
        region: two-letter code (ISO 3166-1), any case.
    """
    if number.startswith("+"):
        return canonical("+" + _GROUPING.sub("", number[1:]))
    if _NATIONAL.fullmatch(number) is None:
        return None
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, region.upper())
    except phonenumbers.NumberParseException:
        return None
    if parsed.extension or not _is_possible(parsed):
        return None
    return canonical(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def ambiguity(number: str, region: str) -> str | None:
    """Say that national digits may be an international number that has lost its ``+``; None where they cannot.

    Spreadsheets drop the ``+`` of ``+4915112345678``, and in Germany, where numbers have no fixed length, what is left
    is a number too. Where a region's numbers are never that long, as in Great Britain, there is one reading only, and
    :func:`national` gives it. The words go after a name, as those of :func:`problem`.

    Args:
        number: as for :func:`national`.
        region: as for :func:`national`.
    """
    digits, (code, trunk) = _GROUPING.sub("", number), _prefixes(region.upper())
    if not digits.startswith(code) or _WRITTEN.fullmatch(digits) is None:
        return None
    import phonenumbers

    if not _is_possible(phonenumbers.PhoneNumber(country_code=int(code), national_number=int(digits))):
        return None
    try:
        international = _parse("+" + digits)  # and not `canonical`: `49 (0)30 …` has lost a + too
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(international):
        return None
    where = f"a number in {region.upper()}"
    cure = f"write + in front, or {trunk or f'+{code}'} for {where}"
    return f"could be a number +{code}… that has lost its +, or {where}; {cure}"


def looks_national(number: str) -> bool:
    """Whether a number is written as people write one to those of their country: :func:`national` may read it."""
    return _LOOKS_NATIONAL.fullmatch(number) is not None


def is_scientific(number: str) -> bool:
    """Whether a spreadsheet has made a number of it and rounded it: ``1.70123E+11``, or ``1,70123E+11``."""
    return _SCIENTIFIC.fullmatch(number) is not None


def is_region(region: str) -> bool:
    """Whether a two-letter code (ISO 3166-1, any case) names a region whose national numbers can be read."""
    import phonenumbers

    return region.upper() in phonenumbers.SUPPORTED_REGIONS


def is_valid(e164: str) -> bool:
    """Whether a canonical number lies in a range that its country has given out.

    The metadata ages, so this is a reason for a warning and never for an error.
    """
    import phonenumbers

    return bool(phonenumbers.is_valid_number(_parse(e164)))


def is_unassigned(e164: str) -> bool:
    """Whether a canonical number lies in no range that its country has given out: a reason for a warning at most.

    As :func:`is_valid` says, but asked only of numbers that are likely not: of those that have not their country's
    form, and of ten digits, which are a North American number whose country code is missing in half of the cases.
    """
    if _ORDINARY.fullmatch(e164):
        return False
    digits = e164.removeprefix("+")
    if digits[0] != "1" and len(digits) != _NORTH_AMERICAN_DIGITS and _has_form(digits):
        return False
    return not is_valid(e164)


def lacks_north_america(e164: str) -> bool:
    """Whether a canonical number reads as one of the North American plan whose country code, 1, was left out."""
    return _ORDINARY.fullmatch("+1" + e164.removeprefix("+")) is not None


def country(e164: str) -> str | None:
    """Return the two-letter code of the country of a canonical number, or None if it cannot be told.

    Satellite, freephone and other numbers without a country have none; nor has a number in no valid range of a calling
    code that several countries share (``+1`` with an unused area code).
    """
    import phonenumbers

    parsed = _parse(e164)
    region = phonenumbers.region_code_for_number(parsed)
    if region is None and parsed.country_code is not None:
        sharing = phonenumbers.region_codes_for_country_code(parsed.country_code)
        region = sharing[0] if len(sharing) == 1 else None
    return None if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY else region


def mask(e164: str) -> str:
    """Return a number as logs and screens may show it: ``+1•••••••12`` (contract, section 4).

    There are always seven bullets: the length would narrow down whose number it is. What is no number is all bullets.
    """
    if _WRITTEN.fullmatch(e164) is None:
        return _BULLETS
    digits = e164.removeprefix("+")
    return f"+{digits[0]}{_BULLETS}{digits[-2:]}"


def mask_within(text: str) -> str:
    """Return text with every number in it as :func:`mask` shows it: an API's error may quote whom it was about.

    Without a ``+`` only nine digits and more are taken for a number: a date, a status or a run's id are none.
    """
    return _IN_TEXT.sub(lambda found: mask(found.group()), text)


def problem(number: str) -> str | None:
    """Say why :func:`canonical` refuses a number and what to write; None if it does not.

    The words go after a name ("a cell of column “phone” …") and never repeat the number: it is somebody's.
    """
    if canonical(number) is not None:
        return None
    return _problem_of_characters(number) or _problem_of_digits(number.removeprefix("+"))


def _problem_of_characters(number: str) -> str | None:
    if not number.strip():
        return "is empty"
    if is_scientific(number):
        return "was turned into scientific notation by a spreadsheet; format the column as text and enter it again"
    if any(character.isalpha() for character in number):
        return "has letters; write the country code and digits only, like +16175551212"
    if number != number.strip() or _GROUPING.search(number):
        return "has spaces or punctuation; write + and digits only, like +16175551212"
    if re.fullmatch(r"\+?[0-9]+", number) is None:
        return "has characters that are no digits; write + and digits only, like +16175551212"
    return None


def _problem_of_digits(digits: str) -> str:
    if digits.startswith("00"):
        return "starts with 00; write + instead of 00"
    if digits.startswith("0"):
        return "starts with 0; write the country code first and leave the 0 out, like +44 before 7911123456"
    if len(digits) < _FEWEST_DIGITS:
        return "is too short; write the country code and the whole number, like +16175551212"
    if len(digits) > _MOST_DIGITS:
        return f"is too long: more than {_MOST_DIGITS} digits"
    for size in (1, 2, 3):
        plan = _plan(digits[:size])
        if plan is not None:
            return _problem_of_length(digits, size, plan[1])
    return "starts with no country code that exists; write the country code first, like +16175551212"


def _problem_of_length(digits: str, size: int, lengths: frozenset[int]) -> str:
    length = len(digits) - size
    code = digits[:size]
    if length in lengths:
        return f"has a trunk prefix after the country code +{code}; leave it out"
    extent = "short" if length < min(lengths) else "long" if length > max(lengths) else None
    fault = f"is too {extent}" if extent else "has a number of digits that does not exist"
    return f"{fault} for the country code +{code}; check the digits, and the country code in front"


@lru_cache(maxsize=256)
def _prefixes(region: str) -> tuple[str, str]:
    """Return a region's calling code, and what people there dial before a number to one of another area."""
    import phonenumbers

    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    trunk = metadata.national_prefix if metadata is not None else None
    return str(phonenumbers.country_code_for_region(region)), trunk or ""


@lru_cache(maxsize=2048)
def _plan(code: str) -> tuple[re.Pattern[str] | None, frozenset[int]] | None:
    """Return what a calling code's numbers look like: a pattern of trunk prefixes, and the possible lengths.

    Parsing takes 20-50 µs. It changes only numbers that begin with a trunk prefix, and everything else comes down to
    the length, so this table decides for nearly all numbers (tested to agree with parsing).
    """
    import phonenumbers

    calling_code = int(code)
    region = phonenumbers.region_code_for_country_code(calling_code)
    if region == phonenumbers.UNKNOWN_REGION:
        return None
    metadata: PhoneMetadata | None = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(
        calling_code, region
    )
    if metadata is None or metadata.general_desc is None:
        return None
    trunk = metadata.national_prefix_for_parsing
    return re.compile(trunk) if trunk else None, frozenset(metadata.general_desc.possible_length)


def _has_form(digits: str) -> bool:
    """Whether a number, country code first, has the form of the numbers of its code's main country."""
    for size in (1, 2, 3):
        form = _form(digits[:size])
        if form is not None:
            return form.fullmatch(digits, size) is not None
    return False


@lru_cache(maxsize=2048)
def _form(code: str) -> re.Pattern[str] | None:
    import phonenumbers

    calling_code = int(code)
    region = phonenumbers.region_code_for_country_code(calling_code)
    if region == phonenumbers.UNKNOWN_REGION:
        return None
    metadata: PhoneMetadata | None = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(
        calling_code, region
    )
    if metadata is None or metadata.general_desc is None or not metadata.general_desc.national_number_pattern:
        return None
    return re.compile(metadata.general_desc.national_number_pattern)


def _parsed_as_written(digits: str) -> bool:
    import phonenumbers

    try:
        parsed = phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return False
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return written == "+" + digits and _is_possible(parsed)


def _is_possible(parsed: PhoneNumber) -> bool:
    """Whether a number is possible as a whole; one that can be dialled within its own area only is not."""
    import phonenumbers

    return bool(phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE)


def _parse(e164: str) -> PhoneNumber:
    import phonenumbers

    return phonenumbers.parse(e164)
