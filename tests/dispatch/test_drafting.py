"""Rows on their way to somebody else: what is made of them, and what is kept until they have all passed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from msgspec_runner.audience import RenderedRow, bind_columns, rendered_rows
from msgspec_runner.dispatch.drafting import Draft, Drafts
from msgspec_runner.errors import RecipientsError, UnsendableError, UsageError
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.messages import to_message
from msgspec_runner.recipients.readers import inline
from msgspec_runner.rendering import Renderer
from msgspec_runner.spec import Spec
from tests.conftest import MakeSpec

ORIGIN = "sandbox"
PHONES = ("+16175550001", "+16175550002", "+16175550003")


@pytest.fixture
def spool() -> Iterator[PlanSpool]:
    with PlanSpool() as made:
        yield made


def rows(renderer: Renderer, *phones: str) -> Iterator[RenderedRow]:
    source = inline([{"phone": phone} for phone in phones], "s.yaml")
    return rendered_rows(source, renderer, bind_columns(renderer.spec, source))


def test_rows_pass_as_they_come_and_each_is_a_message(make_spec: MakeSpec, spool: PlanSpool) -> None:
    renderer = Renderer(make_spec(), {})
    draft = Draft(renderer, spool, ORIGIN, leaves_out=False)
    expected = list(rows(renderer, *PHONES))
    assert list(draft.through(iter(expected))) == expected
    draft.conclude(None)
    assert draft.is_complete
    assert list(spool) == [
        to_message(renderer.spec, row.rendered, row.row.number, ORIGIN, segments=1) for row in expected
    ]


def test_what_refuses_is_kept_and_all_rows_pass(make_spec: MakeSpec, spool: PlanSpool) -> None:
    renderer = Renderer(make_spec(), {})
    draft = Draft(renderer, spool, ORIGIN, leaves_out=False)
    refused = [draft.is_refused for _ in draft.through(rows(renderer, PHONES[0], "617", "12", PHONES[1]))]
    assert refused == [False, True, True, True]
    with pytest.raises(UnsendableError, match="row 2 cannot be sent"):
        draft.conclude(None)


def test_more_recipients_than_allowed_are_refused_when_all_have_passed(make_spec: MakeSpec, spool: PlanSpool) -> None:
    renderer = Renderer(make_spec(rest="delivery: {max_recipients: 2}\n"), {})
    for count in (2, 3):
        draft = Draft(renderer, spool, ORIGIN, leaves_out=True)
        assert len(list(draft.through(rows(renderer, *PHONES[:count])))) == count
        assert draft.is_refused == (count > 2)
    with pytest.raises(UsageError, match="more than 2 recipients"):
        draft.conclude(set())


def test_rows_are_left_out_in_their_order_whoever_found_them(make_spec: MakeSpec, spool: PlanSpool) -> None:
    drafts = Drafts(spool, ORIGIN, leaves_out=True)
    specs = [
        make_spec(),
        make_spec(head="spec: t\nmessage:\n  provider: twlo\n  channel_key: k\n  to: '{{ phone }}'\n"),
    ]
    for spec in specs:
        renderer = Renderer(spec, {})
        list(drafts.through(renderer, rows(renderer, PHONES[0], "617", PHONES[1], PHONES[2])))
    for spec, invalid in zip(specs, ({1, 4}, {3}), strict=True):
        draft = drafts.of(spec.document)
        assert draft is not None
        draft.conclude(invalid)
    left_out = [(skip.spec, skip.row, skip.to, bool(skip.key)) for skip in spool.left_out()]
    assert left_out == [
        ("s", 1, PHONES[0], True),
        ("s", 2, "", True),
        ("s", 4, PHONES[2], True),
        ("t", 2, "", True),
        ("t", 3, PHONES[1], True),
    ]
    assert [(message.spec, message.row) for message in spool] == [("s", 3), ("t", 1), ("t", 4)]


NAMED = "  text: 'Hi {{ name }}'\n"


def keys_of(spec: Spec, spool: PlanSpool, *cells: dict[str, object]) -> list[str]:
    """Return what rows that are left out are recognised by."""
    before = len(list(spool.left_out()))
    renderer = Renderer(spec, {})
    source = inline(list(cells), "s.yaml")
    list(Draft(renderer, spool, ORIGIN, leaves_out=True).through(rendered_rows(source, renderer)))
    keys = [skip.key for skip in spool.left_out()][before:]
    assert len(keys) == len(cells)
    return keys


def test_a_row_without_an_identity_is_recognised_by_the_cells_that_are_read(
    make_spec: MakeSpec, spool: PlanSpool
) -> None:
    first: dict[str, object] = {"phone": "617", "name": "Ann", "exported": "11:00"}
    others = [{**first, "exported": "12:00"}, {**first, "phone": "618"}, {**first, "name": "Bob"}]
    one, same, phone, name = keys_of(make_spec(NAMED), spool, first, *others)
    assert one == same
    assert len({one, phone, name}) == 3
    assert all(len(key) == 64 for key in (one, phone, name))
    assert keys_of(make_spec(NAMED), spool, dict(reversed(first.items()))) == [one], "no order of columns matters"


def test_a_column_by_another_header_and_one_that_only_its_type_blames_count_too(
    make_spec: MakeSpec, spool: PlanSpool
) -> None:
    rest = "recipients: {columns: {phone: {type: phone, header: Mobile}, age: {type: integer}}}\n"
    first: dict[str, object] = {"Mobile": "617", "name": "Ann", "age": "old"}
    changed = [{**first, "Mobile": "618"}, {**first, "age": "older"}]
    assert len(set(keys_of(make_spec(NAMED, rest), spool, first, *changed))) == 3


@pytest.mark.parametrize(
    "value", [None, 2**70, ["a", {"b": 1}], {"b": [1]}, "\ud800", True, 0.5, float("nan")], ids=repr
)
def test_whatever_a_cell_holds_it_has_a_digest(make_spec: MakeSpec, spool: PlanSpool, value: object) -> None:
    cells: list[dict[str, object]] = [{"phone": "617", "name": value}, {"phone": "617", "name": "Ann"}]
    assert len(set(keys_of(make_spec(NAMED), spool, *cells))) == 2


def test_of_rows_that_cannot_be_read_to_their_end_nothing_stays(make_spec: MakeSpec, spool: PlanSpool) -> None:
    renderer = Renderer(make_spec(), {})
    drafts = Drafts(spool, ORIGIN, leaves_out=False)

    def broken() -> Iterator[RenderedRow]:
        yield from rows(renderer, *PHONES)
        raise RecipientsError("is cut off", file="s.csv")

    with pytest.raises(RecipientsError):
        list(drafts.through(renderer, broken()))
    assert drafts.of(renderer.spec.document) is None
    assert (len(spool), spool.rows) == (0, 0)
    assert drafts.of(make_spec().document) is None, "never seen"
