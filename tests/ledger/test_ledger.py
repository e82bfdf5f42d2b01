"""The values: the message object, run ids, times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from msgspec_runner.ledger.ledger import Record, Totals, new_run_id, timestamp
from msgspec_runner.model import State


def test_totals_have_one_field_for_each_state() -> None:
    assert set(Totals().as_dict()) == {state.value for state in State}
    assert Totals(accepted=2, skipped=1).total == 3


def test_the_message_object_has_the_contracts_keys_in_their_order() -> None:
    record = Record("k", "", "r", "s", 1, 1, "+1", State.PLANNED, None, None, None, 0, None, "t", "t")
    assert list(record.as_dict()) == [
        *("key", "recipient_key", "run", "spec", "edition", "row", "to", "state", "message_id", "http_status"),
        *("error", "attempts", "segments", "created_at", "updated_at"),
    ]


def test_run_ids_sort_by_time_and_differ_within_a_second() -> None:
    noon = datetime(2026, 11, 23, 11, 45, 1, tzinfo=UTC)
    east = noon.astimezone(timezone(timedelta(hours=5)))
    ids = {new_run_id(noon) for _ in range(50)}
    assert len(ids) > 40
    assert all(run_id.startswith("20261123-114501-") and len(run_id) == 20 for run_id in [*ids, new_run_id(east)])
    assert max(ids) < new_run_id(noon + timedelta(seconds=1))


def test_times_are_utc_with_milliseconds() -> None:
    moment = datetime(2026, 11, 23, 6, 45, 1, 250999, tzinfo=timezone(timedelta(hours=-5)))
    assert timestamp(moment) == "2026-11-23T11:45:01.250Z"
