"""Our catalog as text: written anew, or brought up to date in place.

An existing file is edited where it differs and nowhere else, by the exact places of its values: comments, order,
quotes and line ends stay to the byte. What was written is read again; a text that does not say what it should is
never handed out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec_runner.errors import ConfigError
from msgspec_runner.providers.catalog import CatalogTemplate, Variable
from msgspec_runner.providers.catalog_shapes import Catalog, read_catalog
from msgspec_runner.source.document import MAX_BYTES, read_document
from msgspec_runner.source.document import Mapping as MapNode
from msgspec_runner.source.document import Sequence as SeqNode

FIELDS: Final = (
    "id", "name", "language", "category", "status", "variables", "optional", "media", "media_url",
    "header", "body", "footer", "buttons",
)  # fmt: skip
"""The keys of a template, in the order in which they are written."""

_HEAD: Final = "# `msgspec-runner catalog import` brings this up to date from the provider's list; comments stay.\n"
_INDENT: Final = 4
"""Columns before a template's keys."""

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NOT_PLAIN: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"})
"""Words that some reader of YAML takes for other than text; ``no`` is a language too."""
_UNPRINTABLE: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_LINES: Final = re.compile(r"\S(?:.*\S)?(?:\n+\S(?:.*\S)?)+")
"""Lines that a literal block holds as they are: none begins or ends with white space."""


class Change(NamedTuple):
    """What an import does to one template.

    Attributes:
        kind: ``added``, ``changed`` or ``removed``.
        template: as it is now; of a removed one, as it was.
        before: as it was; None where it was added.
    """

    kind: str
    template: CatalogTemplate
    before: CatalogTemplate | None = None


class Update(NamedTuple):
    """A catalog brought up to date.

    Attributes:
        text: the whole file; the same as before where nothing changed.
        changes: in the order of the file.
    """

    text: str
    changes: tuple[Change, ...]


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


def written(catalog: Catalog) -> Update:
    """Return a new catalog of ours, its templates sorted by name and language.

    Raises:
        ConfigError: it would be larger than a catalog may be.
    """
    templates = sorted(_by_id(catalog.templates).values(), key=lambda item: (item.name, item.language, item.id))
    text = f"{_HEAD}provider: {catalog.provider}\ntemplates:\n" + "".join(map(_item, templates))
    _ensure(text, templates, "the new catalog")
    return Update(text, tuple(Change("added", template) for template in templates))


def updated(file: str, data: bytes, catalog: Catalog) -> Update:
    """Return an existing catalog of ours with the templates that the provider has now.

    Args:
        file: the existing one, as people are shown it.
        data: its bytes.
        catalog: what the provider has.

    Raises:
        ConfigError: the file is no catalog of ours, or of another provider, or written in a way that cannot be edited.
    """
    old = read_catalog(file, data)
    if not old.is_ours:
        raise ConfigError(f"{file}: this is a provider's list, which import does not edit: name another file with -o")
    if old.provider != catalog.provider:
        message = f"this catalog is of {old.provider}, the list of {catalog.provider}: name another file with -o"
        raise ConfigError(f"{file}: {message}")
    wanted = _by_id(catalog.templates)
    kept: list[CatalogTemplate] = []
    changes: list[Change] = []
    editor = _Editor(file, data)
    for index, before in enumerate(old.templates):
        listed = wanted.pop(before.id, None)
        if listed is None:
            changes.append(Change("removed", before))
            editor.remove(index)
            continue
        after = _known(before, listed)
        kept.append(after)
        if after.placeless != before.placeless:
            changes.append(Change("changed", after, before))
            editor.change(index, before, after)
    added = sorted(wanted.values(), key=lambda item: (item.name, item.language, item.id))
    changes += [Change("added", template) for template in added]
    editor.add(added)
    text = editor.result()
    _ensure(text, [*kept, *added], file)
    return Update(text, tuple(changes))


def _known(before: CatalogTemplate, after: CatalogTemplate) -> CatalogTemplate:
    """Keep what the list does not tell (``/v1/Content`` has no status), and the order in which variables stand."""
    same = set(before.variables or ()) == set(after.variables or ())
    same_optional = set(before.optional) == set(after.optional)
    return after._replace(
        category=after.category or before.category,
        status=after.status or before.status,
        variables=before.variables if after.variables is None or (before.variables and same) else after.variables,
        optional=before.optional if same_optional else after.optional,
    )


def _by_id(templates: Sequence[CatalogTemplate]) -> dict[str, CatalogTemplate]:
    """Return the last entry of each id: pages overlap where a list grew while it was saved."""
    return {template.id: template for template in templates}


def _ensure(text: str, templates: Sequence[CatalogTemplate], file: str) -> None:
    """Read what was written; raise where it does not say what it should."""
    data = text.encode()
    if len(data) > MAX_BYTES:
        raise ConfigError(
            f"{file}: it would be larger than {MAX_BYTES // 1024:,} KiB: name the provider's own list in `catalogs`"
        )
    try:
        read = [item.placeless for item in read_catalog(file, data).templates]
    except ConfigError:
        read = []
    if read != [item.placeless for item in templates]:
        raise _cannot_edit(file)


def _cannot_edit(file: str) -> ConfigError:
    return ConfigError(
        f"{file}: it is written in a way that import cannot edit (JSON, an alias, braces around a template, a dash on "
        "a line of its own): write one key a line, or remove the file and import again"
    )


class _Editor:
    """Collects edits of a catalog's text by the places of its templates."""

    def __init__(self, file: str, data: bytes) -> None:
        self.document = read_document(file, data)
        self.text = self.document.text
        self.newline = "\r\n" if "\r\n" in self.text else "\n"
        self.edits: list[_Edit] = []
        node = self.document.node(("templates",))
        if not isinstance(node, SeqNode):  # JSON that is no YAML
            raise _cannot_edit(file)
        self.templates = node

    def remove(self, index: int) -> None:
        item = self.templates.items[index]
        self.cut(self.text.rfind("-", 0, item.start), item.end)

    def change(self, index: int, before: CatalogTemplate, after: CatalogTemplate) -> None:
        item = self.templates.items[index]
        assert isinstance(item, MapNode)
        indent = self.document.position(item.start).col - 1
        place = item.end
        for name in FIELDS:
            entry = item.entry(name)
            if getattr(before, name) != getattr(after, name):
                value = _value(name, after, indent)
                if entry is None:
                    line_end = self.line_end(place)
                    self.edits.append(_Edit(line_end, line_end, f"{' ' * indent}{name}: {value}\n"))
                elif value or entry is item.entries[0]:
                    self.edits.append(_Edit(entry.value.start, entry.value.end, value or '""'))
                else:
                    self.cut(entry.key.start, entry.value.end)
            if entry is not None:
                place = entry.value.end

    def add(self, templates: Sequence[CatalogTemplate]) -> None:
        text = "".join(map(_item, templates))
        if text and not self.templates.items:  # `templates: []`
            self.edits.append(_Edit(self.templates.start, self.templates.end, "\n" + text.removesuffix("\n")))
        elif text:
            dash = self.templates.start
            col = self.document.position(dash).col - 1
            shifted = re.sub(rf"^ {{{_INDENT - 2}}}", " " * col, text, flags=re.MULTILINE)
            place = self.line_end(self.templates.end)
            self.edits.append(_Edit(place, place, shifted))

    def cut(self, start: int, end: int) -> None:
        """Remove whole lines."""
        self.edits.append(_Edit(max(self.text.rfind("\n", 0, start), -1) + 1, self.line_end(end), ""))

    def line_end(self, offset: int) -> int:
        """Return the offset behind the break of the line that ``offset`` is on."""
        return self.text.find("\n", offset) + 1 or len(self.text)

    def result(self) -> str:
        if not self.edits:
            return self.written_back(self.text)
        text, end = "", 0
        for edit in sorted(self.edits, key=lambda edit: (edit.start, edit.end)):
            text += self.text[end : edit.start]
            if edit.text.endswith("\n") and text and not text.endswith("\n"):
                text += self.newline  # the file's last line has no break
            text += edit.text.replace("\n", self.newline)
            end = max(end, edit.end)
        return self.written_back(text + self.text[end:])

    def written_back(self, text: str) -> str:
        return "\ufeff" * self.document.bom + text


def _item(template: CatalogTemplate) -> str:
    """Return a template as an item of the list."""
    lines = [(name, _value(name, template, _INDENT)) for name in FIELDS]
    text = "".join(f"{' ' * _INDENT}{name}: {value}\n" for name, value in lines if value)
    return f"{' ' * (_INDENT - 2)}- {text[_INDENT:]}"


def _value(name: str, template: CatalogTemplate, indent: int) -> str:
    """Return a field as YAML, on one line or as a literal block; empty where it says nothing."""
    value = getattr(template, name)
    if name in {"variables", "optional"}:
        if value is None or (not value and name == "optional"):
            return ""
        return _variables(value, template.provider)
    if name == "buttons":
        return f"[{', '.join(map(_quoted, value))}]" if value else ""
    assert isinstance(value, str)
    if not value:
        return ""
    if _PLAIN.fullmatch(value) and value.lower() not in _NOT_PLAIN:
        return value
    if _LINES.fullmatch(value) and not _UNPRINTABLE.search(value):
        lines = value.split("\n")
        return "|-" + "".join(f"\n{' ' * (indent + 2)}{line}" if line else "\n" for line in lines)
    return _quoted(value)


def _variables(variables: tuple[Variable, ...], provider: str) -> str:
    if provider != "gswa" or not variables:
        return f"[{', '.join(_quoted(variable[-1]) for variable in variables)}]"
    parts: dict[str, list[str]] = {}
    for part, name in variables:
        parts.setdefault(part, []).append(_quoted(name))
    return "{" + ", ".join(f"{part}: [{', '.join(names)}]" for part, names in parts.items()) + "}"


def _quoted(text: str) -> str:
    """Return text in double quotes, every character that YAML does not take as it is as an escape."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
