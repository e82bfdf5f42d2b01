"""Links of Markdown pages, and the places that they can lead to, as GitHub makes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_PARSER = MarkdownIt("commonmark").enable("table")


def broken_links(path: Path) -> list[str]:
    """Return the links of a page that lead to no file, no folder, or no heading. Other sites are not asked."""
    return [link for link in links(path.read_text(encoding="utf-8")) if not _leads(path, link)]


def links(text: str) -> Iterator[str]:
    """Yield where links and pictures lead, those in code left out."""
    for token in _flat(_PARSER.parse(text)):
        if token.type == "link_open":
            yield str(token.attrs["href"])
        elif token.type == "image":
            yield str(token.attrs["src"])


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings: lower case, without punctuation, ``-1`` and so on behind a second."""
    found: dict[str, int] = {}
    tokens = _PARSER.parse(text)
    made = set()
    for opening, content in pairwise(tokens):
        if opening.type != "heading_open":
            continue
        words = "".join(token.content for token in content.children or ())
        anchor = re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
        times = found.get(anchor, 0)
        found[anchor] = times + 1
        made.add(f"{anchor}-{times}" if times else anchor)
    return made


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _flat(token.children or [])


def _leads(page: Path, link: str) -> bool:
    if _ELSEWHERE.match(link):
        return True
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    if not target.exists():
        return False
    return not anchor or (target.is_file() and anchor in anchors(target.read_text(encoding="utf-8")))
