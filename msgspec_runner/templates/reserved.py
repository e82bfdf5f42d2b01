"""Names that mean something to Jinja or Python and so cannot name a column or a variable."""

from __future__ import annotations

import keyword

_JINJA = {
    *("true", "false", "none"),
    *("loop", "self", "super", "caller", "varargs", "kwargs"),
    *("range", "dict", "lipsum", "cycler", "joiner", "namespace"),
}

RESERVED_NAMES = frozenset(keyword.kwlist) | frozenset(_JINJA)
"""Python's keywords, Jinja's constants and special variables, and Jinja's globals (which are not available here,
but whoever knows Jinja takes ``range`` for its function)."""
