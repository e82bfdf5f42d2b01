"""Gupshup's list of templates. What a template looks like is JSON in a string of each, ``containerMeta``."""

from __future__ import annotations

import json
from collections.abc import Mapping

from msgspec_runner.providers.catalog import MEDIA_KINDS, CatalogTemplate, Variable
from msgspec_runner.providers.catalog_source import dict_of, in_order, list_of, strings, text_of, variables_in


def from_gupshup(template: Mapping[str, object]) -> CatalogTemplate:
    """Return what one item of ``templates`` describes; its place is the caller's to fill in.

    Raises:
        ValueError: ``containerMeta`` is no JSON; says so.
    """
    meta = _meta(template.get("containerMeta"))
    kind = text_of(template.get("templateType")).lower()
    header, body = text_of(meta.get("header")), text_of(meta.get("data"))
    buttons = [dict_of(button) for button in list_of(meta.get("buttons"))]
    required, optional = _button_variables(buttons)
    needed = (*_numbered("Header", header), *_numbered("Body", body), *required)
    # The API's page has no place for the variables of a carousel's cards, so nothing is known of what it needs.
    is_known = bool(meta) and "cards" not in meta and kind in {"text", *MEDIA_KINDS}
    return CatalogTemplate(
        provider="gswa",
        id=text_of(template.get("id")),
        name=text_of(template.get("elementName")),
        language=text_of(template.get("languageCode")),
        category=text_of(template.get("category")).upper(),
        status=text_of(template.get("status")).lower(),
        variables=needed if is_known else None,
        optional=optional if is_known else (),
        media=kind if kind in MEDIA_KINDS else "",
        header=header,
        body=body or text_of(template.get("data")),
        footer=text_of(meta.get("footer")),
        buttons=tuple(filter(None, (text_of(button.get("text")) for button in buttons))),
    )


def _meta(value: object) -> dict[str, object]:
    """Return ``containerMeta``; an old template may have none."""
    if not isinstance(value, str):
        return dict_of(value)
    if not value.strip():
        return {}
    try:
        return dict_of(json.loads(value))
    except (ValueError, RecursionError):
        raise ValueError("its `containerMeta` is not valid JSON; save the provider's list again") from None


def _numbered(component: str, text: str) -> tuple[Variable, ...]:
    return tuple((component, name) for name in in_order(set(variables_in(text))))


def _button_variables(buttons: list[dict[str, object]]) -> tuple[tuple[Variable, ...], tuple[Variable, ...]]:
    """Return the variables under ``Buttons`` that a spec must give, and those that it may.

    No page says whether the API counts all buttons or those with a variable; its example gives one to a quick reply
    too. So a variable is required only where both counts agree: as long as every button before it has one. Any other
    number up to that of the buttons is taken.
    """
    required = 0
    while required < len(buttons) and any(map(variables_in, strings(buttons[required].get("url")))):
        required += 1
    numbered = [("Buttons", str(number)) for number in range(1, len(buttons) + 1)]
    return tuple(numbered[:required]), tuple(numbered[required:])
