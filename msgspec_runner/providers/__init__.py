"""The providers: one pure file each. Adding one is a file and a line here."""

from __future__ import annotations

from msgspec_runner.providers.gswa import GSWA
from msgspec_runner.providers.provider import Provider, ShapeProblem
from msgspec_runner.providers.twlo import TWLO
from msgspec_runner.providers.twlowa import TWLOWA

__all__ = ["PROVIDERS", "TWLO", "Provider", "ShapeProblem"]

PROVIDERS: dict[str, Provider] = {provider.id: provider for provider in (TWLO, TWLOWA, GSWA)}
"""Every provider that messages can be sent through, by the API's id."""
