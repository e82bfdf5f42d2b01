"""Repairs: what the findings propose, applied to the spec's text. Nothing but the edits changes a character."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec_runner.diagnostics import Diagnostic, Fix
from msgspec_runner.linting.linter import LintResult
from msgspec_runner.source.document import Document, parse_document

MAX_ROUNDS = 20
"""How often a text is repaired and linted again. Two rounds are usual; more only where repairs wait for each other."""

_Edit = tuple[int, int, str]
"""Offsets of the characters to replace, end exclusive, and what comes in their place."""


class Fixed(NamedTuple):
    """What became of some specs.

    Attributes:
        result: the findings that are left.
        changed: the specs that became others, by file: before and after.
        repaired: how many findings.
    """

    result: LintResult
    changed: Mapping[str, tuple[Document, Document]]
    repaired: int


def fix(lint: Callable[[Sequence[Document]], LintResult], documents: Sequence[Document], *, unsafe: bool) -> Fixed:
    """Lint and repair until nothing changes.

    Args:
        lint: the linter.
        documents: the specs; one that is not UTF-8 has no text that could be repaired.
        unsafe: also with repairs that may change what is sent.
    """
    before = {document.file: document for document in documents}
    now = dict(before)
    seen = {(document.file, document.text) for document in documents}
    count = 0
    result = lint(documents)
    for _ in range(MAX_ROUNDS):
        again = False
        found: dict[str, list[Diagnostic]] = defaultdict(list)
        for item in result.diagnostics:
            found[item.file].append(item)
        for file, mine in found.items():
            document = now[file]
            text, applied = apply_fixes(document, mine, unsafe=unsafe)
            if text == document.text or (file, text) in seen:  # two rules that undo each other's repair end here
                continue
            seen.add((file, text))
            now[file] = parse_document(file, "\ufeff" * document.bom + text)
            count += applied
            again = True
        if not again:
            break
        result = lint(tuple(now.values()))
    changed = {file: (old, now[file]) for file, old in before.items() if now[file].text != old.text}
    return Fixed(result, changed, count)


def apply_fixes(document: Document, diagnostics: Iterable[Diagnostic], *, unsafe: bool) -> tuple[str, int]:
    """Apply the repairs of one round.

    A repair is applied as a whole or not at all: one that would change what another has changed waits for the next
    round. The same edit of two findings is made once and repairs both.

    Args:
        document: the spec.
        diagnostics: its findings, in the order in which their repairs go first.
        unsafe: also those repairs that may change what is sent.

    Returns:
        The text with the repairs, and how many findings they are of.
    """
    chosen: list[_Edit] = []
    count = 0
    for item in diagnostics:
        if item.fix is None or (item.fix.safety != "safe" and not unsafe):
            continue
        edits = _offsets(document, item.fix)
        if any(_collides(edit, chosen) for edit in edits):
            continue
        for edit in edits:
            if edit not in chosen[(place := bisect_left(chosen, edit)) : place + 1]:
                chosen.insert(place, edit)
        count += 1
    parts = []
    position = 0
    for start, end, replacement in chosen:
        parts += [document.text[position:start], replacement]
        position = end
    return "".join([*parts, document.text[position:]]), count


def _offsets(document: Document, fix: Fix) -> set[_Edit]:
    return {(document.offset(edit.span.start), document.offset(edit.span.end), edit.text) for edit in fix.edits}


def _collides(edit: _Edit, chosen: Sequence[_Edit]) -> bool:
    """Say whether an edit shares a character or its beginning with one of others, which are sorted and do not."""
    place = bisect_left(chosen, edit)
    return any(
        edit != other and (edit[0] == other[0] or (edit[0] < other[1] and other[0] < edit[1]))
        for other in chosen[max(place - 1, 0) : place + 1]
    )
