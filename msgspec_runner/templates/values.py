"""The one value that is no value: what an empty cell is to a template."""

from __future__ import annotations

from typing import Final


class Absent:
    """An optional value that this recipient does not have.

    It is false in ``{% if nick %}``, not ``defined``, and replaced by ``default(…)``; to put it into
    the text is an error, never an empty string. There is one instance, :data:`ABSENT`.
    """

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
"""The only :class:`Absent`; compare with ``is``."""
