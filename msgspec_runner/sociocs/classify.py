"""What an answer, or the lack of one, proves about a message. Pure: no network, no clock.

The rules are data: :data:`STATUS_RULES` for an HTTP status, :data:`BODY_RULES` for the body of a 2xx,
:data:`FAILURE_RULES` for everything that goes wrong without an answer. ``docs/outcomes.md`` shows them and is tested
against them. They are those of the contract, section 4, "Outcomes": the status decides first, the body is read only
in a 2xx, and what is not proven stays in doubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import NamedTuple

import orjson

from msgspec_runner.model import Outcome, OutcomeKind

MAX_ID = 200
"""Characters of a message id; the API's sample has eight."""

MAX_ERROR = 500
"""Characters of an API's error text that are kept; the rest says nothing that the first sentence did not."""


MAX_RETRY_AFTER = 86_400.0
"""Seconds: a day, in which the slowest quotas begin anew. What asks for more is taken for a day: it is far longer than
any run waits, so the run stops and says so, and no arithmetic with it has to fear the end of the calendar."""


class Failure(StrEnum):
    """A way to end up without an answer that can be read. The value is the row's name in ``docs/outcomes.md``."""

    NO_CONNECTION = "connection refused, unreachable host or unknown name"
    CONNECT_TIMEOUT = "no connection within the timeout"
    TLS = "TLS handshake failed"
    CERTIFICATE = "certificate not trusted"
    PROXY = "the proxy did not open a tunnel"
    BEFORE_REQUEST = "any other failure before the request left"
    RESET = "connection lost after the request left"
    TIMEOUT = "no answer within the timeout"
    BROKEN_ANSWER = "the answer is not HTTP, or ends in the middle"
    OVERSIZED_ANSWER = "the answer is longer than 64 KiB"


class Body(StrEnum):
    """What the body of a 2xx may be. The value is the row's name in ``docs/outcomes.md``."""

    SUCCESS = "`status: success` with a `message_id`"
    ERROR = "`status: error`"
    NONSENSE = "anything else (not JSON, no `message_id`, both at once)"


class StatusRule(NamedTuple):
    """The statuses ``first`` to ``last`` (both included) prove ``kind``; ``meaning`` is for people."""

    first: int
    last: int
    kind: OutcomeKind
    meaning: str

    @property
    def name(self) -> str:
        """``404`` or ``500-511``."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


class FailureRule(NamedTuple):
    """One line of the table: the failure proves ``kind``; ``meaning`` is what people read and what they can do."""

    kind: OutcomeKind
    meaning: str


STATUS_RULES = (
    StatusRule(
        301,
        303,
        OutcomeKind.STOP,
        "the API redirects, which is never followed (the key would go along): check the base URL",
    ),
    StatusRule(
        307,
        308,
        OutcomeKind.STOP,
        "the API redirects, which is never followed (the key would go along): check the base URL",
    ),
    StatusRule(400, 400, OutcomeKind.REJECTED, "the API refused the body"),
    StatusRule(401, 401, OutcomeKind.STOP, "the API refused the key: check SOCIOCS_API_KEY"),
    StatusRule(402, 402, OutcomeKind.STOP, "the API wants a payment: check the account's balance and plan"),
    StatusRule(403, 403, OutcomeKind.STOP, "the key may not send: check its permissions"),
    StatusRule(404, 404, OutcomeKind.STOP, "there is no such path: check the base URL"),
    StatusRule(405, 405, OutcomeKind.STOP, "the path takes no POST: check the base URL"),
    StatusRule(408, 408, OutcomeKind.IN_DOUBT, "the API gave up waiting for the request"),
    StatusRule(413, 413, OutcomeKind.REJECTED, "the body is too large for the API"),
    StatusRule(422, 422, OutcomeKind.REJECTED, "the API refused the body"),
    StatusRule(429, 429, OutcomeKind.THROTTLED, "the API asks for a lower rate"),
    StatusRule(500, 511, OutcomeKind.IN_DOUBT, "the API is in trouble"),
)
"""Statuses that prove something. 2xx is decided by :data:`BODY_RULES`; every other status is :data:`OTHER_STATUS`."""

OTHER_STATUS = FailureRule(OutcomeKind.IN_DOUBT, "the API does not document this status")

BODY_RULES: Mapping[Body, FailureRule] = {
    Body.SUCCESS: FailureRule(OutcomeKind.ACCEPTED, "accepted"),
    Body.ERROR: FailureRule(OutcomeKind.REJECTED, "the API refused the message"),
    Body.NONSENSE: FailureRule(OutcomeKind.IN_DOUBT, "the answer is not what the API documents"),
}

FAILURE_RULES: Mapping[Failure, FailureRule] = {
    Failure.NO_CONNECTION: FailureRule(OutcomeKind.UNSENT, "no connection to the API"),
    Failure.CONNECT_TIMEOUT: FailureRule(OutcomeKind.UNSENT, "no connection to the API within the timeout"),
    Failure.TLS: FailureRule(OutcomeKind.UNSENT, "no secure connection to the API"),
    Failure.CERTIFICATE: FailureRule(
        OutcomeKind.STOP,
        "the API's certificate is not trusted: check the base URL, or name your CA file in SSL_CERT_FILE",
    ),
    Failure.PROXY: FailureRule(OutcomeKind.UNSENT, "no way through the proxy: check HTTPS_PROXY"),
    Failure.BEFORE_REQUEST: FailureRule(OutcomeKind.UNSENT, "the request could not be started"),
    Failure.RESET: FailureRule(OutcomeKind.IN_DOUBT, "the connection was lost before the answer"),
    Failure.TIMEOUT: FailureRule(OutcomeKind.IN_DOUBT, "no answer within the timeout"),
    Failure.BROKEN_ANSWER: FailureRule(OutcomeKind.IN_DOUBT, "the answer cannot be read"),
    Failure.OVERSIZED_ANSWER: FailureRule(OutcomeKind.IN_DOUBT, "the answer is too long to be the API's"),
}

_BY_STATUS = {status: rule for rule in STATUS_RULES for status in range(rule.first, rule.last + 1)}


def from_status(status: int, *, retry_after: float | None = None, retry_server_errors: bool = False) -> Outcome | None:
    """Return what an HTTP status proves, or None for a 2xx: there the body decides (:func:`from_body`).

    Args:
        status: the answer's HTTP status.
        retry_after: seconds that the answer asks to wait, where it does.
        retry_server_errors: ``server-errors = "retry"`` in the config: take 500-511 at their word, "try again later",
            as a proof that nothing was sent. Off by default: a server that answers 500 may have sent the message.
    """
    if 200 <= status <= 299:
        return None
    rule = _BY_STATUS.get(status)
    kind, meaning = (rule.kind, rule.meaning) if rule else OTHER_STATUS
    if retry_server_errors and 500 <= status <= 511:
        kind = OutcomeKind.UNSENT
    keeps_wait = kind in (OutcomeKind.THROTTLED, OutcomeKind.UNSENT)
    return Outcome(
        kind, http_status=status, error=f"HTTP {status}: {meaning}", retry_after=retry_after if keeps_wait else None
    )


def from_body(status: int, body: bytes, secret: str = "") -> Outcome:
    """Return what the body of a 2xx proves.

    ``{"status":"success","data":{"message_id":"…"}}`` is accepted, ``{"status":"error","errors":[{"msg":"…"}]}`` is
    rejected. An error that comes with a message id contradicts itself, so it is in doubt, like everything else.

    Args:
        status: the answer's HTTP status.
        body: the whole body.
        secret: the API key, cut out of what the API says: an answer may quote it.
    """
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _doubt(status, "it is not JSON")
    if not isinstance(answer, dict):
        return _doubt(status, "it is not a JSON object")
    data = answer.get("data")
    message_id = sound_id(data.get("message_id"), secret) if isinstance(data, dict) else None
    match answer.get("status"):
        case "success" if message_id is not None:
            return Outcome(OutcomeKind.ACCEPTED, http_status=status, message_id=message_id)
        case "success":
            return _doubt(status, "a success without a message_id")
        case "error" if message_id is None:
            rule = BODY_RULES[Body.ERROR]
            return Outcome(rule.kind, http_status=status, error=api_words(answer.get("errors"), secret) or rule.meaning)
        case "error":
            return _doubt(status, "an error with a message_id")
    return _doubt(status, "its status is neither success nor error")


def from_failure(failure: Failure, detail: str = "", *, http_status: int | None = None) -> Outcome:
    """Return what a failure without a readable answer proves.

    Args:
        failure: which failure.
        detail: what the system said, added in brackets.
        http_status: the status, where one had come before the failure.
    """
    kind, meaning = FAILURE_RULES[failure]
    words = one_line(detail)
    return Outcome(kind, http_status=http_status, error=f"{meaning} ({words})" if words else meaning)


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Read a ``Retry-After`` header (RFC 9110, 10.2.3): seconds, or a date.

    Args:
        value: the header; None where the answer has none.
        now: the present, aware; a date is counted from here.

    Returns:
        Seconds to wait, above 0 and at most :data:`MAX_RETRY_AFTER`; None where there is nothing sensible to read, and
        for what is no wait at all: a zero, a negative number, a date that has passed (by our clock, which may be fast).
        The caller's own backoff holds then, so that no answer makes us hurry.
    """
    text = (value or "").strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        seconds = float(text)  # infinite for hundreds of digits
    else:
        try:
            date = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        seconds = (date - now).total_seconds()
    return min(seconds, MAX_RETRY_AFTER) if seconds > 0 else None


def one_line(text: str) -> str:
    """Return text on one line, without control characters, cut at :data:`MAX_ERROR` characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * MAX_ERROR]).split())
    return line if len(line) <= MAX_ERROR else line[: MAX_ERROR - 1] + "…"


def sound_id(value: object, secret: str = "") -> str | None:
    """Return a message's id as text; the API documents a string, a number is read leniently (``True`` is none).

    What no API would give as an id is none: it is stored, shown, and sent back.

    Args:
        value: what stands where an id should.
        secret: the API key: what holds it is no id.
    """
    if isinstance(value, str):
        text = value.strip()
        sound = text.isascii() and text.isprintable() and 0 < len(text) <= MAX_ID
        return text if sound and not (secret and secret in text) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def api_words(errors: object, secret: str = "") -> str:
    """Return the ``msg`` of each error, joined. The shape is documented, but a stranger one must not lose the words.

    Args:
        errors: what stands under ``errors``.
        secret: the API key, cut out.
    """
    items = errors if isinstance(errors, list) else [errors]
    words = []
    for item in items:
        said = item.get("msg", item) if isinstance(item, dict) else item
        if said is not None and said != {}:
            words.append(said if isinstance(said, str) else _as_json(said))
    said_all = "; ".join(words)
    return one_line(said_all.replace(secret, "[the API key]") if secret else said_all)


def _as_json(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # nested deeper than orjson writes
        return "an error that is no text"


def _doubt(status: int, why: str) -> Outcome:
    rule = BODY_RULES[Body.NONSENSE]
    return Outcome(rule.kind, http_status=status, error=f"HTTP {status}: {rule.meaning}: {why}")
