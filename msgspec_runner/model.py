"""The words of sending: message, state, outcome. Frozen values without behaviour.

A :class:`Message` is what one recipient would get. An :class:`Outcome` is what one attempt to post it
proved. A :class:`State` is what the ledger knows of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from json.encoder import encode_basestring as _quoted
from typing import NamedTuple


class State(StrEnum):
    """What the ledger knows of a message (contract, section 4); ``ledger/states.py`` draws how it moves."""

    PLANNED = "planned"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"
    RETRY_WAIT = "retry_wait"
    SKIPPED = "skipped"
    RELEASED = "released"
    CANCELLED = "cancelled"


class OutcomeKind(StrEnum):
    """What an attempt to post proved; ``docs/outcomes.md`` lists every failure and its kind."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNSENT = "unsent"
    THROTTLED = "throttled"
    STOP = "stop"
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one attempt.

    Attributes:
        kind: ``UNSENT`` and ``THROTTLED`` prove that nothing was sent; ``STOP`` proves it and ends the run;
            ``IN_DOUBT`` proves nothing.
        http_status: the answer's status; None where there was none.
        message_id: the API's id, where it was accepted.
        error: one line for people, never holding the key; None where it was accepted.
        retry_after: seconds that the API asked us to wait, where it did.
    """

    kind: OutcomeKind
    http_status: int | None = None
    message_id: str | None = None
    error: str | None = None
    retry_after: float | None = None


class Message(NamedTuple):
    """What one recipient would get, and the identity under which it is sent at most once.

    A tuple: a plan makes each twice, and a dataclass takes four times as long to make.

    Attributes:
        key: identity digest, see :func:`identity`.
        recipient_key: the rendered ``recipients.key``; what makes two messages to one number different.
        spec: the spec's id.
        edition: the spec's edition.
        row: 1-based number of the recipient, a header not counted; 1 for a spec without recipients.
        to: E.164 with ``+``.
        body: the exact JSON to post, as UTF-8.
        digest: sha256 of the body before delivery rules, hex; tells "changed since sent".
        segments: SMS segments of the text; None where the provider has none.
        delivery: delivery rules that are applied when it is posted, as JSON text; None: none.
    """

    key: str
    recipient_key: str
    spec: str
    edition: int
    row: int
    to: str
    body: bytes
    digest: str
    segments: int | None = None
    delivery: str | None = None


SANDBOX_ORIGIN = "sandbox"
"""The origin of everything sent with ``--sandbox``: it never counts as sent to a real API."""


def identity(origin: str, spec: str, edition: int, to: str, recipient_key: str) -> str:
    """Return the digest that names a message for ever: sha256 over a JSON array, hex.

    Provider, channel and body are no part of it (contract, section 4): a corrected typo does not text
    everybody again.

    Args:
        origin: ``sandbox``, or the API's scheme, host and port.
        spec: the spec's id.
        edition: the spec's edition.
        to: the recipient's number in E.164 with ``+``.
        recipient_key: the rendered ``recipients.key``, empty where there is none.
    """
    return identities(origin, spec, edition)(to, recipient_key)


def identities(origin: str, spec: str, edition: int) -> Callable[[str, str], str]:
    """Return :func:`identity` for the recipients of one spec, who share all but the last two items of the array."""
    head = f"[{_quoted(origin)},{_quoted(spec)},{edition},"

    def identify(to: str, recipient_key: str) -> str:
        parts = f"{head}{_quoted(to)},{_quoted(recipient_key)}]"
        return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()

    return identify
