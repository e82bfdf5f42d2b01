"""A plan that was reviewed, so that exactly that is sent or nothing. Pure.

A pinned plan is an artifact of a CI: it says which messages were planned without holding any of them. Hashes of phone
numbers are no secret, as there are only so many numbers and each can be tried. So it holds:

* one digest over all messages, made slow on purpose (scrypt): only who has the whole list can confirm it;
* one bit a message, in the order of the keys: whether it is to be sent;
* checks of the inputs, of 16 bits each: enough to name what has changed, too few to guess a content from;
* two tallies a spec: in how many messages each of a few buckets falls, by identity and by content. Strangers share
  each bucket, so nobody can be looked up, and yet a difference of two tallies tells how many came, went and changed.

The salt is each plan's own: two plans say nothing about each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec_runner.dispatch.plan import Decision
from msgspec_runner.model import Message

SALT_BYTES = 16

CHECK_DIGITS = 4
"""Hex digits of a check. One change in 65,536 is not named by it; the digest sees that one too."""

FEWEST_BUCKETS, MOST_BUCKETS = 16, 4096
"""Of a tally, always a power of two: at most twice as many as messages, so that a bucket names nobody."""

_SCRYPT = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 * 1024 * 1024, "dklen": 32}
"""RFC 7914: 32 MiB and about 0.1 s for each guess."""


class Tallies(NamedTuple):
    """The messages of one spec, counted by bucket.

    Attributes:
        keys: by identity.
        bodies: by identity, content and delivery rules.
    """

    keys: tuple[int, ...]
    bodies: tuple[int, ...]


class PinnedSpec(NamedTuple):
    """What a plan says of one spec.

    Attributes:
        spec: its id.
        edition: its edition.
        file: where it stands, relative to the project's root, with ``/``.
        checks: of what it was made from, by name: ``spec``, ``recipients``; empty for what there was none of.
        decisions: rows by decision, for who reads the plan.
        segments: SMS segments of what is new; None where the provider has none.
        tallies: of its messages.
    """

    spec: str
    edition: int
    file: str
    checks: Mapping[str, str]
    decisions: Mapping[str, int]
    segments: int | None
    tallies: Tallies


class Pinned(NamedTuple):
    """A plan as it was reviewed.

    Attributes:
        runner: the version that made it.
        made_at: ISO 8601, UTC.
        origin: see :func:`msgspec_runner.model.identity`.
        profile: empty for none.
        checks: of what all specs share, by name: ``config``, ``vars``, ``partials``, ``recipients``.
        salt: hex.
        digest: of all messages, hex.
        new: one bit a message in the order of the keys, the first message in the lowest bit of the first byte.
        specs: in the order of the plan.
    """

    runner: str
    made_at: str
    origin: str
    profile: str
    checks: Mapping[str, str]
    salt: str
    digest: str
    new: bytes
    specs: tuple[PinnedSpec, ...]

    def is_new(self, place: int) -> bool:
        """Say whether the message at a place, in the order of the keys, is to be sent."""
        byte, bit = divmod(place, 8)
        return byte < len(self.new) and bool(self.new[byte] >> bit & 1)


class Taken(NamedTuple):
    """The messages of a plan, ready to be pinned or compared.

    Attributes:
        digest: see :class:`Pinned`.
        new: see there.
        tallies: by the spec's id.
    """

    digest: str
    new: bytes
    tallies: Mapping[str, Tallies]


def check(salt: str, content: bytes) -> str:
    """Return the check of an input: see :class:`Pinned`."""
    return hashlib.sha256(salt.encode() + content).hexdigest()[:CHECK_DIGITS]


def buckets_for(messages: int) -> int:
    """Return how many buckets a tally of so many messages has."""
    return min(MOST_BUCKETS, max(FEWEST_BUCKETS, 1 << messages.bit_length()))


def take(decided: Iterable[tuple[Message, Decision]], salt: str, buckets: Mapping[str, int]) -> Taken:
    """Walk over the messages of a plan once.

    Args:
        decided: every message with what is to be done with it, in the order of the keys.
        salt: the plan's, hex.
        buckets: of each spec's tallies, by the spec's id; what is not named has the fewest.
    """
    whole, secret = hashlib.sha256(), bytes.fromhex(salt)
    new = bytearray()
    counted: dict[str, tuple[list[int], list[int]]] = {spec: ([0] * n, [0] * n) for spec, n in buckets.items()}
    for place, (message, decision) in enumerate(decided):
        key = bytes.fromhex(message.key)
        content = b"".join((key, bytes.fromhex(message.digest), (message.delivery or "").encode()))
        whole.update(len(content).to_bytes(4, "big") + content)
        if not place % 8:
            new.append(0)
        if decision is Decision.NEW:
            new[-1] |= 1 << place % 8
        if message.spec not in counted:
            counted[message.spec] = ([0] * FEWEST_BUCKETS, [0] * FEWEST_BUCKETS)
        keys, bodies = counted[message.spec]
        keys[_bucket(secret, key, len(keys))] += 1
        bodies[_bucket(secret, content, len(bodies))] += 1
    digest = hashlib.scrypt(whole.digest(), salt=secret, **_SCRYPT).hex()
    tallies = {spec: Tallies(tuple(keys), tuple(bodies)) for spec, (keys, bodies) in counted.items()}
    return Taken(digest, bytes(new), tallies)


def _bucket(secret: bytes, content: bytes, buckets: int) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8, key=secret).digest(), "big") % buckets


class Difference(NamedTuple):
    """How the messages of a spec differ from the plan's; each at least that many, as some may share a bucket.

    Attributes:
        added: identities that the plan has not.
        removed: identities that only the plan has.
        changed: messages with another content or other delivery rules.
    """

    added: int
    removed: int
    changed: int

    def __str__(self) -> str:
        parts = ((self.added, "added"), (self.removed, "removed"), (self.changed, "changed"))
        found = [(number, what) for number, what in parts if number]
        if not found:
            return ""
        (first, what), *others = found
        noun = "message" if first == 1 else "messages"
        return ", ".join([f"at least {first:,} {noun} {what}", *(f"{number:,} {what}" for number, what in others)])


def difference(planned: Tallies, now: Tallies) -> Difference:
    """Compare the tallies of one spec, which have the same number of buckets."""
    added, removed = _moved(planned.keys, now.keys)
    written, gone = _moved(planned.bodies, now.bodies)
    return Difference(added, removed, max(0, written - added, gone - removed))


def _moved(before: Iterable[int], after: Iterable[int]) -> tuple[int, int]:
    pairs = list(zip(before, after, strict=True))
    return sum(max(0, new - old) for old, new in pairs), sum(max(0, old - new) for old, new in pairs)


def drift(pinned: Pinned, now: Pinned, names: Mapping[str, str]) -> Iterator[str]:
    """Yield what keeps a plan from being sent as it was reviewed; nothing where it can be.

    What was sent since, and what a guard rail keeps from being sent by now, is no drift: less is sent than was
    reviewed, and nothing else. What the plan leaves out and would be sent now is.

    Args:
        pinned: the plan.
        now: what would be pinned now, with the plan's salt and its numbers of buckets.
        names: what a check stands for, in the words of who reads it: ``config``, …, and for the recipients of a spec
            ``recipients:ID``.
    """
    if pinned.origin != now.origin:
        yield f"the plan is for {pinned.origin}, and this would go to {now.origin}"
        return
    if pinned.digest == now.digest and _editions(pinned) == _editions(now):
        more = _not_planned(pinned, now.new)
        if more:
            yield (
                f"{more:,} of the messages that the plan leaves out would be sent now: "
                "they were released, or the run that had them is over"
            )
        return
    named = [*_named(pinned, now, names)]
    # Only who edits the file gets here: whatever goes into a message is checked.
    yield from named or ["the messages are not the plan's, although nothing that they are made from was changed"]


def _editions(pinned: Pinned) -> set[tuple[str, int]]:
    return {(spec.spec, spec.edition) for spec in pinned.specs}


def _not_planned(pinned: Pinned, new: bytes) -> int:
    planned = pinned.new.ljust(len(new), b"\0")
    return sum((now & ~then).bit_count() for now, then in zip(new, planned, strict=False))


def _named(pinned: Pinned, now: Pinned, names: Mapping[str, str]) -> Iterator[str]:
    if pinned.runner != now.runner:
        yield f"msgspec-runner was {pinned.runner}, and is {now.runner}"
    if pinned.profile != now.profile:
        yield f"the plan was made {f'with --profile {pinned.profile}' if pinned.profile else 'without a profile'}"
    yield from (f"{names[name]} changed" for name in now.checks if now.checks[name] != pinned.checks.get(name))
    planned = {spec.spec: spec for spec in pinned.specs}
    for spec in now.specs:
        before = planned.pop(spec.spec, None)
        if before is None:
            yield f"{spec.file}: the plan has no spec {spec.spec}"
            continue
        if spec.edition != before.edition:
            yield f"{spec.file}: edition {before.edition} became {spec.edition}"
        elif spec.checks["spec"] != before.checks.get("spec"):
            yield f"{spec.file} changed"
        if spec.checks["recipients"] != before.checks.get("recipients"):
            yield f"{names[f'recipients:{spec.spec}']} changed"
        words = str(difference(before.tallies, spec.tallies))
        if words:
            yield f"{spec.spec}: {words}"
    yield from (f"{spec.file}: the spec {spec.spec} is not there any more" for spec in planned.values())
