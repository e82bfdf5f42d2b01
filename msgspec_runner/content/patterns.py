"""Regular expressions that are compiled when somebody first needs them.

To compile one takes 0.1 to 0.5 ms, and a program has a hundred: a lint of one file would wait for them a twentieth of
its time, and ask few of them anything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast


def later(source: str, flags: int = 0) -> re.Pattern[str]:
    """Return a pattern for a module's own use, compiled when it is first asked.

    Not to be handed to ``re`` (``re.sub(pattern, …)``), which takes only what it made itself.

    Args:
        source: the regular expression; a mistake in it is raised at the first use, so a test must come by.
        flags: as of :func:`re.compile`.
    """
    return cast("re.Pattern[str]", _Later(source, flags))


class _Later:
    def __init__(self, source: str, flags: int) -> None:
        self._source = source
        self._flags = flags

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Asked only for what the object does not have: from then on it has it, and calls go straight to `re`.
            found = getattr(re.compile(self._source, self._flags), name)
            setattr(self, name, found)
            return found
