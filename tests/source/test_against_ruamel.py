"""The same text means the same to us and to ruamel.yaml, an independent reader of YAML 1.2.

Where the two differ on purpose, and the strategies below avoid it:

- U+0085, U+2028 and U+2029 are line breaks to ruamel, and characters in YAML 1.2 (section 5.4) and to us;
- ruamel resolves timestamps, ``0b1``, ``1_000`` and ``=``, which the core schema does not (``test_core_schema``);
- ruamel refuses a tab between a value and the end of its line, and blank lines with fewer spaces than the first
  line of a block scalar; YAML 1.2 allows both;
- ruamel takes any tag and alias cycles; we refuse them;
- ruamel reads a block scalar at the top level of a document to its end, whatever its indentation;
- in a flow, ruamel writes plain scalars that begin with ``?`` and cannot read them again; libyaml reads none with
  ``:`` before another character, which YAML 1.2 allows: an error there, never another value.
"""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.scalarstring import (
    DoubleQuotedScalarString,
    FoldedScalarString,
    LiteralScalarString,
    SingleQuotedScalarString,
)

from msgspec_runner.source.document import Mapping, Node, Scalar, parse_document

STYLES = {None: "plain", "'": "single", '"': "double", "|": "literal", ">": "folded"}


def ours(node: Node | None) -> object:
    """Return a tree as nested tuples of styles and texts."""
    match node:
        case None:
            return None
        case Scalar():
            return (node.style, node.text)
        case Mapping():
            return tuple((ours(entry.key), ours(entry.value)) for entry in node.entries)
        case _:
            return [ours(item) for item in node.items]


def theirs(node: object) -> object:
    """Return ruamel's tree in the same shape."""
    match node:
        case ScalarNode():
            return (STYLES[node.style], node.value)
        case MappingNode():
            return tuple((theirs(key), theirs(value)) for key, value in node.value)
        case SequenceNode():
            return [theirs(item) for item in node.value]
        case _:
            return None


TOKENS = st.sampled_from(
    [
        "a", "b", "1", "é", "😀", " ", "  ", "\n", "\n  ", "\n ", "\n    ", "\nc: ", "\nd: ", "\n- ", "\n  - ", ": ", "- ",
        " # c", '"', "'", "{", "}", "[", "]", ", ", "|\n  ", ">\n  ", "|-\n  ", ">-\n  ", ">+\n  ", "|2\n  ", "&x ",
        "!!str ", "? ", "%", "\\n", "\\", "\\/", "''", "/", "~", "=", ":", "-", "http://x", "\xa0", "\r\n", "\r\n  ",
    ]
)  # fmt: skip


@pytest.mark.filterwarnings("ignore::ruamel.yaml.error.ReusedAnchorWarning")
@given(st.lists(TOKENS, max_size=12).map("".join))
def test_any_text_that_both_can_read(text: str) -> None:
    document = parse_document("spec.yaml", f"a: {text}")
    if document.problems:
        return
    try:
        root = YAML(typ="safe", pure=True).compose(document.text)
    except YAMLError:
        return
    assert ours(document.root) == theirs(root)


WORDS = st.text(alphabet="ab {}:#'\"\\|>-&*!%@`,[]?~=é—😀\n\xa0", max_size=20).filter(
    lambda word: not re.search(r"^\?|^:|:\S", word)
)
VALUES = st.recursive(
    WORDS
    | WORDS.map(DoubleQuotedScalarString)
    | WORDS.map(SingleQuotedScalarString)
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False)
    | st.booleans()
    | st.none()
    | st.lists(st.sampled_from(["Hi", "{{ a }}", "", "  more", "x: y # z"]), min_size=1).map(
        lambda lines: LiteralScalarString("\n".join(["first", *lines]))
    )
    | st.lists(st.sampled_from(["Hi", "{{ a }}", "text"]), min_size=1).map(
        lambda lines: FoldedScalarString("\n".join(["first", *lines]))
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS.filter(bool), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["a", "b c", "é"]), VALUES, min_size=1), st.integers(40, 120), st.booleans())
def test_what_ruamel_writes_we_read(value: dict[str, object], width: int, flow: bool) -> None:
    yaml = YAML()
    yaml.width = width
    yaml.default_flow_style = flow
    stream = io.StringIO()
    yaml.dump(value, stream)
    document = parse_document("spec.yaml", stream.getvalue())
    try:
        reread = YAML(typ="safe", pure=True).load(stream.getvalue())
    except YAMLError:  # it wrote what it cannot read
        return
    assert document.problems == (), stream.getvalue()
    assert document.value == reread
