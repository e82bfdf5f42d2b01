"""How much a document may hold, and the count of what it holds so far.

Aliases count as if they were written out: whoever walks the tree, renders its texts or reports its problems does
it as often as they are there. A text of 30 KB under 40,000 names is a file of 400 KB, and a message of a gigabyte.
"""

from __future__ import annotations

from typing import Final

MAX_DEPTH: Final = 64
"""How deeply collections may be nested, aliases followed. A spec needs 6; whoever walks the tree may recurse."""

MAX_NODES: Final = 100_000
"""How many nodes a document may have when every alias is written out: a bound on alias bombs. A spec of 5,000
inline rows with 10 cells each is at it; larger lists belong into a recipients file."""

MAX_CHARACTERS: Final = 4 * 1024 * 1024
"""How many characters a document's values may have when every alias is written out. A text of the largest size that a
spec may have, named by 50,000 aliases, would fill the memory of whoever copies it."""

MAX_LOOSE: Final = 5_000
"""How many nodes may lie outside of lists, aliases written out. Rows are in lists; what is not is a field, a var or a
column, and each of them is looked at by many rules."""

MAX_LOOSE_CHARACTERS: Final = 256 * 1024
"""How many characters may lie outside of lists, aliases written out: a hundred and sixty of the longest messages. A
template of 32 KB becomes a syntax tree of 10 MB."""

MAX_PROBLEMS: Final = 500
"""How many problems of one text are told: nobody reads more."""


class Bounds:
    """What was counted of one document.

    Attributes:
        nodes: values, keys and collections.
        characters: of the scalars, quotes and escapes read.
        lists: how many are open: what is counted now lies in them.
    """

    __slots__ = ("_loose", "_loose_characters", "characters", "lists", "nodes")

    def __init__(self) -> None:
        self.nodes = 0
        self.characters = 0
        self.lists = 0
        self._loose = 0
        self._loose_characters = 0

    def count(self, nodes: int, characters: int) -> str | None:
        """Count a value, or an alias with all that it stands for; return what to say where a bound is crossed."""
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            return f"more than {MAX_NODES:,} values, aliases written out; move the rows to a recipients file"
        self.characters += characters
        if self.characters > MAX_CHARACTERS:
            return f"more than {MAX_CHARACTERS:,} characters, aliases written out; move the rows to a recipients file"
        if not self.lists:
            self._loose += nodes
            if self._loose > MAX_LOOSE:
                return f"more than {MAX_LOOSE:,} values outside of lists, aliases written out; remove what is not used"
            self._loose_characters += characters
            if self._loose_characters > MAX_LOOSE_CHARACTERS:
                return (
                    f"more than {MAX_LOOSE_CHARACTERS:,} characters outside of lists, aliases written out; shorten it"
                )
        return None
