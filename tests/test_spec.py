"""A document's nodes under their meaning; whatever does not fit is left out, and nothing fails."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.source.document import parse_document
from msgspec_runner.spec import build_spec
from msgspec_runner.templates import ABSENT
from tests.conftest import MakeSpec


def test_the_contracts_spec(make_spec: MakeSpec) -> None:
    spec = make_spec(
        """\
  name: "{{ first_name }}"
  text: Hi
  template: {id: HX1, variables: {1: one, Body: {2: two}}}
  contact_saving: {save: true, list_id: "{{ l }}", extra_fields: {email: "{{ e }}", age: 30}}
  schedule: "{{ s }}"
""",
        """\
recipients:
  columns:
    first_name: {header: First Name}
    l: {type: integer, required: false, default: 0, enum: [0, 1]}
  rows: [{phone: +16175551212, note: null, tags: [a, b]}]
  key: "{{ id }}"
vars: {a: 1, b: null}
delivery: {max_recipients: 5, rate: 10/s}
""",
    )
    by_path = {field.path[1:]: field for field in spec.fields}
    assert by_path["template", "variables", "1"].node.text == "one"
    assert by_path["template", "variables", "Body", "2"].name == "template.variables.Body.2"
    assert by_path["contact_saving", "list_id"].kind == "integer"
    assert by_path["contact_saving", "save"].constant is True
    assert by_path["contact_saving", "extra_fields", "age"].constant == 30
    assert by_path["contact_saving", "extra_fields", "email"].optional
    assert not by_path["schedule",].optional
    assert spec.provider is not None
    assert spec.provider.id == "twlo"
    assert [column.name for column in spec.columns] == ["first_name", "l"]
    assert spec.columns[1].default == "0"
    assert not spec.columns[1].required
    assert spec.columns[1].enum == ("0", "1")
    assert spec.rows == ({"phone": "+16175551212", "note": None, "tags": ["a", "b"]},)
    assert spec.row_lines("rows") == (15,)
    assert spec.vars == {"a": 1, "b": ABSENT}
    assert spec.delivery.max_recipients == 5
    assert spec.key is not None
    assert spec.key.dotted == "recipients.key"


def test_the_names_of_a_field(make_spec: MakeSpec) -> None:
    spec = make_spec(
        '  text: "{{ day | date }} {{ day }}"\n  name: "{{ first }} {{ last }}"\n  user_id: "{{ user }}"\n'
    )
    by_name = {field.name: (field.sole_name, field.only_name) for field in spec.fields}
    assert by_name["text"] == ("", "day")
    assert by_name["name"] == ("", "")
    assert by_name["user_id"] == ("user", "user")
    assert by_name["provider"] == ("", "")


def test_a_plus_that_yaml_would_swallow_is_kept(make_spec: MakeSpec) -> None:
    spec = make_spec(head="spec: 0123\nmessage:\n  to: +16175551212\n", message="  text: 12:30\n")
    assert spec.id == "0123"
    field = spec.field("to")
    assert field is not None
    assert field.constant == "+16175551212"


KEYS = (
    *("spec", "edition", "message", "provider", "to", "text", "template", "id", "variables", "contact_saving", "save"),
    *("extra_fields", "recipients", "columns", "rows", "samples", "key", "file", "vars", "delivery", "window"),
)
YAML = st.recursive(
    st.sampled_from(["x", "1", "true", "~", '"{{ a }}"', "2031-01-01"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        ).map(lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"),
    ),
    max_leaves=12,
)


@given(YAML)
def test_building_never_fails(text: str) -> None:
    spec = build_spec(parse_document("s.yaml", text))
    assert spec.edition >= 1 or isinstance(spec.edition, int)


def test_a_windows_zone_is_a_template_over_the_recipients_columns() -> None:
    text = 'delivery: {window: {from: "22:00", to: "06:00"%s}}\n'
    named = build_spec(parse_document("a.yaml", text % ', timezone: "{{ tz }}"'))
    assert named.delivery.window is not None
    assert (named.delivery.window.opens, named.delivery.window.closes) == ("22:00", "06:00")
    assert named.zone is not None
    assert (named.zone.name, named.zone.sole_name) == ("delivery.window.timezone", "tz")
    assert list(named.templates) == [named.zone]
    constant = build_spec(parse_document("a.yaml", text % ", timezone: UTC"))
    assert constant.zone is not None
    assert list(constant.templates) == []
    for none in (text % "", text % ", timezone: null", "delivery: {window: nine to five}\n", "delivery: {}\n"):
        assert build_spec(parse_document("a.yaml", none)).zone is None
