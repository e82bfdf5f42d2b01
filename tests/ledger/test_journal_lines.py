"""What of a journal is believed: what the runner writes, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.ledger.journal_lines import Noted, read_head, read_noted, written
from msgspec_runner.ledger.values import Settlement
from msgspec_runner.model import State

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=10) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)
FIELDS = st.tuples(
    *(st.sampled_from([own, None]) | JSON for own in (1, "key", "accepted", 200, "id-1", None, 1)),
    st.sampled_from([None, "2031-01-01T00:00:00+00:00"]) | st.datetimes().map(str) | JSON,
    st.sampled_from([None, "2031-01-01T00:00:00+00:00"]) | JSON,
)
LINES = st.binary() | st.one_of(JSON, FIELDS).map(lambda values: json.dumps(values).encode())


@settings(max_examples=500)
@given(LINES)
def test_whatever_a_line_says_it_is_an_outcome_or_refused(content: bytes) -> None:
    noted = read_noted(content)
    read_head(content)
    if noted is None:
        return
    values = json.loads(content)
    write, (key, state, http_status, message_id, error, attempts, at, scheduled_for) = noted.write, noted.settlement
    assert [type(each) for each in (write, key, state)] == [int, str, State]
    assert {type(http_status), type(attempts)} <= {int, type(None)}
    assert {type(message_id), type(error), type(scheduled_for)} <= {str, type(None)}
    assert at is None or at.tzinfo is not None
    assert [write, key, state, http_status, message_id, error, attempts] == values[:7]
    assert scheduled_for == values[8]


SETTLED = st.builds(
    Settlement,
    st.text("0123456789abcdef", min_size=64, max_size=64),
    st.sampled_from([State.ACCEPTED, State.REJECTED, State.RETRY_WAIT, State.PLANNED, State.IN_DOUBT]),
    st.none() | st.integers(100, 599),
    st.none() | st.text(),
    st.none() | st.text(st.characters(exclude_categories=["Nd"])),
    st.none() | st.integers(0, 6),
    st.none() | st.datetimes(timezones=st.just(UTC)),
    st.none() | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
)


@given(SETTLED, st.integers(0, 2**63 - 1))
def test_what_the_runner_writes_is_read_again(settled: Settlement, write: int) -> None:
    noted = Noted(write, settled)
    head, first = written(("ledger", "run \ud800"), [noted]).splitlines()
    assert read_head(head) == ("ledger", "run \ud800")
    assert read_noted(first) == noted
