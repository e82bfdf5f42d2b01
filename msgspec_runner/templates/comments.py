"""Jinja comments: where they stand, and whether a text is the same without one."""

from __future__ import annotations

from typing import NamedTuple

from jinja2 import TemplateSyntaxError

from msgspec_runner.templates.syntax import LEXER, Tree

_COMMENT = frozenset({"comment_begin", "comment", "comment_end"})


class Comment(NamedTuple):
    """A ``{# … #}``.

    Attributes:
        start: offset of its opening brace in the template's source.
        end: offset behind its closing brace; the newline that Jinja takes away with it is not counted.
        text: what stands between, without the signs of white space control.
        text_start: offset of that text.
    """

    start: int
    end: int
    text: str
    text_start: int


def comments(source: str) -> tuple[Comment, ...]:
    """Return the comments of a template, in order; of one that is no Jinja, those before the mistake."""
    tree = Tree(source)
    seen = source.replace("\r\n", "\n").replace("\r", "\n")
    found: list[Comment] = []
    position = start = 0
    inside = (0, 0)
    try:
        for _, kind, value in LEXER.tokeniter(seen, None):
            if kind.endswith("_begin"):
                position = seen.index(value, position)  # lstrip_blocks may have taken white space away before it
            if kind == "comment_begin":
                start = position
            elif kind == "comment":
                inside = (tree.offset(position), tree.offset(position + len(value)))
            elif kind == "comment_end":
                end = tree.offset(position + value.index("}") + 1)
                found.append(Comment(tree.offset(start), end, source[slice(*inside)], inside[0]))
            position += len(value)
    except TemplateSyntaxError:
        pass  # MSG401 says so
    return tuple(found)


def uncommented(source: str) -> tuple[tuple[str, str], ...]:
    """Return Jinja's tokens of a template less its comments: two templates with the same ones render the same."""
    tokens: list[tuple[str, str]] = []
    try:
        for _, kind, value in LEXER.tokeniter(source, None):
            if kind in _COMMENT:
                continue
            if kind == "data" and tokens and tokens[-1][0] == "data":
                tokens[-1] = ("data", tokens[-1][1] + value)
            else:
                tokens.append((kind, value))
    except TemplateSyntaxError as error:
        tokens.append(("error", str(error)))
    return tuple(tokens)
