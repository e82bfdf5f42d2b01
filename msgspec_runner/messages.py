"""A rendered row as a message: what is posted, and the identity under which it is sent at most once.

Apart from :mod:`~msgspec_runner.rendering`, because who lints needs no digests.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from orjson import OPT_SORT_KEYS, dumps

from msgspec_runner.model import Message, identities
from msgspec_runner.rendering import Rendered
from msgspec_runner.spec import Spec


def to_message(
    spec: Spec, rendered: Rendered, row: int, origin: str, *, segments: int | None, delivery: str | None = None
) -> Message:
    """Return a sound rendered row as a message with its identity.

    Args:
        spec: where it comes from.
        rendered: a row without problems.
        row: 1-based number of the recipient.
        origin: see :func:`msgspec_runner.model.identity`.
        segments: SMS segments of the text; None where the provider has none.
        delivery: the rules that hold when it is posted; None where there are none.
    """
    return message_maker(spec, origin)(rendered, row, segments, delivery)


def message_maker(spec: Spec, origin: str) -> Callable[[Rendered, int, int | None, str | None], Message]:
    """Return :func:`to_message` for the rows of one spec: what they share is done once, and plans make millions.

    The function that it returns takes ``rendered``, ``row``, ``segments`` and ``delivery``.
    """
    name, edition = spec.id, spec.edition
    identify = identities(origin, name, edition)

    def make(rendered: Rendered, row: int, segments: int | None, delivery: str | None) -> Message:
        body, to, recipient_key, _, _ = rendered
        digest = sha256(dumps(body, option=OPT_SORT_KEYS)).hexdigest()
        key = identify(to, recipient_key)
        return Message(key, recipient_key, name, edition, row, to, dumps(body), digest, segments, delivery)

    return make
