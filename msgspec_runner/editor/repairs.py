"""How to mend findings, or to make them silent, as changes of the open text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec_runner.diagnostics import Diagnostic, Fix
from msgspec_runner.editor.positions import Positions
from msgspec_runner.editor.questions import Change, Desk, Repair
from msgspec_runner.editor.suppressing import Edit, file_suppression, suppression
from msgspec_runner.editor.workplace import Memory, Workplace
from msgspec_runner.linting.fixes import apply_fixes, fix
from msgspec_runner.linting.linter import Linter, LintResult
from msgspec_runner.source.document import Document, parse_document

MOST = 20
"""Findings at one place for which repairs are looked for."""


def repairs(desk: Desk, findings: Sequence[Diagnostic], memory: Memory) -> tuple[Repair, ...]:
    """Return what mends some findings, then what suppresses them.

    Args:
        desk: the text.
        findings: of its current version.
        memory: of the helper.
    """
    document = Workplace(desk, memory).document
    found = findings[:MOST]
    return (*_fixes(desk, document, found), *_suppressions(desk, document, found))


def repair_all(desk: Desk, findings: Sequence[Diagnostic], memory: Memory) -> tuple[Repair, ...]:
    """Return all safe repairs as one: those of the findings, and what they bring to light in the spec as written."""
    workplace = Workplace(desk, memory)
    document = workplace.document
    text, applied = apply_fixes(document, findings, unsafe=False)
    if not applied:
        return ()
    linter = Linter(workplace.config, rows=False, partials=workplace.partials)

    def lint(documents: Iterable[Document]) -> LintResult:
        return linter.lint(documents)

    fixed = fix(lint, [parse_document(document.file, text)], unsafe=False)
    after = next((new.text for _, new in fixed.changed.values()), text)
    count = applied + fixed.repaired
    title = f"Fix all that is safe to fix ({count})"
    return (Repair(title, _changes(desk, [_difference(document, after)]), preferred=True),)


def _fixes(desk: Desk, document: Document, findings: Iterable[Diagnostic]) -> Iterator[Repair]:
    seen: dict[Fix, list[Diagnostic]] = {}
    for item in findings:
        if item.fix is not None:
            seen.setdefault(item.fix, []).append(item)
    for each, of in seen.items():
        safe = each.safety == "safe"
        edits = [(document.offset(edit.span.start), document.offset(edit.span.end), edit.text) for edit in each.edits]
        title = f"{_in_words(edits)} ({', '.join(dict.fromkeys(item.code for item in of))})"
        if not safe:
            title += ": changes what is sent, check it"
        yield Repair(title, _changes(desk, _shifted(document, edits)), tuple(of), preferred=safe)


def _suppressions(desk: Desk, document: Document, findings: Iterable[Diagnostic]) -> Iterator[Repair]:
    seen: dict[tuple[str, int], list[Diagnostic]] = {}
    for item in findings:
        if item.code:
            seen.setdefault((item.code, document.offset(item.span.start)), []).append(item)
    whole: dict[str, list[Diagnostic]] = {}
    for (code, offset), of in seen.items():
        whole.setdefault(code, []).extend(of)
        edit = suppression(document, offset, code)
        if edit is not None:
            changes = _changes(desk, _shifted(document, [edit]))
            yield Repair(f"Suppress {code} here with a comment", changes, tuple(of), suppresses=True)
    for code, of in whole.items():
        edit = file_suppression(document, code)
        if edit is not None:
            changes = _changes(desk, _shifted(document, [edit]))
            yield Repair(f"Suppress {code} in the whole file", changes, tuple(of), suppresses=True)


def _in_words(edits: Sequence[Edit]) -> str:
    texts = list(dict.fromkeys(text for _, _, text in edits))
    if not any(texts):
        return "Remove it"
    if len(texts) == 1 and len(texts[0]) <= 60 and texts[0].isprintable():
        return f"Write {texts[0]}"
    return "Rewrite it"


def _shifted(document: Document, edits: Iterable[Edit]) -> list[Edit]:
    """Return edits as offsets in the client's text, which may begin with a byte order mark."""
    return [(start + document.bom, end + document.bom, text) for start, end, text in edits]


def _changes(desk: Desk, edits: Iterable[Edit]) -> tuple[Change, ...]:
    positions = Positions(desk.text, desk.units)
    return tuple(Change(positions.extent(start, end), text) for start, end, text in edits)


def _difference(document: Document, after: str) -> Edit:
    """Return the one edit that makes another text of a document: without what begins and ends both."""
    before, start = document.text, 0
    least = min(len(before), len(after))
    while start < least and before[start] == after[start]:
        start += 1
    tail = 0
    while tail < least - start and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return _shifted(document, [(start, len(before) - tail, after[start : len(after) - tail])])[0]
