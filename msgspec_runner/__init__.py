"""Reviewed SMS and WhatsApp messages: YAML specs, linted for every recipient, sent once.

The Python API is four functions, see :mod:`msgspec_runner.api`::

    from msgspec_runner import lint, load_spec, render, segments
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec_runner._version import __version__

if TYPE_CHECKING:
    from msgspec_runner.api import lint, load_spec, render, segments

__all__ = ["__version__", "lint", "load_spec", "render", "segments"]


def __getattr__(name: str) -> object:
    # Loaded when asked for: the command line imports this package too, and must not wait for what it may not need.
    if name in __all__:
        from msgspec_runner import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
