"""The names that a misspelt or misplaced ``recipients`` or ``vars`` would give to templates, were it written right.

MSG107 tells of the key. That each of its names does not exist is no other mistake: MSG402 says it once, and why.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from msgspec_runner.audience import bind_columns, open_audience, open_samples, recipients_path
from msgspec_runner.errors import RecipientsError
from msgspec_runner.linting.rules.shape.meant_keys import meant_path
from msgspec_runner.linting.subject import Subject
from msgspec_runner.recipients.rows import Source
from msgspec_runner.source.document import Document, Entry, Mapping, Node, Scalar
from msgspec_runner.spec import Spec, build_spec
from msgspec_runner.templates import RESERVED_NAMES

_NAMING: Final = frozenset({"recipients", "vars"})
"""The fields at the top of a spec that names come from."""

MAX_ROWS: Final = 1_000
"""Rows of objects that are asked for their keys; a name that is in later ones only is told of by itself."""


class Block(NamedTuple):
    """An unknown key with what is below it.

    Attributes:
        path: of the key.
        meant: the path that it should have.
        names: what templates could use then, beside what they can use already.
    """

    path: tuple[str, ...]
    meant: tuple[str, ...]
    names: frozenset[str]


def misspelt_blocks(subject: Subject) -> tuple[Block, ...]:
    """Return the blocks of a spec that MSG107 says are misspelt or in the wrong place, and that names come from.

    Of several that were meant to be one field it is the first. One that is there in its right place as well was meant
    to be something else.
    """
    blocks: dict[tuple[str, ...], Block] = {}
    for violation in subject.violations:
        meant = meant_path(violation) if violation.keyword == "additionalProperties" else None
        if meant is None or meant[0] not in _NAMING or meant in blocks or subject.document.node(meant) is not None:
            continue
        path = (*map(str, violation.path), violation.name)
        value = subject.document.node(path)
        if value is not None:
            place = tuple(map(str, meant))
            spec = build_spec(_with(subject.document, place, value))
            blocks[place] = Block(path, place, frozenset(_names(spec, subject)) - RESERVED_NAMES)
    return tuple(blocks.values())


def _with(document: Document, path: tuple[str, ...], value: Node) -> Document:
    """Return the document with a value at a path as well."""
    return Document(document.file, document.text, _put(document.root, path, value), document.problems)


def _put(node: Node | None, path: tuple[str, ...], value: Node) -> Mapping:
    entries = {entry.key.text: entry for entry in node.entries} if isinstance(node, Mapping) else {}
    name, *below = path
    child = entries[name].value if name in entries else None
    key = Scalar(name, name, "plain", value.start, value.start, value.start)
    entries[name] = Entry(key, _put(child, tuple(below), value) if below else value)
    return Mapping(entries, value.start, value.end, flow=False)


def _names(spec: Spec, subject: Subject) -> Iterator[str]:
    yield from (column.name for column in spec.columns)
    yield from spec.vars
    if subject.recipients_replaced:
        return
    try:
        for source in _sources(spec, subject.config.root):
            with source:
                binder = bind_columns(spec, source)
                yield from binder.names
                for row in islice(() if source.fixed else source, MAX_ROWS):
                    yield from binder.convert(row)[0]
    except (RecipientsError, OSError):
        return  # told of as soon as it is the recipients' file


def _sources(spec: Spec, root: Path) -> Iterator[Source]:
    if spec.samples:
        yield open_samples(spec)
    path = recipients_path(spec, root)
    if path.is_file() if path is not None else spec.rows is not None:
        yield open_audience(spec, root)
