"""Providers' lists for tests: realistic ones, and a strategy for any that a provider could answer."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

Item = dict[str, Any]

NAMES = st.text(max_size=12) | st.sampled_from(
    ["no", "null", "1", "order_shipped", "a: b", "# x", "|", "é\u2028", "\x85"]
)
TEXTS = st.text(max_size=30) | st.lists(
    st.sampled_from(["Hi ", "{{1}}", "{{ 2 }}", "{{name}}", "\n", "\n\n", " ", "\t", "😀", "\ufeff", '"', "'", "\\", "{{"]), max_size=8
).map("".join)  # fmt: skip


def content(sid: str, name: str = "order_shipped", body: str = "Hi {{1}}", **more: Any) -> Item:
    """One item of Twilio's list."""
    return {
        "sid": sid, "friendly_name": name, "language": "en", "variables": {}, "types": {"twilio/text": {"body": body}},
        "approval_requests": {"category": "UTILITY", "status": "approved"}, **more,
    }  # fmt: skip


def twilio(*contents: Item, following: str | None = None) -> Item:
    """Twilio's answer."""
    return {"contents": list(contents), "meta": {"next_page_url": following, "key": "contents"}}


def template(template_id: str, meta: object, kind: str = "TEXT", **more: Any) -> Item:
    """One item of Gupshup's list."""
    return {
        "id": template_id, "elementName": "invitation", "languageCode": "en", "category": "MARKETING",
        "status": "APPROVED", "templateType": kind, "containerMeta": json.dumps(meta), **more,
    }  # fmt: skip


def gupshup(*templates: Item) -> Item:
    """Gupshup's answer."""
    return {"status": "success", "templates": list(templates)}


IDS = st.text("0123456789abcdefHX-", min_size=1, max_size=6) | st.text(min_size=1, max_size=4).filter(str.strip)
_BUTTONS = st.lists(
    st.fixed_dictionaries({"type": st.sampled_from(["URL", "QUICK_REPLY"]), "text": TEXTS}, optional={"url": TEXTS}),
    max_size=3,
)
_CONTENTS = st.builds(
    content,
    IDS,
    NAMES,
    language=NAMES,
    types=st.dictionaries(
        st.sampled_from(["twilio/text", "twilio/media", "twilio/card", "whatsapp/authentication"]),
        st.fixed_dictionaries({}, optional={
            "body": TEXTS, "media": st.lists(TEXTS, max_size=2), "footer": TEXTS, "header_text": TEXTS,
            "actions": st.lists(st.fixed_dictionaries({"title": TEXTS}), max_size=2),
        }),
        max_size=2,
    ),
    approval_requests=st.none() | st.fixed_dictionaries({"category": NAMES, "status": NAMES}),
)  # fmt: skip
_TEMPLATES = st.builds(
    template,
    IDS,
    st.fixed_dictionaries({}, optional={"data": TEXTS, "header": TEXTS, "footer": TEXTS, "buttons": _BUTTONS}),
    st.sampled_from(["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "CAROUSEL"]),
    elementName=NAMES,
    languageCode=NAMES,
    status=NAMES,
)
LISTS = (
    st.lists(_CONTENTS, min_size=1, max_size=5).map(lambda items: twilio(*items))
    | st.lists(_TEMPLATES, min_size=1, max_size=5).map(lambda items: gupshup(*items))
)  # fmt: skip
"""Lists of either provider, with all the text that breaks careless writers of YAML."""
