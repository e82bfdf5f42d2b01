"""Is this request body what the API document allows? The sandbox's own answer.

Each field of the document's tables is checked here from the document alone; nothing is shared with the
linter. Two kinds of "no" are told apart, because a client must understand both answer shapes:

* the body breaks the tables (a missing field, a wrong type, no content): HTTP 400;
* the body is well formed, but the channel or the provider refuses it: HTTP 200 with ``"status": "error"``.

Where the document is silent the sandbox is strict, so that a mistake shows here and not in front of a
customer: unknown fields and duplicate keys are refused.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit


class Accepted(NamedTuple):
    """A body that the API would take.

    Attributes:
        fields: the body's fields.
        schedule: when it is due, in seconds since the epoch; None for now.
    """

    fields: dict[str, Any]
    schedule: float | None


class Refused(NamedTuple):
    """A body that the API would not take.

    Attributes:
        status: the HTTP status of the answer: 400 for a bad body, 200 for a refusal of the provider.
        reasons: what is wrong, one sentence each.
    """

    status: int
    reasons: tuple[str, ...]


PROVIDERS: Final = ("twlo", "twlowa", "gswa")
"""The values of ``provider`` in the API document."""

MAX_TEXT: Final = 1600
"""Characters in the text of one message through Twilio (its error 21617)."""

MAX_VARIABLES: Final = 100
"""Variables in one Twilio content template."""

BAD_CHANNEL: Final = "invalid"
"""The channel key that the sandbox does not know; it knows all others."""

BAD_NUMBERS: Final[dict[str, str]] = {
    "15005550001": "The 'To' number is not a valid phone number. (21211)",
    "15005550002": "The 'To' number cannot be reached from this channel. (21612)",
    "15005550003": "This account has no permission to send to that region. (21408)",
    "15005550004": "The recipient has opted out. (21610)",
    "15005550009": "The 'To' number cannot receive SMS messages. (21614)",
}
"""Numbers that the provider refuses: those that Twilio reserves for testing errors, with the same errors."""

_MEDIA: Final = ("image_url", "video_url", "file_url")
_PHONE = re.compile(r"\+?[1-9][0-9]{6,14}")
_TWILIO_TEMPLATE = re.compile(r"HX[0-9a-fA-F]{32}")
_TWILIO_VARIABLE = re.compile(r"[A-Za-z0-9]{1,16}")
_GUPSHUP_VARIABLE = re.compile(r"[1-9][0-9]{0,2}")
_BAD_VALUE = re.compile(r"[\n\r\t]| {5}")
_SCHEDULE = re.compile(r"[0-9W:+.,-]+T[0-9:.,+-]+Z?", re.ASCII)


class _BadJSONError(ValueError):
    """JSON that Python reads and the standard does not allow, or that says one thing twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object, refusing a key that comes twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _BadJSONError("The request body names one field twice.")
    return found


def _no_constant(name: str) -> object:
    """Refuse ``NaN`` and ``Infinity``, which are not JSON."""
    raise _BadJSONError(f"The request body holds {name}, which is not JSON.")


_decode = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant).decode


def check(body: bytes) -> Accepted | Refused:
    """Judge the body of a ``POST /message``.

    Args:
        body: the request body as it came.

    Returns:
        What it holds, or all that is wrong with it.
    """
    try:
        fields = _decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        return Refused(400, ("The request body is not UTF-8.",))
    except _BadJSONError as error:
        return Refused(400, (str(error),))
    except (ValueError, RecursionError):
        return Refused(400, ("The request body is not valid JSON.",))
    if not isinstance(fields, dict):
        return Refused(400, ("The request body must be a JSON object.",))

    reasons: list[str] = []
    for name, value in fields.items():
        checker = _CHECKS.get(name)
        if checker is not None:
            reason = checker(name, value)
            if reason is not None:
                reasons.append(reason)
        elif name == "template":
            reasons += _template(value, fields.get("provider"))
        elif name == "contact_saving":
            reasons += _contact_saving(value)
        else:
            reasons.append(_unknown(name))
    reasons += [f"{name} is required." for name in ("provider", "channel_key", "to") if name not in fields]
    if not any(_is_content(fields.get(name)) for name in ("text", *_MEDIA, "template")):
        reasons.append("One of text, image_url, video_url, file_url or template is required.")
    if reasons:
        return Refused(400, tuple(reasons))

    refusal = _provider_refusal(fields)
    if refusal is not None:
        return Refused(200, (refusal,))
    schedule = fields.get("schedule")
    return Accepted(fields, None if schedule is None else _moment(schedule))


def _moment(schedule: object) -> float | None:
    """Turn an ISO 8601 date and time into seconds since the epoch; without an offset it is UTC."""
    if not isinstance(schedule, str) or _SCHEDULE.fullmatch(schedule) is None:
        return None
    try:
        moment = datetime.fromisoformat(schedule)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _is_content(value: object) -> bool:
    """Whether a field gives the recipient something to see: blank text does not."""
    return bool(value.strip()) if isinstance(value, str) else bool(value)


def _unknown(name: str) -> str:
    """Explain a field that the document does not define."""
    if name == "image_urls":
        return "image_urls is not a field of this call; use image_url."
    return f"Unknown field {name[:40]!r}."


# One function per kind of plain field: its name and value in, what is wrong with it or None out.


def _string(name: str, value: object) -> str | None:
    """Check a field that holds any string."""
    if not isinstance(value, str):
        return f"{name} must be a string."
    if not value.isascii() and not _is_unicode(value):
        return f"{name} holds half of a character (a lone surrogate)."
    return None


def _filled(name: str, value: object) -> str | None:
    """Check a string that must not be blank."""
    if isinstance(value, str) and not value.strip():
        return f"{name} must not be empty."
    return _string(name, value)


def _provider(name: str, value: object) -> str | None:
    """Check ``provider``."""
    return None if value in PROVIDERS else f"{name} must be one of {', '.join(PROVIDERS)}."


def _phone(name: str, value: object) -> str | None:
    """Check ``to``: digits with the country code first, with or without ``+``."""
    if not isinstance(value, str):
        return f"{name} must be a string."
    if _PHONE.fullmatch(value) is None:
        return f"{name} must be a phone number with its country code, like +16175551212 or 16175551212."
    return None


def _url(name: str, value: object) -> str | None:
    """Check a publicly accessible URL, as far as that shows without asking for it."""
    if not isinstance(value, str):
        return f"{name} must be a string."
    return None if _is_url(value) else f"{name} must be a URL that starts with http:// or https://."


def _schedule(name: str, value: object) -> str | None:
    """Check ``schedule``."""
    if _moment(value) is None:
        return f"{name} must be an ISO 8601 date and time, like 2006-01-02T15:04:05-04:00."
    return None


# The two objects: all that is wrong with them out.


def _contact_saving(value: object) -> list[str]:
    """Check ``contact_saving`` and its three fields."""
    if not isinstance(value, dict):
        return ["contact_saving must be an object."]
    reasons = []
    for key, item in value.items():
        if key == "save":
            if not isinstance(item, bool):
                reasons.append("contact_saving.save must be true or false.")
        elif key == "list_id":
            if not isinstance(item, int) or isinstance(item, bool) or item < 0:
                reasons.append("contact_saving.list_id must be an integer, 0 or above.")
        elif key == "extra_fields":
            reasons += _extra_fields(item)
        else:
            reasons.append(f"Unknown field {key[:40]!r} in contact_saving.")
    return reasons


def _extra_fields(value: object) -> list[str]:
    """Check ``contact_saving.extra_fields``: an object of plain values."""
    if not isinstance(value, dict):
        return ["contact_saving.extra_fields must be an object."]
    reasons: list[str | None] = []
    for key, item in value.items():
        name = f"contact_saving.extra_fields.{key[:40]}"
        if isinstance(item, str):
            reasons.append(_string(name, item))
        elif not isinstance(item, int | float) or not math.isfinite(item):
            reasons.append(f"{name} must be a string, a number, true or false.")
    return [reason for reason in reasons if reason]


def _template(value: object, provider: object) -> list[str]:
    """Check ``template``, whose variables differ by provider."""
    if provider == "twlo":
        return ["template can only be used when provider is twlowa or gswa."]
    if not isinstance(value, dict):
        return ["template must be an object."]
    reasons = [_filled("template.id", value["id"]) if "id" in value else "template.id is required."]
    reasons += [f"Unknown field {key[:40]!r} in template." for key in value if key not in ("id", "variables")]
    variables = value.get("variables", {})
    if not isinstance(variables, dict):
        reasons.append("template.variables must be an object.")
    elif provider == "gswa":
        reasons += _gupshup_variables(variables)
    else:
        reasons += _variable_map("template.variables", variables, _TWILIO_VARIABLE)
    return [reason for reason in reasons if reason]


def _gupshup_variables(variables: Mapping[str, object]) -> list[str | None]:
    """Check ``MEDIA_URL`` and the three components of a Gupshup template."""
    reasons: list[str | None] = []
    for key, item in variables.items():
        name = f"template.variables.{key[:40]}"
        if key == "MEDIA_URL":
            reasons.append(_url(name, item))
        elif key not in ("Header", "Body", "Buttons"):
            reasons.append(f"{name} is unknown; use MEDIA_URL, Header, Body or Buttons.")
        elif isinstance(item, dict):
            reasons += _variable_map(name, item, _GUPSHUP_VARIABLE)
        else:
            reasons.append(f"{name} must be an object.")
    return reasons


def _variable_map(name: str, variables: Mapping[str, object], keys: re.Pattern[str]) -> list[str | None]:
    """Check an object that maps variable names to strings."""
    if len(variables) > MAX_VARIABLES:
        return [f"{name} has more than {MAX_VARIABLES} variables."]
    reasons: list[str | None] = []
    for key, value in variables.items():
        if keys.fullmatch(key) is None:
            reasons.append(f"{name} has a variable with a wrong name: {key[:40]!r}.")
        reasons.append(_string(f"{name}.{key[:40]}", value))
    return reasons


_CHECKS: Final[dict[str, Callable[[str, object], str | None]]] = {
    "provider": _provider,
    "channel_key": _filled,
    "to": _phone,
    "name": _string,
    "text": _string,
    "image_url": _url,
    "video_url": _url,
    "file_url": _url,
    "schedule": _schedule,
    "user_id": _filled,  # not in this document's table; the newer one has it (the team member shown as sender)
}


def _provider_refusal(fields: Mapping[str, Any]) -> str | None:
    """Say why the channel or the provider would refuse a well-formed message, or None."""
    if fields["channel_key"] == BAD_CHANNEL:
        return "Invalid channel_key."
    refused = BAD_NUMBERS.get(fields["to"].lstrip("+"))
    if refused is not None:
        return refused
    if len(fields.get("text", "")) > MAX_TEXT and fields["provider"] != "gswa":
        return f"The message body exceeds the limit of {MAX_TEXT} characters. (21617)"
    template = fields.get("template")
    if template is None:
        return None
    if fields["provider"] == "twlowa" and _TWILIO_TEMPLATE.fullmatch(template["id"]) is None:
        return "The template ID is not a Content SID (HX and 32 hexadecimal digits). (21655)"
    for value in _values(template.get("variables", {})):
        if not value.strip():
            return "A template variable is empty. (21656)"
        if _BAD_VALUE.search(value):
            return "A template variable has a new line, a tab or more than 4 spaces in a row. (63013)"
        if len(value) > MAX_TEXT:
            return f"A template variable exceeds the limit of {MAX_TEXT} characters."
    return None


def _values(variables: Mapping[str, Any]) -> list[str]:
    """All values of a template, whichever provider's shape it has."""
    found: list[str] = []
    for value in variables.values():
        found += value.values() if isinstance(value, dict) else [value]
    return found


def _is_unicode(text: str) -> bool:
    """Whether text can be written as UTF-8, which lone surrogates cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_url(text: str) -> bool:
    """Whether text is an absolute http or https URL with a host and no white space."""
    if not text.isprintable() or " " in text or not _is_unicode(text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
