"""What things are: exact about the characters, and careful with people's data."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.editor.questions import Settings
from msgspec_runner.linting.rules import RULES
from tests.editor.conftest import Mark
from tests.editor.desks import At
from tests.editor.test_completion import HX, WHATSAPP
from tests.editor.texts import SPEC

NAMES = ("Ann", "Max", "Maxi", "6175551212", "6175551213", "Oak")
"""What is in the recipients' cells."""


@pytest.fixture
def at(root: Path):  # type: ignore[no-untyped-def]
    return lambda marked, name="specs/hello.yaml", **more: At(root / name, marked, **more)


def test_a_key(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    place = at(mark("  provider: twlo", "  prov▮ider: twlo"))
    assert place.hovered() == "provider"
    assert place.hover().startswith("**provider** twlo (Twilio SMS), twlowa (Twilio WhatsApp)")
    assert "One of `twlo`, `twlowa`, `gswa`" in place.hover()
    assert "Default: `1`" in at("edi▮tion: 3").hover()


def test_a_column_where_it_is_used_and_where_it_is_declared(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    place = at(mark("Hi {{ first_name }}", "Hi {{ first▮_name }}"))
    assert place.hovered() == "first_name"
    expected = "**first_name** string, required, header `First name`\n\nWhat to call \\*them\\*\n\nfor example `Eve`"
    assert place.hover() == expected
    assert at(mark("first_name: {h", "first▮_name: {h")).hover() == expected
    assert at(mark("First name: Eve", "First na▮me: Eve")).hover() == expected
    assert at(mark("on {{ starts_at", "on {{ starts▮_at")).hover().startswith("**starts_at** datetime, required")
    assert (
        at(mark("{{ clinic }}", "{{ Stra▮ße }}")).hover()
        == "**Straße** a column of the data, not declared: its values are texts"
    )


def test_real_cells_are_shown_only_to_who_asks(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    marked = mark("Hi {{ first_name }}", "Hi {{ first▮_name }}")
    assert not any(name in at(marked).hover() for name in NAMES)
    assert "`Eve`, `Ann`, `Max`" in at(marked, settings=Settings(show_data=True)).hover()
    text = mark("  text: |-", "  te▮xt: |-", SPEC[: SPEC.index("  samples:")] + SPEC[SPEC.index("vars:") :])
    assert not any(name in at(text).hover() for name in NAMES)
    assert "No sample to show" in at(text).hover()
    assert "Hi Ann, see you" in at(text, settings=Settings(show_data=True)).hover()


def test_a_var_and_where_it_comes_from(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    assert at(mark("{{ clinic }}", "{{ cli▮nic }}")).hover() == "**clinic** `Elm Street`, the same for everybody (spec)"
    assert (
        at(mark("{{ clinic }}", "{{ comp▮any }}")).hover() == "**company** `Deer Park`, the same for everybody (config)"
    )
    assert at(mark("  clinic: Elm", "  cli▮nic: Elm")).hover().startswith("**clinic** `Elm Street`")


def test_a_filter_a_test_a_statement(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    place = at(mark('| date("d', '| da▮te("d'))
    assert place.hovered() == "date"
    assert place.hover().startswith("`date(format=…, locale=…)`\n\nA date in words")
    assert at(mark("{{ clinic }}", "{% if nick is def▮ined %}")).hover() == "**defined** there is a value"
    assert at(mark("{{ clinic }}", "{% i▮f nick %}")).hover().startswith("**if** Only if")


def test_a_partial(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    assert "{{ company }}. Reply STOP to opt out." in at(mark("signature.txt", "sig▮nature.txt")).hover()


def test_the_message_that_a_sample_gets(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    text = "Hi Eve, see you at Elm Street on 10 March.\nDeer Park. Reply STOP to opt out."
    for marked in (
        mark("    Hi {{", "    H▮i {{"),
        mark("  text: |-", "  te▮xt: |-"),
        mark("message:\n", "mess▮age:\n"),
    ):
        said = at(marked).hover()
        assert f"**What sample 1 gets**\n\n```text\n{text}\n```\n\nGSM-7, {len(text)} units, 1 segment" in said
        assert "to: `+16175550100`" in said
    accented = at(mark("    Hi {{", "    H▮ç {{")).hover()
    assert "UCS-2" in accented
    assert "2 segments" in accented


def test_why_a_sample_would_not_be_sent(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    said = at(mark("First name: Eve, ", "").replace("    Hi", "    H▮i")).hover()
    assert "It would not be sent:" in said
    assert "column" in said


def test_what_a_field_is_for_the_samples(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    assert at(mark('to: "{{ phone }}"', 'to: "▮{{ phone }}"')).hover() == "sample 1: `+16175550100`"


def test_a_template_of_the_catalog(at) -> None:  # type: ignore[no-untyped-def]
    said = at(WHATSAPP % (f"HX▮{HX[2:]}", '"1": x')).hover()
    assert said.startswith(
        "**order_shipped** en, utility, approved\n\n```text\nHi {{1}}, your order {{2}} is on its way."
    )
    assert "Variables: `1`, `2`" in said


def test_the_recipients_file(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    assert (
        at(mark("../people.csv", "../peo▮ple.csv")).hover()
        == "5 columns: `phone`, `First name`, `Straße`, `starts_at`, `nick`"
    )


def test_a_finding_with_its_rules_page(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    place = at(mark("{{ clinic }}", "{{ cli▮nik }}"))
    [finding] = [item for item in place.findings() if item.code == "MSG402"]
    explanation = place.explanation(finding)
    assert explanation is not None
    assert place.characters(explanation.extent) == "clinik"
    title, _, rest = explanation.words.partition(" ")
    assert title.startswith("**[MSG402](file://")
    assert Path(title[len("**[MSG402](file://") : -3]).read_text(encoding="utf-8").startswith("<!--")
    assert rest.startswith("undefined-variable: A template uses a name that is neither a column nor a var.")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_has_words_and_a_page(rule) -> None:  # type: ignore[no-untyped-def]
    from msgspec_runner.editor.hover import rule_words

    assert rule_words(rule.code).startswith(f"**[{rule.code}](file://")


def test_what_a_spec_says_is_shown_as_it_is_and_loads_nothing(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    hostile = "'![x](https://evil.example/a.png) <img src=x> ``` [y](command:z)'"
    said = at(
        mark("What to call *them*", hostile[1:-1])
        .replace("Hi {{ first", "Hi {{ fi▮rst")
        .replace("description: !", "description: '!")
        .replace("z)}", "z)'}")
    ).hover()
    assert "![x](" not in said
    assert "<img" not in said.replace("\\<", "")
    assert "](command:" not in said.replace("\\]", "")
    fence = at(mark("    Hi {{", "    H▮i ``` ![x](https://evil.example/a.png) {{")).hover()
    assert "\n````text\n" in fence


def test_nothing_is_nothing(at) -> None:  # type: ignore[no-untyped-def]
    assert at("# a com▮ment").explanation() is None
    assert at("nonsense: ▮x").explanation() is None
    assert at("▮").explanation() is None
