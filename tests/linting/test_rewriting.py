"""Repairs inside a scalar: the style stays, and a repair that would make another text is not offered."""

from __future__ import annotations

import pytest

from msgspec_runner.linting.fixes import _offsets
from msgspec_runner.linting.rewriting import rewritten
from msgspec_runner.source.document import parse_document
from msgspec_runner.spec import build_spec


def repaired(scalar: str, old: str, new: str) -> str | None:
    document = parse_document("s.yaml", f"message:\n  text: {scalar}\n  name: Ann\n")
    field = build_spec(document).field("text")
    assert field is not None
    start = field.node.text.index(old)
    fix = rewritten(document, field, [(start, start + len(old), new)])
    if fix is None:
        return None
    assert fix.safety == "unsafe"
    ((first, last, text),) = _offsets(document, fix)
    return (document.text[:first] + text + document.text[last:])[len("message:\n  text: ") : -len("\n  name: Ann\n")]


@pytest.mark.parametrize(
    ("scalar", "old", "new", "after"),
    [
        ("don’t go", "’", "'", "don't go"),
        ("'don’t go'", "’", "'", "'don''t go'"),
        ('"say “yes”"', "“", '"', '"say \\"yes”"'),
        ('"say \\u201cyes”"', "“", '"', '"say \\"yes”"'),
        ("|-\n    a…b\n    c", "…", "...", "|-\n    a...b\n    c"),
        (">-\n    a –\n    c", "–", "-", ">-\n    a -\n    c"),
        ("&a x\u00a0y", "\u00a0", " ", "&a x y"),
    ],
)
def test_the_style_stays(scalar: str, old: str, new: str, after: str) -> None:
    assert repaired(scalar, old, new) == after


@pytest.mark.parametrize(
    ("scalar", "old", "new"),
    [
        ("“Mill” is open", "“", '"'),  # a quoted scalar would begin here
        ("– is a list", "–", "-"),
        ("x\u00a0# not a comment", "\u00a0", " "),
        ("x:\u00a0y", "\u00a0", " "),
        ("x\u00a0", "\u00a0", " "),  # white space at the end of a plain scalar is none of it
    ],
)
def test_what_would_become_something_else_is_not_offered(scalar: str, old: str, new: str) -> None:
    assert repaired(scalar, old, new) is None
