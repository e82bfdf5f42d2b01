"""``lint --since``: the specs that a change touches, with what only the whole project shows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from msgspec_runner.diagnostics import Span
from msgspec_runner.linting.linter import Examined, Linter, LintResult
from msgspec_runner.linting.rule import SpecFacts
from msgspec_runner.linting.rules import RULES
from msgspec_runner.linting.subject import Subject
from msgspec_runner.linting.suppressions import MARK
from msgspec_runner.source.document import Document
from msgspec_runner.source.partials import Partials
from msgspec_runner.spec import build_spec


def lint_changed(linter: Linter, documents: Sequence[Document], touched: Collection[str]) -> LintResult:
    """Lint some specs of a project; of the others, their recipients included, only what rules across specs ask for.

    Args:
        linter: of the project.
        documents: every spec, in the order of the project.
        touched: those to lint, by the names of their documents.

    Raises:
        UsageError, RecipientsError, ConfigError: see :meth:`Linter.lint`.
    """
    linted = {spec.document.file: spec for spec in linter.examine(each for each in documents if each.file in touched)}
    partials = Partials(linter.config.root)
    seen = [linted.get(document.file) or _glance(linter, document, partials) for document in documents]
    result = linter.conclude(seen)
    others = [spec.facts for spec in seen if spec.document.file not in touched]
    known = frozenset(_across(others))
    shown = tuple(
        item
        for item in result.diagnostics
        if item.file in touched or (item.code in _ACROSS and (item.file, item.code, item.span) not in known)
    )
    files = {*touched, *(item.file for item in shown)}
    return LintResult(shown, {file: document for file, document in result.documents.items() if file in files})


_ACROSS = {rule.code: rule.check_project for rule in RULES if rule.check_project is not None}
"""The rules across specs: a touched spec may be why another one is blamed."""


def _across(specs: Sequence[SpecFacts]) -> Iterator[tuple[str, str, Span]]:
    """Yield what is found across specs that nobody touched: it was there before."""
    for code, check in _ACROSS.items():
        for file, finding in check(specs):
            yield file, code, finding.span


def _glance(linter: Linter, document: Document, partials: Partials) -> Examined:
    """Return what other specs need to know of a document; with its suppressions, which may be about that."""
    if MARK in document.text:
        [examined] = replace(linter, rows=False, partials=partials).examine([document])
        return examined._replace(diagnostics=())
    subject = Subject(document, build_spec(document), linter.config, partials, {}, None)
    return Examined(document, subject.facts, (), None)
