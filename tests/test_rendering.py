"""Spec × recipient → message, or why not; the content rule above all."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgspec_runner.content.blank import is_blank
from msgspec_runner.messages import to_message
from msgspec_runner.model import SANDBOX_ORIGIN, identity
from msgspec_runner.rendering import Rendered, Renderer
from msgspec_runner.source.document import parse_document
from msgspec_runner.spec import CONTENT, build_spec
from msgspec_runner.templates import ABSENT
from tests.conftest import HEAD, MakeSpec

ANN = {"phone": "+16175551212", "name": "Ann"}


def render(make_spec: MakeSpec, message: str, values: dict[str, object] | None = None, rest: str = "") -> Rendered:
    return Renderer(make_spec(message, rest), {}, locale="en_US", timezone="UTC").render(values or ANN)


def rules(rendered: Rendered) -> list[str]:
    return [problem.rule for problem in rendered.problems]


def test_the_body_is_the_apis(make_spec: MakeSpec) -> None:
    rendered = render(
        make_spec,
        """\
  name: "{{ name }}"
  text: "Hi {{ name }}"
  contact_saving: {save: true, list_id: "{{ 3 + 4 }}", extra_fields: {nick: "{{ nick }}", age: 30}}
  schedule: "2031-01-02T15:04:05-05:00"
""",
        {**ANN, "nick": ABSENT},
    )
    assert rendered.problems == ()
    assert rendered.body == {
        "provider": "twlo",
        "channel_key": "k",
        "to": "+16175551212",
        "name": "Ann",
        "text": "Hi Ann",
        "contact_saving": {"save": True, "list_id": 7, "extra_fields": {"age": 30}},
        "schedule": "2031-01-02T15:04:05-05:00",
    }


class TestContentRule:
    """At least one of text, image, video, file, template, for every recipient."""

    @pytest.mark.parametrize("name", [name for name in CONTENT if name != "template"])
    def test_each_field_is_content(self, make_spec: MakeSpec, name: str) -> None:
        values = {**ANN, "x": "https://example.com/x"}
        assert render(make_spec, f"  {name}: '{{{{ x }}}}'\n", values).problems == ()

    def test_a_template_is_content_on_whatsapp_only(self, make_spec: MakeSpec) -> None:
        line = "  template: {id: HX1}\n"
        whatsapp = make_spec(line, head=HEAD.replace("twlo", "twlowa"))
        assert Renderer(whatsapp, {}).render(ANN).problems == ()
        assert rules(render(make_spec, line)) == ["no-content"]

    def test_a_provider_that_a_row_chooses(self, make_spec: MakeSpec) -> None:
        spec = make_spec("  template: {id: HX1}\n  text: '{{ x }}'\n", head=HEAD.replace("twlo", "'{{ p }}'"))
        renderer = Renderer(spec, {})
        assert renderer.render({**ANN, "p": "gswa", "x": ""}).problems == ()
        assert rules(renderer.render({**ANN, "p": "twlo", "x": ""})) == ["renders-empty"]

    @pytest.mark.parametrize("text", ["{{ x }}", "{% if x %}Hi{% endif %}", "{{ x }}  ", "{# a note #}"])
    def test_what_renders_to_nothing_is_no_content(self, make_spec: MakeSpec, text: str) -> None:
        assert rules(render(make_spec, f"  text: '{text}'\n", {**ANN, "x": ""})) == ["renders-empty"]

    def test_it_is_applied_again_to_what_is_left(self, make_spec: MakeSpec) -> None:
        message = "  text: '{{ x }}'\n  image_url: '{{ y }}'\n"
        assert render(make_spec, message, {**ANN, "x": ABSENT, "y": "https://e.org/x"}).problems == ()
        assert rules(render(make_spec, message, {**ANN, "x": ABSENT, "y": ABSENT})) == ["renders-empty"]

    def test_a_broken_template_is_not_called_empty_as_well(self, make_spec: MakeSpec) -> None:
        assert rules(render(make_spec, "  text: '{{ x | nofilter }}'\n")) == ["unknown-filter"]
        assert rules(render(make_spec, "  text: 'a {{ x }}'\n", {**ANN, "x": ABSENT})) == ["empty-cell"]

    @pytest.mark.parametrize(
        ("source", "rule"),
        [
            ("{{ x", "template-syntax"),
            ("{{ x.__class__ }}", "unsafe-expression"),
            ("{% include 'no.txt' %}", "missing-include"),
            ("x" * 40_000, "unsafe-expression"),
        ],
    )
    @pytest.mark.parametrize("place", ["message", "recipients"])
    def test_a_message_without_a_field_that_cannot_be_rendered_is_none(
        self, make_spec: MakeSpec, source: str, rule: str, place: str
    ) -> None:
        field = f'  name: "{source}"\n' if place == "message" else f'recipients: {{key: "{source}"}}\n'
        assert rules(render(make_spec, "  text: Hi\n" + field)) == [rule]


class TestEmptyFields:
    @pytest.mark.parametrize("name", ["provider", "channel_key", "to", "schedule"])
    def test_a_field_that_must_be_there(self, make_spec: MakeSpec, name: str) -> None:
        head = "".join(line for line in HEAD.splitlines(keepends=True) if f" {name}:" not in line)
        spec = make_spec(f"  {name}: \"{{{{ x | default('') }}}}\"\n  text: Hi\n", head=head)
        rendered = Renderer(spec, {}).render({**ANN, "x": ABSENT})
        assert rules(rendered) == ["invalid-rendered-field"]

    def test_an_empty_template_variable(self, make_spec: MakeSpec) -> None:
        message = "  template: {id: HX1, variables: {1: \"{{ x | default('') }}\", 2: null}}\n"
        spec = make_spec(message, head=HEAD.replace("twlo", "twlowa"))
        assert rules(Renderer(spec, {}).render({**ANN, "x": ABSENT})) == ["bad-template-value"] * 2

    def test_missing_is_an_error_never_an_empty_text(self, make_spec: MakeSpec) -> None:
        rendered = render(make_spec, "  text: 'Hi {{ nick }}!'\n", {**ANN, "nick": ABSENT})
        (problem,) = rendered.problems
        assert (problem.rule, problem.column) == ("empty-cell", "nick")
        assert problem.field is not None
        assert problem.field.node.text[problem.start : problem.end] == "nick"


class TestTypedFields:
    def test_objects_by_one_expression(self, make_spec: MakeSpec) -> None:
        head = HEAD.replace("twlo", "gswa")
        values = {**ANN, "t": {"id": "x", "variables": {"Body": {"1": "a"}}}}
        rendered = Renderer(make_spec("  template: '{{ t }}'\n", head=head), {}).render(values)
        assert rendered.body["template"] == values["t"]

    def test_objects_by_json(self, make_spec: MakeSpec) -> None:
        message = '  text: Hi\n  contact_saving:\n    extra_fields: \'{"a": "{{ name }}"}\'\n'
        assert render(make_spec, message).body["contact_saving"] == {"extra_fields": {"a": "Ann"}}

    def test_a_key_and_its_blame(self, make_spec: MakeSpec) -> None:
        spec = make_spec(rest="recipients: {key: '{{ id }}'}\n")
        renderer = Renderer(spec, {})
        assert renderer.render({**ANN, "id": "7"}).recipient_key == "7"
        assert rules(renderer.render({**ANN, "id": ABSENT})) == ["empty-cell"]


def test_a_constant_problem_is_known_without_rows(make_spec: MakeSpec) -> None:
    renderer = Renderer(make_spec(head=HEAD.replace(" k\n", " ''\n")), {})
    assert [problem.rule for problem in renderer.constant_problems] == ["invalid-rendered-field"]


def test_an_identity_outlives_a_correction(make_spec: MakeSpec) -> None:
    first, second = (
        to_message(spec, Renderer(spec, {}).render(ANN), 1, SANDBOX_ORIGIN, segments=1)
        for spec in (make_spec("  text: Helo\n"), make_spec("  text: Hello\n"))
    )
    assert first.key == second.key == identity("sandbox", "s", 1, "+16175551212", "")
    assert first.digest != second.digest


def test_the_order_of_keys_is_no_change(make_spec: MakeSpec) -> None:
    one = make_spec("  text: Hi\n  name: Ann\n")
    two = make_spec("  name: Ann\n  text: Hi\n")
    digests = {to_message(spec, Renderer(spec, {}).render(ANN), 1, "o", segments=None).digest for spec in (one, two)}
    assert len(digests) == 1


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXT, TEXT)
def test_whatever_is_in_the_cells_a_sound_row_has_content_and_is_json(name: str, text: str) -> None:
    source = HEAD + "  name: '{{ name }}'\n  text: '{{ text }}'\n"
    spec = build_spec(parse_document("s.yaml", source))
    rendered = Renderer(spec, {}).render({"phone": "+16175551212", "name": name, "text": text})
    if rendered.problems:
        assert is_blank(text)
        return
    body = json.loads(to_message(spec, rendered, 1, "o", segments=None).body)
    assert body["text"] == text
    assert body.get("name", "") == ("" if is_blank(name) else name)


def test_who_gets_an_sms_gets_no_template_of_a_spec_for_both() -> None:
    text = """\
message:
  provider: "{{ channel }}"
  channel_key: k
  to: "+16175551212"
  text: "{% if channel == 'twlo' %}Hi{% endif %}"
  template: {id: HX0123456789abcdef0123456789abcdef}
"""
    renderer = Renderer(build_spec(parse_document("s.yaml", text)), {})
    sms, whatsapp = (renderer.render({"channel": name}) for name in ("twlo", "twlowa"))
    assert (sms.body.get("text"), "template" in sms.body, sms.problems) == ("Hi", False, ())
    assert ("text" in whatsapp.body, whatsapp.body["template"]) == (False, {"id": "HX0123456789abcdef0123456789abcdef"})


class TestWhatIsNeverEmpty:
    """Contract, section 1: such a field without a value is an error of its own, whoever let the cell be empty."""

    FIELDS = ("schedule", "contact_saving: {save", "contact_saving: {list_id", "template: {id")

    @pytest.mark.parametrize("field", FIELDS)
    @pytest.mark.parametrize("template", ["{{ x }}", "{{ x | lower }}", "{{ x }} {{ y }}", "{{ x.z }}"])
    def test_an_empty_cell_is_the_fields_fault(self, make_spec: MakeSpec, field: str, template: str) -> None:
        message = f"  text: Hi\n  {field}: '{template}'{'}' if '{' in field else ''}\n"
        (problem,) = render(make_spec, message, {**ANN, "x": ABSENT, "y": ABSENT}).problems
        assert (problem.rule, problem.column[:1]) == ("invalid-rendered-field", "x")
        assert problem.detail.endswith("is empty: fill the cell, or leave the recipient out")

    def test_a_column_that_must_be_filled_is_its_own_fault(self, make_spec: MakeSpec) -> None:
        message, rest = "  text: Hi\n  schedule: '{{ x }}'\n", "recipients: {columns: {x: {}}}\n"
        assert rules(render(make_spec, message, {**ANN, "x": ABSENT}, rest)) == ["empty-cell"]

    def test_what_has_more_than_its_columns_is_not_empty(self, make_spec: MakeSpec) -> None:
        message = "  text: Hi\n  schedule: '{{ x }}T09:00:00Z'\n"
        assert rules(render(make_spec, message, {**ANN, "x": ABSENT})) == ["empty-cell"]

    def test_a_var_has_no_cell(self, make_spec: MakeSpec) -> None:
        renderer = Renderer(make_spec("  text: Hi\n  schedule: '{{ x }}'\n", ""), {"x": ABSENT})
        (problem,) = renderer.render(ANN).problems
        assert (problem.rule, problem.detail) == ("invalid-rendered-field", "`x` is empty: give the var a value")


@pytest.mark.parametrize("message", ["  name: Ann\n", "  text: '{{ x }}'\n", "  text: Hi\n  schedule: '{{ x }}'\n"])
def test_every_problem_has_words(make_spec: MakeSpec, message: str) -> None:
    rendered = render(make_spec, message, {**ANN, "x": ABSENT})
    assert all(problem.detail for problem in rendered.problems)
    assert rendered.problems
