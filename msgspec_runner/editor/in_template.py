"""What may be typed between ``{{`` and ``}}``: names, filters and their arguments, tests, partials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec_runner.editor import markdown
from msgspec_runner.editor.expressions import Cursor, Tag, cursor_in, local_names
from msgspec_runner.editor.questions import Proposal
from msgspec_runner.editor.reading import Known, Reading, Var, shown_value
from msgspec_runner.editor.suppressing import codes_proposed
from msgspec_runner.templates.described import FILTERS, STATEMENTS, TESTS
from msgspec_runner.templates.filters import SPANS
from msgspec_runner.templates.signatures import SIGNATURES, parameters

PATTERNS: Final[Mapping[str, tuple[str, ...]]] = {
    "date": ("short", "medium", "long", "full", "EEEE d MMMM", "d MMMM yyyy", "MMM d", "dd/MM/yyyy"),
    "datetime": ("short", "medium", "long", "full", "HH:mm", "h:mm a", "EEEE d MMMM, HH:mm"),
}
"""Formats that messages use: the styles, and patterns of CLDR."""

_CHOICES: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    **{(name, "format"): patterns for name, patterns in PATTERNS.items()},
    ("at", "clock"): ("09:00", "12:00", "18:00"),
    ("currency", "code"): ("USD", "EUR", "GBP", "INR", "BRL", "CAD", "AUD", "MXN"),
    ("round", "method"): ("common", "ceil", "floor"),
}
"""What an argument may be, by filter and parameter, where there are few sensible answers."""

_TESTED: Final = frozenset({"select", "reject"})
_DATE_PARTS: Final = ("year", "month", "day")
_TIME_PARTS: Final = ("hour", "minute", "second")
_IN_FOR: Final = ("index", "index0", "first", "last", "length")
_WORDS_BEHIND: Final[Mapping[str, str]] = {
    "if": "The value before it only where what follows is true.",
    "else": "Otherwise.",
    "and": "Both are true.",
    "or": "One of them is true, or has a value.",
    "is": "Asks a test: `nick is defined`.",
    "in": "One of the items of what follows.",
    "not": "The contrary.",
}


def proposals(reading: Reading, tag: Tag) -> Iterator[Proposal]:
    """Yield what may be typed at the place of a reading, which lies in a tag."""
    cursor = cursor_in(reading.text, tag, reading.offset, reading.style)
    match cursor.wants:
        case "name":
            yield from _names(reading, cursor)
        case "filter":
            yield from _filters(reading, cursor)
        case "test":
            for name, words in TESTS.items():
                yield Proposal(name, "test", name, reading.word(cursor.start, cursor.end), words)
        case "statement":
            for name, words in STATEMENTS.items():
                yield Proposal(name, "word", f"{name} ", reading.word(cursor.start, cursor.end), "", words)
        case "attribute":
            yield from _attributes(reading, cursor)
        case "argument":
            yield from _arguments(reading, cursor)
        case "string":
            yield from _texts(reading, cursor)
        case "operator":
            for name, words in _WORDS_BEHIND.items():
                yield Proposal(name, "word", f"{name} ", reading.word(cursor.start, cursor.end), "", words)
        case "comment":
            yield from codes_proposed(reading, tag.start)


def column_words(known: Known) -> str:
    """Return what is known of a column, as Markdown."""
    column, lines = known.column, []
    if column is None:
        lines.append("a column of the data, not declared: its values are texts")
    else:
        facts = [column.type]
        facts += [f"of {markdown.code(column.region)}"] if column.region else []
        facts.append("required" if column.required and column.default is None else "optional")
        facts += [f"default {markdown.code(str(column.default))}"] if column.default is not None else []
        facts += [f"header {markdown.code(column.header)}"] if column.header else []
        lines.append(", ".join(facts))
        if column.enum:
            lines.append("one of " + ", ".join(map(markdown.code, column.enum[:20])))
        if column.description:
            lines.append(markdown.words(column.description))
        if known.in_data is False:
            lines.append("the data have no such column")
    if known.values:
        lines.append("for example " + ", ".join(markdown.code(value) for value in known.values))
    return "\n\n".join(lines)


def var_words(var: Var) -> str:
    """Return what is known of a var, as Markdown."""
    return f"{markdown.code(shown_value(var.value))}, the same for everybody ({markdown.words(var.home)})"


def filter_words(name: str) -> str:
    """Return a filter's signature, what it gives, and an example, as Markdown."""
    described = FILTERS[name]
    example = markdown.block(f"{{{{ {described.example} }}}}\n{described.result}", "jinja")
    return f"{markdown.code(signature(name))}\n\n{described.words}\n\n{example}"


def signature(name: str) -> str:
    """Return how a filter is called: ``currency(code, locale=…)``."""
    called = parameters(name)
    if name in ("plus", "minus"):
        return f"{name}({', '.join(f'{span}=…' for span in SPANS)})"
    parts = [part if number < called.needed else f"{part}=…" for number, part in enumerate(called.names)]
    parts += ["…"] * called.more
    return f"{name}({', '.join(parts)})" if parts else name


def _names(reading: Reading, cursor: Cursor) -> Iterator[Proposal]:
    extent = reading.word(cursor.start, cursor.end)
    for name, known in reading.columns.items():
        kind = known.column.type if known.column is not None else "text"
        yield Proposal(name, "column", name, extent, kind, column_words(known))
    for name, var in reading.variables.items():
        if name not in reading.columns:
            yield Proposal(name, "var", name, extent, "var", var_words(var))
    key = reading.place.key
    if key is not None:
        for name in sorted(local_names(reading.text, key.value, cursor.start)):
            yield Proposal(name, "var", name, extent, "made in this template")


def _filters(reading: Reading, cursor: Cursor) -> Iterator[Proposal]:
    extent = reading.word(cursor.start, cursor.end)
    called = reading.text.startswith("(", cursor.end)
    for name in sorted(FILTERS):
        if name == "d":
            continue
        needs = name in ("plus", "minus") or parameters(name).needed > 0
        insert = f"{name}(" if needs and not called else name
        detail = SIGNATURES[name].needs if name in SIGNATURES else "any value"
        yield Proposal(name, "filter", insert, extent, f"takes {detail}", filter_words(name))


def _attributes(reading: Reading, cursor: Cursor) -> Iterator[Proposal]:
    extent = reading.word(cursor.start, cursor.end)
    known = reading.columns.get(cursor.of)
    if cursor.of == "loop":
        parts: tuple[str, ...] = _IN_FOR
    elif known is not None and known.column is not None and known.column.type in ("date", "datetime"):
        parts = _DATE_PARTS + (_TIME_PARTS if known.column.type == "datetime" else ())
    else:
        value = reading.variables[cursor.of].value if cursor.of in reading.variables else None
        parts = tuple(str(key) for key in value) if isinstance(value, dict) else ()
    for part in parts:
        if part.isidentifier():
            yield Proposal(part, "var", part, extent, f"of {cursor.of}")


def _arguments(reading: Reading, cursor: Cursor) -> Iterator[Proposal]:
    """Propose an argument's choices in quotes, then the names of those that are not given, then what has a value."""
    if cursor.of not in FILTERS:
        yield from _names(reading, cursor)
        return
    extent = reading.word(cursor.start, cursor.end)
    quote = _quote(reading)
    for choice in _choices(cursor):
        yield Proposal(choice, "value", f"{quote}{choice}{quote}", extent, _parameter(cursor))
    if not cursor.option:
        names = SPANS if cursor.of in ("plus", "minus") else parameters(cursor.of).names[cursor.number :]
        for name in names:
            if name not in cursor.given:
                yield Proposal(f"{name}=", "word", f"{name}=", extent, f"of {cursor.of}")
    if cursor.of not in ("at", "currency", *PATTERNS):
        yield from _names(reading, cursor)


def _texts(reading: Reading, cursor: Cursor) -> Iterator[Proposal]:
    extent = reading.word(cursor.start, cursor.end)
    if cursor.of == "include":
        for name in reading.workplace.partials.names():
            text = reading.workplace.partials(name)
            if text is not None:
                yield Proposal(name, "file", name, extent, "partial", markdown.block(markdown.clipped(text, 500)))
        return
    for choice in _choices(cursor):
        yield Proposal(choice, "value", choice, extent, _parameter(cursor))


def _choices(cursor: Cursor) -> tuple[str, ...]:
    if cursor.of in _TESTED and cursor.number == 0:
        return tuple(TESTS)
    return _CHOICES.get((cursor.of, _parameter(cursor)), ())


def _parameter(cursor: Cursor) -> str:
    """Return the name of the argument that the cursor is at."""
    if cursor.option:
        return cursor.option
    names = parameters(cursor.of).names if cursor.of in FILTERS else ()
    return names[cursor.number] if cursor.number < len(names) else ""


def _quote(reading: Reading) -> str:
    """Return the quote that needs no escape in the scalar around."""
    return "'" if reading.style != "single" else '"'
