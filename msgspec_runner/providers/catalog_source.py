"""A catalog's file as plain values, JSON or YAML, within bounds; and on which line a template stands.

Catalogs are committed, so they come with pull requests: whatever is in them, what leaves this module is a value or a
:class:`~msgspec_runner.errors.ConfigError` that says file, line and what to do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from msgspec_runner.errors import ConfigError
from msgspec_runner.source.document import MAX_BYTES, Document, Node, Scalar, Sequence, read_document
from msgspec_runner.source.document import Mapping as MapNode

MAX_JSON: Final = 32 * 1024 * 1024
"""The largest saved list, 32 MiB. WhatsApp allows 6,000 templates an account, and one takes 1 to 4 KiB in a list."""

MAX_MISSED: Final = 20
"""After how many ids that are not found as they were written (escapes in them, say) no more is searched."""

_BEGINS_AS_JSON: Final = re.compile(r"\s*[\[{]")
_ID: Final = re.compile(r'"(?:sid|id)"\s*+:\s*+"([^"\\]*+)"')
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Listing(NamedTuple):
    """What a file says.

    Attributes:
        file: as people are shown it.
        text: its characters.
        value: dicts, lists and scalars; a YAML scalar is its text as written, or None for null.
        document: with the places of everything; None for JSON.
    """

    file: str
    text: str
    value: object
    document: Document | None

    def error(self, line: int, message: str) -> ConfigError:
        """Return what to raise about a line."""
        return ConfigError(f"{self.file}:{line}: {message}")


class Places:
    """Finds the lines of a listing's templates, one after another in the order of the file.

    Args:
        listing: the file.
    """

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._offset = 0
        self._line = 1
        self._missed = 0

    def line(self, path: tuple[str | int, ...], template_id: str) -> int:
        """Return the 1-based line of a template.

        Args:
            path: from the root to it.
            template_id: its id, by which it is found in JSON, where the parser tells no places.
        """
        if self._listing.document is not None:
            node = self._listing.document.node(path)
            return 1 if node is None else self._listing.document.position(node.start).line
        if self._missed < MAX_MISSED:
            text = self._listing.text
            written = _ID.finditer(text, self._offset)
            found = next((match for match in written if match[1] == template_id), None)
            if found is None:
                self._missed += 1
            else:
                self._line += text.count("\n", self._offset, found.start())
                self._offset = found.start()
        return self._line


def read_listing(file: str, data: bytes) -> Listing:
    """Read a catalog's bytes.

    Args:
        file: as people are shown it.
        data: JSON or YAML, UTF-8.

    Raises:
        ConfigError: it is neither, or is larger or deeper than a list of templates can be.
    """
    if len(data) > MAX_JSON:
        raise ConfigError(f"{file}: larger than {MAX_JSON // 1024 // 1024} MiB, which no list of templates is")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _yaml(file, data)  # says which byte, and what to save it as
    if not _BEGINS_AS_JSON.match(text):
        return _yaml(file, data)
    try:
        return Listing(file, text, json.loads(text), None)
    except RecursionError:
        raise ConfigError(f"{file}:1: nested too deeply for a list of templates") from None
    except json.JSONDecodeError as error:
        if not file.endswith((".yaml", ".yml")):
            raise ConfigError(
                f"{file}:{error.lineno}: not valid JSON: {error.msg}; save the provider's answer again"
            ) from None
    except ValueError:  # a number of thousands of digits
        raise ConfigError(f"{file}:1: a number in it is longer than any in a list of templates") from None
    return _yaml(file, data)  # YAML may begin with a bracket, too


def _yaml(file: str, data: bytes) -> Listing:
    if len(data) > MAX_BYTES:
        # Of JSON there may be more: its parser is ten times as fast.
        most = MAX_BYTES // 1024
        raise ConfigError(f"{file}: larger than {most:,} KiB of YAML: take the provider's JSON, or split the file")
    document = read_document(file, data)
    if document.problems:
        problem = document.problems[0]
        line = document.position(problem.start).line
        raise ConfigError(f"{file}:{line}: {_of_a_catalog(problem.message)}")
    return Listing(file, document.text, _texts(document.root), document)


def _of_a_catalog(message: str) -> str:
    """Leave out the advice that only a spec can follow."""
    return message.replace("; move the rows to a recipients file", "; split the file")


def _texts(node: Node | None) -> object:
    """Return a tree whose scalars are their texts: ``variables: [01]`` names ``01``, whatever number that is."""
    if node is None:
        return None
    if isinstance(node, Scalar):
        return None if node.value is None else node.text
    if isinstance(node, Sequence):
        return [_texts(item) for item in node.items]
    assert isinstance(node, MapNode)
    return {entry.key.text: _texts(entry.value) for entry in node.entries}


def text_of(value: object) -> str:
    """Return a value as text: empty for what is no scalar; half characters, which no file can hold, replaced."""
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATE.sub("\ufffd", value)
    if value is None or isinstance(value, dict | list):
        return ""
    return json.dumps(value)


def dict_of(value: object) -> dict[str, object]:
    """Return a value if it is a map, else an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[object]:
    """Return a value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def strings(value: object) -> Iterator[str]:
    """Yield every string in a value, in its order, however deep it is."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += reversed(item.values())
        elif isinstance(item, list):
            waiting += reversed(item)


_VARIABLE: Final = re.compile(r"\{\{\s*([^{}\s]{1,64})\s*\}\}")


def variables_in(text: str) -> list[str]:
    """Return the names of the ``{{1}}`` in a text, in its order, each once."""
    return list(dict.fromkeys(map(text_of, _VARIABLE.findall(text))))


def in_order(names: set[str]) -> list[str]:
    """Return names as people count: 2 before 10, numbers before words."""
    return sorted(names, key=lambda name: (not name.isdecimal(), len(name) if name.isdecimal() else 0, name))
