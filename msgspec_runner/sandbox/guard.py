"""Who may look into the sandbox and change it: people and programs, and no web page of another site.

A browser that shows the inbox also shows other people's pages. Such a page may ask any address of this machine, and
may point its own name at it (DNS rebinding). So the sandbox looks at what a browser says about each request, which a
page cannot forge: the name that was asked (``Host``), where the page came from (``Origin``) and how both are related
(``Sec-Fetch-Site``). What changes something needs a header of its own besides, which no form, image or link can send.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

PROOF: Final = "X-Sandbox"
"""The header that a request must bear, with any value, to change something."""

BY_ADDRESS: Final = "Ask for this by an address, such as 127.0.0.1, or by the name localhost."
"""What is said to who asks under a foreign name."""

_OWN: Final = ("same-origin", "none")
"""``Sec-Fetch-Site`` of our own page, and of an address that a person typed. ``same-site`` is another port of this
machine: somebody else's page."""


def is_foreign(host: str) -> bool:
    """Whether something was asked for under a public name: a web site that points its name at this machine.

    Messages are people's data, so a browser must not hand them to another site. Addresses, ``localhost`` and names
    without a dot cannot be taken over like that.

    Args:
        host: the ``Host`` header.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return True
    try:
        ip_address(name)
    except ValueError:
        return "." in name and not name.endswith(".localhost")
    return False


def objection_to_reading(headers: Mapping[str, str]) -> str | None:
    """Say why a request may not read what the sandbox got, or None.

    Args:
        headers: the request's, whatever the case of their names.
    """
    if is_foreign(headers.get("Host", "")):
        return BY_ADDRESS
    if headers.get("Sec-Fetch-Site", "none") not in _OWN or _is_of_another(headers):
        return "A page of another site may not ask for this."
    return None


def objection_to_changing(headers: Mapping[str, str]) -> str | None:
    """Say why a request may not change the sandbox, or None.

    Args:
        headers: the request's, whatever the case of their names.
    """
    reason = objection_to_reading(headers)
    if reason is None and PROOF not in headers:
        return f"Add the header {PROOF}: 1. It shows that no page of another site asks."
    return reason


def _is_of_another(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that the page which asks came from another server."""
    origin = headers.get("Origin")
    return origin is not None and origin.partition("://")[2].lower() != headers.get("Host", "").lower()
