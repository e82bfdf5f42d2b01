"""Jinja's own lexer and parser, made to remember where every token stands.

Jinja's nodes know their line only. The parser hands a token's line number to the node untouched, so the
"line" given to it here is the token's *number*; :class:`Tree` turns it into offsets. Jinja's compiler is not
used: it folds constants (``9**9**9`` would hang) and knows no places.
"""

from __future__ import annotations

import re
import warnings
from bisect import bisect_right
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

from msgspec_runner.templates.limits import MAX_BLOCKS, MAX_BRACKETS, MAX_PREFIXES, MAX_SOURCE, MAX_TOKENS

_SILENT = frozenset({"whitespace", "comment_begin", "comment", "comment_end"})
_TAG_BEGINS = frozenset({"variable_begin", "block_begin", "comment_begin", "raw_begin", "raw_end"})
_BLOCKS = frozenset({"if", "for", "macro", "call", "filter", "with", "block", "autoescape", "set"})
_NEWLINE = re.compile(r"\r\n")
_HINTS = {
    "#": "; this is Jinja, not Handlebars",
    "&": "; 'and' is written out",
    "?": "; write {{ a if b else c }}, or a default: {{ a | default('…') }}",
    "!": "; 'not' is written out",
    "$": "; names have no $: remove it",
    "@": "; names have no @: remove it",
    "\\": "; remove it: quotes within {{ }} are written without \\",
    "“": "; use straight quotes",
    "”": "; use straight quotes",
    "‘": "; use straight quotes",
    "’": "; use straight quotes",
}
"""What to write instead of characters that mean something elsewhere."""


class Unreadable(Exception):  # noqa: N818 - becomes a problem of the template, see template.analyse
    """A template that cannot be parsed: ``kind`` is ``syntax`` or ``unsafe``."""

    def __init__(self, kind: str, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.start = start
        self.end = end


class Mark(NamedTuple):
    """A token that the parser sees: where it stands in the source, Jinja's name for its kind, its text."""

    start: int
    end: int
    kind: str
    text: str


class Tree:
    """A parsed template: Jinja's nodes, whose ``lineno`` is an index into ``marks``."""

    __slots__ = ("_crlf", "body", "marks", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self.marks: list[Mark] = []
        self.body: list[nodes.Node] = []
        # Jinja's lexer turns \r\n into one character: each of these places is one further on in the source.
        self._crlf = [m.start() - i for i, m in enumerate(_NEWLINE.finditer(source))] if "\r\n" in source else []

    def offset(self, position: int) -> int:
        """Return the place in the source of a position in the text that the lexer sees."""
        return position + bisect_right(self._crlf, position - 1) if self._crlf else position


LEXER = Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False).lexer  # noqa: S701 - no HTML here
"""Jinja's lexer with the settings of the contract, section 1."""


class _Source:
    """What Jinja's parser asks of an environment: tokens, and no extensions."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def _tokenize(self, *_: object) -> TokenStream:
        return TokenStream(LEXER.wrap(_numbered(self.tree)), None, None)

    def iter_extensions(self) -> tuple[()]:
        return ()


def _numbered(tree: Tree) -> Iterator[tuple[int, str, str]]:
    """Yield the lexer's tokens with their number for a line, noting each in ``tree.marks``; bound the nesting."""
    text = _NEWLINE.sub("\n", tree.source).replace("\r", "\n")
    offset = tree.offset
    marks = tree.marks
    position = brackets = prefixes = blocks = 0
    try:
        for _, kind, value in LEXER.tokeniter(text, None):
            if kind in _TAG_BEGINS:
                # What lies before a tag may have been stripped; only white space ever is.
                position = text.index(value, position)
                prefixes = 0
            start = position
            position += len(value)
            if kind in _SILENT:
                continue
            mark = Mark(offset(start), offset(position), kind, value)
            number = len(marks)
            marks.append(mark)
            if number >= MAX_TOKENS:
                message = f"this template has more than {MAX_TOKENS:,} words and signs; make it shorter"
                raise Unreadable("unsafe", message, mark.start, mark.end)
            if kind == "operator":
                if value in "([{":
                    brackets += 1
                elif value in ")]}":
                    brackets -= 1
                elif value in "+-":
                    prefixes += 1
            elif kind == "name":
                if value in ("not", "else"):
                    prefixes += 1
                elif number and marks[number - 1].kind == "block_begin":
                    if value in _BLOCKS and value != "set":
                        blocks += 1
                    elif value.startswith("end") and value != "endset":
                        blocks -= 1
            if brackets > MAX_BRACKETS or prefixes > MAX_PREFIXES or blocks > MAX_BLOCKS:
                raise Unreadable("unsafe", "this is nested too deeply; write it in simpler parts", mark.start, mark.end)
            yield number, kind, value
    except TemplateSyntaxError as error:
        raise _unlexed(tree, error, position) from error


def _unlexed(tree: Tree, error: TemplateSyntaxError, position: int) -> Unreadable:
    """Place an error of the lexer: it stopped at ``position`` of the normalised text."""
    start = tree.offset(position)
    message = error.message or "this cannot be read"
    if message.startswith("Missing end of comment"):
        start = tree.source.rfind("{#", 0, start)
        return Unreadable("syntax", "this comment is never closed; write #}", start, start + 2)
    if message.startswith("Missing end of raw"):
        mark = tree.marks[-1]
        return Unreadable("syntax", "this raw block is never closed; write {% endraw %}", mark.start, mark.end)
    while start < len(tree.source) and tree.source[start].isspace():
        start += 1
    if message.startswith("unexpected char"):
        sign = tree.source[start : start + 1]
        shown = repr(sign) if sign.isprintable() else f"U+{ord(sign):04X}, which nobody sees,"
        hint = (
            "; a quote is not closed" if sign in ("'", '"') else _HINTS.get(sign, "; remove it, or put text in quotes")
        )
        hint = hint if sign.isprintable() else "; remove it"
        message = f"unexpected character {shown} in a template expression{hint}"
    elif message == "unexpected '}'":
        message = "unexpected '}'; a value ends with }}"
    return Unreadable("syntax", message, start, min(start + 1, len(tree.source)))


def read(source: str) -> Tree:
    """Parse a template.

    Args:
        source: Jinja text, with any kind of line breaks.

    Raises:
        Unreadable: it is no Jinja, or too long or too deeply nested to be looked at.
    """
    if len(source) > MAX_SOURCE:
        raise Unreadable("unsafe", f"this template is longer than {MAX_SOURCE:,} characters", MAX_SOURCE, len(source))
    tree = Tree(source)
    if "\\" not in source:
        return _parse(tree)
    with warnings.catch_warnings():
        # A text like "\d" makes Python's decoder warn; Jinja and we take it as it stands.
        warnings.simplefilter("ignore", DeprecationWarning)
        return _parse(tree)


def _parse(tree: Tree) -> Tree:
    try:
        tree.body = Parser(_Source(tree), tree.source).subparse()  # type: ignore[arg-type]
    except TemplateSyntaxError as error:
        raise _unparsed(tree, error) from error
    except RecursionError:
        raise Unreadable("unsafe", "this template is nested too deeply", 0, len(tree.source)) from None
    except (ValueError, SyntaxError):
        mark = tree.marks[-1]
        raise Unreadable("unsafe", "this number is too long", mark.start, mark.end) from None
    return tree


def _unparsed(tree: Tree, error: TemplateSyntaxError) -> Unreadable:
    """Place an error of the parser: its line is the number of a token."""
    message = error.message or "this cannot be read"
    marks = tree.marks
    if not marks:
        return Unreadable("syntax", message, 0, len(tree.source))
    number = min(error.lineno, len(marks) - 1)
    mark = marks[number]
    lowered = message.lower()
    if lowered.startswith("unexpected end of template"):
        opened = _never_closed(marks)
        if opened is not None:
            mark, closing = opened
            what = mark.text.rstrip("-+") if mark.kind.endswith("_begin") else "{% " + mark.text + " %}"
            return Unreadable("syntax", f"this {what} is never closed; write {closing}", mark.start, mark.end)
    if lowered.startswith("encountered unknown tag"):
        known = mark.text.startswith("end") or mark.text in ("else", "elif")
        message = (
            f"{{% {mark.text} %}} closes nothing that is open here"
            if known
            else f"there is no tag {mark.text!r}; known are if, for, set, macro, include; a value stands in {{{{ }}}}"
        )
    elif mark.text == "=" and mark.kind == "operator":
        message = "= compares nothing; write =="
    elif "got '{'" in message or "got '}'" in message:
        message = "braces inside braces: within {{ … }} and {% … %} a name stands alone, without its own {{ }}"
    elif lowered.startswith("expected token 'end of") and (name := _with_spaces(marks, number)):
        message = f"a name has no spaces: write {name}"
    elif lowered.startswith("expected token 'end of print statement'"):
        message = f"unexpected {mark.text!r}; close the expression with }}}} before it, or remove it"
    elif lowered.startswith("expected token 'end of statement block'"):
        message = f"unexpected {mark.text!r}; close the tag with %}} before it, or remove it"
    elif lowered.startswith(("expected an expression", "unexpected '")):
        message = f"an expression is missing before {mark.text.strip()!r}"
    return Unreadable("syntax", message, mark.start, mark.end)


def _with_spaces(marks: list[Mark], number: int) -> str | None:
    """Return the name that was meant where a value begins with two words and nothing between them."""
    if number < 2 or marks[number].kind != "name" or marks[number - 1].kind != "name":
        return None
    begin = marks[number - 2]
    if begin.kind != "variable_begin" and begin.text not in ("if", "elif"):
        return None
    words = [mark.text for mark in takewhile(lambda mark: mark.kind == "name", marks[number - 1 :])]
    return "_".join(words)


def _never_closed(marks: list[Mark]) -> tuple[Mark, str] | None:
    """Find the innermost opening that the template's end leaves open, and what closes it."""
    tag: Mark | None = None
    blocks: list[Mark] = []
    for number, mark in enumerate(marks):
        if mark.kind in ("variable_begin", "block_begin"):
            tag = mark
        elif mark.kind in ("variable_end", "block_end"):
            tag = None
        elif mark.kind == "name" and number and marks[number - 1].kind == "block_begin":
            if mark.text in _BLOCKS and not (mark.text == "set" and _assigns(marks, number)):
                blocks.append(mark)
            elif mark.text.startswith("end") and blocks:
                blocks.pop()
    if tag is not None:
        return tag, "}}" if tag.kind == "variable_begin" else "%}"
    if blocks:
        return blocks[-1], f"{{% end{blocks[-1].text} %}}"
    return None


def _assigns(marks: list[Mark], number: int) -> bool:
    """Say whether the ``set`` at a token has an ``=`` (and so no ``endset``)."""
    for mark in marks[number:]:
        if mark.kind == "block_end":
            return False
        if mark.kind == "operator" and mark.text == "=":
            return True
    return False
