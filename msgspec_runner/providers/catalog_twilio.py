"""Twilio's lists of Content templates: ``/v1/ContentAndApprovals``, and ``/v1/Content``, which tells no status.

A template has one or more ``types`` (a text, a card, …), of which a channel shows the richest that it can. Twilio does
not say which variables a template needs: they are those that any string under ``types`` uses. ``variables`` are
samples; Twilio sends a sample to a recipient whose value is missing.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec_runner.providers.catalog import CatalogTemplate
from msgspec_runner.providers.catalog_source import dict_of, in_order, list_of, strings, text_of, variables_in

_CODE_TYPE = "whatsapp/authentication"
"""A template for one-time codes: WhatsApp has written its words, so no string shows its one variable, the code."""


def from_twilio(content: Mapping[str, object]) -> CatalogTemplate:
    """Return what one item of ``contents`` describes; its place is the caller's to fill in."""
    types = dict_of(content.get("types"))
    approval = dict_of(content.get("approval_requests"))
    needed = {name for text in strings(types) for name in variables_in(text)}
    if _CODE_TYPE in types:
        needed.add("1")
    shown = _shown(types)
    return CatalogTemplate(
        provider="twlowa",
        id=text_of(content.get("sid")),
        name=text_of(content.get("friendly_name")),
        language=text_of(content.get("language")),
        category=text_of(approval.get("category")).upper(),
        status=text_of(approval.get("status")).lower(),
        variables=tuple((name,) for name in in_order(needed)) if types else None,
        media_url=next(filter(None, map(_media_url, types.values())), ""),
        header=text_of(shown.get("header_text")),
        body=text_of(shown.get("body")) or text_of(shown.get("title")),
        footer=text_of(shown.get("footer")) or text_of(shown.get("subtitle")),
        buttons=tuple(filter(None, map(_button, list_of(shown.get("actions"))))),
    )


def _shown(types: Mapping[str, object]) -> dict[str, object]:
    """Return the type that WhatsApp shows: any that is more than a text, else the text."""
    rich = (dict_of(value) for name, value in types.items() if name != "twilio/text")
    return next(rich, dict_of(types.get("twilio/text")))


def _media_url(value: object) -> str:
    media = dict_of(value).get("media")
    return text_of(next(iter(media), "") if isinstance(media, list) else media)


def _button(action: object) -> str:
    return text_of(dict_of(action).get("title")) or text_of(dict_of(action).get("copy_code_text"))
