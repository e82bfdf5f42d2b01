"""The page as it stands, before any script: words for who has no scripts, and data for the script."""

from __future__ import annotations

import json
import re
from pathlib import Path

from msgspec_runner import __version__
from msgspec_runner.pages.shell import asset
from msgspec_runner.reports.preview.page import preview_page
from tests.reports.preview.project import FILE, PEOPLE, SAMPLES, Project

GOLDEN = Path(__file__).parent / "golden.html"
HOSTILE = "</main></script><script>alert(1)</script><img src=x onerror=alert(2)>"


def text_of(project: Project, **choice: object) -> str:
    return "".join(preview_page(project.preview(**choice)))


def body_of(page: str) -> str:
    """Return what people read: without the styles, the data and the scripts."""
    body = page[page.index("<body>") :]
    return re.sub(r"(?s)<script.*?</script>\n?", "", body)


def data_of(page: str) -> dict[str, object]:
    found = re.search(r'(?s)<script type="application/json" id="preview">(.*?)</script>', page)
    assert found is not None
    return dict(json.loads(found[1]))


def test_the_words_without_scripts(project: Project) -> None:
    project.spec(SAMPLES.replace('"617"', '"+442071838750"'))
    project.write("specs/one.yaml", "spec: one\nedition: 2\nmessage: {provider: gswa, channel_key: k, to: '+919876543210',\n"
                  "  template: {id: 7a3e14cf-4b35-4b8a-9d0c-0f8a1f4ad1c5, variables: {Body: {1: <Asha>}}}}\n")  # fmt: skip
    assert body_of(text_of(project)).replace(f"runner {__version__}", "runner VERSION") == GOLDEN.read_text("utf-8")


def test_why_a_row_would_not_be_sent_is_told_once(project: Project) -> None:
    project.spec(SAMPLES)
    second = body_of(text_of(project)).split("<h3>sample 2</h3>")[1]
    assert re.findall("<dt>(.*?)</dt>", second) == ["Segments", "Would not be sent"]
    assert "<dd>MSG503 invalid-phone-cell: " in second


def test_what_is_hostile_is_words(project: Project) -> None:
    project.spec(SAMPLES.replace("Ann", HOSTILE).replace("617", HOSTILE))
    page = text_of(project)
    assert len(re.findall("<script", page)) == 4  # data, page.js, bubbles.js, preview.js
    assert "<img" not in body_of(page)
    assert "onerror=alert(2)&gt;" in body_of(page)
    [spec] = data_of(page)["specs"]  # type: ignore[misc]
    assert json.loads(spec["messages"][0][2])["text"] == f"Hi {HOSTILE}"


def test_the_list_ends_somewhere_and_the_data_do_not(project: Project) -> None:
    project.write("people.csv", "phone,first_name\n" + "".join(f"+1617555{n:04},P{n}\n" for n in range(101)))
    project.spec(FILE)
    page = text_of(project, show_data=True)
    assert body_of(page).count("<article") == 100
    assert "The first 100 of 101" in body_of(page)
    assert "Keep it private" in body_of(page)
    [spec] = data_of(page)["specs"]  # type: ignore[misc]
    assert len(spec["messages"]) == 101


def test_nobody_in_the_file_is_in_a_page_of_samples(project: Project) -> None:
    project.write("people.csv", PEOPLE)
    project.spec(SAMPLES + FILE)
    page = text_of(project)
    assert "nobody’s data" in page
    assert not re.search(r"Carol|Erin|2125550", page)
    assert "row 2, column" in page  # where the linter points


def test_a_finding_is_told_with_its_line(project: Project) -> None:
    path = project.spec(SAMPLES)
    path.write_text(path.read_text("utf-8").replace("Hi {{ first", "Hi <b>{{ frist"), "utf-8")
    body = body_of(text_of(project))
    assert "<b>error</b> MSG402 undefined-variable" in body
    assert "Hi &lt;b&gt;{{ <mark>frist_name</mark> }}" in body


def test_our_own_scripts_ask_nobody() -> None:
    for name in ("preview.js", "preview.css"):
        text = asset(name, "msgspec_runner.reports.preview.assets")
        assert not re.search(r"url\(|@import|\bfetch\(|XMLHttpRequest|innerHTML|insertAdjacent|eval\(", text)
