"""What mends a finding, or makes it silent, as a change of the text."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.source.document import parse_document
from tests.editor.conftest import Mark
from tests.editor.desks import At

PARCEL = """\
spec: parcel
message:
  provider: twlo
  channel_key: your_channel_key
  to: +16175551212
  text: |
    Your parcel is on its way.
"""


@pytest.fixture
def at(root: Path):  # type: ignore[no-untyped-def]
    return lambda marked, name="specs/hello.yaml", **more: At(root / name, marked, **more)


def titles(place: At) -> list[str]:
    return [repair.title for repair in place.repairs()]


def test_safe_repairs_are_preferred_and_write_what_lint_fix_would(at) -> None:  # type: ignore[no-untyped-def]
    place = at(PARCEL)
    assert titles(place)[:2] == ['Write "+16175551212" (MSG104)', "Write |- (MSG106)"]
    first, second = place.repairs()[:2]
    assert first.preferred
    assert [item.code for item in first.of] == ["MSG104"]
    assert place.repaired(first) == PARCEL.replace("+16175551212", '"+16175551212"')
    assert place.repaired(second) == PARCEL.replace("text: |\n", "text: |-\n")


def test_what_changes_what_is_sent_says_so(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    place = at(mark("{{ clinic }}", "{{ clinik }}"))
    [repair] = [item for item in place.repairs() if item.title.startswith("Write")]
    assert repair.title == "Write clinic (MSG402): changes what is sent, check it"
    assert not repair.preferred
    assert "{{ clinic }}" in place.repaired(repair)


def test_all_that_is_safe_at_once(at) -> None:  # type: ignore[no-untyped-def]
    expected = PARCEL.replace("+16175551212", '"+16175551212"').replace("text: |\n", "text: |-\n")
    assert at(PARCEL).all_repaired() == expected
    assert at(expected).all_repaired() is None
    windows = PARCEL.replace("\n", "\r\n")
    assert at(windows).all_repaired() == expected.replace("\n", "\r\n")
    assert at("\ufeff" + PARCEL).all_repaired() == "\ufeff" + expected


def test_all_at_once_leaves_alone_what_is_a_guess(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    assert at(mark("{{ clinic }}", "{{ clinik }}")).all_repaired() is None


def silenced(place: At, code: str) -> list[str]:
    """Return the texts that suppressions of a rule make, each checked: it is silent, and nothing else is new."""
    made = []
    for repair in place.repairs():
        if repair.suppresses and code in repair.title:
            text = place.repaired(repair)
            before = {(item.code, item.message) for item in place.findings()}
            after = {(item.code, item.message) for item in At(place.path, text).findings()}
            assert {item[0] for item in before - after} == {code}, repair.title
            assert after <= before, repair.title
            made.append(text)
    return made


def spec(text: str, to: str = '"+16175551212"') -> str:
    return f"spec: a\nmessage:\n  provider: twlo\n  channel_key: k\n  to: {to}\n  text: {text}\nvars: {{x: y}}\n"


@pytest.mark.parametrize(
    ("given", "code", "expected"),
    [
        (
            spec("|-\n    One\n    Hi {{ frist }}"),
            "MSG402",
            spec("|-\n    One\n    {# msgspec: ignore[MSG402] #}\n    Hi {{ frist }}"),
        ),
        (
            spec(">-\n    One\n    Hi {{ frist }}"),
            "MSG402",
            spec(">-\n    One\n    {# msgspec: ignore[MSG402] #}Hi {{ frist }}"),
        ),
        (spec("Hi {{ frist }}"), "MSG402", spec("Hi {{ frist }}  # msgspec: ignore[MSG402]")),
        (spec('"Hi {{ frist }}"'), "MSG402", spec('"Hi {{ frist }}"  # msgspec: ignore[MSG402]')),
        (
            spec('"Hi\n    {{ frist }}\n    there"'),
            "MSG402",
            spec('"Hi\n    {{ frist }}\n    there"').replace("  text", "  # msgspec: ignore[MSG402]\n  text"),
        ),
        (
            spec("Hi {{ frist }}  # msgspec: ignore[MSG603] long", to='"+16175551212"'),
            "MSG402",
            spec("Hi {{ frist }}  # msgspec: ignore[MSG603, MSG402] long"),
        ),
        (
            spec("Hi", to="+16175551212"),
            "MSG104",
            spec("Hi", to="+16175551212  # msgspec: ignore[MSG104]"),
        ),
        (
            spec("Hi", to='"12"').replace("\n", "\r\n"),
            "MSG203",
            spec("Hi", to='"12"  # msgspec: ignore[MSG203]').replace("\n", "\r\n"),
        ),
    ],
)
def test_a_comment_that_suppresses(given: str, code: str, expected: str, at) -> None:  # type: ignore[no-untyped-def]
    here, whole = silenced(at(given), code)
    assert here == expected
    assert whole == f"# msgspec: ignore-file[{code}]" + ("\r\n" if "\r\n" in given else "\n") + given


def test_what_is_sent_stays_the_same(at) -> None:  # type: ignore[no-untyped-def]
    for style in ("|-", ">-", "|", ">"):
        place = at(spec(f"{style}\n    Hi {{{{ frist }}}}\n\n      more\n    end"))
        for repair in place.repairs():
            if repair.suppresses:
                before, after = (parse_document("a", text) for text in (place.text, place.repaired(repair)))
                message = {"vars": {"frist": "x"}}
                assert rendered(before, message) == rendered(after, message), repair.title


def rendered(document, more):  # type: ignore[no-untyped-def]
    from msgspec_runner.rendering import Renderer
    from msgspec_runner.spec import build_spec

    return Renderer(build_spec(document), more["vars"]).render({}).body["text"]


def test_what_cannot_be_suppressed_is_not_offered(at) -> None:  # type: ignore[no-untyped-def]
    assert titles(at("spec: a\nmessage: {to: [")) == []  # no YAML


def test_no_finding_no_repair(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    assert at(mark("Hi {{ first_name }}", "Hi {{ nick | default(first_name) }}")).repairs() == ()
