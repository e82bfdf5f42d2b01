"""What an experiment counts at its end: who should get something, and what the ledger believes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path

import orjson

from msgspec_runner.chaos.verdict import Believed, fingerprint
from msgspec_runner.ledger import ledger_exists, open_ledger

_ANSWERED = frozenset({"429", "slow"})
"""Faults that leave nobody in doubt."""


def expected(rendered: bytes) -> dict[str, bytes]:
    """Return the fingerprints of the bodies that should be sent, by identity.

    Args:
        rendered: what ``render`` wrote.
    """
    lines = [json.loads(line) for line in rendered.splitlines()]
    return {str(line["key"]): fingerprint(orjson.dumps(line["body"])) for line in lines}


def believed(ledger: str, root: Path, keys: Collection[str]) -> dict[str, Believed]:
    """Return what the ledger says of each identity; a row that was left out never hides a message.

    Args:
        ledger: its place; where there is none, nothing is believed.
        root: the project's root.
        keys: the identities.
    """
    if not ledger_exists(ledger, root):
        return {}
    with closing(open_ledger(ledger, root, loopback_or_sandbox=True, create=False)) as book:
        records = list(book.messages())
    known = {record.key: Believed(record.state, record.message_id) for record in reversed(records) if record.key}
    return {key: each for key, each in known.items() if key in keys}


def unfinished(ledger: str, root: Path) -> int:
    """Return how many messages of the ledger are still to be sent, or under way."""
    with closing(open_ledger(ledger, root, loopback_or_sandbox=True, create=False)) as book:
        totals = book.totals()
    return totals.planned + totals.sending + totals.retry_wait


def hidden(faults: Mapping[str, int]) -> int:
    """Return how many outcomes the server has hidden by its faults.

    Args:
        faults: how often each kind struck.
    """
    return Counter({kind: number for kind, number in faults.items() if kind not in _ANSWERED}).total()
