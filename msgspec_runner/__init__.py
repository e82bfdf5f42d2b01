"""Reviewed SMS and WhatsApp messages: YAML specs, linted for every recipient, sent once."""

from msgspec_runner._version import __version__

__all__ = ["__version__"]
