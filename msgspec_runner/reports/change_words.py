"""What happened to a spec, in a line, for ``--since``. Files are named from the project's root."""

from __future__ import annotations

from collections.abc import Callable

from msgspec_runner.changes.specs import CONFIGURATION, ITSELF, SpecChange
from msgspec_runner.reports.text import printable


def change_words(change: SpecChange, quote: Callable[[str], str] = printable) -> str:
    """Return ``specs/a.yaml: renamed from specs/b.yaml``, or whatever else happened to a spec.

    Args:
        change: it.
        quote: makes a foreign word, the name of a file say, harmless where it is shown.
    """
    if change.after is None:
        assert change.before is not None
        return f"{quote(change.before.file)}: deleted"
    name = quote(change.after.file)
    if change.before is None:
        return f"{name}: new"
    words = []
    if change.has_new_id:
        old, new = quote(change.before.spec.id), quote(change.after.spec.id)
        words.append(f"its id was {old} and is {new}, so to the ledger nobody got it yet")
    elif change.is_renamed:
        words.append(f"renamed from {quote(change.before.file)}; its id stays, so nothing is sent again")
    elif change.because[0] == ITSELF:
        words.append("changed")
    others = [each if each == CONFIGURATION else quote(each) for each in change.because if each != ITSELF]
    if others:
        words.append(f"{' and '.join(others)} changed")
    return f"{name}: {'; '.join(words)}"


def change_kind(change: SpecChange) -> str:
    """Return ``new``, ``deleted``, ``renamed`` or ``changed``."""
    if change.after is None:
        return "deleted"
    if change.before is None or change.has_new_id:
        return "new"
    return "renamed" if change.is_renamed else "changed"
