"""Names that mean something to Jinja or Python and so cannot name a column or a variable."""

from __future__ import annotations

import keyword

JINJA_GLOBALS = frozenset({"range", "dict", "lipsum", "cycler", "joiner", "namespace"})
"""What Jinja itself has for every template; here these are names like others, and nothing has them."""

_JINJA = JINJA_GLOBALS | {
    *("true", "false", "none"),
    *("loop", "self", "super", "caller", "varargs", "kwargs"),
}

RESERVED_NAMES = frozenset(keyword.kwlist) | frozenset(_JINJA)
"""Python's keywords, Jinja's constants and special variables, and Jinja's globals (which are not available here,
but whoever knows Jinja takes ``range`` for its function)."""
