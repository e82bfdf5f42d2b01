"""What a person did wrong where the parser gave up: the exact place, and what to type next.

A parser says what it expected; people want to know which quote is open. Each mistake below is one function that
recognises it or passes; the first that does has the word. The parser's own words are kept only where nothing
better is known. libyaml and PyYAML's own parser word some errors differently; what is tested for is in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

import yaml

from msgspec_runner.source.nodes import Problem, Scalar
from msgspec_runner.source.tree import Tree

_TEMPLATE_START: Final = re.compile(r"(?:^|[:?-][ \t]+|[,\[])[ \t]*(\{[{%#])")
_TAGS: Final = r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}"
_BLOCK_VALUE: Final = re.compile(rf"(?:{_TAGS}|(?![ \t]#)[^\r\n])++")
_FLOW_VALUE: Final = re.compile(rf"(?:{_TAGS}|(?![ \t]#)[^,\[\]{{}}\r\n])++")
_LINE: Final = re.compile(r"[^\r\n]*+")
_WORD: Final = re.compile(r"[^ \t\r\n]++")
_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|(?s:.))")
_HALVES: Final = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class _Stop(NamedTuple):
    """Where and how the parser gave up."""

    text: str
    place: int  # what it could not read
    context: int  # the beginning of what it was reading
    said: str
    reading: str
    last: Scalar | None

    def at(self, start: int, end: int, message: str) -> Problem:
        end = max(start, min(end, len(self.text)))
        return Problem("invalid-yaml", message, start, end)


def find_unquoted_template(source: str, tree: Tree) -> tuple[int, int] | None:
    """Return the range of an unquoted value with a template that may have stopped the parser, or None.

    Args:
        source: the text as the parser read it.
        tree: what it made of it, with its error.
    """
    for depth, start in enumerate(tree.flows):
        if source.startswith(("{{", "{%", "{#"), start) and not _stands_between_keys(source, start):
            return start, _value_end(source, start, in_flow=depth > 0)
    if not isinstance(tree.error, yaml.MarkedYAMLError):
        return None
    for mark in (tree.error.context_mark, tree.error.problem_mark):
        if mark is None:
            continue
        for problem in tree.problems:  # a template that was complete, before the text went on
            between = source[problem.end : mark.index] if problem.end < mark.index else None
            if problem.kind == "unquoted-template" and between is not None and not between.strip(" \t"):
                return problem.start, _value_end(source, problem.end, in_flow=bool(tree.flows))
        line_start = _line_start(source, mark.index)
        found = _TEMPLATE_START.search(_line(source, line_start))
        if found is not None and not _stands_between_keys(source, line_start + found.start(1)):
            start = line_start + found.start(1)
            return start, _value_end(source, start, in_flow=bool(tree.flows) or found[0][0] in "[,")
    return None


def _stands_between_keys(text: str, start: int) -> bool:
    """Whether a statement or comment begins a line that is no value: someone generates YAML with a template."""
    line_start = _line_start(text, start)
    if text.startswith("{{", start) or text[line_start:start].strip(" \t"):
        return False
    return not text[:line_start].rstrip().endswith(":")


def _value_end(source: str, start: int, *, in_flow: bool) -> int:
    """Return where an unquoted value ends: with its line or at a comment, in a flow at the next comma."""
    found = (_FLOW_VALUE if in_flow else _BLOCK_VALUE).match(source, start)
    return start + (2 if found is None else len(found[0].rstrip(" \t")))


def explain(text: str, tree: Tree) -> Problem:
    """Return the problem that says what stopped the parser.

    Args:
        text: the document's text.
        tree: what was made of it, with an error.
    """
    error = tree.error
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Problem("invalid-yaml", f"this is no YAML: {error}", 0, 0)
    place = min(error.problem_mark.index, len(text))
    context = place if error.context_mark is None else error.context_mark.index
    stop = _Stop(text, place, context, error.problem or "", error.context or "", tree.last)
    for mistake in _MISTAKES:
        problem = mistake(stop)
        if problem is not None:
            return problem
    return stop.at(place, place + 1, f"this is no YAML: {stop.said or stop.reading}")


def _open_quote(stop: _Stop) -> Problem | None:
    if "quoted scalar" not in stop.reading or ("end of stream" not in stop.said and "separator" not in stop.said):
        return None
    return stop.at(stop.context, stop.context + 1, "the quote that opens here is never closed; close it")


def _escape(stop: _Stop) -> Problem | None:
    """An unknown escape, or half of a character (``\\ud83d``)."""
    if "escape" not in stop.said and "hexadecimal" not in stop.said and "hexdecimal" not in stop.said:
        return None
    start = stop.text.rfind("\\", stop.context, stop.place + 1)
    found = _ESCAPE.match(stop.text, max(start, 0))
    end = start + 2 if found is None else found.end()
    halves = _HALVES.match(stop.text, max(start, 0))
    if halves is not None:
        character = bytes.fromhex(halves[1] + halves[2]).decode("utf-16-be")
        message = f"these are two halves of {character}; write the character itself, or \\U{ord(character):08X}"
        return stop.at(start, halves.end(), message)
    if _HALF.match(stop.text, max(start, 0)):
        return stop.at(start, end, "this escape is half of a character; write the character itself")
    message = f"YAML has no escape {stop.text[start:end]}; write \\\\ for a backslash, or use single quotes"
    return stop.at(start, end, message)


def _tab(stop: _Stop) -> Problem | None:
    line_start = _line_start(stop.text, stop.place)
    indentation = stop.text[line_start : stop.place + 1]
    if "\t" not in indentation or indentation.strip(" \t"):
        return None
    start = line_start + indentation.index("\t")
    return stop.at(start, stop.place + 1, "a tab indents this line; YAML wants spaces")


def _statement(stop: _Stop) -> Problem | None:
    """``{% if … %}`` on a line of its own, to make keys come and go."""
    for place in (stop.context, stop.place):
        start = _line_start(stop.text, place)
        line = _line(stop.text, start)
        indent = len(line) - len(line.lstrip(" "))
        if line.startswith(("{%", "{#"), indent) and _stands_between_keys(stop.text, start + indent):
            message = "a template cannot make keys: the file is read as YAML first; use templates inside values only"
            return stop.at(start + indent, start + len(line.rstrip()), message)
    return None


def _reserved_start(stop: _Stop) -> Problem | None:
    """A character that YAML keeps for itself: ``@`` and ``%``, or the ``*`` of a bold word."""
    if "scanning an alias" in stop.reading or "scanning an anchor" in stop.reading or "directive" in stop.reading:
        start = stop.context
    elif "cannot start any token" in stop.said:
        start = stop.place
    else:
        return None
    character = stop.text[start : start + 1]
    message = f"an unquoted value cannot begin with {character}; {_quote(stop)}"
    return stop.at(start, start + 1, message)


def _block_header(stop: _Stop) -> Problem | None:
    if "block scalar" not in stop.reading or "tab" in stop.said:
        return None
    indicator = stop.text[stop.context : stop.context + 1]
    message = f"after {indicator} the value begins on the next line; move it there, or put it in quotes"
    return stop.at(stop.place, stop.place + len(_line(stop.text, stop.place).rstrip()), message)


def _colon_in_value(stop: _Stop) -> Problem | None:
    if "found unexpected ':'" in stop.said:
        message = f"a colon inside an unquoted value between braces or brackets; {_quote(stop, in_flow=True)}"
        return stop.at(stop.place, stop.place + 1, message)
    if "mapping values are not allowed" not in stop.said:
        return None
    line_start = _line_start(stop.text, stop.place)
    if ": " in stop.text[line_start : stop.place]:
        message = f"a colon and a space inside an unquoted value; {_quote(stop)}"
    else:
        message = (
            "this line goes on with the value above and can have no key; correct the indentation, or the line above"
        )
    return stop.at(stop.place, stop.place + 1, message)


def _missing_colon(stop: _Stop) -> Problem | None:
    if "could not find expected ':'" not in stop.said:
        return None
    end = stop.context + len(_line(stop.text, stop.context).rstrip())
    message = "this line has no colon and space; write `key: value`, or indent it to continue the value above"
    return stop.at(stop.context, end, message)


def _text_after_quote(stop: _Stop) -> Problem | None:
    last = stop.last
    if last is None or last.style not in ("single", "double") or stop.place < last.end:
        return None
    if stop.text[last.end : stop.place].strip(" \t"):
        return None
    end = stop.place + len(_line(stop.text, stop.place).rstrip())
    if _line_start(stop.text, last.start) != _line_start(stop.text, last.end):
        line = len(re.findall(r"\r\n|\r|\n", stop.text[: last.start])) + 1
        message = f"text goes on after a closing quote; the quote opened on line {line} should be closed there"
    else:
        inside = "''" if last.style == "single" else '\\"'
        message = f"text goes on after the closing quote; close it at the end, and write a quote inside as {inside}"
    return stop.at(stop.place, end, message)


def _no_value(stop: _Stop) -> Problem | None:
    if "node content" not in stop.said:
        return None
    message = f"a value is missing here, or begins with a character that needs quotes; {_quote(stop)}"
    return stop.at(stop.place, stop.place + 1, message)


def _open_bracket(stop: _Stop) -> Problem | None:
    if "flow mapping" not in stop.reading and "flow sequence" not in stop.reading:
        return None
    bracket = "}" if "mapping" in stop.reading else "]"
    message = f"what opens here is not closed: a {bracket} or a comma is missing; quote the value if it is text"
    return stop.at(stop.context, stop.context + 1, message)


def _misplaced(stop: _Stop) -> Problem | None:
    if "while parsing a block" not in stop.reading and "document start" not in stop.said:
        return None
    if stop.text[_line_start(stop.text, stop.place) : stop.place].strip(" "):
        end = stop.place + len(_line(stop.text, stop.place).rstrip())
        return stop.at(stop.place, end, "this cannot follow what stands before it; put the whole value in quotes")
    word = _WORD.match(stop.text, stop.place)
    end = stop.place + 1 if word is None else word.end()
    return stop.at(stop.place, end, "this does not line up with the lines above; correct the indentation")


_MISTAKES: Final[tuple[Callable[[_Stop], Problem | None], ...]] = (
    _open_quote,
    _escape,
    _tab,
    _statement,
    _reserved_start,
    _block_header,
    _colon_in_value,
    _missing_colon,
    _text_after_quote,
    _no_value,
    _open_bracket,
    _misplaced,
)


def _quote(stop: _Stop, *, in_flow: bool = False) -> str:
    """Return how to quote a value of the line, whose own quotes would end the wrong ones."""
    line = _line(stop.text, _line_start(stop.text, stop.place))
    if '"' not in line:
        return "put the value in quotes"
    if "'" not in line:
        return "put the value in single quotes"
    if in_flow:
        return "put the value in single quotes, and write each ' inside as ''"
    return "write |- behind the key, and the value on the next line, indented"


def _line_start(text: str, place: int) -> int:
    return max(text.rfind("\n", 0, place), text.rfind("\r", 0, place)) + 1


def _line(text: str, start: int) -> str:
    """Return the rest of the line that begins or goes on at ``start``."""
    found = _LINE.match(text, start)
    return "" if found is None else found[0]
