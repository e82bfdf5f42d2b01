"""A pinned plan: what it holds, what it tells of a difference, and what cannot be read from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.dispatch.pinned import (
    _SCRYPT,
    FEWEST_BUCKETS,
    MOST_BUCKETS,
    Difference,
    Pinned,
    PinnedSpec,
    buckets_for,
    check,
    difference,
    drift,
    take,
)
from msgspec_runner.dispatch.plan import Decision
from msgspec_runner.model import Message

SALT = "00" * 16
NAMES = {
    "config": "msgspec-runner.toml",
    "vars": "--var",
    "partials": "a file in partials/",
    "recipients": "--recipients",
}


def message(who: int, text: str = "Hi", *, spec: str = "hello", delivery: str | None = None) -> Message:
    key, digest = (sha256(value.encode()).hexdigest() for value in (f"{spec} {who}", text))
    return Message(key, "", spec, 1, who, f"+1617555{who:04d}", text.encode(), digest, 1, delivery)


def pin(
    messages: Iterable[Message], *, new: Iterable[int] = range(10_000), buckets: int = MOST_BUCKETS, **more: Any
) -> Pinned:
    """Pin messages; ``new`` names those that are to be sent."""
    ordered = sorted(messages, key=lambda item: item.key)
    chosen = set(new)
    specs = dict.fromkeys(item.spec for item in ordered)
    decided = [(item, Decision.NEW if item.row in chosen else Decision.SENT) for item in ordered]
    taken = take(decided, SALT, dict.fromkeys(specs, buckets))
    checks = {"spec": "aaaa", "recipients": "bbbb"}
    planned = Counter(item.spec for item, decision in decided if decision is Decision.NEW)
    pinned = Pinned(
        "0.1.0",
        "2026-11-23T12:00:00+00:00",
        "https://api.example",
        "",
        dict.fromkeys(NAMES, ""),
        SALT,
        taken.digest,
        taken.new,
        tuple(
            PinnedSpec(spec, 1, f"specs/{spec}.yaml", checks, {"new": planned[spec]}, 1, taken.tallies[spec])
            for spec in specs
        ),
    )
    return pinned._replace(**more)


def told(planned: Pinned, now: Pinned) -> list[str]:
    names = {**NAMES, **{f"recipients:{spec.spec}": f"{spec.spec}.csv" for spec in now.specs}}
    return list(drift(planned, now, names))


THREE = [message(1), message(2), message(3)]


def test_the_same_messages_in_any_order_are_the_plan() -> None:
    assert told(pin(THREE), pin(reversed(THREE))) == []


def test_what_was_sent_since_is_no_drift_and_what_was_released_is() -> None:
    assert told(pin(THREE), pin(THREE, new=[2])) == []
    assert told(pin(THREE), pin(THREE, new=[])) == []
    (released,) = told(pin(THREE, new=[1]), pin(THREE, new=[1, 2, 3]))
    assert released.startswith("2 of the messages that the plan leaves out would be sent now: they were released")
    # As many as were planned, but another one.
    assert len(told(pin(THREE, new=[1]), pin(THREE, new=[2]))) == 1


def test_a_plan_that_names_another_spec_is_none_of_these_messages() -> None:
    now = pin(THREE)
    (spec,) = now.specs
    assert told(now._replace(specs=(spec._replace(spec="other"),)), now) != []
    assert told(now._replace(specs=(spec._replace(edition=2),)), now) == ["specs/hello.yaml: edition 2 became 1"]


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ([*THREE, message(4), message(5)], "at least 2 messages added"),
        (THREE[:1], "at least 2 messages removed"),
        ([message(1, "Ho"), *THREE[1:]], "at least 1 message changed"),
        ([message(1, delivery='{"hold":300}'), *THREE[1:]], "at least 1 message changed"),
        ([message(1, "Ho"), message(3), message(4)], "at least 1 message added, 1 removed, 1 changed"),
    ],
)
def test_what_changed_is_counted(now: list[Message], words: str) -> None:
    assert told(pin(THREE), pin(now)) == [f"hello: {words}"]


def test_every_input_that_changed_is_named() -> None:
    planned, other = pin(THREE), pin(THREE[:2])
    spec = other.specs[0]
    now = other._replace(
        runner="0.2.0",
        profile="staging",
        checks={"config": "1111", "vars": "2222", "partials": "3333", "recipients": "4444"},
        specs=(spec._replace(checks={"spec": "cccc", "recipients": "dddd"}),),
    )
    assert told(planned, now) == [
        "msgspec-runner was 0.1.0, and is 0.2.0",
        "the plan was made without a profile",
        "msgspec-runner.toml changed",
        "--var changed",
        "a file in partials/ changed",
        "--recipients changed",
        "specs/hello.yaml changed",
        "hello.csv changed",
        "hello: at least 1 message removed",
    ]
    # What changed nothing that is sent (a comment, the order of rows) is no reason to refuse.
    assert told(planned, now._replace(digest=planned.digest)) == []


def test_an_edition_an_origin_and_specs_that_come_and_go() -> None:
    planned = pin(THREE)
    (spec,) = planned.specs
    raised = planned._replace(digest="", specs=(spec._replace(edition=2),))
    assert told(planned, raised) == ["specs/hello.yaml: edition 1 became 2"]
    assert told(planned, planned._replace(origin="sandbox")) == [
        "the plan is for https://api.example, and this would go to sandbox"
    ]
    renamed = planned._replace(digest="", specs=(spec._replace(spec="hullo"),))
    assert told(planned, renamed) == [
        "specs/hello.yaml: the plan has no spec hullo",
        "specs/hello.yaml: the spec hello is not there any more",
    ]


def test_a_digest_that_somebody_edited() -> None:
    assert told(pin(THREE)._replace(digest="00"), pin(THREE)) == [
        "the messages are not the plan's, although nothing that they are made from was changed"
    ]


def test_who_is_new_is_one_bit_a_message() -> None:
    rows = [message(who) for who in range(1, 20)]
    pinned = pin(rows, new=[3, 17])
    places = [item.row for item in sorted(rows, key=lambda item: item.key)]
    assert len(pinned.new) == 3
    assert {row for place, row in enumerate(places) if pinned.is_new(place)} == {3, 17}
    assert not pinned.is_new(10_000)


PEOPLE = st.dictionaries(st.integers(1, 200), st.sampled_from("abc"), max_size=40)


@given(PEOPLE, PEOPLE, st.sampled_from([FEWEST_BUCKETS, 64, MOST_BUCKETS]))
def test_a_difference_is_never_more_than_there_is(before: dict[int, str], now: dict[int, str], buckets: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(_SCRYPT, "n", 2)  # slow on purpose; nobody guesses here, and the digest is not looked at
        tallies = [
            take(
                [(message(who, text), Decision.NEW) for who, text in people.items()], SALT, {"hello": buckets}
            ).tallies["hello"]
            for people in (before, now)
        ]
    found = difference(*tallies)
    added, removed = now.keys() - before.keys(), before.keys() - now.keys()
    changed = [who for who in now.keys() & before.keys() if now[who] != before[who]]
    assert found.added <= len(added)
    assert found.removed <= len(removed)
    assert found.added - found.removed == len(added) - len(removed)
    assert found.changed <= len(changed) + len(added) + len(removed)
    assert difference(tallies[0], tallies[0]) == Difference(0, 0, 0)


@given(st.integers(0, 10**7))
def test_a_bucket_is_shared(messages: int) -> None:
    buckets = buckets_for(messages)
    assert FEWEST_BUCKETS <= buckets <= MOST_BUCKETS
    assert buckets & (buckets - 1) == 0
    assert buckets <= max(FEWEST_BUCKETS, 2 * messages)


def test_nothing_in_a_plan_is_a_plain_hash_of_somebody() -> None:
    """Whoever tries every number must not find one: no key, digest or body stands in a plan, and salts differ."""
    one = message(1)
    text = repr(pin([one]))
    for secret in (one.key, one.digest, one.to, sha256(one.to.encode()).hexdigest()):
        assert secret[:12] not in text
    decided = [(one, Decision.NEW)]
    assert take(decided, SALT, {}).digest != take(decided, "11" * 16, {}).digest
    assert check(SALT, b"x") != check("11" * 16, b"x")
    assert len(check(SALT, b"x")) == 4
    assert take([(one._replace(row=9, to=""), Decision.NEW)], SALT, {}) == take(decided, SALT, {})
