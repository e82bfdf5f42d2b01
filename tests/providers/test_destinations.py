"""Countries by the beginnings of their numbers, held against the metadata of the phone library."""

from __future__ import annotations

import pytest

from msgspec_runner.content import phone
from msgspec_runner.providers.destinations import (
    FLORIDA,
    OTHER_NORTH_AMERICAN,
    WHATSAPP_SERVES_NOT,
    gets_mms,
    unserved_by_whatsapp,
)

OF_THE_US = {"US", "PR", "VI", "GU", "AS", "MP"}


def country(area: int) -> str | None:
    """Return the country of an area code behind +1; not every number of one is given out."""
    found = (phone.country(f"+1{area}{rest}") for rest in ("2345678", "5551212", "3105678"))
    return next(filter(None, found), None)


def test_area_codes_are_those_of_the_numbering_plan() -> None:
    countries = {str(area): country(area) for area in range(200, 1000)}
    others = {area for area, region in countries.items() if region and region not in OF_THE_US | {"CA"}}
    assert others == OTHER_NORTH_AMERICAN
    assert {countries[area] for area in FLORIDA} == {"US"}


@pytest.mark.parametrize(
    ("number", "reached"),
    [
        ("+16175551212", True), ("+14165551212", True), ("+61412345678", True), ("+17875551212", True),
        ("+18765551212", False), ("+12425551212", False), ("+442071838750", False), ("+6421345678", False),
    ],
)  # fmt: skip
def test_mms_reaches_three_countries(number: str, reached: bool) -> None:
    assert gets_mms(number) is reached


@pytest.mark.parametrize(
    ("number", "place"),
    [
        ("+989123456789", "Iran"), ("+5352345678", "Cuba"), ("+963944567890", "Syria"),
        ("+8501921234567", "North Korea"), ("+79781234567", "Crimea"),
        ("+79161234567", None), ("+85251234567", None), ("+9647912345678", None), ("+5491123456789", None), ("", None),
    ],
)  # fmt: skip
def test_whatsapp_serves_all_but_five(number: str, place: str | None) -> None:
    assert unserved_by_whatsapp(number) == place
    assert len(WHATSAPP_SERVES_NOT) == 5
