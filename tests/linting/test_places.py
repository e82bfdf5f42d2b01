"""From a character of the file to the finding about it: whatever the scalar's style, the place is that character's.

The texts are built from fragments whose written form is known, so that the expected place comes from the file itself
and from nothing that the program believes about YAML.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgspec_runner import lint
from msgspec_runner.diagnostics import Diagnostic

STYLES = ("plain", "single", "double", "literal", "folded")
WORDS = [
    "Hi",
    "see you",
    "{{ first_name }}",
    "{# aside #}",
    "{% if first_name %}there{% endif %}",
    "{{- first_name -}}",
]
WIDE = ["🎉", "é", "你好", "👩🏽‍❤️‍👩🏽", "e\u0301"]
ESCAPED = {"double": ["\\t", "\\x41", "\\u00e9", '\\"', "\\\\", "\\\n    ", "\\n"], "single": ["''", '"', "#"]}
BREAKS = {"literal": ["\n    ", "\n\n    ", "\n      "], "folded": ["\n    ", "\n\n    ", "\n      indented\n    "]}
FLOW_BREAKS = ["\n    ", "\n\n    "]

no_fixture_trouble = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Marked(NamedTuple):
    """A spec's text with one marked range of characters."""

    file: str
    start: int
    end: int

    @property
    def place(self) -> tuple[int, int]:
        """The 1-based line and column of the mark, counted from the file's characters alone."""
        before = self.file[: self.start].replace("\r\n", "\n")
        return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


@st.composite
def marked_specs(draw: st.DrawFn, before: str, mark: dict[str, str], after: str, *, wide: bool) -> Marked:
    """A spec whose text holds ``before``, the mark as the style writes it, and ``after``, somewhere among fragments."""
    style = draw(st.sampled_from(STYLES))
    words = [word for word in WORDS if style != "plain" or " #" not in word]
    words += ESCAPED.get(style, [])
    fragments = st.sampled_from(words + WIDE if wide else [word for word in words if word != "\\t"])
    breaks = st.sampled_from(BREAKS.get(style, FLOW_BREAKS))
    part = st.lists(fragments, max_size=5).map(lambda words: " ".join(["x", *words, "x"]))
    lines = draw(st.lists(part, min_size=1, max_size=4))
    chosen = draw(st.integers(0, len(lines) - 1))
    hidden = draw(st.sampled_from([mark["plain"], mark.get(style, mark["plain"])]))
    sign = "\ue000"
    lines[chosen] = f"{lines[chosen]} {before}{sign}{after} {draw(part)}"
    body = lines[0]
    for line in lines[1:]:
        body += draw(breaks) + line
    anchor = draw(st.sampled_from(["", "&greeting ", "!!str "]))
    head = {"plain": "", "single": "'", "double": '"', "literal": "|-\n    ", "folded": ">-\n    "}[style]
    tail = head if style in {"single", "double"} else ""
    name = draw(st.sampled_from(["Ann", "'🎉 party'", '"\\U0001F389"']))
    comment = draw(st.sampled_from(["", "# 🎉 “quoted” – comment\n", "# a\n\n"]))
    text = (
        f"{comment}spec: s\nmessage:\n  provider: twlo\n  channel_key: k\n  name: {name}\n"
        f'  to: "{{{{ phone }}}}"\n  text: {anchor}{head}{body}{tail}\nrecipients:\n  file: ../r.csv\n'
    )
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    start = text.index(sign)
    return Marked(text.replace(sign, hidden), start, start + len(hidden))


def findings(folder: Path, text: str, rows: str = "phone,first_name\n+16175551212,Ann\n") -> tuple[Diagnostic, ...]:
    (folder / "specs").mkdir(exist_ok=True)
    (folder / "specs" / "s.yaml").write_bytes(text.encode())
    (folder / "r.csv").write_text(rows, encoding="utf-8")
    return lint(folder / "specs")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@no_fixture_trouble
@given(marked_specs("{{ ", {"plain": "surname", "double": "s\\u0075rname"}, " | upper }}", wide=True))
def test_an_unknown_name_is_found_where_it_stands(folder: Path, spec: Marked) -> None:
    (found,) = [item for item in findings(folder, spec.file) if item.code == "MSG402"]
    assert (found.span.start, found.span.end[1]) == (spec.place, spec.place[1] + spec.end - spec.start)


@no_fixture_trouble
@given(marked_specs("{{ first_name | ", {"plain": "uper", "double": "\\x75per"}, " }}", wide=True))
def test_an_unknown_filter_is_found_where_it_stands(folder: Path, spec: Marked) -> None:
    (found,) = [item for item in findings(folder, spec.file) if item.code == "MSG403"]
    assert (found.span.start, found.span.end[1]) == (spec.place, spec.place[1] + spec.end - spec.start)


LONG = " and so on" * 8  # beyond the 70 characters of one UCS-2 segment, within the 160 of GSM-7 for most texts


@no_fixture_trouble
@given(marked_specs("it", {"plain": "’", "double": "\\u2019"}, f"s{LONG}", wide=False))
def test_a_rendered_character_is_found_in_the_template_that_wrote_it(folder: Path, spec: Marked) -> None:
    (found,) = [item for item in findings(folder, spec.file) if item.code == "MSG604"]
    assert (found.span.start, found.span.end[1]) == (spec.place, spec.place[1] + spec.end - spec.start)
    assert found.fix is not None


@no_fixture_trouble
@given(
    marked_specs("{{ ", {"plain": "last_name"}, f" }}}}{LONG}", wide=False),
    st.integers(0, 5),
    st.integers(0, 3),
    st.text("abc d", max_size=5),
)
def test_a_rendered_character_is_found_in_the_cell_that_holds_it(
    folder: Path, spec: Marked, row: int, column: int, word: str
) -> None:
    header = ["phone", "first_name", "note"]
    header.insert(column, "last_name")
    lines = [",".join(header)]
    for number in range(6):
        name = f"O’{word}b" if number == row else "Obrien"
        cells = {"phone": f"+1617555121{number}", "first_name": "Ann", "note": "n", "last_name": name}
        lines.append(",".join(cells[each] for each in header))
    (found,) = [item for item in findings(folder, spec.file, "\n".join(lines) + "\n") if item.code == "MSG604"]
    assert found.span.start == spec.place
    assert [(near.file, near.row, near.column) for near in found.related] == [("r.csv", row + 2, column + 1)]
