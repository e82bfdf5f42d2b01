"""Template catalogs: what a team knows of its approved WhatsApp templates."""

from __future__ import annotations

from typing import NamedTuple


class Catalogs(NamedTuple):
    """The templates of all committed catalogs."""


NO_CATALOGS = Catalogs()
"""Where the configuration names none."""
