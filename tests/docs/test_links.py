"""Every link of README.md, CHANGELOG.md and docs/ leads somewhere, and every page can be found from the index."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.links import anchors, broken_links, links
from tests.docs.pages import ROOT, generated, written

PAGES = sorted({*written(), ROOT / "CHANGELOG.md", *(path for path, _ in generated())})
INDEX = ROOT / "docs" / "README.md"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(path: Path) -> None:
    assert broken_links(path) == []


def test_the_index_has_every_page() -> None:
    listed = {(INDEX.parent / link.partition("#")[0]).resolve() for link in links(INDEX.read_text(encoding="utf-8"))}
    pages = {path for path in (ROOT / "docs").glob("*.md") if path != INDEX} | {ROOT / "docs" / "rules" / "README.md"}
    assert pages - listed == set()


def test_the_readme_leads_to_the_index() -> None:
    assert "docs/README.md" in set(links((ROOT / "README.md").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("link", "broken"),
    [
        ("b.md", False),
        ("b.md#a-heading-of-code-it-is", False),
        ("#twice-1", False),
        ("folder", False),
        ("https://example.com/none", False),
        ("mailto:ann@example.com", False),
        ("c.md", True),
        ("b.md#none", True),
        ("#none", True),
        ("folder#none", True),
    ],
)
def test_a_link_that_leads_nowhere_is_seen(tmp_path: Path, link: str, broken: bool) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "b.md").write_text("# A heading, of `code`: it is!\n", encoding="utf-8")
    page = tmp_path / "a.md"
    page.write_text(
        f"# Twice\n\n## Twice\n\n| a |\n| - |\n| [x]({link}) |\n\n`[y](z.md)`\n\n```\n[y](z.md)\n```\n", "utf-8"
    )
    assert broken_links(page) == ([link] if broken else [])


def test_anchors_are_those_of_github() -> None:
    assert anchors("# Settle what is in doubt: `reconcile`\n\nTitle\n=====\n") == {
        "settle-what-is-in-doubt-reconcile",
        "title",
    }
