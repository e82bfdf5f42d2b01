"""What may be typed, also where the line that is being typed is no YAML."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.source.schema import load_schema
from msgspec_runner.templates.allowed import FILTER_NAMES
from tests.editor.conftest import Mark
from tests.editor.desks import At
from tests.editor.texts import SPEC

HX = "HX0123456789abcdef0123456789abcdef"
WHATSAPP = """\
spec: shipped
message:
  provider: twlowa
  channel_key: ch
  to: "{{ phone }}"
  template:
    id: %s
    variables:
      %s
recipients:
  samples: [{phone: "+16175551212", name: Ann}]
"""


@pytest.fixture
def at(root: Path):  # type: ignore[no-untyped-def]
    return lambda marked, name="specs/new.yaml", **more: At(root / name, marked, **more)


def test_the_keys_of_a_spec_those_that_are_needed_first(at) -> None:  # type: ignore[no-untyped-def]
    properties = list(load_schema("spec")["properties"])
    assert at("▮").labels() == ["spec", "message", *(name for name in properties if name not in ("spec", "message"))]


def test_keys_that_are_there_are_not_proposed_again(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    labels = at(mark("  channel_key: ch", "  channel_key: ch\n  na▮")).labels()
    assert "name" in labels
    assert not {"provider", "channel_key", "to", "text"} & set(labels)


def test_a_key_is_written_with_what_follows_it(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    place = at(mark("  channel_key: ch", "  channel_key: ch\n  na▮"))
    assert "  channel_key: ch\n  name: ▮\n" in place.chosen("name")
    assert "\nmessage:\n  ▮\n" in at("spec: a\nmess▮\n").chosen("message")
    assert "{type: phone, region: ▮}" in at(mark("{type: phone}", "{type: phone, reg▮}")).chosen("region")
    assert "  edition▮: 2" in at("  edi▮: 2").chosen("edition")


def test_a_key_says_what_it_is_for(at) -> None:  # type: ignore[no-untyped-def]
    [item] = [item for item in at("message:\n  sch▮").proposals() if item.label == "schedule"]
    assert item.detail == "string"
    assert "ISO 8601" in item.words
    assert "`2031-01-02T15:04:05-05:00`" in item.words


def test_values_of_few_choices(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    place = at(mark("provider: twlo", "provider: ▮"))
    assert [(item.label, item.detail) for item in place.proposals()][:3] == [
        ("twlo", "Twilio SMS"),
        ("twlowa", "Twilio WhatsApp"),
        ("gswa", "Gupshup WhatsApp"),
    ]
    assert "provider: gswa▮\n" in at(mark("provider: twlo", "provider: tw▮")).chosen("gswa")
    assert "provider: gswa▮\n" in at(mark("provider: twlo", "provider:▮")).chosen("gswa")
    assert 'provider: "gswa▮"\n' in at(mark("provider: twlo", 'provider: "▮"')).chosen("gswa")
    assert at(mark("{type: datetime}", "{type: ▮}")).labels("value")[:3] == ["string", "integer", "number"]
    assert at(mark("required: false", "required: ▮")).labels() == ["true", "false"]


def test_a_recipient_is_proposed_where_one_belongs(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    place = at(mark('to: "{{ phone }}"', "to: ▮"))
    assert place.labels("column") == ["{{ phone }}"]
    assert 'to: "{{ phone }}"▮\n' in place.chosen("{{ phone }}")


def test_names_between_braces(at, mark: Mark, root: Path) -> None:  # type: ignore[no-untyped-def]
    place = at(mark("{{ clinic }}", "{{ ▮ }}"))
    assert place.labels("column") == ["phone", "first_name", "starts_at", "nick", "Straße"]
    assert place.labels("var") == ["company", "clinic"]
    details = {item.label: item.detail for item in place.proposals()}
    assert (details["starts_at"], details["Straße"], details["clinic"]) == ("datetime", "text", "var")
    assert "at {{ company▮ }} on" in place.chosen("company")
    assert "at {{ first_name▮ on" in at(mark("{{ clinic }}", "{{ fi▮")).chosen("first_name")


@pytest.mark.parametrize("line", ['  to: "{{ ▮', "  to: {{ ▮", "  to: '{{ ▮ }}", '  to: "{{ phone | default(▮'])
def test_names_where_the_line_is_no_yaml_yet(line: str, at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    assert at(mark('  to: "{{ phone }}"', line)).labels("column") == [
        "phone",
        "first_name",
        "starts_at",
        "nick",
        "Straße",
    ]


def test_what_was_known_before_the_text_broke_is_known_still(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    whole = at(mark("{{ clinic }}", "{{ ▮clinic }}"))
    assert "first_name" in whole.labels()
    broken = at(SPEC.replace("vars:", "vars: [").replace("{{ clinic }}", "{{ ▮ }}"), memory=whole.memory)
    assert "first_name" in broken.labels()


def test_a_name_that_the_template_made(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    assert "street" in at(mark("at {{ clinic }}", "{% set street = 'Elm' %}{{ ▮ }}")).labels("var")


def test_filters_with_what_they_take_and_do(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    place = at(mark('date("d MMMM")', "▮"))
    assert set(place.labels()) == FILTER_NAMES - {"d"}
    [item] = [item for item in place.proposals() if item.label == "currency"]
    assert item.detail == "takes a number"
    assert item.words.startswith("`currency(code, locale=…)`")
    assert "{{ 1250.5 | currency('USD') }}\n$1,250.50" in item.words
    assert "| currency(▮ }}" in place.chosen("currency")
    assert "| upper▮ }}" in place.chosen("upper")


def test_arguments_of_filters(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    assert at(mark('date("d MMMM")', "date(▮)")).labels("value")[:4] == ["short", "medium", "long", "full"]
    assert "| date('d MMMM yyyy'▮)" in at(mark('date("d MMMM")', "date(▮)")).chosen("d MMMM yyyy")
    assert '| date("EEEE d MMMM▮")' in at(mark('date("d MMMM")', 'date("▮")')).chosen("EEEE d MMMM")
    assert at(mark('date("d MMMM")', "plus(days=1, ▮)")).labels("word") == ["months=", "weeks=", "hours=", "minutes="]
    assert at(mark('date("d MMMM")', "plus(days=▮)")).labels("word") == []
    assert "USD" in at(mark('date("d MMMM")', "currency(code=▮)")).labels("value")


def test_tests_statements_and_attributes(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    assert "defined" in at(mark("{{ clinic }}", "{% if nick is ▮ %}")).labels("test")
    assert {"if", "for", "include"} <= set(at(mark("{{ clinic }}", "{% ▮ %}")).labels("word"))
    assert at(mark("{{ clinic }}", "{{ starts_at.▮ }}")).labels() == [
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
    ]
    assert at(mark("{{ clinic }}", "{{ first_name.▮ }}")).labels() == []


def test_partials_those_that_are_open_too(at, mark: Mark, root: Path) -> None:  # type: ignore[no-untyped-def]
    place = at(mark('"signature.txt"', '"▮"'), opened={str(root / "partials/footer.txt"): "See you!"})
    assert place.labels() == ["footer.txt", "signature.txt"]
    assert '{% include "footer.txt▮" %}' in place.chosen("footer.txt")
    assert "See you!" in place.proposals()[0].words


def test_templates_and_their_variables_from_the_catalog(at) -> None:  # type: ignore[no-untyped-def]
    place = at(WHATSAPP % ("▮", "1: x"))
    [item] = place.proposals()[:1]
    assert (item.label, item.detail) == (HX, "order_shipped en approved")
    assert "Hi {{1}}, your order {{2}} is on its way." in item.words
    assert f"id: {HX}▮\n" in place.chosen(HX)
    assert at(WHATSAPP % (HX, "▮")).labels() == ["1", "2"]
    assert '      "2": ▮\n' in at(WHATSAPP % (HX, '"1": x\n      ▮')).chosen("2")


def test_columns_vars_and_samples_that_are_missing(at, mark: Mark, root: Path) -> None:  # type: ignore[no-untyped-def]
    spec = SPEC.replace("{{ clinic }}", "{{ street }}")
    assert at(mark("    nick: {required: false}", "    ▮", spec)).labels() == ["Straße", "nick", "street"]
    assert at(mark("  clinic: Elm Street", "  ▮", spec)).labels() == ["street"]
    place = at(mark("First name: Eve,", "▮,", spec))
    assert place.labels() == ["First name", "nick", "Straße", "street"]
    assert '"+16175550100", First name: ▮, starts_at' in place.chosen("First name")


def test_files_zones_locales_and_the_id(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    assert "../people.csv" in at(mark("file: ../people.csv", "file: ▮")).labels("file")
    assert "America/New_York" in at("timezone: ▮").labels()
    assert "pt_BR" in at("locale: ▮").labels()
    assert "two-words" in at("spec: ▮", name="specs/Two words.yaml").labels()


def test_rules_in_comments(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    assert at("spec: a  # msgspec: ▮").labels() == ["ignore[…]", "ignore-file[…]"]
    place = at("spec: a  # msgspec: ignore[MSG203, MSG1▮")
    assert "MSG104" in place.labels("rule")
    assert "ignore[MSG203, MSG104▮" in place.chosen("MSG104")
    assert "MSG402" in at(mark("{{ clinic }}", "{# msgspec: ignore[▮ #}")).labels("rule")


@pytest.mark.parametrize("marked", ["    Hi ▮", "    ▮"])
def test_prose_is_left_alone(marked: str, at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    assert at(mark("    Hi {{ first_name }}", f"{marked}{{{{ first_name }}}}")).proposals() == ()


def test_a_blank_asks_only_behind_a_colon_or_between_braces(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    assert at("description: A text ▮").proposals(" ") == ()
    assert at("message:\n  ▮").proposals(" ") == ()
    assert at("message:\n  ▮").proposals()
    assert at("message:\n  provider: ▮").proposals(" ")
    assert at(mark("{{ clinic }}", "{{ ▮ }}")).proposals(" ")
