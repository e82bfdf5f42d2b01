"""From a spec on the disk to a plan, with a real ledger in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from msgspec_runner.dispatch.plan import Decision
from msgspec_runner.dispatch.planner import (
    Plan,
    Rails,
    Target,
    audience_fingerprints,
    build_plan,
    decisions_by_key,
    left_out,
    new_messages,
    skips,
    unrecorded,
)
from msgspec_runner.errors import RecipientsError, UnsendableError, UsageError
from msgspec_runner.ledger import temporary_ledger
from msgspec_runner.ledger.ledger import Ledger, Run, RunStatus, Settlement, Skip
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.model import State, identity
from msgspec_runner.rendering import Renderer
from msgspec_runner.source.document import read_document
from msgspec_runner.source.partials import Partials
from msgspec_runner.spec import build_spec
from msgspec_runner.timing import Reason

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ORIGIN = "https://api.example"
RAILS = Rails(NOW)

SPEC = """
spec: {name}
message: {{provider: {provider}, channel_key: ch, to: "{{{{ phone }}}}", text: "{{{{ text }}}}"}}
recipients: {{file: {name}.csv{more}}}
{delivery}
"""


class Desk:
    """Specs on the disk, and a spool and a ledger to plan them with."""

    def __init__(self, root: Path, spool: PlanSpool, ledger: Ledger) -> None:
        self.root = root
        self.spool = spool
        self.ledger = ledger
        self.targets: list[Target] = []

    def spec(
        self, *rows: tuple[str, str], name: str = "hello", provider: str = "twlo", more: str = "", delivery: str = ""
    ) -> Desk:
        """Write a spec whose recipients are pairs of number and text, and take it for a target."""
        lines = "".join(f'{to},"{text}"\n' for to, text in rows)
        (self.root / f"{name}.csv").write_text("phone,text\n" + lines, encoding="utf-8")
        path = self.root / f"{name}.yaml"
        source = SPEC.format(name=name, provider=provider, more=more, delivery=delivery)
        spec = build_spec(read_document(str(path), source.encode()))
        renderer = Renderer(spec, {}, locale=None, timezone=None, partials=Partials(self.root))
        self.targets.append(Target(spec, renderer))
        return self

    def plan(self, rails: Rails | None = None, *, ledger: bool = True, recipients: Path | None = None) -> Plan:
        return build_plan(
            self.targets,
            self.spool,
            self.ledger if ledger else None,
            origin=ORIGIN,
            root=self.root,
            recipients=recipients,
            rails=rails or RAILS,
        )


MakeDesk = Callable[[], Desk]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[MakeDesk]:
    """Make desks that share one ledger: each is one invocation."""
    spools: list[PlanSpool] = []
    with temporary_ledger() as ledger:

        def make() -> Desk:
            spools.append(PlanSpool(tmp_path))
            return Desk(tmp_path, spools[-1], ledger)

        yield make
        for spool in spools:
            spool.close()


def number(row: int) -> str:
    return f"+1617555{row:04d}"


def settle(ledger: Ledger, spool: PlanSpool, states: list[State]) -> None:
    """Send the plan in a run of its own, with an outcome for each message."""
    ledger.begin(Run("run-1", ORIGIN))
    messages = list(new_messages(spool, ledger, RAILS))
    ledger.plan("run-1", messages)
    keys = [message.key for message in messages]
    ledger.claim("run-1", keys)
    ledger.commit("run-1", (), [Settlement(key, state) for key, state in zip(keys, states, strict=True)])
    ledger.end("run-1", RunStatus.FINISHED)


def test_without_a_ledger_all_is_new(desk: MakeDesk) -> None:
    plan = desk().spec((number(1), "Hi"), (number(2), "x" * 161)).plan(ledger=False)
    assert plan.count(Decision.NEW) == 2
    assert plan.segments == 3
    first = next(iter(plan.spool))
    assert first.key == identity(ORIGIN, "hello", 1, number(1), "")
    assert (first.row, first.to, first.segments) == (1, number(1), 1)
    assert first.body == b'{"provider":"twlo","channel_key":"ch","to":"+16175550001","text":"Hi"}'


def test_the_ledger_decides_and_a_second_look_agrees(desk: MakeDesk) -> None:
    rows = [(number(row), "Hi") for row in range(1, 5)]
    first = desk().spec(*rows)
    first.plan()
    settle(first.ledger, first.spool, [State.ACCEPTED, State.ACCEPTED, State.REJECTED, State.IN_DOUBT])

    second = desk().spec(rows[0], (number(2), "Hello"), (number(3), "Hello"), rows[3], (number(5), "Hi"))
    plan = second.plan()
    assert plan.specs[0].decisions == {
        Decision.SENT: 1,
        Decision.CHANGED: 1,
        Decision.IN_DOUBT: 1,
        Decision.NEW: 2,
    }
    assert [message.to for message in new_messages(second.spool, second.ledger, RAILS)] == [number(3), number(5)]
    assert [message.to for message in new_messages(second.spool, second.ledger, RAILS, limit=1)] == [number(3)]


def test_what_another_run_took_in_the_meantime_is_not_new_any_more(desk: MakeDesk) -> None:
    mine, other = (desk().spec((number(1), "Hi"), (number(2), "Hi")) for _ in range(2))
    assert mine.plan().count(Decision.NEW) == other.plan().count(Decision.NEW) == 2
    settle(other.ledger, other.spool, [State.ACCEPTED, State.IN_DOUBT])
    assert list(new_messages(mine.spool, mine.ledger, RAILS)) == []


def test_the_same_to_the_same_number_is_skipped(desk: MakeDesk) -> None:
    here = desk().spec((number(1), "Hi"), (number(2), "Hi"), (number(1), "Hi"))
    plan = here.plan()
    assert (plan.count(Decision.NEW), plan.count(Decision.DUPLICATE)) == (2, 1)
    (skip,) = skips(here.spool, here.ledger, RAILS)
    assert (skip.row, skip.reason, skip.to) == (3, "duplicate", number(1))
    assert skip.key == identity(ORIGIN, "hello", 1, number(1), "")


def test_something_else_to_the_same_number_needs_a_key(desk: MakeDesk) -> None:
    rows = [(number(1), "Hi"), (number(1), "Hello"), (number(1), "Bye")]
    with pytest.raises(UnsendableError, match=r"MSG504 .* rows 1 and 2 .*and 1 more.*recipients\.key"):
        desk().spec(*rows).plan()
    plan = desk().spec(*rows, more=', key: "{{ text }}"').plan()
    assert plan.count(Decision.NEW) == 3


def test_two_specs_may_text_one_number(desk: MakeDesk) -> None:
    plan = desk().spec((number(1), "Hi"), name="one").spec((number(1), "Bye"), name="two").plan()
    assert [spec.decisions[Decision.NEW] for spec in plan.specs] == [1, 1]


def test_whatsapp_has_no_segments(desk: MakeDesk) -> None:
    both = desk().spec((number(1), "Hi"), name="one").spec((number(1), "Hi"), name="two", provider="gswa").plan()
    assert [spec.segments for spec in both.specs] == [1, None]
    assert both.segments == 1
    assert desk().spec((number(1), "Hi"), provider="gswa").plan().segments is None


def test_more_recipients_than_allowed_are_refused(desk: MakeDesk) -> None:
    rows = [(number(row), "Hi") for row in range(3)]
    assert desk().spec(*rows, delivery="delivery: {max_recipients: 3}").plan().count(Decision.NEW) == 3
    with pytest.raises(UsageError, match=r"more than 2 recipients.*Nothing was sent"):
        desk().spec(*rows, delivery="delivery: {max_recipients: 2}").plan()


def test_who_is_refused_for_too_many_recipients_is_refused_whatever_the_limit(desk: MakeDesk, tmp_path: Path) -> None:
    others = tmp_path / "others.csv"
    others.write_text("phone,text\n" + "".join(f"{number(row)},Hi\n" for row in range(3)), encoding="utf-8")
    here = desk().spec((number(1), "Hi"), delivery="delivery: {max_recipients: 2}")
    assert here.plan().count(Decision.NEW) == 1
    with pytest.raises(UsageError, match="more than 2 recipients"):
        here.plan(recipients=others)


def reasons(here: Desk, rails: Rails) -> list[tuple[str, int, str]]:
    return [(skip.spec, skip.row, skip.reason) for skip in left_out(here.spool, here.ledger, rails)]


def test_an_expired_spec_sends_nothing_and_says_so(desk: MakeDesk) -> None:
    here = desk().spec((number(1), "Hi"), name="fresh")
    here.spec(
        (number(1), "Hi"), (number(2), "Hi"), name="old", delivery='delivery: {expires: "2026-11-23T13:00+01:00"}'
    )
    assert here.plan().specs[1].decisions == {Decision.EXPIRED: 2}
    assert reasons(here, Rails(NOW)) == [("old", 1, "expired"), ("old", 2, "expired")]
    assert [message.spec for message in new_messages(here.spool, here.ledger, Rails(NOW))] == ["fresh"]

    early = desk()
    early.targets = here.targets
    assert early.plan(Rails(NOW - timedelta(seconds=1))).count(Decision.NEW) == 3


def test_what_was_sent_before_it_expired_stays_sent(desk: MakeDesk) -> None:
    def spec() -> Desk:
        return desk().spec((number(1), "Hi"), (number(2), "Hi"), delivery='delivery: {expires: "2026-11-23T13:00Z"}')

    first = spec()
    first.plan()
    settle(first.ledger, first.spool, [State.ACCEPTED, State.REJECTED])
    later = spec()
    rails = Rails(NOW + timedelta(days=1))
    assert later.plan(rails).specs[0].decisions == {Decision.SENT: 1, Decision.REJECTED: 1}
    assert reasons(later, rails) == []


WINDOW = "window: {from: '%s', to: '%s', timezone: UTC}"


@pytest.mark.parametrize(
    ("rails", "expected"),
    [
        (WINDOW % ("09:00", "13:00"), {Decision.NEW: 1}),
        (WINDOW % ("13:00", "14:00") + ", expires: '2026-11-23T13:00:01Z'", {Decision.NEW: 1}),
        (WINDOW % ("13:00", "14:00") + ", expires: '2026-11-23T13:00:00Z'", {Decision.EXPIRED: 1}),
        ("hold: 1h, expires: '2026-11-23T13:00:01Z'", {Decision.NEW: 1}),
        ("hold: 1h, expires: '2026-11-23T13:00:00Z'", {Decision.EXPIRED: 1}),
    ],
)
def test_what_would_arrive_too_late_is_expired(desk: MakeDesk, rails: str, expected: dict[Decision, int]) -> None:
    assert desk().spec((number(1), "Hi"), delivery=f"delivery: {{{rails}}}").plan().specs[0].decisions == expected


def test_a_plan_forecasts_what_will_wait(desk: MakeDesk) -> None:
    here = desk().spec((number(1), "Hi"), (number(2), "Hi"), name="now")
    here.spec((number(1), "Hi"), name="open", delivery=f"delivery: {{{WINDOW % ('09:00', '13:00')}}}")
    here.spec(
        (number(1), "Hi"), (number(2), "Hi"), name="closed", delivery=f"delivery: {{{WINDOW % ('13:00', '14:00')}}}"
    )
    here.spec((number(1), "Hi"), name="held", delivery="delivery: {hold: 5m}")
    plan = here.plan()
    assert plan.scheduled == {Reason.SCHEDULE: 0, Reason.HOLD: 1, Reason.WINDOW: 2}
    assert [dict(spec.scheduled) for spec in plan.specs] == [{}, {}, {Reason.WINDOW: 2}, {Reason.HOLD: 1}]
    assert (plan.specs[2].opens, plan.specs[3].hold) == ("13:00", "5m")
    assert plan.specs[2].as_dict()["scheduled"] == {"schedule": 0, "hold": 0, "window": 2}


def test_the_rules_travel_with_the_message_and_are_no_part_of_what_was_sent(desk: MakeDesk) -> None:
    plain = desk().spec((number(1), "Hi"))
    plain.plan()
    ruled = desk().spec((number(1), "Hi"), delivery=f"delivery: {{{WINDOW % ('22:00', '06:00')}, hold: 5m}}")
    ruled.plan()
    (before,), (after,) = plain.spool, ruled.spool
    assert after.delivery == '{"window":["22:00","06:00","UTC"],"hold":300}'
    assert before.delivery is None
    assert (after.body, after.digest, after.key) == (before.body, before.digest, before.key)


def test_each_recipient_has_the_hours_of_its_own_zone(desk: MakeDesk) -> None:
    here = desk().spec(
        (number(1), "America/New_York"),
        (number(2), " Asia/Kathmandu "),
        delivery="delivery: {window: {from: '09:00', to: '19:00', timezone: '{{ text }}'}}",
    )
    assert here.plan().scheduled[Reason.WINDOW] == 1, "at noon UTC it is 07:00 in New York and 17:45 in Kathmandu"
    assert [message.delivery for message in here.spool] == [
        '{"window":["09:00","19:00","America/New_York"]}',
        '{"window":["09:00","19:00","Asia/Kathmandu"]}',
    ]


@pytest.mark.parametrize("zone", ["Mars", "", "../etc/passwd", "America"])
def test_a_zone_that_is_none_makes_its_row_unsendable(desk: MakeDesk, zone: str) -> None:
    here = desk().spec(
        (number(1), "UTC"),
        (number(2), zone),
        delivery="delivery: {window: {from: '09:00', to: '19:00', timezone: '{{ text }}'}}",
    )
    with pytest.raises(UnsendableError, match="row 2 cannot be sent"):
        here.plan()


def test_suppressed_numbers_are_left_out_and_recorded(desk: MakeDesk) -> None:
    rows = [(number(1), "Hi"), (number(2), "Hi"), (number(3), "Hi"), (number(2), "Hi")]
    here = desk().spec(*rows)
    rails = Rails(NOW, frozenset({number(2), number(9)}))
    assert here.plan(rails).specs[0].decisions == {Decision.NEW: 2, Decision.SUPPRESSED: 1, Decision.DUPLICATE: 1}
    assert [message.to for message in new_messages(here.spool, here.ledger, rails)] == [number(1), number(3)]
    assert reasons(here, rails) == [("hello", 2, "suppressed")]


def test_what_the_ledger_has_of_whom_it_leaves_out_is_not_recorded_again(desk: MakeDesk) -> None:
    here = desk().spec((number(1), "Hi"), (number(2), "Hi"), (number(1), "Hi"))
    here.plan()
    rails = Rails(NOW, frozenset({number(2)}))

    def new(origin: str = ORIGIN) -> list[tuple[int, str]]:
        rows = unrecorded(skips(here.spool, here.ledger, rails), here.spool, here.ledger, origin)
        return [(skip.row, skip.reason) for skip in rows]

    assert new() == [(3, "duplicate"), (2, "suppressed")]
    here.ledger.begin(Run("first", ORIGIN))
    here.ledger.skip("first", unrecorded(skips(here.spool, here.ledger, rails), here.spool, here.ledger, ORIGIN))
    here.ledger.end("first", RunStatus.FINISHED)
    assert new() == []
    assert new("https://another.example") == [(3, "duplicate"), (2, "suppressed")]
    here.ledger.erase(number=number(2))
    assert new() == []
    rails = Rails(NOW, frozenset({number(1)}))
    assert new() == [(1, "suppressed")]

    # Another person in a row whose person was erased, left out for the same reason.
    here = desk().spec((number(1), "Hi"), (number(4), "Hi"), (number(1), "Hi"))
    here.plan()
    rails = Rails(NOW, frozenset({number(4)}))
    assert new() == [(2, "suppressed")]


def test_rows_that_are_left_out_are_looked_up_a_few_hundred_at_a_time(desk: MakeDesk) -> None:
    here = desk()
    rows = [Skip("hello", 1, row, "invalid", "", "", f"key {row}") for row in range(1, 1203)]

    def new() -> list[int]:
        return [skip.row for skip in unrecorded(iter(rows), here.spool, here.ledger, ORIGIN)]

    assert new() == list(range(1, 1203))
    here.ledger.begin(Run("first", ORIGIN))
    here.ledger.skip("first", [row for row in rows if row.row not in (1, 500, 501, 1202)])
    assert new() == [1, 500, 501, 1202]
    assert list(unrecorded([], here.spool, here.ledger, ORIGIN)) == []


def test_who_was_texted_before_the_wish_is_shown_as_sent(desk: MakeDesk) -> None:
    first = desk().spec((number(1), "Hi"), (number(2), "Hi"))
    first.plan()
    settle(first.ledger, first.spool, [State.ACCEPTED, State.IN_DOUBT])
    later = desk().spec((number(1), "Hi"), (number(2), "Hi"))
    rails = Rails(NOW, frozenset({number(1), number(2)}))
    assert later.plan(rails).specs[0].decisions == {Decision.SENT: 1, Decision.IN_DOUBT: 1}


@pytest.mark.parametrize("moment", ["tomorrow", "2031-12-24T18:00:00"])
def test_an_expiry_that_is_no_moment_is_refused(desk: MakeDesk, moment: str) -> None:
    with pytest.raises(UsageError, match=r"delivery\.expires"):
        desk().spec((number(1), "Hi"), delivery=f'delivery: {{expires: "{moment}"}}').plan()


def test_a_window_without_a_zone_is_refused(desk: MakeDesk) -> None:
    with pytest.raises(UsageError, match=r"delivery\.window .*time zone.* Nothing was sent"):
        desk().spec((number(1), "Hi"), delivery='delivery: {window: {from: "09:00", to: "19:00"}}').plan()


def test_a_row_that_cannot_be_sent_is_refused_whatever_the_linter_was_told(desk: MakeDesk) -> None:
    with pytest.raises(UnsendableError, match=r"row 2 cannot be sent") as refused:
        desk().spec((number(1), "Hi"), ("12", "Hi")).plan()
    assert "Nothing was sent" in str(refused.value)


def test_recipients_from_elsewhere(desk: MakeDesk, tmp_path: Path) -> None:
    others = tmp_path / "others.csv"
    others.write_text(f"phone,text\n{number(7)},Hi\n", encoding="utf-8")
    here = desk().spec((number(1), "Hi"))
    assert here.plan(recipients=others).count(Decision.NEW) == 1
    assert [message.to for message in here.spool] == [number(7)]
    with pytest.raises(RecipientsError):
        desk().spec((number(1), "Hi")).plan(recipients=tmp_path / "none.csv")


def test_fingerprints_tell_when_recipients_change(desk: MakeDesk, tmp_path: Path) -> None:
    here = desk().spec((number(1), "Hi"), name="one").spec((number(1), "Hi"), name="two")
    specs = [target.spec for target in here.targets]
    before = audience_fingerprints(specs, tmp_path, None)
    assert set(before) == {tmp_path / "one.csv", tmp_path / "two.csv"}
    with (tmp_path / "two.csv").open("a", encoding="utf-8") as file:
        file.write(f"{number(2)},Hi\n")
    after = audience_fingerprints(specs, tmp_path, None)
    assert [path.name for path in before if before[path] != after[path]] == ["two.csv"]
    others = tmp_path / "others.csv"
    assert audience_fingerprints(specs, tmp_path, others) == {}
    others.write_text("phone,text\n", encoding="utf-8")
    assert set(audience_fingerprints(specs, tmp_path, others)) == {others}


def test_recipients_outside_the_project_are_not_read(desk: MakeDesk, tmp_path: Path) -> None:
    here = desk().spec((number(1), "Hi"), name="../outside")
    assert audience_fingerprints([target.spec for target in here.targets], tmp_path, None) == {}
    with pytest.raises(RecipientsError, match="inside the project"):
        here.plan()


def test_a_large_plan_keeps_the_order_of_the_rows(desk: MakeDesk) -> None:
    rows = [(number(row), "Hi") for row in range(1500)]
    here = desk().spec(*rows)
    assert here.plan().count(Decision.NEW) == 1500
    with closing(new_messages(here.spool, here.ledger, RAILS, limit=1200)) as messages:
        assert [message.row for message in messages] == list(range(1, 1201))


def test_what_other_runs_let_go_of_after_the_plan_is_not_sent(desk: MakeDesk) -> None:
    other = desk().spec(*((number(row), "Hi") for row in range(1, 4)))
    other.plan()
    other.ledger.begin(Run("other", ORIGIN))
    other.ledger.plan("other", new_messages(other.spool, other.ledger, RAILS))
    mine = desk().spec(*((number(row), "Hi") for row in (1, 11, 2, 12, 3, 13)))
    assert mine.plan().specs[0].decisions == {Decision.NEW: 3, Decision.BUSY: 3}
    other.ledger.end("other", RunStatus.INTERRUPTED)
    found: Counter[Decision] = Counter()
    assert [message.to for message in new_messages(mine.spool, mine.ledger, RAILS, None, found)] == [
        number(11),
        number(12),
        number(13),
    ]
    assert found == {Decision.NEW: 3}
    assert [message.to for message in new_messages(mine.spool, mine.ledger, RAILS, limit=1)] == [number(11)]
    assert desk().spec((number(1), "Hi")).plan().count(Decision.NEW) == 1, "the next plan has them"


def test_what_became_of_what_was_new_is_counted(desk: MakeDesk) -> None:
    mine = desk().spec(*((number(row), "Hi") for row in range(1, 5)))
    mine.plan()
    other = desk().spec((number(1), "Hi"), (number(2), "Hi"))
    other.plan()
    settle(other.ledger, other.spool, [State.ACCEPTED, State.IN_DOUBT])
    found: Counter[Decision] = Counter()
    rails = Rails(NOW, frozenset({number(3)}))
    assert [message.row for message in new_messages(mine.spool, mine.ledger, rails, 5, found)] == [4]
    assert found == {Decision.SENT: 1, Decision.IN_DOUBT: 1, Decision.SUPPRESSED: 1, Decision.NEW: 1}


def test_a_doubt_with_other_words_is_changed_and_counts_as_a_doubt(desk: MakeDesk) -> None:
    mine = desk().spec((number(1), "Hello"), (number(2), "Hello"), (number(3), "Hi"))
    mine.plan()
    other = desk().spec(*((number(row), "Hi") for row in range(1, 4)))
    other.plan()
    settle(other.ledger, other.spool, [State.ACCEPTED, State.IN_DOUBT, State.IN_DOUBT])
    found: Counter[Decision] = Counter()
    assert not list(new_messages(mine.spool, mine.ledger, RAILS, None, found))
    assert found == {Decision.CHANGED: 1, Decision.IN_DOUBT: 2}
    plan = desk().spec((number(1), "Hello"), (number(2), "Hello"), (number(3), "Hi")).plan()
    assert plan.specs[0].decisions == {Decision.CHANGED: 2, Decision.IN_DOUBT: 1}
    assert (plan.changed_in_doubt, plan.in_doubt) == (1, 2)


def test_what_is_withheld_is_not_sent_whatever_the_ledger_says(desk: MakeDesk) -> None:
    here = desk().spec(*((number(row), "Hi") for row in range(1, 4)))
    here.plan()
    second = next(item for item in here.spool if item.row == 2)
    here.spool.withhold([second.key])
    assert [item.row for item in new_messages(here.spool, here.ledger, RAILS)] == [1, 3]
    assert [item.row for item in new_messages(here.spool, here.ledger, RAILS, limit=2)] == [1, 3]
    decided = list(decisions_by_key(here.spool, here.ledger, RAILS))
    assert [item.key for item, _ in decided] == sorted(item.key for item in here.spool)
    assert {decision for _, decision in decided} == {Decision.NEW}


def test_rows_that_are_wrong_are_left_out_where_that_was_asked_for(desk: MakeDesk) -> None:
    here = desk().spec((number(1), "Hi"), ("12", "Hi"), (number(3), "Hi"), (number(4), ""))
    with pytest.raises(UnsendableError, match="row 2 cannot be sent"):
        here.plan()
    again = desk()
    again.targets = [replace(target, invalid={3}) for target in here.targets]
    plan = again.plan()
    assert plan.specs[0].decisions == {Decision.NEW: 1, Decision.INVALID: 3}
    left_out = list(again.spool.left_out())
    assert [(skip.row, skip.reason, skip.to) for skip in left_out] == [
        (2, "invalid", ""),
        (3, "invalid", number(3)),
        (4, "invalid", number(4)),
    ]
    assert all(skip.key for skip in left_out)
    assert left_out[1].key == identity(ORIGIN, "hello", 1, number(3), "")
