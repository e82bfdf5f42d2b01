"""A diff is a patch: what applies it gets the repaired file, byte for byte."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from msgspec_runner.reports.diff import diff
from msgspec_runner.source.document import Document, parse_document

BEFORE = "spec: s\nname: yes\n\n\n\n\n\n\nlast: no"


def pair(before: str, after: str) -> tuple[Document, Document]:
    return parse_document("specs/a b.yaml", before), parse_document("specs/a b.yaml", after)


def test_it_is_unified() -> None:
    before, after = pair("a: 1\nb: yes\nc: 3\n", 'a: 1\nb: "yes"\nc: 3\n')
    assert diff(before, after, terminal=False, color=False) == (
        '--- specs/a b.yaml\n+++ specs/a b.yaml\n@@ -1,3 +1,3 @@\n a: 1\n-b: yes\n+b: "yes"\n c: 3\n'
    )
    assert diff(before, before, terminal=False, color=False) == ""


def test_colours_and_characters_that_a_terminal_would_obey() -> None:
    before, after = pair("a: yes # \u202e\n", 'a: "yes" # \u202e\n')
    assert diff(before, after, terminal=False, color=False).count("\u202e") == 2
    shown = diff(before, after, terminal=True, color=True)
    assert "\x1b[31;1m-a: yes # <U+202E>\x1b[0m\n" in shown
    assert '\x1b[32;1m+a: "yes" # <U+202E>\x1b[0m\n' in shown


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("tail", ["", "\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize(
    "change", [("yes", '"yes"'), ("no", '"no"'), ("no", "no\nmore: 1"), ("spec: s", "spec: \u2028")]
)
def test_a_patch_applies(change: tuple[str, str], bom: str, tail: str, ends: str, tmp_path: Path) -> None:
    git = shutil.which("git")
    assert git is not None
    text = bom + BEFORE + tail
    before, after = pair(text.replace("\n", ends), text.replace(*change).replace("\n", ends))
    file = tmp_path / before.file
    file.parent.mkdir()
    file.write_bytes(text.replace("\n", ends).encode())
    patch = diff(before, after, terminal=False, color=False).encode()
    subprocess.run([git, "apply", "-p0", "--whitespace=nowarn", "-"], cwd=tmp_path, input=patch, check=True)
    assert file.read_bytes() == text.replace(*change).replace("\n", ends).encode()


ROWS = """\
spec: yes
message:
  text: a
  to: b
recipients:
  key: no
  rows:
    - {phone: Zq1, name: on}
    # Zq2
    - phone: Zq3
      name: Zq4
vars: {a: off}
locale: c
"""


def test_recipients_in_the_spec_are_left_out_and_told() -> None:
    before, after = pair(ROWS, ROWS.replace("on}", '"on"}').replace("off", '"off"'))
    said = "# 1 change in recipients.rows: people's data, which --show-data shows\n"
    assert diff(before, after, terminal=False, color=False) == (
        '--- specs/a b.yaml\n+++ specs/a b.yaml\n@@ -12 +12 @@\n-vars: {a: off}\n+vars: {a: "off"}\n' + said
    )
    assert "Zq1" in diff(before, after, terminal=False, color=False, show_data=True)
    before, after = pair(ROWS, ROWS.replace("Zq3", '"Zq3"'))
    assert diff(before, after, terminal=False, color=False) == said


@pytest.mark.parametrize("rows", [ROWS, ROWS.replace("\n", "\r\n"), "recipients: {rows: [{phone: Zq1}]}\nspec: yes\n"])
@pytest.mark.parametrize("word", ["yes", "  to: b", "no", "off", "locale: c", "spec", "recipients:"])
def test_no_line_of_a_recipient_is_shown_and_the_patch_applies(rows: str, word: str, tmp_path: Path) -> None:
    git = shutil.which("git")
    assert git is not None
    before, after = pair(rows, rows.replace(word, f"{word} # new"))
    patch = diff(before, after, terminal=False, color=False)
    assert "Zq" not in patch
    (tmp_path / "specs").mkdir()
    file = tmp_path / before.file
    file.write_bytes(before.text.encode())
    if "@@" not in patch:
        assert "# 1 change" in patch or word not in rows
        return
    command = [git, "apply", "-p0", "--whitespace=nowarn", "--unidiff-zero", "-"]
    subprocess.run(command, cwd=tmp_path, input=patch.encode(), check=True)
    assert file.read_bytes() == after.text.encode()
