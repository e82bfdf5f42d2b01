"""MSG113."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.rule import Finding, spec_rule
from msgspec_runner.linting.subject import Subject
from msgspec_runner.spec import Field

_UNSEEN = frozenset("\u200b\u00ad\ufeff")
"""Zero-width space, soft hyphen, byte order mark."""
# UAX 9: an embedding or override lasts to U+202C, an isolate to U+2069, each at most to the end of the line.
_TURNS = {"\u202a": "\u202c", "\u202b": "\u202c", "\u202d": "\u202c", "\u202e": "\u202c"}
_TURNS |= {"\u2066": "\u2069", "\u2067": "\u2069", "\u2068": "\u2069"}


@spec_rule("MSG113", Severity.WARNING)
def invisible_character(subject: Subject) -> Iterator[Finding]:
    """A field has a character that no reviewer sees, and that should not be there.

    Zero-width spaces, soft hyphens and byte order marks come along when text is copied from a web page. In a key, a
    number or a URL they make another one of it; in words they do no harm but for what they cost (MSG604). A sign that
    turns the direction of writing and is never turned back lets a text read otherwise than it is written. Joiners are
    right, in emoji as in Persian and Indic words, and so is an escape, ``"\\u200b"``, which a reviewer sees.

    Bad::

        message:
          channel_key: "your_\u200bchannel_key"  # U+200B behind "your_"

    Good::

        message:
          channel_key: "your_channel_key"
    """
    fields = [*subject.spec.fields, *([subject.spec.key] if subject.spec.key is not None else [])]
    for field in fields:
        if field.node.text.isascii():
            continue
        places = [place for place in _places(field) if _is_raw(subject, field, place)]
        if places:
            from msgspec_runner.linting.rewriting import rewritten  # few specs have such a character

            fix = rewritten(subject.document, field, [(place, place + 1, "") for place in places])
            span = subject.field_span(field, places[0], places[0] + 1)
            yield Finding(span, _message(field.node.text[places[0]], len(places) - 1), field.dotted, fix=fix)


def _places(field: Field) -> list[int]:
    """Return the offsets of what does harm, in order."""
    text = field.node.text
    found = [place for place, char in enumerate(text) if char in _UNSEEN]
    if found and _is_prose(field):
        links = {place for link in re.finditer(r"(?:https?://|www\.)\S*", text) for place in range(*link.span())}
        found = [place for place in found if place in links]
    open_turns: list[int] = []
    for place, char in enumerate(text):
        if char in _TURNS:
            open_turns.append(place)
        elif open_turns and char == _TURNS[text[open_turns[-1]]]:
            open_turns.pop()
        elif char == "\n":
            found += open_turns
            open_turns = []
    return sorted(found + open_turns)


def _is_prose(field: Field) -> bool:
    """Say whether people read the field, rather than a machine."""
    return field.path[1] in {"text", "name"} or not {"variables", "extra_fields"}.isdisjoint(field.path[:-1])


def _is_raw(subject: Subject, field: Field, place: int) -> bool:
    """Say whether a character stands in the file as itself, and not as an escape."""
    first, last = subject.document.offsets(field.node, place, place + 1)
    return subject.document.text[first:last] == field.node.text[place]


def _message(char: str, others: int) -> str:
    from msgspec_runner.content.lookalikes import shown

    more = f" (and {others} more)" if others else ""
    if char in _TURNS:
        return (
            f"{shown(char)}{more} turns the direction of the rest of the line, and nobody sees it: remove it, "
            f"or end it with U+{ord(_TURNS[char]):04X}"
        )
    escape = f"\\u{ord(char):04x}"
    return f'{shown(char)} that nobody sees{more}: remove it; where it is meant, write "{escape}" in double quotes'
