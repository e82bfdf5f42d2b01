"""Where the cursor is in a template, as it stands in the file: maybe unfinished, maybe between YAML's quotes.

A lexer needs a template that is whole. Here the characters before the cursor are read, and those of the word that it
stands in; a tag that nobody closed ends with its line, or where the next one opens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_OPEN: Final = re.compile(r"\{\{|\{%|\{#")
_CLOSE: Final = {"{{": "}}", "{%": "%}", "{#": "#}"}
_WORD: Final = re.compile(r"[A-Za-z_]\w*")
_STRINGS: Final = {
    # In a quoted scalar, the quote that it stands in is written twice or with a backslash.
    "double": r"\\\"(?:(?!\\\").)*(?:\\\"|$)|'[^']*(?:'|$)",
    "single": r"''(?:(?!'').)*(?:''|$)|\"[^\"]*(?:\"|$)",
}
_QUOTES: Final = {"double": '\\"', "single": "''"}
_PLAIN_STRINGS: Final = r"\"[^\"]*(?:\"|$)|'[^']*(?:'|$)"
_SET: Final = re.compile(r"\{%-?\s*(?:set|macro)\s+([A-Za-z_]\w*)")
_FOR: Final = re.compile(r"\{%-?\s*for\s+([A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)*)\s+in\b")
_IMPORT: Final = re.compile(r"\bimport\s+([A-Za-z_][\w\s,]*?)\s*(?:-?%\})|\bas\s+([A-Za-z_]\w*)")


class Tag(NamedTuple):
    """A ``{{``, ``{%`` or ``{#`` and what follows: offsets in the file; ``end`` is where its closing braces begin."""

    opening: str
    start: int
    end: int


class Token(NamedTuple):
    """A name, a number, a text or a sign of a tag: its kind, its characters, where they stand in the file."""

    kind: str
    text: str
    start: int
    end: int


class Cursor(NamedTuple):
    """What may be typed where the cursor is.

    Attributes:
        wants: ``name``, ``filter``, ``test``, ``attribute``, ``statement``, ``argument``, ``string``, ``comment``, or
            empty where nothing can be proposed.
        start: offset where the word under the cursor begins.
        end: offset behind it.
        of: the filter whose brackets it is in, or the name before the dot, or ``include`` before a partial's name.
        number: which argument of ``of`` it is, from 0.
        option: the argument's name where ``name=`` stands before it.
        quote: what opened the text that it is in, as the file has it.
        given: the names of the arguments that ``of`` has already.
    """

    wants: str
    start: int
    end: int
    of: str = ""
    number: int = 0
    option: str = ""
    quote: str = ""
    given: tuple[str, ...] = ()


def tags(text: str, start: int, stop: int) -> Iterator[Tag]:
    """Yield the tags between two offsets of a file."""
    position = start
    while (opened := _OPEN.search(text, position, stop)) is not None:
        following = _OPEN.search(text, opened.end(), stop)
        limit = stop if following is None else following.start()
        if opened[0] == "{#":
            limit = stop
        end = text.find(_CLOSE[opened[0]], opened.end(), limit)
        if end < 0:
            line = re.compile(r"[\r\n]|$").search(text, opened.end(), limit)
            end = limit if line is None else line.start()
            if text[end - 1 : end] in "\"'" and following is None and end > opened.end():
                end -= 1  # the scalar's own quote
        yield Tag(opened[0], opened.start(), end)
        position = max(end, opened.end())


def tag_at(text: str, start: int, stop: int, offset: int) -> Tag | None:
    """Return the tag between two offsets of a file inside of whose braces an offset lies, or None."""
    return next((tag for tag in tags(text, start, stop) if tag.start + 2 <= offset <= tag.end), None)


def tokens(text: str, tag: Tag, style: str) -> list[Token]:
    """Return what a tag consists of.

    Args:
        text: the file.
        tag: the tag.
        style: of the scalar that it is in; a quote is written differently in each.
    """
    pattern = re.compile(
        rf"(?P<string>{_STRINGS.get(style, _PLAIN_STRINGS)})|(?P<name>[A-Za-z_]\w*)|(?P<number>\d[\d.]*)"
        r"|(?P<sign>==|!=|>=|<=|//|\*\*|[^\s\w])",
        re.DOTALL,
    )
    found = pattern.finditer(text, tag.start + 2, tag.end)
    return [Token(each.lastgroup or "", each[0], *each.span()) for each in found]


def cursor_in(text: str, tag: Tag, offset: int, style: str) -> Cursor:
    """Say what may be typed at an offset inside of a tag; see :func:`tokens` for the other arguments."""
    if tag.opening == "{#":
        return Cursor("comment", offset, offset)
    every = tokens(text, tag, style)
    here = next((token for token in every if token.kind != "sign" and token.start < offset <= token.end), None)
    start, end = offset, offset
    if here is not None and here.kind == "name":
        start, end = here.start, here.end
    elif here is None:
        after = next((token for token in every if token.kind == "name" and token.start == offset), None)
        end = after.end if after is not None else offset
    before = [token for token in every if token.end <= start]
    if before and before[0].text == "-" and before[0].start == tag.start + 2:
        before = before[1:]
    if here is not None and here.kind == "number":
        return Cursor("", offset, offset)
    call = _call(before if here is None or here.kind != "string" else [t for t in before if t.end <= here.start])
    if here is not None and here.kind == "string":
        return _in_string(here, before, call, offset, style)
    last = before[-1] if before else None
    if last is None:
        return Cursor("statement" if tag.opening == "{%" else "name", start, end)
    if last.text == "|":
        return Cursor("filter", start, end)
    if last.text == ".":
        return Cursor("attribute", start, end, before[-2].text if len(before) > 1 else "")
    words = [token.text for token in before]
    if words[-1] == "is" or words[-2:] == ["is", "not"]:
        return Cursor("test", start, end)
    if tag.opening == "{%" and words[0] in ("for", "macro", "set", "import", "from") and len(words) == 1:
        return Cursor("", start, end)
    if call is not None and last.text in "(,":
        return call._replace(wants="argument", start=start, end=end)
    if (
        last.kind in ("string", "number")
        or last.text in ")]}"
        or (last.kind == "name" and last.text not in _BEFORE_VALUE)
    ):
        return Cursor("operator", start, end)
    option = call is not None and last.text == "=" and len(before) > 1
    if call is not None and option:
        return call._replace(wants="argument", start=start, end=end, option=before[-2].text)
    return Cursor("name", start, end)


_BEFORE_VALUE: Final = frozenset({"if", "elif", "else", "in", "and", "or", "not", "set", "with", "call", "filter"})
"""Words that a value follows."""


def _in_string(here: Token, before: list[Token], call: Cursor | None, offset: int, style: str) -> Cursor:
    written = _QUOTES.get(style, "")
    opening = written if written and here.text.startswith(written) else here.text[0]
    start = here.start + len(opening)
    closed = here.text.endswith(opening) and len(here.text) >= 2 * len(opening)
    end = here.end - len(opening) if closed else here.end
    if offset < start or (closed and offset > end):
        return Cursor("", offset, offset)
    if before and before[0].text in ("include", "import", "from") and len(before) == 1:
        return Cursor("string", start, end, "include", quote=opening)
    if call is None:
        return Cursor("", offset, offset)
    option = before[-2].text if before[-1].text == "=" and len(before) > 1 else ""
    return call._replace(wants="string", start=start, end=end, option=option, quote=opening)


def _call(before: list[Token]) -> Cursor | None:
    """Return the filter in whose brackets the end of some tokens lies, and which of its arguments it is."""
    opened: list[int] = []
    for number, token in enumerate(before):
        if token.kind == "sign" and token.text in "([{":
            opened.append(number)
        elif token.kind == "sign" and token.text in ")]}" and opened:
            opened.pop()
    if not opened or before[opened[-1]].text != "(":
        return None
    number = opened[-1]
    if number < 2 or before[number - 1].kind != "name" or before[number - 2].text != "|":
        return None
    index = depth = 0
    given: list[str] = []
    for place in range(number + 1, len(before)):
        token = before[place]
        if token.kind == "sign" and token.text in "([{":
            depth += 1
        elif token.kind == "sign" and token.text in ")]}":
            depth -= 1
        elif token.text == "," and not depth:
            index += 1
        elif token.text == "=" and not depth and place > number + 1:
            given.append(before[place - 1].text)
    return Cursor("argument", 0, 0, before[number - 1].text, index, given=tuple(given))


def word_at(text: str, tag: Tag, offset: int, style: str) -> tuple[str, Token] | None:
    """Return the word under the cursor and what it is; None where there is none.

    It is a ``filter``, ``test``, ``attribute``, ``option``, ``name`` or ``string``. Arguments: see :func:`tokens`.
    """
    every = tokens(text, tag, style)
    for number, token in enumerate(every):
        if token.kind not in ("name", "string") or not token.start <= offset <= token.end:
            continue
        before = every[number - 1].text if number else ""
        if token.kind == "string":
            return "string", token
        if before in ("|", "."):
            return ("filter" if before == "|" else "attribute"), token
        if before == "is" or (before == "not" and number > 1 and every[number - 2].text == "is"):
            return "test", token
        if number + 1 < len(every) and every[number + 1].text == "=" and before in ("(", ","):
            return "option", token
        return "name", token
    return None


def local_names(text: str, start: int, stop: int) -> frozenset[str]:
    """Return the names that a template between two offsets makes itself: ``set``, ``for``, macros, imports."""
    found = {match[1] for match in _SET.finditer(text, start, stop)}
    for match in _FOR.finditer(text, start, stop):
        found.update(_WORD.findall(match[1]))
    for match in _IMPORT.finditer(text, start, stop):
        found.update(_WORD.findall(match[1] or match[2] or ""))
    return frozenset(found - {"as", "with", "without", "context"})
