"""A suppression is taken out without a trace, and it is known when that changes what is sent."""

from __future__ import annotations

import pytest

from msgspec_runner.diagnostics import Fix
from msgspec_runner.linting.removal import removal, selector_removal
from msgspec_runner.linting.suppressions import Suppression, read_suppressions
from msgspec_runner.source.document import Document, parse_document
from msgspec_runner.spec import build_spec

HEAD = "spec: s\nmessage:\n"


def only(text: str) -> tuple[Document, Suppression]:
    document = parse_document("s.yaml", text)
    (found,) = read_suppressions(document, build_spec(document), {})
    return document, found


def applied(document: Document, fix: Fix | None) -> str:
    assert fix is not None
    (edit,) = fix.edits
    first, last = document.offset(edit.span.start), document.offset(edit.span.end)
    return document.text[:first] + edit.text + document.text[last:]


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("spec: s  # msgspec: ignore[A] why\nedition: 2\n", "spec: s\nedition: 2\n"),
        ("spec: s\n  # msgspec: ignore[A]\nedition: 2\n", "spec: s\nedition: 2\n"),
        ("spec: s\r\n# msgspec: ignore[A]\r\nedition: 2\r\n", "spec: s\r\nedition: 2\r\n"),
        ("spec: s\r# msgspec: ignore[A]\redition: 2", "spec: s\redition: 2"),
        ("spec: s\n# msgspec: ignore[A]", "spec: s\n"),
        ("spec: s # note # msgspec: ignore[A]\n", "spec: s # note\n"),
        ("spec: s # msgspec: ignore[A] why # note\n", "spec: s # note\n"),
        ("# msgspec: ignore[A] why # note\nspec: s\n", "# note\nspec: s\n"),
    ],
)
def test_of_yaml(text: str, rest: str) -> None:
    document, suppression = only(text)
    fix = removal(document, suppression)
    assert applied(document, fix) == rest
    assert fix is not None
    assert fix.safety == "safe"


def test_a_comment_that_ends_a_kept_block_is_not_safe_to_remove() -> None:
    document, suppression = only(HEAD + "  text: |+\n    Hi\n # msgspec: ignore[A]\n\nspec2: s\n")
    fix = removal(document, suppression)
    assert fix is not None
    assert fix.safety == "unsafe"


@pytest.mark.parametrize(
    ("text", "rest", "safety"),
    [
        ("|-\n    Hi\n    {# msgspec: ignore[A] #}\n    you\n", "|-\n    Hi\n    you\n", "safe"),
        ("|-\r\n    Hi\r\n    {# msgspec: ignore[A] #}\r\n    you\r\n", "|-\r\n    Hi\r\n    you\r\n", "safe"),
        ("|-\n    {# msgspec: ignore[A] #}\n    you\n", "|-\n    you\n", "safe"),
        ("|-\n    {# msgspec: ignore[A] #}Hi\n    you\n", "|-\n    Hi\n    you\n", "safe"),
        ("|-\n    Hi {# msgspec: ignore[A] #}\n    you\n", "|-\n    Hi\n    you\n", "unsafe"),
        ("|-\n    Hi{# msgspec: ignore[A] +#}\n    you\n", "|-\n    Hi\n    you\n", "safe"),
        ("|-\n    Hi\n    {# msgspec: ignore[A] #}\n", "|-\n    Hi\n", "unsafe"),
        (">-\n    Hi\n    {# msgspec: ignore[A] #}\n    you\n", ">-\n    Hi\n    you\n", "unsafe"),
        ("'{# msgspec: ignore[A] #}Hi'\n", "'Hi'\n", "safe"),
        ('"\\u00e9{# msgspec: ignore[A] #}Hi"\n', '"\\u00e9Hi"\n', "safe"),
    ],
)
def test_of_jinja(text: str, rest: str, safety: str) -> None:
    document, suppression = only(HEAD + "  text: " + text)
    fix = removal(document, suppression)
    assert applied(document, fix) == HEAD + "  text: " + rest
    assert fix is not None
    assert fix.safety == safety


@pytest.mark.parametrize(
    ("index", "rest"), [(0, "ignore[B , C]"), (1, "ignore[A, C]"), (2, "ignore[A, B]")], ids=["first", "middle", "last"]
)
def test_of_one_code(index: int, rest: str) -> None:
    document, suppression = only("spec: s # msgspec: ignore[A, B , C]\n")
    fix = selector_removal(document, suppression, index)
    assert applied(document, fix) == f"spec: s # msgspec: {rest}\n"


def test_nothing_is_removed_whose_place_is_not_exact() -> None:
    # With an escape inside, the comment is not where its characters are.
    document, suppression = only(HEAD + '  text: "{\\x23 msgspec: ignore[\\x41] #}Hi"\n')
    assert removal(document, suppression) is None
    assert selector_removal(document, suppression, 0) is None
