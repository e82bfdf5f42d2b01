"""``preview``: the file that is written, who may read it, and what the command says and returns."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from itertools import islice, repeat
from pathlib import Path

import pytest

from msgspec_runner.audience import open_samples, rendered_rows
from msgspec_runner.cli import preview, run
from msgspec_runner.cli.options import Terminal
from msgspec_runner.rendering import Renderer
from msgspec_runner.source.document import parse_document
from msgspec_runner.source.partials import Partials
from msgspec_runner.spec import build_spec

SPEC = """\
spec: hello
message: {provider: twlo, channel_key: k, to: "{{ phone }}", text: "Hi {{ first_name }}"}
recipients:
  columns: {phone: {type: phone}, first_name: {}}
  file: ../people.csv
  samples: [{phone: "+16175551212", first_name: Ann}, {phone: "+442071838750", first_name: Zed}]
"""
PEOPLE = "phone,first_name\n+12125550101,Carol\n+12125550103,Erin\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "hello.yaml").write_text(SPEC, "utf-8")
    (tmp_path / "people.csv").write_text(PEOPLE, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_samples_make_a_page_for_everybody(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = os.umask(0o022)
    try:
        assert run(["preview", "-o", "page.html"]) == 0
    finally:
        os.umask(before)
    assert capsys.readouterr() == ("", "page.html: 2 messages of 1 spec\n")
    page = Path("page.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "Hi Ann" in page
    assert "Carol" not in page
    assert mode(folder / "page.html") == 0o644


def test_people_make_a_page_for_nobody_else(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "page.html").write_text("old", "utf-8")
    (folder / "page.html").chmod(0o666)
    assert run(["preview", "-o", "page.html", "--show-data"]) == 0
    assert "people's data: keep it private" in capsys.readouterr().err
    assert "Carol" in Path("page.html").read_text("utf-8")
    assert mode(folder / "page.html") == 0o600


def test_rows_and_recipients_are_chosen(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["preview", "-o", "page.html", "--row", "2", "-q"]) == 0
    page = Path("page.html").read_text("utf-8")
    assert ("Hi Zed" in page, "Hi Ann" in page) == (True, False)
    (folder / "others.csv").write_text("phone,first_name\n+12125550109,Gus\n", "utf-8")
    assert run(["preview", "-o", "page.html", "--recipients", "others.csv"]) == 0
    assert "add --show-data to see the recipients" in capsys.readouterr().err
    assert "Gus" not in Path("page.html").read_text("utf-8")
    assert run(["preview", "-o", "page.html", "--recipients", "others.csv", "--show-data"]) == 0
    assert "Hi Gus" in Path("page.html").read_text("utf-8")


def test_who_waits_for_a_long_file_is_told_how_far_it_is(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "SILENT_SECONDS", 0.0)
    rows = "".join(f"+1212555{number:04},P{number}\n" for number in range(2_500))
    (folder / "people.csv").write_text("phone,first_name\n" + rows, "utf-8")
    run(["preview", "-o", "page.html"])
    assert capsys.readouterr().err.splitlines()[:2] == [
        "specs/hello.yaml: 1,000 recipients linted so far",
        "specs/hello.yaml: 2,000 recipients linted so far",
    ]
    run(["preview", "-o", "page.html", "--quiet"])
    assert capsys.readouterr().err == ""


def test_nobody_is_told_before_it_takes_long(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = iter([0.0, 1.0, 4.9, 5.0, 9.0, 10.0])
    through = preview.told_rows(Terminal(quiet=False, verbose=False, color="never"), lambda: next(seconds))
    spec = build_spec(parse_document("specs/hello.yaml", SPEC))
    renderer = Renderer(spec, {}, locale=None, timezone=None, partials=Partials(Path()))
    [row] = islice(rendered_rows(open_samples(spec), renderer), 1)
    assert sum(1 for _ in through(renderer, repeat(row, 5_999))) == 5_999
    assert capsys.readouterr().err.splitlines() == [
        "specs/hello.yaml: 3,000 recipients linted so far",
        "specs/hello.yaml: 5,000 recipients linted so far",
    ]


def test_a_row_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["preview", "-o", "page.html", "--row", "3"]) == 2
    assert "--row 3: no spec has so many samples" in capsys.readouterr().err
    assert not Path("page.html").exists()


def test_vars_and_profiles_are_heard(folder: Path) -> None:
    (folder / "specs" / "hello.yaml").write_text(SPEC.replace("Hi {{", "{{ greeting }} {{"), "utf-8")
    (folder / "msgspec-runner.toml").write_text('[profiles.de.vars]\ngreeting = "Hallo"\n', "utf-8")
    assert run(["preview", "-o", "page.html", "--profile", "de"]) == 0
    assert "Hallo Ann" in Path("page.html").read_text("utf-8")
    assert run(["preview", "-o", "page.html", "--var", "greeting=Ahoy"]) == 0
    assert "Ahoy Ann" in Path("page.html").read_text("utf-8")


def test_what_is_wrong_is_shown_and_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "specs" / "hello.yaml").write_text(SPEC.replace('"+442071838750"', '"12"'), "utf-8")
    assert run(["preview", "-o", "page.html"]) == 1
    assert capsys.readouterr().err == "page.html: 2 messages of 1 spec, 1 error, 1 would not be sent\n"
    assert "MSG503" in Path("page.html").read_text("utf-8")


def test_a_message_that_would_not_be_sent_is_no_success_whatever_the_linter_ignores(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "specs" / "hello.yaml").write_text(SPEC.replace('"+442071838750"', '"12"'), "utf-8")
    (folder / "msgspec-runner.toml").write_text('ignore = ["MSG503"]\n', "utf-8")
    assert run(["preview", "-o", "page.html"]) == 1
    assert capsys.readouterr().err == "page.html: 2 messages of 1 spec, 1 would not be sent\n"


@pytest.mark.parametrize("name", ["specs/hello.yaml", "people.csv", "msgspec-runner.toml", "link.html", "catalog.yaml"])
def test_nothing_that_is_read_is_written_over(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "msgspec-runner.toml").write_text('catalogs = ["catalog.yaml"]\n', "utf-8")
    (folder / "catalog.yaml").write_text("provider: gswa\ntemplates: []\n", "utf-8")
    (folder / "link.html").symlink_to("specs/hello.yaml")
    before = Path(name).read_bytes()
    assert run(["preview", "-o", name]) == 2
    assert capsys.readouterr().err == f"error: -o {name}: is in use by this command: name another file.\n"
    assert Path(name).read_bytes() == before


@pytest.mark.parametrize("name", ["specs/hello.yaml/page.html", "specs"])
def test_a_file_that_cannot_be_written(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["preview", "-o", name]) == 2
    assert f"-o {name}: cannot be written" in capsys.readouterr().err


def test_the_page_goes_where_output_goes(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "msgspec_runner", "preview", "-o", "/dev/stdout"],
        capture_output=True,
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith(b"</html>")


@pytest.mark.parametrize(
    ("browser", "said"), [('#!/bin/sh\necho "$1" > asked\n', ""), ("#!/bin/sh\nexit 1\n", "no browser")]
)
def test_it_is_opened(browser: str, said: str, folder: Path) -> None:
    script = folder / "browser"
    script.write_text(browser, "utf-8")
    script.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "msgspec_runner", "preview", "-q", "-o", "page of mine.html", "--open"],
        env={"PATH": str(folder), "BROWSER": f"{script} %s"},
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0
    assert said in done.stderr
    if not said:
        assert (folder / "asked").read_text("utf-8").strip() == (folder / "page of mine.html").resolve().as_uri()


def test_a_page_of_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "specs" / "hello.yaml").write_text("{}\n", "utf-8")
    assert run(["preview", "-o", "page.html"]) == 1
    assert capsys.readouterr().err.startswith("page.html: 0 messages of 1 spec, ")


def test_the_folder_of_the_page_is_made(folder: Path) -> None:
    assert run(["preview", "-o", "out/today/p.html"]) == 0
    assert "Hi Ann" in (folder / "out" / "today" / "p.html").read_text("utf-8")
