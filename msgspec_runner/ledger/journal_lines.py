"""The lines of a journal (:mod:`.journal`): as they are written, and what of them is believed when they are read.

A journal lies on the disk of a machine, where power cuts, full disks and editors leave traces. A line is an outcome if
each of its fields is what the runner writes there and the ledger can hold; any other is refused, and obeyed in no part.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NoReturn, TypeGuard

from msgspec_runner.ledger.ledger import timestamp
from msgspec_runner.ledger.states import sources
from msgspec_runner.ledger.values import Settlement
from msgspec_runner.model import State

_NUMBER = re.compile(r"\+?\d[\d ().-]{4,}\d")

_LONGEST: Final = 200
"""Characters of a key or a time: ours are shorter, and an index of the ledger takes no very long ones."""

_SMALL, _LARGE = range(2**31), range(2**63)
"""What the ledger's columns hold of numbers."""

_OUTCOMES = frozenset(state for state in State if sources(state))


@dataclass(frozen=True, slots=True)
class Noted:
    """An outcome in a journal.

    Attributes:
        write: the last one of the run that is known to have got through: a later claim is not what this came of.
        settlement: the outcome.
    """

    write: int
    settlement: Settlement


def written(head: tuple[str, str] | None, noted: Iterable[Noted]) -> bytes:
    """Return the lines of outcomes, without people's numbers; ``head`` (ledger, run) where they begin a file."""
    rows: list[object] = [_row(each) for each in noted]
    if head is not None:
        rows.insert(0, head)
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def read_head(line: bytes) -> tuple[str, str] | None:
    """Return the ledger and the run of a journal's first line; None: it is none."""
    match _values(line):
        case [str(ledger_id), str(run_id)]:
            return ledger_id, run_id
    return None


def read_noted(line: bytes) -> Noted | None:
    """Return the outcome of a line; None: it is none, or not one that the runner writes."""
    match _values(line):
        case [int(write), str(key), str(state), http_status, message_id, error, attempts, at, scheduled_for] if (
            _is_number(write, _LARGE)
            and _is_plain(key)
            and state in _OUTCOMES
            and (http_status is None or _is_number(http_status, _SMALL))
            and isinstance(message_id, str | None)
            and isinstance(error, str | None)
            and (attempts is None or _is_number(attempts, _SMALL))
        ):
            try:
                moment, _ = _moment(at), _moment(scheduled_for)
            except (ValueError, OverflowError):
                return None
            settled = Settlement(key, State(state), http_status, message_id, error, attempts, moment, scheduled_for)
            return Noted(write, settled)
    return None


def _row(noted: Noted) -> list[object]:
    key, state, http_status, message_id, error, attempts, at, scheduled_for = noted.settlement
    said = None if error is None else _NUMBER.sub("•••", error)
    return [noted.write, key, state, http_status, message_id, said, attempts, at and at.isoformat(), scheduled_for]


def _values(line: bytes) -> Any:
    """Return what a line says as JSON; None: nothing."""
    try:
        return json.loads(line.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)  # Infinity and NaN are no JSON


def _is_number(value: object, allowed: range) -> bool:
    return type(value) is int and value in allowed  # True is an int, too


def _is_plain(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isascii() and value.isprintable()


def _moment(value: object) -> datetime | None:
    """Return an aware time that the ledger can write in UTC, where the first and the last day of all may not be.

    Raises:
        ValueError, OverflowError: it is none.
    """
    if value is None:
        return None
    moment = datetime.fromisoformat(value) if _is_plain(value) else None
    if moment is None or moment.tzinfo is None:
        raise ValueError(value)
    timestamp(moment)
    return moment
