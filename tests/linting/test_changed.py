"""Linting what a change touches gives what linting everything gives of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.config import Config
from msgspec_runner.linting.changed import lint_changed
from msgspec_runner.linting.linter import Linter
from msgspec_runner.source.document import Document, parse_document

SPEC = 'spec: {id}{comment}\nmessage: {{provider: twlo, channel_key: k, to: "+16175551212", text: "{text}"}}\n'


def spec(file: str, id_: str, text: str = "Hi", comment: str = "") -> Document:
    return parse_document(file, SPEC.format(id=id_, text=text, comment=comment))


@pytest.fixture
def linter(tmp_path: Path) -> Linter:
    return Linter(Config(root=tmp_path))


def found(linter: Linter, documents: list[Document], touched: set[str]) -> list[tuple[str, str]]:
    return [(item.file, item.code) for item in lint_changed(linter, documents, touched).diagnostics]


def test_only_what_is_touched_is_looked_at(linter: Linter) -> None:
    documents = [spec("a", "a", "{{ x }}"), spec("b", "b", "{{ x }}")]
    result = lint_changed(linter, documents, {"b"})
    assert [(item.file, item.code) for item in result.diagnostics] == [("b", "MSG402")]
    assert list(result.documents) == ["b"]


def test_everything_touched_is_everything_linted(linter: Linter) -> None:
    documents = [spec("a", "a", "{{ x }}"), spec("b", "a"), spec("c", "c", comment="  # msgspec: ignore[MSG209]")]
    assert lint_changed(linter, documents, {"a", "b", "c"}) == linter.lint(documents)


@pytest.mark.parametrize("touched", ["a", "b"])
def test_an_id_that_is_taken_is_found_from_either_side(touched: str, linter: Linter) -> None:
    documents = [spec("a", "same"), spec("b", "same")]
    result = lint_changed(linter, documents, {touched})
    assert [(item.file, item.code) for item in result.diagnostics] == [("b", "MSG209")]
    assert set(result.documents) == {touched, "b"}


def test_what_was_found_across_others_before_is_not_said_again(linter: Linter) -> None:
    documents = [spec("a", "a"), spec("b", "same"), spec("c", "same")]
    assert found(linter, documents, {"a"}) == []
    assert found(linter, documents, set()) == []
    assert found(linter, [spec("a", "same"), *documents[1:]], {"a"}) == [("b", "MSG209")]


@pytest.mark.parametrize("touched", ["a", "b"])
def test_a_suppression_holds_wherever_it_stands(touched: str, linter: Linter) -> None:
    ignored = [spec("a", "same"), spec("b", "same", comment="  # msgspec: ignore[MSG209]")]
    assert found(linter, ignored, {touched}) == []


def test_a_suppression_that_is_not_touched_and_suppresses_nothing_is_left(linter: Linter) -> None:
    documents = [spec("a", "a"), spec("b", "b", comment="  # msgspec: ignore[MSG203]")]
    assert found(linter, documents, {"a"}) == []
    assert found(linter, documents, {"b"}) == [("b", "MSG901")]
