"""From a file to templates: which of the shapes it has is told by its content, never by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from msgspec_runner.providers.catalog import CatalogTemplate
from msgspec_runner.providers.catalog_gupshup import from_gupshup
from msgspec_runner.providers.catalog_ours import check, from_ours
from msgspec_runner.providers.catalog_source import Listing, Places, dict_of, list_of, read_listing, text_of
from msgspec_runner.providers.catalog_twilio import from_twilio

MAX_TEMPLATES: Final = 20_000
"""Templates of one file. WhatsApp allows 6,000 approved ones an account."""

MAX_ID: Final = 200
"""Characters of an id; Twilio's have 34, Gupshup's 36."""

_KNOWN: Final = "Twilio's answer of /v1/ContentAndApprovals, Gupshup's list of templates, or a catalog of our own"

Path = tuple[str | int, ...]
Read = Callable[[Mapping[str, object]], CatalogTemplate]


class Catalog(NamedTuple):
    """One file.

    Attributes:
        provider: whose templates they are.
        templates: in the order of the file, each with its place.
        is_ours: whether it is in our own shape.
    """

    provider: str
    templates: tuple[CatalogTemplate, ...]
    is_ours: bool


def read_catalog(file: str, data: bytes) -> Catalog:
    """Read a catalog, in a provider's shape or in ours.

    Args:
        file: as people are shown it.
        data: its bytes.

    Raises:
        ConfigError: it has none of the shapes, is incomplete, or has a template without an id.
    """
    listing = read_listing(file, data)
    value = listing.value
    if isinstance(value, dict) and "provider" in value:
        check(listing)
        provider = text_of(value["provider"])
        items = _items(value.get("templates"), ("templates",))
        return Catalog(provider, _read(listing, items, lambda item: from_ours(provider, item)), is_ours=True)
    pages: list[tuple[Path, object]] = list(_items(value, ())) if isinstance(value, list) else [((), value)]
    first = dict_of(pages[0][1]) if pages else {}
    if "contents" in first or "sid" in first:
        _refuse_one_page_of_several(listing, [dict_of(page) for _, page in pages])
        return Catalog("twlowa", _read(listing, _all(listing, pages, "contents", "sid"), from_twilio), is_ours=False)
    if "templates" in first or "elementName" in first:
        items = _all(listing, pages, "templates", "elementName")
        return Catalog("gswa", _read(listing, items, from_gupshup), is_ours=False)
    if first.get("status") == "error" or "code" in first:
        raise listing.error(1, "this is an error that the provider answered, not its list: ask again")
    raise listing.error(1, f"no list of templates: save {_KNOWN}")


def _items(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    for index, item in enumerate(list_of(value)):
        yield (*path, index), item


def _all(listing: Listing, pages: list[tuple[Path, object]], key: str, mark: str) -> Iterator[tuple[Path, object]]:
    """Yield the templates of pages that were put into one list, or of a list of templates; ``mark`` tells one."""
    for path, page in pages:
        inner = dict_of(page).get(key)
        if isinstance(inner, list):
            yield from _items(inner, (*path, key))
        elif mark in dict_of(page):
            yield path, page
        else:
            raise listing.error(1, f"item {_number(path)} is neither a page with `{key}` nor a template with `{mark}`")


def _refuse_one_page_of_several(listing: Listing, pages: list[dict[str, object]]) -> None:
    following = [text_of(dict_of(page.get("meta")).get("next_page_url")) for page in pages]
    if following and all(following):
        raise listing.error(
            1,
            "this is not the whole list: its `next_page_url` names another page. "
            "Save every page, one after another in one JSON list: [{…}, {…}]",
        )


def _read(listing: Listing, items: Iterator[tuple[Path, object]], read: Read) -> tuple[CatalogTemplate, ...]:
    places = Places(listing)
    found: list[CatalogTemplate] = []
    for path, item in items:
        if len(found) >= MAX_TEMPLATES:
            raise listing.error(1, f"more than {MAX_TEMPLATES:,} templates; split the file")
        try:
            template = read(dict_of(item))
        except ValueError as error:
            line = places.line(path, text_of(dict_of(item).get("id")))
            raise listing.error(line, f"template {_number(path)}: {error}") from None
        line = places.line(path, template.id)
        if not template.id.strip() or len(template.id) > MAX_ID:
            raise listing.error(line, f"template {_number(path)} has no id; save the provider's list again")
        found.append(template._replace(file=listing.file, line=line))
    return tuple(found)


def _number(path: Path) -> str:
    """Return which template it is, as people count, over the indexes on its path: ``3``, or ``2.3`` in page 2."""
    return ".".join(str(step + 1) for step in path if isinstance(step, int))
