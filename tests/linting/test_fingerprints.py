"""A finding is the same finding while its line is, wherever the line moves to."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.diagnostics import Diagnostic, Position, Severity, Span
from msgspec_runner.linting.fingerprints import with_fingerprints
from msgspec_runner.source.document import parse_document

HEAD = "spec: s\nmessage:\n  provider: twlo\n  channel_key: k\n  to: '+16175551212'\n"
BODY = """\
  text: |
    Hello {{ a }} and {{ b }}
    Hello {{ a }} and {{ b }}
  name: "{{ c }} {{ c }}"
  foo: 1
"""


def prints(lint, text: str) -> list[str]:
    return [item.fingerprint for item in lint(text).diagnostics]


def test_they_are_unique_even_for_equal_lines(lint) -> None:
    found = prints(lint, HEAD + BODY)
    assert len(found) == 8
    assert len(set(found)) == len(found)
    assert all(len(item) == 32 and set(item) <= set("0123456789abcdef") for item in found)


def test_they_stay_when_lines_are_added_above(lint) -> None:
    before = prints(lint, HEAD + BODY)
    assert prints(lint, "# a comment\n\n" + HEAD + BODY) == before
    assert prints(lint, HEAD + "  user_id: a1\n" + BODY) == before


def test_they_stay_when_the_line_is_indented_otherwise(lint) -> None:
    moved = BODY.replace("    Hello", "        Hello")
    assert prints(lint, HEAD + moved) == prints(lint, HEAD + BODY)


def test_another_finding_on_another_line_changes_none(lint) -> None:
    before = prints(lint, HEAD + BODY)
    after = prints(lint, HEAD + "  bar: 1\n" + BODY)
    assert len(after) == len(before) + 1
    assert set(before) < set(after)


def test_another_text_is_another_finding(lint) -> None:
    first = prints(lint, HEAD + "  text: |\n    Hello!\n")
    assert first != prints(lint, HEAD + "  text: |+\n    Hello!\n")


def test_a_file_of_another_name_has_other_findings(lint) -> None:
    specs = {"specs/a.yaml": HEAD + BODY, "specs/b.yaml": HEAD.replace("spec: s", "spec: t") + BODY}
    found = [item.fingerprint for item in lint(specs).diagnostics]
    assert len(set(found)) == len(found)


def test_words_of_the_message_do_not_count(lint) -> None:
    samples = "recipients: {samples: [{phone: '1', %s: x}]}\n"
    text = HEAD + '  text: "{{ frist }}"\n'
    one = lint(text + samples % "first").diagnostics
    two = lint(text + samples % "fist").diagnostics
    assert one[0].message != two[0].message
    assert [item.fingerprint for item in one] == [item.fingerprint for item in two]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["text: a", "text: b", "  text: a", "", "é", "\ud800", "\0", "\u2028"]), min_size=1),
    st.lists(st.sampled_from(["MSG101", "MSG106"]), max_size=12),
    st.data(),
)
def test_any_findings_have_unique_ones(lines: list[str], codes: list[str], data: st.DataObject) -> None:
    document = parse_document("s.yaml", "\n".join(lines))
    found = []
    for code in codes:
        line = data.draw(st.integers(1, len(lines)))
        place = Position(line, 1)
        path = data.draw(st.sampled_from(["", "message.text"]))
        found.append(Diagnostic("s.yaml", code, "x", Severity.ERROR, "m", Span(place, place), path))
    given_prints = [item.fingerprint for item in with_fingerprints(found, {"s.yaml": document})]
    assert len(set(given_prints)) == len(codes)
