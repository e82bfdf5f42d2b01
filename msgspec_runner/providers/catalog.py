"""Template catalogs: what a team knows of its approved WhatsApp templates. Pure values; the rules 305 to 310 ask them.

A catalog is a committed file, in a provider's own list shape or in ours. How it is read is
:mod:`~msgspec_runner.providers.catalog_files`'s; nothing of that is loaded where the configuration names no catalog.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

Variable = tuple[str, ...]
"""Where a value stands under ``template.variables``: ``("1",)`` for Twilio, ``("Body", "1")`` for Gupshup."""

APPROVED = "approved"
"""The one status in which WhatsApp delivers a template."""

MEDIA_KINDS = ("image", "video", "document")
"""What a template's header may be beside text; Gupshup's ``templateType`` has the same words in capitals."""


class CatalogTemplate(NamedTuple):
    """One template of one language, as its provider's list or our catalog describes it.

    Attributes:
        provider: ``twlowa`` or ``gswa``.
        id: what a spec writes as ``template.id``.
        name: what people call it; several languages share one.
        language: as the provider writes it (``en``, ``pt_BR``); empty where it is not known.
        category: ``MARKETING``, ``UTILITY``, ``AUTHENTICATION``; empty where it is not known.
        status: ``approved``, ``pending``, ``rejected``, ``paused``, …; empty where it is not known.
        variables: what a spec must give; None where that is not known, and then nothing is said of its variables.
        optional: what it may give beside.
        media: one of :data:`MEDIA_KINDS` where the spec must give a media URL (Gupshup's ``MEDIA_URL``), else empty.
        media_url: the URL of the template's own media (Twilio's), which may hold variables.
        header: text with ``{{1}}``, for previews; the same for ``body`` and ``footer``.
        body: see ``header``.
        footer: see ``header``.
        buttons: the words on them.
        file: the catalog, as people are shown it.
        line: 1-based line in it.
    """

    provider: str
    id: str
    name: str = ""
    language: str = ""
    category: str = ""
    status: str = ""
    variables: tuple[Variable, ...] | None = None
    optional: tuple[Variable, ...] = ()
    media: str = ""
    media_url: str = ""
    header: str = ""
    body: str = ""
    footer: str = ""
    buttons: tuple[str, ...] = ()
    file: str = ""
    line: int = 1

    @property
    def title(self) -> str:
        """What to call it in a message: its name, or its id where it has none."""
        return self.name or self.id

    @property
    def placeless(self) -> CatalogTemplate:
        """The same without its place: equal for two entries that say the same."""
        return self._replace(file="", line=1)

    def missing(self, given: Collection[Variable]) -> tuple[Variable, ...]:
        """Return the variables that it needs and that are not given."""
        return tuple(variable for variable in self.variables or () if variable not in given)

    def surplus(self, given: Iterable[Variable]) -> tuple[Variable, ...]:
        """Return the given variables that it does not have."""
        if self.variables is None:
            return ()
        return tuple(variable for variable in given if variable not in self.variables and variable not in self.optional)


class Catalogs:
    """The templates of all catalogs. Immutable.

    One id may be listed more than once (an older export beside a newer one, two languages in a file of ours). Nothing
    says which entry the provider would use, so an entry that suits the spec wins: :meth:`find` gives all of them, and
    a rule speaks only where none suits.

    Attributes:
        templates: all of them; those that say the same are there once.

    Args:
        templates: in the order of their files.
        providers: whose lists were read: an empty list says that there is no template.
    """

    __slots__ = ("_by_id", "_by_name", "_providers", "templates")

    def __init__(self, templates: Iterable[CatalogTemplate] = (), providers: Iterable[str] = ()) -> None:
        distinct: dict[CatalogTemplate, CatalogTemplate] = {}
        for template in templates:
            distinct.setdefault(template.placeless, template)
        self.templates = tuple(distinct.values())
        self._providers = frozenset(providers) | {template.provider for template in self.templates}
        self._by_id = _grouped((item.provider, item.id, item) for item in self.templates)
        self._by_name = _grouped((item.provider, item.name, item) for item in self.templates if item.name)

    @property
    def is_empty(self) -> bool:
        """Whether no catalog was read."""
        return not self._providers

    def knows(self, provider: str) -> bool:
        """Say whether any catalog speaks of a provider; where none does, nothing is known to be missing."""
        return provider in self._providers

    def find(self, provider: str, template_id: str) -> tuple[CatalogTemplate, ...]:
        """Return every entry of an id; empty where there is none."""
        return self._by_id.get((provider, template_id), ())

    def named(self, provider: str, name: str) -> tuple[CatalogTemplate, ...]:
        """Return the templates of a name, of every language; empty where there is none."""
        return self._by_name.get((provider, name), ())

    def of(self, provider: str) -> tuple[CatalogTemplate, ...]:
        """Return the templates of a provider."""
        return tuple(item for item in self.templates if item.provider == provider)


def _grouped(
    items: Iterable[tuple[str, str, CatalogTemplate]],
) -> Mapping[tuple[str, str], tuple[CatalogTemplate, ...]]:
    groups: dict[tuple[str, str], list[CatalogTemplate]] = {}
    for provider, key, template in items:
        groups.setdefault((provider, key), []).append(template)
    return {key: tuple(found) for key, found in groups.items()}


NO_CATALOGS = Catalogs()
"""Where the configuration names none."""
