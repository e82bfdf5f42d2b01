"""Our catalog as text: what was imported is what is read, and nothing that a person wrote is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from msgspec_runner.errors import ConfigError
from msgspec_runner.providers.catalog import CatalogTemplate
from msgspec_runner.providers.catalog_shapes import Catalog, read_catalog
from msgspec_runner.providers.catalog_writing import updated, written
from tests.providers.catalog_lists import LISTS, content, gupshup, template, twilio


def catalog(value: Any) -> Catalog:
    return read_catalog("list.json", json.dumps(value).encode())


def placeless(found: Catalog) -> dict[str, CatalogTemplate]:
    """Of an id that a list has twice, the later entry counts."""
    return {item.id: item.placeless for item in found.templates}


@given(LISTS)
def test_import_then_read_gives_what_the_list_gives(value: dict[str, Any]) -> None:
    listed = catalog(value)
    update = written(listed)
    assert placeless(read_catalog("ours.yaml", update.text.encode())) == placeless(listed)
    assert all(change.kind == "added" for change in update.changes)
    again = updated("ours.yaml", update.text.encode(), listed)
    assert (again.text, again.changes) == (update.text, ())


@given(LISTS, LISTS)
def test_a_second_list_takes_the_place_of_the_first(one: dict[str, Any], two: dict[str, Any]) -> None:
    first, second = catalog(one), catalog(two)
    text = written(first).text
    if first.provider != second.provider:
        with pytest.raises(ConfigError, match="name another file"):
            updated("ours.yaml", text.encode(), second)
        return
    update = updated("ours.yaml", text.encode(), second)
    ids = [item.id for item in read_catalog("ours.yaml", update.text.encode()).templates]
    assert sorted(ids) == sorted({item.id for item in second.templates})
    again = updated("ours.yaml", update.text.encode(), second)
    assert (again.text, again.changes) == (update.text, ())


REVIEWED = """\
# The clinic's own account.
description: asked for by Eve
provider: twlowa

templates:
# The first thing people read.
- name: welcome          # short
  id: 'HX1'
  status: "approved"     # since May
  footer: Bye
  variables: [2, 1]      # name, clinic

  body: >-
    Hi {{1}},
    this is {{2}}.
# Not used any more?
- id: HX2
  name: old

# Codes.
- id: HX3
  variables:
    - "1"
"""


def test_what_people_wrote_stays_and_what_changed_is_changed() -> None:
    listed = catalog(
        twilio(
            content("HX4", "sale", "Buy", approval_requests={"category": "MARKETING", "status": "pending"}),
            content("HX3", "code", "{{1}}"),
            content("HX1", "welcome", "Hi {{1}}, this is {{2}}. Bye.", approval_requests={"status": "paused"}),
        )
    )
    update = updated("ours.yaml", REVIEWED.encode(), listed)
    assert (
        update.text
        == """\
# The clinic's own account.
description: asked for by Eve
provider: twlowa

templates:
# The first thing people read.
- name: welcome          # short
  language: en
  id: 'HX1'
  status: paused     # since May
  variables: [2, 1]      # name, clinic

  body: "Hi {{1}}, this is {{2}}. Bye."
# Not used any more?

# Codes.
- id: HX3
  name: code
  language: en
  category: UTILITY
  status: approved
  variables:
    - "1"
  body: "{{1}}"
- id: HX4
  name: sale
  language: en
  category: MARKETING
  status: pending
  variables: []
  body: Buy
"""
    )
    assert [(change.kind, change.template.id) for change in update.changes] == [
        ("changed", "HX1"), ("removed", "HX2"), ("changed", "HX3"), ("added", "HX4"),
    ]  # fmt: skip


def test_line_ends_a_byte_order_mark_and_a_missing_last_break_stay() -> None:
    before = "\ufeffprovider: twlowa\r\ntemplates:\r\n  - id: HX1\r\n    name: a"
    after = updated("a", before.encode(), catalog(twilio(content("HX1", "a", "one\ntwo", approval_requests={})))).text
    assert after == (
        "\ufeffprovider: twlowa\r\ntemplates:\r\n  - id: HX1\r\n    name: a\r\n"
        "    language: en\r\n    variables: []\r\n    body: |-\r\n      one\r\n      two\r\n"
    )


def test_a_list_without_approvals_takes_no_status_away() -> None:
    before = written(catalog(twilio(content("HX1")))).text
    update = updated("a", before.encode(), catalog({"contents": [content("HX1", approval_requests=None)]}))
    assert (update.text, update.changes) == (before, ())


def test_an_empty_catalog_is_filled() -> None:
    after = updated("a", b"provider: gswa\ntemplates: [] # none yet\n", catalog(gupshup(template("x", {"data": "Hi"}))))
    assert after.text.startswith("provider: gswa\ntemplates: \n  - id: x\n    name: invitation\n")


def test_new_templates_are_sorted_by_name() -> None:
    text = written(catalog(twilio(content("HX2", "b"), content("HX3", "a"), content("HX1", "a")))).text
    assert [line.split()[-1] for line in text.splitlines() if "id:" in line] == ["HX1", "HX3", "HX2"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("provider: twlowa\ntemplates: [{id: HX1, name: b}]\n", "cannot edit"),
        ("provider: twlowa\ntemplates:\n  - &a {id: HX1, name: b}\n", "cannot edit"),
        ("provider: twlowa\ntemplates:\n  - id: HX0\n    name: &n b\n  - id: HX1\n    name: *n\n", "cannot edit"),
        ('{"provider": "twlowa", "templates": [{"id": "HX0"}]}', "cannot edit"),
        ('{"provider": "twlowa", "templates": [{"id": "HX0", "name": "\\ud83d\\ude00"}]}', "cannot edit"),
        ("provider: gswa\ntemplates: []\n", "a: this catalog is of gswa, the list of twlowa"),
        ('{"contents": []}', "a provider's list, which import does not edit"),
        ("provider: twlowa\ntemplates: 5\n", "wrong type"),
    ],
)
def test_what_cannot_be_edited_is_left_alone(text: str, words: str) -> None:
    listed = catalog(twilio(content("HX0", "b"), content("HX1", "a")))
    with pytest.raises(ConfigError, match=words):
        updated("a", text.encode(), listed)


def test_a_catalog_beyond_all_bounds_is_not_written() -> None:
    many = twilio(*(content(f"HX{number}", body="x" * 2000) for number in range(600)))
    with pytest.raises(ConfigError, match="name the provider's own list in `catalogs`"):
        written(catalog(many))
