from __future__ import annotations

from pathlib import Path

from msgspec_runner.chaos.accounts import believed, expected, hidden
from msgspec_runner.chaos.verdict import fingerprint


def test_what_render_wrote_says_who_should_get_what() -> None:
    rendered = b'{"key":"k1","row":1,"body":{"to":"+1","text":"Hi"}}\n{"key":"k2","body":{"to":"+2"}}\n'
    assert expected(rendered) == {
        "k1": fingerprint(b'{"text":"Hi","to":"+1"}'),
        "k2": fingerprint(b'{"to":"+2"}'),
    }
    assert expected(b"") == {}


def test_faults_that_are_answered_hide_nothing() -> None:
    assert hidden({"429": 7, "slow": 3, "reset-after": 2, "hang": 1}) == 3
    assert hidden({}) == 0


def test_where_there_is_no_ledger_nothing_is_believed(tmp_path: Path) -> None:
    assert believed(str(tmp_path / "none.db"), tmp_path, ["k1"]) == {}
