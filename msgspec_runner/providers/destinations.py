"""Where messages cannot go: countries, by how their numbers begin. Facts only; numbers are E.164 with ``+``."""

from __future__ import annotations

from typing import Final

WHATSAPP_SERVES_NOT: Final = {
    "+98": "Iran",
    "+53": "Cuba",
    "+963": "Syria",
    "+850": "North Korea",
    "+7978": "Crimea",
}
"""Beginnings of numbers that WhatsApp does not serve (Twilio's page on WhatsApp), and whose they are."""

OTHER_NORTH_AMERICAN: Final = frozenset({
    "242", "246", "264", "268", "284", "345", "441", "473", "649", "658", "664", "721", "758", "767",
    "784", "809", "829", "849", "868", "869", "876",
})  # fmt: skip
"""Area codes behind ``+1`` of the countries that share it with the US and Canada (North American Numbering Plan).

The islands that belong to the US (Puerto Rico, Guam and others) are not among them: whether MMS reaches them is not
documented.
"""

FLORIDA: Final = frozenset({
    "239", "305", "321", "324", "352", "386", "407", "448", "561", "645", "656", "689", "727", "728",
    "754", "772", "786", "813", "850", "863", "904", "941",
})  # fmt: skip
"""Area codes of Florida (North American Numbering Plan)."""


def unserved_by_whatsapp(number: str) -> str | None:
    """Return the name of the place that a number is of where WhatsApp serves nobody there, else None."""
    return next((place for start, place in WHATSAPP_SERVES_NOT.items() if number.startswith(start)), None)


def gets_mms(number: str) -> bool:
    """Say whether an MMS reaches a number as such: in the US, Canada and Australia only (Twilio)."""
    return number.startswith("+61") or (number.startswith("+1") and number[2:5] not in OTHER_NORTH_AMERICAN)
