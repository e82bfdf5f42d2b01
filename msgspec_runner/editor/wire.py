"""Our values as the protocol's, and back. The only module beside the server that knows the protocol's types."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from lsprotocol import types

from msgspec_runner.diagnostics import Severity
from msgspec_runner.editor.positions import NOWHERE, UNITS, Extent, Spot, Units
from msgspec_runner.editor.questions import Checked, Explanation, Proposal, Repair, Settings, Shown, Target
from msgspec_runner.editor.rule_pages import page_of

SOURCE: Final = "msgspec-runner"
"""Who says a finding, as the client shows it; the section of the client's settings, too."""

UNNECESSARY: Final = frozenset({"MSG409", "MSG901"})
"""Rules about what nobody needs: clients fade it out."""

_SEVERITIES: Final = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.INFO: types.DiagnosticSeverity.Information,
}
_KINDS: Final = {
    "key": types.CompletionItemKind.Property,
    "value": types.CompletionItemKind.EnumMember,
    "column": types.CompletionItemKind.Field,
    "var": types.CompletionItemKind.Variable,
    "filter": types.CompletionItemKind.Function,
    "test": types.CompletionItemKind.Operator,
    "word": types.CompletionItemKind.Keyword,
    "file": types.CompletionItemKind.File,
    "template": types.CompletionItemKind.Reference,
    "rule": types.CompletionItemKind.Constant,
}


def units(agreed: types.PositionEncodingKind | str | None) -> Units:
    """Return what a client counts; UTF-16 code units where it does not say."""
    for known in UNITS:
        if agreed == known:
            return known
    return "utf-16"


def path_of(uri: str) -> str | None:
    """Return the absolute path of a ``file:`` URI; None of any other, such as a text that was never saved."""
    parts = urlsplit(uri)
    if parts.scheme != "file" or not parts.path:
        return None
    path = unquote(parts.path)
    if os.name == "nt":  # file:///c%3A/specs/a.yaml
        path = path.lstrip("/")
    return os.path.abspath(path) if "\0" not in path else None  # noqa: PTH100 - symlinks stay


def uri_of(path: str, opened: Mapping[str, str]) -> str:
    """Return the URI of a path, as the client spells it where it has the file open.

    Args:
        path: absolute.
        opened: URIs by path.
    """
    return opened.get(path) or Path(path).as_uri()


def spot(position: types.Position) -> Spot:
    """Return a position."""
    return Spot(position.line, position.character)


def range_of(extent: Extent) -> types.Range:
    """Return a range."""
    return types.Range(*(types.Position(place.line, place.character) for place in extent))


def touches(one: Extent, other: Extent) -> bool:
    """Say whether two ranges share a place; their ends count."""
    return one.start <= other.end and other.start <= one.end


def diagnostics(checked: Checked, opened: Mapping[str, str], *, related: bool) -> list[types.Diagnostic]:
    """Return what was found in a text.

    Args:
        checked: it.
        opened: see :func:`uri_of`.
        related: whether the client shows other places.
    """
    if checked.trouble:
        return [types.Diagnostic(range_of(NOWHERE), checked.trouble, types.DiagnosticSeverity.Error, source=SOURCE)]
    return [diagnostic(item, opened, related=related) for item in checked.found]


def diagnostic(shown: Shown, opened: Mapping[str, str], *, related: bool) -> types.Diagnostic:
    """Return one finding; see :func:`diagnostics`."""
    item = shown.diagnostic
    page = page_of(item.code)
    places = [
        types.DiagnosticRelatedInformation(location(target, opened), words or item.name)
        for target, words in shown.places
    ]
    return types.Diagnostic(
        range=range_of(shown.extent),
        message=item.message,
        severity=_SEVERITIES[item.severity],
        code=item.code,
        code_description=types.CodeDescription(page) if page else None,
        source=SOURCE,
        tags=[types.DiagnosticTag.Unnecessary] if item.code in UNNECESSARY else None,
        related_information=places if related and places else None,
    )


def location(target: Target, opened: Mapping[str, str]) -> types.Location:
    """Return a place in a file; see :func:`uri_of`."""
    return types.Location(uri_of(target.path, opened), range_of(target.extent))


def completion(proposals: Iterable[Proposal]) -> types.CompletionList:
    """Return proposals, in their order."""
    items = [
        types.CompletionItem(
            label=item.label,
            kind=_KINDS[item.kind],
            detail=item.detail or None,
            documentation=types.MarkupContent(types.MarkupKind.Markdown, item.words) if item.words else None,
            sort_text=f"{number:04}",
            insert_text_mode=types.InsertTextMode.AsIs,
            text_edit=types.TextEdit(range_of(item.extent), item.insert),
        )
        for number, item in enumerate(proposals)
    ]
    return types.CompletionList(is_incomplete=False, items=items)


def hover(explanation: Explanation) -> types.Hover:
    """Return an explanation."""
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, explanation.words), range_of(explanation.extent))


def action(
    repair: Repair, uri: str, version: int | None, found: Iterable[types.Diagnostic], *, versioned: bool, all_of: bool
) -> types.CodeAction:
    """Return a repair.

    Args:
        repair: it.
        uri: of the text.
        version: of the text; a client that knows another one refuses the repair.
        found: the findings that it is for.
        versioned: whether the client takes versions.
        all_of: whether it is the repair of all that can be repaired.
    """
    edits = [types.TextEdit(range_of(change.extent), change.text) for change in repair.changes]
    if versioned:
        document = types.OptionalVersionedTextDocumentIdentifier(uri, version)
        edit = types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(document, edits)])
    else:
        edit = types.WorkspaceEdit(changes={uri: edits})
    return types.CodeAction(
        title=repair.title,
        kind=types.CodeActionKind.SourceFixAll if all_of else types.CodeActionKind.QuickFix,
        diagnostics=list(found) or None,
        is_preferred=repair.preferred if not all_of else None,
        edit=edit,
    )


def settings(value: object, before: Settings) -> Settings:
    """Return a person's settings, where the client sent some; what is none, or of a wrong type, stays as it was.

    Args:
        value: ``{"profile": …, "showData": …, "rowSeconds": …}``, or the same under the section's name.
        before: those of until now.
    """
    found = value.get(SOURCE, value) if isinstance(value, dict) else None
    if not isinstance(found, dict):
        return before
    profile, show_data, seconds = found.get("profile"), found.get("showData"), found.get("rowSeconds")
    if isinstance(profile, str):
        before = before._replace(profile=profile)
    if isinstance(show_data, bool):
        before = before._replace(show_data=show_data)
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds <= 3600:
        before = before._replace(row_seconds=float(seconds))
    return before
