"""What may be typed in a spec: its keys, by the JSON Schema, and their values."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec_runner.editor import in_template, markdown
from msgspec_runner.editor.outline import Path as KeyPath
from msgspec_runner.editor.positions import Extent
from msgspec_runner.editor.questions import Proposal
from msgspec_runner.editor.reading import Reading, is_template
from msgspec_runner.editor.suppressing import codes_proposed
from msgspec_runner.providers import PROVIDERS
from msgspec_runner.providers.catalog import CatalogTemplate
from msgspec_runner.providers.gswa import MEDIA_URL
from msgspec_runner.recipients.readers import SUFFIXES
from msgspec_runner.source.schema_places import SchemaPlace, schema_place

MAX_FILES: Final = 2_000
"""Files that are looked at for recipients."""

MAX_PROPOSALS: Final = 1_000
"""More than anybody reads; a client asks again as more is typed."""

_VARIABLES: Final = ("message", "template", "variables")
_COLUMNS: Final = ("recipients", "columns")
_PLAIN: Final = re.compile(r"[A-Za-z_./][\w./ -]*")
_SPECIAL_COLUMN: Final = {
    "to": "phone",
    "schedule": "datetime",
    "image_url": "url",
    "video_url": "url",
    "file_url": "url",
}


def proposals(reading: Reading, typed: str = "") -> tuple[Proposal, ...]:
    """Return what may be typed at the place of a reading, the likeliest first.

    Args:
        reading: of the spec.
        typed: the character that made the client ask by itself. A blank in a message is no question.
    """
    before = reading.text[max(reading.offset - 2, 0) : reading.offset - 1]
    if typed == " " and reading.tag is None and before != ":":
        return ()
    return tuple(islice(_proposals(reading), MAX_PROPOSALS))


def _proposals(reading: Reading) -> Iterator[Proposal]:
    place = reading.place
    if reading.tag is not None:
        yield from in_template.proposals(reading, reading.tag)
    elif place.role == "comment":
        yield from codes_proposed(reading, place.start)
    elif place.role == "key":
        yield from _keys(reading, place.path)
    else:
        yield from _values(reading, place.path)


def schema_words(place: SchemaPlace) -> str:
    """Return what the schema says of a key, as Markdown."""
    parts = [place.description] if place.description else []
    if place.choices:
        parts.append("One of " + ", ".join(markdown.code(str(choice)) for choice in place.choices))
    if place.default not in (None, ""):
        parts.append(f"Default: {markdown.code(json.dumps(place.default))}")
    if place.examples:
        parts.append("For example " + ", ".join(markdown.code(_written(example)) for example in place.examples))
    return "\n\n".join(parts)


def _written(example: object) -> str:
    return example if isinstance(example, str) else json.dumps(example, ensure_ascii=False)


# Keys


def _keys(reading: Reading, path: KeyPath) -> Iterator[Proposal]:
    place = schema_place("spec", path)
    if place is None:
        return
    written = {key.path[-1] for key in reading.outline.members(path) if key.start != reading.place.start}
    followed = reading.text[reading.place.end : reading.place.end + 1] == ":"
    for name in sorted(place.keys, key=lambda name: name not in place.required):
        if name in written:
            continue
        child = schema_place("spec", (*path, name))
        if child is not None:
            detail = "needed" if name in place.required else " or ".join(child.types)
            insert = name if followed else name + _behind_key(reading, child)
            yield Proposal(name, "key", insert, _word(reading), detail, schema_words(child))
    for name, detail, words in _own_keys(reading, path):
        if name not in written:
            insert = name if _PLAIN.fullmatch(name) and not name.isdigit() else json.dumps(name, ensure_ascii=False)
            yield Proposal(name, "key", insert if followed else f"{insert}: ", _word(reading), detail, words)


def _behind_key(reading: Reading, place: SchemaPlace) -> str:
    """Return what stands between a key and its value: a new line, where the value has keys of its own."""
    if reading.place.flow or "object" not in place.types or "string" in place.types or not place.keys:
        return ": "
    start = reading.place.start
    line = max(reading.text.rfind("\n", 0, start), reading.text.rfind("\r", 0, start)) + 1
    return ":\n" + " " * (start - line + 2)


def _own_keys(reading: Reading, path: KeyPath) -> Iterator[tuple[str, str, str]]:
    """Yield keys that no schema knows, because they are the spec's own: name, detail, words."""
    if path == _COLUMNS:
        for name, known in reading.columns.items():
            if known.column is None:
                yield name, "in the data", in_template.column_words(known)
        yield from ((name, "used in a template", "") for name in _unknown_names(reading))
    elif path == ("vars",):
        yield from ((name, "used in a template", "") for name in _unknown_names(reading))
    elif path[:2] in (("recipients", "rows"), ("recipients", "samples")) and len(path) == 3:
        for known in reading.columns.values():
            yield known.heading, "column", in_template.column_words(known)
        yield from ((name, "used in a template", "") for name in _unknown_names(reading))
    elif path[:3] == _VARIABLES:
        yield from _variables(reading, path[3:])


def _unknown_names(reading: Reading) -> tuple[str, ...]:
    known = reading.columns.keys() | reading.variables.keys()
    names = (use.name for field in reading.spec.templates for use in field.template.names)
    return tuple(dict.fromkeys(name for name in names if name not in known))


def _variables(reading: Reading, path: KeyPath) -> Iterator[tuple[str, str, str]]:
    """Yield the variables of the template that the spec names, by the catalogs; without, Gupshup's components."""
    provider = reading.spec.provider
    entries = templates_of(reading)
    names: dict[str, str] = {}
    for entry in entries:
        for variable in (*(entry.variables or ()), *entry.optional):
            if variable[: len(path)] == path and len(variable) > len(path):
                names.setdefault(variable[len(path)], f"of {entry.title}")
        if entry.media and not path:
            names.setdefault(MEDIA_URL, f"of {entry.title}")
    if provider is not None and provider.id == "gswa" and not path and not entries:
        names = dict.fromkeys((MEDIA_URL, "Header", "Body", "Buttons"), "a component")
    words = template_words(entries[0]) if entries else ""
    yield from ((name, detail, words) for name, detail in names.items())


def templates_of(reading: Reading) -> tuple[CatalogTemplate, ...]:
    """Return the catalogs' entries of the template that the spec names."""
    spec, field = reading.spec, reading.spec.field("template", "id")
    if field is None or not field.template.is_static:
        return ()
    if spec.provider is not None:
        return reading.workplace.catalogs.find(spec.provider.id, field.node.text)
    return tuple(item for item in reading.workplace.catalogs.templates if item.id == field.node.text)


def template_words(template: CatalogTemplate) -> str:
    """Return what a catalog says of a template, as Markdown."""
    facts = [fact for fact in (template.language, template.category.lower(), template.status) if fact]
    parts = [f"**{markdown.words(template.title)}** {markdown.words(', '.join(facts))}".rstrip()]
    lines = [line for line in (template.header, template.body, template.footer) if line]
    lines += [f"[{button}]" for button in template.buttons]
    if lines:
        parts.append(markdown.block("\n".join(lines)))
    if template.variables:
        parts.append("Variables: " + ", ".join(markdown.code(".".join(item)) for item in template.variables))
    return "\n\n".join(parts)


# Values


def _values(reading: Reading, path: KeyPath) -> Iterator[Proposal]:
    place, key = schema_place("spec", path), reading.place.key
    if key is not None and key.style == "block":
        return  # prose
    extent, prefix, quoted = _value_extent(reading)
    for value, detail, words in _special(reading, path):
        yield Proposal(value, _kind(path), prefix + (value if quoted else _scalar(value)), extent, detail, words)
    if place is None:
        return
    choices = [str(choice) for choice in place.choices]
    if "boolean" in place.types:
        choices += ["true", "false"]
    for choice in choices:
        words = PROVIDERS[choice].title if path == ("message", "provider") and choice in PROVIDERS else ""
        yield Proposal(choice, "value", prefix + choice, extent, words)
    empty = key is not None and not reading.text[key.value : key.stop].strip("\"' ")
    if key is not None and is_template(key) and "string" in place.types and empty and not quoted:
        for name, kind in _fitting(reading, _SPECIAL_COLUMN.get(str(path[-1]))).items():
            words = in_template.column_words(reading.columns[name])
            yield Proposal(f"{{{{ {name} }}}}", "column", f'{prefix}"{{{{ {name} }}}}"', extent, kind, words)
    if empty and not choices:
        for example in place.examples:
            if isinstance(example, str | int) and not isinstance(example, bool):
                text = str(example)
                insert = text if quoted or isinstance(example, int) else _scalar(text)
                yield Proposal(text, "value", prefix + insert, extent, "example")


def _fitting(reading: Reading, wanted: str | None) -> dict[str, str]:
    """Return the columns whose type fits a field, and the type; where none does, those whose type nobody declared."""
    kinds = {name: known.column.type if known.column is not None else "text" for name, known in reading.columns.items()}
    if wanted is None:
        return kinds
    fitting = {name: kind for name, kind in kinds.items() if kind == wanted}
    return fitting or {name: kind for name, kind in kinds.items() if kind == "text"}


def _value_extent(reading: Reading) -> tuple[Extent, str, bool]:
    """Return what a value would replace, what must stand before it, and whether it stands in quotes already."""
    place = reading.place
    start, end = place.start, max(place.end, reading.offset)
    quoted = reading.style in ("single", "double") and start < reading.offset
    if quoted:
        start += 1
        quote = reading.text[place.start]
        end -= end > start and reading.text[end - 1] == quote
        return reading.word(start, max(end, reading.offset)), "", True
    start = min(start, reading.offset)
    return reading.word(start, end), " " if reading.text[start - 1 : start] == ":" else "", False


def _kind(path: KeyPath) -> str:
    return {"file": "file", "id": "template"}.get(str(path[-1]), "value")


def _scalar(value: str) -> str:
    """Return a text as a YAML scalar: as it is where that is safe, else in double quotes."""
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _special(reading: Reading, path: KeyPath) -> Iterator[tuple[str, str, str]]:
    """Yield values that come from elsewhere than the schema: value, detail, words."""
    if path == ("message", "template", "id"):
        provider = reading.spec.provider
        for item in reading.workplace.catalogs.templates:
            if provider is None or item.provider == provider.id:
                yield item.id, f"{item.title} {item.language} {item.status}".strip(), template_words(item)
    elif path == ("recipients", "file"):
        yield from ((file, "recipients", "") for file in _recipients_files(reading))
    elif path == ("spec",):
        name = re.sub(r"[^a-z0-9]+", "-", reading.workplace.path.stem.lower()).strip("-")
        if name:
            yield name, "the file's name", ""
    elif path in (("timezone",), ("delivery", "window", "timezone")):
        from zoneinfo import available_timezones

        yield from ((zone, "time zone", "") for zone in sorted(available_timezones()) if "/" in zone)
    elif path == ("locale",):
        from babel.localedata import locale_identifiers

        yield from ((name, "locale", "") for name in sorted(locale_identifiers()) if name != "root")


def _recipients_files(reading: Reading) -> Iterator[str]:
    folder, root = reading.workplace.path.parent, Path(os.path.abspath(reading.workplace.root))  # noqa: PTH100
    looked = 0
    for parent, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "node_modules")
        for name in sorted(names):
            looked += 1
            if looked > MAX_FILES:
                return
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield os.path.relpath(os.path.join(parent, name), folder).replace(os.sep, "/")  # noqa: PTH118


def _word(reading: Reading) -> Extent:
    return reading.word(reading.place.start, max(reading.place.end, reading.offset))
