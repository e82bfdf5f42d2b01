"""Origins: which template characters, or whose cell, put a rendered character there."""

from __future__ import annotations

import pytest

from msgspec_runner.linting.origins import Origin, Origins
from msgspec_runner.rendering import Renderer
from msgspec_runner.source.document import parse_document
from msgspec_runner.spec import build_spec


def origin(template: str, wanted: str, **values: object) -> Origin:
    spec = build_spec(parse_document("s.yaml", "message:\n  text: |-\n    " + template.replace("\n", "\n    ")))
    field = spec.field("text")
    assert field is not None
    renderer = Renderer(spec, {"city": "Köln"})
    text = renderer.render(values).body["text"]
    assert isinstance(text, str)
    start = text.index(wanted)
    found = Origins(renderer, field, values, text).of(start, start + len(wanted))
    if found.literal:
        assert field.node.text[found.start : found.end] == wanted
    return found


@pytest.mark.parametrize(
    ("template", "wanted", "found"),
    [
        ("it’s {{ name }}", "’", Origin(2, 3, literal=True, column="")),
        ("{{ name }} it’s", "’", Origin(13, 14, literal=True, column="")),
        ("{{ name }} it", "…", Origin(3, 7, literal=False, column="name")),
        ("{{ name | upper }} it", "…", Origin(3, 15, literal=False, column="name")),
        ("{{ name ~ other }}", "…", Origin(3, 15, literal=False, column="name")),
        ("{{ name ~ name }}", "…", Origin(3, 14, literal=False, column="name")),
        ("{{ name ~ twin }}", "…", Origin(3, 14, literal=False, column="")),
        ("{% if name %}\n–{% endif %}", "–", Origin(14, 15, literal=True, column="")),
        ("{% for n in [1, 2] %}–{% endfor %}", "–", Origin(21, 22, literal=True, column="")),
        ("{% raw %}{{ – }}{% endraw %}", "–", Origin(12, 13, literal=True, column="")),
        ("{{ '–' }}", "–", Origin(3, 6, literal=False, column="")),
        ("in {{ city }}", "ö", Origin(6, 10, literal=False, column="")),  # a var is in no cell
    ],
)
def test_a_character_leads_back_to_what_wrote_it(template: str, wanted: str, found: Origin) -> None:
    assert origin(template, wanted, name="Ann…", other="Bob", twin="…") == found


def test_what_two_pieces_made_together_comes_from_both() -> None:
    assert origin("e{{ accent }}", "e\u0301", accent="\u0301") == Origin(0, 10, literal=False, column="")
