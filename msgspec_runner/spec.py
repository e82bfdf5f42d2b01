"""A spec as the rest of the program sees it: a Document's nodes under their meaning.

Building never fails: what is missing or of a wrong type is left out here and reported by the rules, so that
one run of the linter shows every finding. :func:`build_spec` is pure; nothing but the document is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec_runner.content.blank import is_blank
from msgspec_runner.providers import PROVIDERS, Provider
from msgspec_runner.recipients.columns import Column
from msgspec_runner.source.document import Document, Entry, Node, Scalar
from msgspec_runner.source.document import Mapping as MapNode
from msgspec_runner.source.document import Sequence as SeqNode
from msgspec_runner.templates import ABSENT, Template, parse

CONTENT = ("text", "image_url", "video_url", "file_url", "template")
"""The fields of which a message needs at least one: the content rule (the API's page, column "Required?")."""

MEDIA = ("image_url", "video_url", "file_url")
"""The fields that hold a URL."""

VARIABLES = ("message", "template", "variables")
"""The path of a template's variables."""

_OPTIONAL = frozenset({"name", "text", *MEDIA, "user_id"})
"""Fields that may render to nothing and are then left out (contract, section 1); extra_fields' values too."""

_STRINGS = ("provider", "channel_key", "to", "name", "text", *MEDIA, "schedule", "user_id")


class Field(NamedTuple):
    """One scalar of the message, or ``recipients.key``: a template over the recipient's columns.

    Attributes:
        path: keys from the root (``("message", "template", "id")``).
        node: the scalar as written; its ``text`` is the template's source.
        kind: what the API wants: ``string``, ``integer``, ``boolean``, ``object``, or ``scalar`` for any of them.
        template: the parsed text.
        optional: whether it is left out when it renders to nothing.
    """

    path: tuple[str, ...]
    node: Scalar
    kind: str
    template: Template
    optional: bool

    @property
    def name(self) -> str:
        """The path as people write it, without ``message.`` in front: ``template.id``."""
        return ".".join(self.path[1:] if self.path[0] == "message" else self.path)

    @property
    def dotted(self) -> str:
        """The whole path, dotted, as in a report."""
        return ".".join(self.path)

    @property
    def sole_name(self) -> str:
        """The name that the field is nothing but (``{{ phone }}``); empty where it is more, or no template."""
        names = self.template.names
        return names[0].name if self.template.sole_expression and len(names) == 1 else ""

    @property
    def only_name(self) -> str:
        """The only name that the field reads, whatever it makes of it; empty where it reads none or several."""
        names = {use.name for use in self.template.names}
        return names.pop() if len(names) == 1 else ""

    @property
    def constant(self) -> object:
        """The value where the field is no template: typed as written where the API takes other than strings."""
        return self.node.text if self.kind == "string" or isinstance(self.node.value, str) else self.node.value

    @property
    def blank(self) -> bool:
        """Whether it is written as nothing: null, empty, or only white space."""
        return self.node.value is None or is_blank(self.node.text)


class Window(NamedTuple):
    """Hours in which people may be texted, as written.

    Attributes:
        opens: ``from``: local time of day, ``09:00``.
        closes: ``to``, exclusive; before ``opens``: on the next day.
        zone: ``timezone``: whose hours they are, a template over the recipient's columns; None: the spec's zone.
    """

    opens: str
    closes: str
    zone: Field | None = None


class Delivery(NamedTuple):
    """Guard rails of ``delivery``; each None where it is not given.

    Attributes:
        rate: most messages per time, such as ``10/s``.
        max_recipients: refuse more recipients than that.
        expires: ISO 8601 moment after which nothing is sent, as written.
        window: hours in which people may be texted.
        hold: how much later to send, as written (``5m``).
    """

    rate: str | None = None
    max_recipients: int | None = None
    expires: str | None = None
    window: Window | None = None
    hold: str | None = None


class Spec(NamedTuple):
    """One message spec.

    Attributes:
        document: where it came from, with the places of everything.
        id: empty where it is missing.
        edition: 1 where it is missing.
        description: for reviewers.
        provider: None where the provider is a template, missing or unknown.
        fields: every scalar under ``message``, in the order of the document.
        key: ``recipients.key``; None where it is not given.
        columns: the declared columns.
        file: ``recipients.file``; None where it is not given.
        rows: ``recipients.rows`` as cells; None where it is not given.
        samples: ``recipients.samples`` as cells.
        has_recipients: whether there is a ``recipients`` at all; one message is sent where there is none.
        vars: the spec's own vars.
        locale: the spec's own; None for the configuration's.
        timezone: the spec's own; None for the configuration's.
        delivery: the guard rails.
        by_path: the fields by their keys below ``message``; the first of those that a mistake gives one path.
        templates: every field that is a template, or cannot be one (a text beyond all bounds); ``recipients.key`` and
            ``delivery.window.timezone`` are among them.
    """

    document: Document
    id: str
    edition: int
    description: str
    provider: Provider | None
    fields: tuple[Field, ...]
    key: Field | None
    columns: tuple[Column, ...]
    file: Scalar | None
    rows: tuple[Mapping[str, object], ...] | None
    samples: tuple[Mapping[str, object], ...]
    has_recipients: bool
    vars: Mapping[str, object]
    locale: str | None
    timezone: str | None
    delivery: Delivery
    by_path: Mapping[tuple[str, ...], Field]
    templates: tuple[Field, ...]

    def field(self, *path: str) -> Field | None:
        """Return the field at a path below ``message``, or None."""
        return self.by_path.get(path)

    @property
    def zone(self) -> Field | None:
        """``delivery.window.timezone``; None where it is not given."""
        return self.delivery.window.zone if self.delivery.window is not None else None

    def row_lines(self, name: str) -> tuple[int, ...]:
        """Return the line on which each item of ``recipients.rows`` or ``recipients.samples`` starts."""
        node = self.document.node(("recipients", name))
        if not isinstance(node, SeqNode):
            return ()
        return tuple(self.document.position(item.start).line for item in node.items if isinstance(item, MapNode))

    @property
    def message(self) -> MapNode | None:
        """The mapping under ``message``, or None."""
        node = self.document.node(("message",))
        return node if isinstance(node, MapNode) else None


def build_spec(document: Document) -> Spec:
    """Give a document's nodes their meaning; whatever does not fit is left out."""
    root = document.root if isinstance(document.root, MapNode) else None
    message = _map(root, "message")
    recipients = _map(root, "recipients")
    fields = tuple(_message_fields(message)) if message is not None else ()
    provider = next((field for field in fields if field.path == ("message", "provider")), None)
    edition = _scalar(root, "edition")
    key = _field(("recipients", "key"), recipients.get("key") if recipients else None, "string", optional=False)
    delivery = _delivery(_map(root, "delivery"))
    zone = delivery.window.zone if delivery.window is not None else None
    return Spec(
        document=document,
        id=_text(root, "spec") or "",
        edition=edition.value if edition is not None and type(edition.value) is int else 1,
        description=_text(root, "description") or "",
        provider=PROVIDERS.get(provider.node.text) if provider is not None else None,
        fields=fields,
        key=key,
        columns=tuple(_columns(_map(recipients, "columns"))),
        file=_written(recipients, "file"),
        rows=_rows(recipients, "rows"),
        samples=_rows(recipients, "samples") or (),
        has_recipients=recipients is not None,
        vars=_vars(_map(root, "vars")),
        locale=_text(root, "locale"),
        timezone=_text(root, "timezone"),
        delivery=delivery,
        by_path={field.path[1:]: field for field in reversed(fields)},
        templates=tuple(
            field
            for field in (*fields, key, zone)
            if field is not None and (not field.template.is_static or field.template.problems)
        ),
    )


def _message_fields(message: MapNode) -> Iterator[Field]:
    provider = PROVIDERS.get(_text(message, "provider") or "")
    for entry in message.entries:
        name = entry.key.text
        if name in _STRINGS:
            yield from _maybe(("message", name), entry.value, "string", optional=name in _OPTIONAL)
        elif name == "template":
            yield from _template_fields(entry.value, provider.components if provider is not None else ())
        elif name == "contact_saving":
            yield from _contact_fields(entry.value)


def _template_fields(node: Node, components: tuple[str, ...]) -> Iterator[Field]:
    path = ("message", "template")
    if not isinstance(node, MapNode):
        yield from _maybe(path, node, "object", optional=False)
        return
    yield from _maybe((*path, "id"), node.get("id"), "string", optional=False)
    variables = node.get("variables")
    if not isinstance(variables, MapNode):
        yield from _maybe(VARIABLES, variables, "object", optional=False)
        return
    for entry in variables.entries:
        place = (*VARIABLES, entry.key.text)
        if isinstance(entry.value, MapNode):
            for inner in entry.value.entries:
                yield from _maybe((*place, inner.key.text), inner.value, "string", optional=False)
        else:
            kind = "object" if entry.key.text in components else "string"
            yield from _maybe(place, entry.value, kind, optional=False)


def _contact_fields(node: Node) -> Iterator[Field]:
    path = ("message", "contact_saving")
    if not isinstance(node, MapNode):
        yield from _maybe(path, node, "object", optional=False)
        return
    for entry in node.entries:
        name = entry.key.text
        if name == "save":
            yield from _maybe((*path, name), entry.value, "boolean", optional=False)
        elif name == "list_id":
            yield from _maybe((*path, name), entry.value, "integer", optional=False)
        elif name == "extra_fields" and isinstance(entry.value, MapNode):
            for inner in entry.value.entries:
                yield from _maybe((*path, name, inner.key.text), inner.value, "scalar", optional=True)
        elif name == "extra_fields":
            yield from _maybe((*path, name), entry.value, "object", optional=False)


def _maybe(path: tuple[str, ...], node: Node | None, kind: str, *, optional: bool) -> Iterator[Field]:
    field = _field(path, node, kind, optional=optional)
    if field is not None:
        yield field


def _field(path: tuple[str, ...], node: Node | None, kind: str, *, optional: bool) -> Field | None:
    if not isinstance(node, Scalar):
        return None
    return Field(path, node, kind, parse(node.text), optional)


def _columns(node: MapNode | None) -> Iterator[Column]:
    for entry in node.entries if node is not None else ():
        given = entry.value.entries if isinstance(entry.value, MapNode) else ()
        written = {item.key.text: item.value for item in given if isinstance(item.value, Scalar)}
        texts = {name: scalar.text for name, scalar in written.items() if scalar.value is not None}
        choices = next((item.value for item in given if item.key.text == "enum"), None)
        yield Column(
            name=entry.key.text,
            type=_column_type(texts.get("type")),
            required="required" not in written or written["required"].value is not False,
            default=texts.get("default"),
            enum=tuple(item.text for item in choices.items if isinstance(item, Scalar))
            if isinstance(choices, SeqNode)
            else (),
            header=texts.get("header"),
            region=_column_region(texts.get("region")),
            description=texts.get("description", ""),
        )


def _column_type(written: str | None) -> str:
    """A type that does not exist is reported by the schema; its cells are taken as they are until it is mended."""
    if written is None or written == "string":
        return "string"
    from msgspec_runner.recipients.cells import TYPES

    return written if written in TYPES else "string"


def _column_region(written: str | None) -> str | None:
    """A region that does not exist is reported by MSG109; without it, numbers need their country code."""
    if written is None:
        return None
    from msgspec_runner.content.phone import is_region

    return written if is_region(written) else None


def _rows(recipients: MapNode | None, name: str) -> tuple[Mapping[str, object], ...] | None:
    node = recipients.get(name) if recipients is not None else None
    if not isinstance(node, SeqNode):
        return None
    return tuple(_cells(item) for item in node.items if isinstance(item, MapNode))


def _cells(row: MapNode) -> Mapping[str, object]:
    return {entry.key.text: _cell(entry.value) for entry in row.entries}


def _cell(node: Node) -> object:
    """A cell as written: `+16175551212` keeps its plus although YAML reads an integer; null is an empty cell."""
    if isinstance(node, Scalar):
        return None if node.value is None else node.text
    return plain(node)


def plain(node: Node) -> object:
    """Return a node as plain dicts, lists and scalars."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, SeqNode):
        return [plain(item) for item in node.items]
    return {entry.key.text: plain(entry.value) for entry in node.entries}


def _vars(node: MapNode | None) -> Mapping[str, object]:
    if node is None:
        return {}
    values = {entry.key.text: plain(entry.value) for entry in node.entries}
    return {name: ABSENT if value is None else value for name, value in values.items()}


def _delivery(node: MapNode | None) -> Delivery:
    if node is None:
        return Delivery()
    most, window = _scalar(node, "max_recipients"), _map(node, "window")
    return Delivery(
        rate=_text(node, "rate"),
        max_recipients=most.value if most is not None and type(most.value) is int else None,
        expires=_text(node, "expires"),
        window=_window(window) if window is not None else None,
        hold=_text(node, "hold"),
    )


def _window(node: MapNode) -> Window:
    zone = _field(("delivery", "window", "timezone"), _written(node, "timezone"), "string", optional=False)
    return Window(_text(node, "from") or "", _text(node, "to") or "", zone)


def _map(node: Node | None, name: str) -> MapNode | None:
    child = node.get(name) if isinstance(node, MapNode) else None
    return child if isinstance(child, MapNode) else None


def _scalar(node: Node | None, name: str) -> Scalar | None:
    child = node.get(name) if isinstance(node, MapNode) else None
    return child if isinstance(child, Scalar) else None


def _written(node: Node | None, name: str) -> Scalar | None:
    scalar = _scalar(node, name)
    return scalar if scalar is not None and scalar.value is not None else None


def _text(node: Node | None, name: str) -> str | None:
    scalar = _written(node, name)
    return None if scalar is None else scalar.text


def entry_at(document: Document, path: tuple[str, ...]) -> Entry | None:
    """Return the key and value at a path of keys, or None: the key is what "unknown key" points at."""
    parent = document.node(path[:-1])
    return parent.entry(path[-1]) if isinstance(parent, MapNode) else None
