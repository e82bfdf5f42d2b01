"""Whatever is typed wherever: every question has an answer, and no bug is met."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.editor.helper import answer
from msgspec_runner.editor.positions import Positions
from msgspec_runner.editor.questions import Check, Checked, Complete, Define, Desk, Explain, Mend, MendAll, Settings
from msgspec_runner.editor.workplace import Memory
from tests.editor.texts import SPEC

PATH = str(Path(__file__).resolve().parents[1] / "gallery" / "specs" / "hostile.yaml")
"""In a project with vars, catalogs and profiles; there is no such file."""

SCRAPS = [
    *(
        "{{",
        "}}",
        "{% ",
        " %}",
        "{#",
        " | ",
        ".",
        "(",
        ")",
        '"',
        "'",
        ":",
        ": ",
        "\n",
        "\r\n",
        "- ",
        "{",
        "}",
        "[",
        "]",
    ),
    *("#", " ", "😀", "&a ", "*a", "|-", ">", 'date("', "\\", "\0", "\ufeff", "msgspec: ignore[", "is ", "include '"),
]
EDITS = st.lists(st.tuples(st.integers(0, len(SPEC)), st.integers(0, 20), st.sampled_from(SCRAPS)), max_size=4)


@given(EDITS, st.integers(0, len(SPEC)))
@settings(max_examples=30)
def test_every_question_has_an_answer(edits: list[tuple[int, int, str]], offset: int) -> None:
    text = SPEC
    for place, cut, scrap in edits:
        text = text[:place] + scrap + text[place + cut :]
    memory, positions = Memory(), Positions(text, "utf-16")
    desk = Desk(PATH, text, {PATH: text}, Settings(), "utf-16")
    spot = positions.spot(offset)
    for question in (Complete(desk, spot), Explain(desk, spot, ()), Define(desk, spot)):
        answer(question, memory)
    checked = answer(Check(desk), memory)
    assert isinstance(checked, Checked)
    findings = tuple(item.diagnostic for item in checked.found)
    answer(Mend(desk, findings), memory)
    answer(MendAll(desk, findings), memory)
    for item in checked.found:
        assert item.extent.start <= item.extent.end
        assert positions.offset(item.extent.end) <= len(text)
