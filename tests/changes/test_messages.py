"""What somebody would get before and after: the fields that differ, line by line, and no number."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.changes.messages import MAX_EXAMPLES, Example, Picture, difference, sample_examples
from msgspec_runner.rendering import Renderer
from tests.conftest import MakeSpec

TEXTS = st.dictionaries(st.sampled_from("abc"), st.text("x\n ", max_size=6), max_size=3)


def lines(before: Mapping[str, object] | None, after: Mapping[str, object] | None) -> list[str]:
    pictures = [Picture(body) if body is not None else None for body in (before, after)]
    return [f"{line.sign} {line.text}" for line in difference(Example("x", *pictures))]


def test_only_the_fields_that_differ() -> None:
    before = {
        "text": "one\ntwo\nthree",
        "template": {"id": "HX1", "variables": {"1": "a"}},
        "name": "Ann",
        "image_url": "u",
    }
    after = {"text": "one\n2\nthree", "template": {"id": "HX1", "variables": {"1": "b"}}, "name": "Ann", "save": True}
    assert lines(before, after) == [
        "  text: one",
        "-       two",
        "+       2",
        "        three",
        "- template.variables.1: a",
        "+ template.variables.1: b",
        "+ save: true",
        "- image_url: u",
    ]


def test_numbers_are_masked() -> None:
    assert lines({"to": "+16175551212"}, {"to": "+442071838750"}) == ["- to: +1•••••••12", "+ to: +4•••••••50"]
    assert lines(None, {"to": "+16175551212"}) == ["+ to: +1•••••••12"]


@given(TEXTS, TEXTS)
def test_a_diff_tells_both_messages(before: dict[str, str], after: dict[str, str]) -> None:
    told = [*difference(Example("x", Picture(before), Picture(after)))]
    assert (told == []) is (before == after)
    for sign, body in (("-", before), ("+", after)):
        other = after if sign == "-" else before
        for name, text in body.items():
            if other.get(name) == text:
                continue
            first, *more = text.split("\n")
            written = [f"{name}: {first}", *(f"{' ' * (len(name) + 2)}{line}" for line in more)]
            mine = [line.text for line in told if line.sign in (sign, " ")]
            assert all(line in mine for line in written)


def test_a_sample_that_cannot_be_rendered_says_why(make_spec: MakeSpec) -> None:
    rest = "recipients:\n  samples: [{phone: nobody}, {phone: '+16175551212'}]\n"
    spec = make_spec("  text: Hi\n", rest)
    broken, sound = sample_examples(None, Renderer(spec, {}))
    assert [line.text for line in difference(broken)] == [
        "cannot be sent: invalid-phone-cell: " + str(broken.after and broken.after.problems[0]).partition(": ")[2]
    ]
    assert "nobody" not in str(broken)
    assert sound.after is not None
    assert sound.after.cost is not None
    assert sound.after.cost.count == 1


def test_few_samples_are_shown(make_spec: MakeSpec) -> None:
    rest = "recipients:\n  samples:\n" + "    - {phone: '+16175551212'}\n" * 20
    assert len(sample_examples(None, Renderer(make_spec("  text: Hi\n", rest), {}))) == MAX_EXAMPLES
