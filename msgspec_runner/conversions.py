"""What turns a rendered string into the value that the API wants, or says why it cannot.

Each function takes the rendered text of one field and returns the value to send, None to leave the field out,
or raises :class:`Invalid`. The choice is made once a field (:func:`converter`), the work once a row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from math import isfinite
from urllib.parse import urlsplit

from msgspec_runner.content.blank import is_blank
from msgspec_runner.content.phone import canonical, looks_national, problem
from msgspec_runner.providers import PROVIDERS
from msgspec_runner.spec import MEDIA, VARIABLES, Field
from msgspec_runner.templates import ABSENT


class Invalid(Exception):  # noqa: N818 - a signal between two modules, never seen outside
    """A rendered value is not what its field needs."""

    def __init__(self, detail: str, rule: str = "invalid-rendered-field") -> None:
        super().__init__(detail)
        self.detail = detail
        self.rule = rule


def parse_schedule(text: str) -> datetime | None:
    """Return an ISO 8601 date and time with an offset, as the API wants it (``2006-01-02T15:04:05-04:00``), or None."""
    if not _SCHEDULE.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def url_problem(url: str) -> str | None:
    """Return why a provider could not fetch a URL (Twilio error 21620: http or https, public), or None."""
    if url != url.strip() or any(char.isspace() for char in url):
        return "a URL has no spaces and no line breaks: write %20 for a space"
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port  # a wrong one raises here
    except ValueError:
        return "it is no URL"
    if parts.scheme not in {"http", "https"}:
        return "a URL starts with https:// or http://"
    if not host:
        return "the URL has no host"
    if ":" not in host and "" in host.removesuffix(".").split("."):
        return "its host has a dot too many"
    if host == "localhost" or ("." not in host and ":" not in host) or _is_private(host):
        return "the provider cannot fetch it: the host is not public"
    return None


def _is_private(host: str) -> bool:
    if not _ADDRESS.fullmatch(host):
        return False
    from ipaddress import ip_address, ip_network

    try:
        address = ip_address(host)
    except ValueError:
        return False
    # Not `is_private`: that holds for addresses of documentation too, which examples are made of.
    return any(address in ip_network(network) for network in _PRIVATE)


MAX_INTEGER = 2**53 - 1
"""The largest whole number that every reader of JSON takes exactly (RFC 8259, section 6)."""

_SCHEDULE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)")
_ADDRESS = re.compile(r"[0-9.]+|[0-9a-f:.]*:[0-9a-f:.]*")
# RFC 1122, 1918, 3927, 4193, 4291: this host, this link, this site.
_PRIVATE = (
    "0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
    "::1/128", "fc00::/7", "fe80::/10",
)  # fmt: skip
# More than four spaces in a row, a newline or a tab in a value: WhatsApp error 132018, Twilio 63013.
_BAD_VARIABLE = re.compile(r"[\n\r\t]| {5}")
_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})


def converter(field: Field) -> Callable[[str], object]:
    """Return what turns a rendered string into the field's value; None from it leaves the field out."""
    name = field.path[1]
    static = field.template.is_static
    if field.kind == "integer":
        return _integer
    if field.kind == "boolean":
        return _boolean
    if field.optional:
        if name in MEDIA and not static:
            return lambda text: None if is_blank(text) else _url(text)
        return lambda text: None if is_blank(text) else text
    if field.path[:3] == VARIABLES:
        is_url = field.path[-1] == "MEDIA_URL" and not static
        return _media if is_url else _variable
    if name == "to":
        return _to
    if field.path == ("delivery", "window", "timezone"):
        return _zone
    if static:
        # What is wrong with a constant is said once, by the rules of family 2xx and 3xx.
        return _present
    return {"provider": _provider, "schedule": _schedule}.get(name, _present)


def is_never_empty(field: Field) -> bool:
    """Say whether a field must have a value (contract, section 1): an empty schedule never means "now"."""
    is_value = field.kind != "object" or (field.path[:3] == VARIABLES and field.path != VARIABLES)
    return field.path[0] == "message" and not field.optional and is_value


def emptied(field: Field, name: str, *, is_var: bool) -> Invalid:
    """Return what is wrong with a field that is never empty and has nothing but a value that is missing.

    Args:
        field: the field.
        name: the column or var without a value; empty where it is not known which.
        is_var: whether it is a var, which has no cell to be filled.
    """
    detail = f"`{name}` is empty" if name else "it is empty"
    if field.path[:3] == VARIABLES:
        return Invalid(detail, "bad-template-value")
    return Invalid(f"{detail}: {'give the var a value' if is_var else 'fill the cell, or leave the recipient out'}")


def _present(text: str) -> str:
    if is_blank(text):
        raise Invalid("it is empty")
    return text


def _to(text: str) -> str:
    number = canonical(text)
    if number is None:
        words = f"it {problem(_present(text))}"
        if looks_national(text):
            words += "; or declare the column with the country of its numbers, as in {type: phone, region: US}"
        raise Invalid(words, "invalid-phone-cell")
    return number


def _provider(text: str) -> str:
    if _present(text) not in PROVIDERS:
        raise Invalid(f"it is not a provider: write one of {', '.join(PROVIDERS)}")
    return text


def _schedule(text: str) -> str:
    if parse_schedule(_present(text)) is None:
        raise Invalid("it is not a date and time with an offset; end the expression with `| iso`")
    return text


def _zone(text: str) -> str:
    # Only who has a window pays for the machine of time zones.
    from msgspec_runner.templates.filters import find_zone
    from msgspec_runner.templates.problems import Refusal

    name = _present(text).strip()
    try:
        find_zone(name)
    except Refusal:
        raise Invalid("it is not a time zone; write one such as America/New_York") from None
    return name


def _url(text: str) -> str:
    problem = url_problem(text)
    if problem is None and not text.isprintable():
        problem = "it has a character that nobody sees: type the URL anew"  # of one that is written out, MSG113 says it
    if problem is not None:
        raise Invalid(problem)
    return text


def _media(text: str) -> str:
    return _url(_variable(text))


def _variable(text: str) -> str:
    if is_blank(text):
        raise Invalid("it is empty", "bad-template-value")
    if _BAD_VARIABLE.search(text):
        raise Invalid("it has a newline, a tab or five spaces in a row", "bad-template-value")
    return text


def _integer(text: str) -> int:
    try:
        number = int(_present(text).strip())
    except ValueError:
        raise Invalid("it is not a whole number") from None
    check_number(number)
    return number


def check_number(value: object) -> None:
    """Refuse a number that JSON cannot carry to every reader: infinite, none at all, or beyond 2**53 (RFC 8259)."""
    if isinstance(value, float) and not isfinite(value):
        raise Invalid("JSON has no such number; write digits, or quote it if it is text")
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise Invalid(f"it is beyond {MAX_INTEGER:,}, which JSON cannot carry; quote it if it is text")


def _boolean(text: str) -> bool:
    word = _present(text).strip().lower()
    if word not in _TRUE | _FALSE:
        raise Invalid("it is neither true nor false")
    return word in _TRUE


def _finish_template(value: dict[str, object]) -> dict[str, object]:
    unknown = sorted(set(value) - {"id", "variables"})
    if unknown:
        raise Invalid(f"a template has `id` and `variables`, not `{unknown[0]}`")
    if not isinstance(value.get("id"), str):
        raise Invalid("a template needs an `id`")
    _present(str(value["id"]))
    variables = value.get("variables")
    if variables is None:
        return {"id": value["id"]}
    if not isinstance(variables, dict):
        raise Invalid("`variables` must be an object")
    return {"id": value["id"], "variables": _finish_variables(variables)}


def _finish_variables(value: dict[str, object]) -> dict[str, object]:
    return {
        str(name): _finish_component(item)
        if isinstance(item, dict)
        else _media(_scalar(item))
        if name == "MEDIA_URL"
        else _variable(_scalar(item))
        for name, item in value.items()
    }


def _finish_component(value: dict[str, object]) -> dict[str, object]:
    return {str(key): _variable(_scalar(item)) for key, item in value.items()}


def _finish_contact_saving(value: dict[str, object]) -> dict[str, object] | None:
    if not value.keys() <= {"save", "list_id", "extra_fields"}:
        raise Invalid("it has only `save`, `list_id` and `extra_fields`")
    made = {name: _part(name, item) for name, item in value.items()}
    return {name: item for name, item in made.items() if item is not None} or None


def _part(name: str, value: object) -> object:
    """Convert ``save``, ``list_id`` or ``extra_fields`` of a whole ``contact_saving``; say which of them is wrong."""
    try:
        if name == "extra_fields":
            return None if value is None else to_object(name, value)
        text = "" if value is None or value is ABSENT else str(value)
        return _boolean(text) if name == "save" else _integer(text)
    except Invalid as error:
        raise Invalid(f"`{name}`: {error.detail}", error.rule) from None


def _finish_extra_fields(value: dict[str, object]) -> dict[str, object] | None:
    kept = {
        str(name): _extra(item)
        for name, item in value.items()
        if item is not None and item is not ABSENT and not is_blank(str(item))
    }
    return kept or None


def _extra(value: object) -> object:
    if isinstance(value, list | tuple | dict):
        raise Invalid("a contact field is a text, a number, or true or false")
    check_number(value)
    return value if isinstance(value, bool | int | float) else str(value)


def _scalar(value: object) -> str:
    if isinstance(value, list | dict) or value is None or value is ABSENT:
        raise Invalid("a variable's value is text", "bad-template-value")
    return str(value)


_FINISH_OBJECT: dict[str, Callable[[dict[str, object]], dict[str, object] | None]] = {
    "template": _finish_template,
    "variables": _finish_variables,
    "contact_saving": _finish_contact_saving,
    "extra_fields": _finish_extra_fields,
}


def to_object(name: str, value: object) -> dict[str, object] | None:
    """Return the object that a whole-object template gave for the field ``name``.

    Args:
        name: ``template``, ``variables``, ``contact_saving`` or ``extra_fields``; any other is a component of the
            variables, such as ``Body``.
        value: a mapping, or the JSON text of one.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise Invalid("it must render to a JSON object") from None
    if not isinstance(value, dict):
        raise Invalid("it must render to an object")
    return _FINISH_OBJECT.get(name, _finish_component)(value)
