"""``catalog import``: what it says, what it writes, and what it leaves alone."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from msgspec_runner.cli import run
from msgspec_runner.source.schema import schema_path
from tests.providers.catalog_lists import content, gupshup, template, twilio

APPROVED = {"category": "UTILITY", "status": "approved"}
SHIPPED = content("HX0123456789abcdef0123456789abcdef", "order_shipped", "Hi {{1}}, {{2}} is on its way.")
SALE = content("HX89abcdef0123456789abcdef01234567", "summer_sale", "Half the price.\nThis week only.")
PENDING = {**SALE, "approval_requests": {"category": "MARKETING", "status": "pending"}}

WRITTEN = """\
# `msgspec-runner catalog import` brings this up to date from the provider's list; comments stay.
provider: twlowa
templates:
  - id: HX0123456789abcdef0123456789abcdef
    name: order_shipped
    language: en
    category: UTILITY
    status: approved
    variables: ["1", "2"]
    body: "Hi {{1}}, {{2}} is on its way."
  - id: HX89abcdef0123456789abcdef01234567
    name: summer_sale
    language: en
    category: MARKETING
    status: pending
    variables: []
    body: |-
      Half the price.
      This week only.
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MSGSPEC_RUNNER_")]:
        monkeypatch.delenv(name)
    (tmp_path / "msgspec-runner.toml").write_text('catalogs = ["catalogs/*.yaml"]\n')
    save(twilio(SHIPPED, PENDING))
    return tmp_path


def save(value: object) -> None:
    Path("list.json").write_text(json.dumps(value))


def catalog_import(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["catalog", "import", *arguments])
    return code, *capsys.readouterr()


def test_a_list_becomes_a_catalog(capsys: pytest.CaptureFixture[str]) -> None:
    said = """\
catalogs/twlowa.yaml: 2 added; 2 templates of twlowa
  added    order_shipped (en) HX0123456789abcdef0123456789abcdef
  added    summer_sale (en) HX89abcdef0123456789abcdef01234567: pending
"""
    assert catalog_import(capsys, "list.json") == (0, said, "")
    assert Path("catalogs/twlowa.yaml").read_text() == WRITTEN


def test_importing_twice_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    catalog_import(capsys, "list.json")
    before = Path("catalogs/twlowa.yaml").stat()
    said = "catalogs/twlowa.yaml: nothing changed; 2 templates of twlowa\n"
    assert catalog_import(capsys, "list.json") == (0, said, "")
    assert Path("catalogs/twlowa.yaml").stat() == before  # it was not even written


def test_what_changes_is_said_and_comments_stay(capsys: pytest.CaptureFixture[str]) -> None:
    target = Path("catalogs/twlowa.yaml")
    target.parent.mkdir()
    target.write_text(WRITTEN.replace("status: pending", "status: pending  # Eve waits for it"))
    target.chmod(0o640)
    save(twilio(content("HX1", "a\x1b[31m"), {**PENDING, "approval_requests": APPROVED, "language": "es"}))
    said = """\
catalogs/twlowa.yaml: 1 added, 1 changed, 1 removed; 2 templates of twlowa
  removed  order_shipped (en) HX0123456789abcdef0123456789abcdef
  changed  summer_sale (es) HX89abcdef0123456789abcdef01234567: language en → es, category MARKETING → UTILITY, \
status pending → approved
  added    a<U+001B>[31m (en) HX1
"""
    assert catalog_import(capsys, "list.json") == (0, said, "")
    assert "    status: approved  # Eve waits for it\n" in target.read_text()
    assert target.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in target.parent.iterdir()] == ["twlowa.yaml"]


def test_standard_input_and_another_file(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    data = json.dumps(gupshup(template("7a3e14cf-4b35-4b8a-9d0c-0f8a1f4ad1c5", {"data": "Hi"}))).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    code, out, err = catalog_import(capsys, "-", "-o", "lists/clinic.yaml")
    assert (code, out.splitlines()[0]) == (0, "lists/clinic.yaml: 1 added; 1 template of gswa")
    assert err == (
        "for lint to read it, write into msgspec-runner.toml, above the first [table]: "
        'catalogs = ["catalogs/*.yaml", "lists/clinic.yaml"]\n'
    )


@pytest.mark.parametrize(
    ("file", "text", "hint"),
    [
        (
            "msgspec-runner.toml",
            "",
            'msgspec-runner.toml, above the first [table]: catalogs = ["catalogs/twlowa.yaml"]',
        ),
        (
            "pyproject.toml",
            "[tool.msgspec-runner]\n",
            "write into pyproject.toml, right below [tool.msgspec-runner]: cat",
        ),
    ],
)
def test_who_does_not_name_it_yet_is_told_how(
    file: str, text: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("msgspec-runner.toml").unlink()
    Path(file).write_text(text)
    code, _, err = catalog_import(capsys, "list.json")
    assert code == 0
    assert hint in err


def test_a_file_outside_of_the_project_is_written_and_not_read(
    project: Path, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("elsewhere") / "a.yaml"
    code, _, err = catalog_import(capsys, "list.json", "-o", str(outside))
    assert (code, outside.read_text()) == (0, WRITTEN)
    assert "lint reads catalogs of the project only" in err


def test_a_link_is_kept_and_one_out_of_the_project_is_not_followed(
    project: Path, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    (project / "catalogs").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    code, _, err = catalog_import(capsys, "list.json")
    assert (code, list((project / "catalogs").iterdir())) == (2, [])
    assert "leads out of the project: name the file with -o" in err
    (project / "here.yaml").symlink_to("real.yaml")
    assert catalog_import(capsys, "list.json", "-o", "here.yaml")[0] == 0
    assert (project / "here.yaml").is_symlink()
    assert (project / "real.yaml").read_text() == WRITTEN


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"contents": []}', "list.json: there are no templates in it; nothing was written"),
        ("[]", "list.json:1: no list of templates"),
        (json.dumps(twilio(SHIPPED, following="https://…")), "list.json:1: this is not the whole list"),
    ],
)
def test_what_is_no_list_writes_nothing(text: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("list.json").write_text(text)
    code, out, err = catalog_import(capsys, "list.json")
    assert (code, out) == (2, "")
    assert words in err
    assert not Path("catalogs").exists()


def test_a_list_of_another_provider_leaves_the_catalog_alone(capsys: pytest.CaptureFixture[str]) -> None:
    catalog_import(capsys, "list.json")
    save(gupshup(template("x", {"data": "Hi"})))
    code, _, err = catalog_import(capsys, "list.json", "-o", "catalogs/twlowa.yaml")
    assert (code, Path("catalogs/twlowa.yaml").read_text()) == (2, WRITTEN)
    assert "this catalog is of twlowa, the list of gswa" in err


@pytest.mark.parametrize(("file", "words"), [("nope.json", "no file nope.json"), (".", "no file .")])
def test_no_file(file: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = catalog_import(capsys, file)
    assert (code, err) == (2, f"error: {words}\n")


def test_a_folder_in_the_way(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "catalogs").touch()
    code, _, err = catalog_import(capsys, "list.json")
    assert code == 2
    assert err.startswith("error: ")


@pytest.mark.parametrize("arguments", [["catalog", "--help"], ["catalog", "import", "--help"]])
def test_the_help_has_an_example(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    assert "msgspec-runner catalog import templates.json" in capsys.readouterr().out


@pytest.mark.parametrize(("arguments", "name"), [([], "spec"), (["spec"], "spec"), (["catalog"], "catalog")])
def test_schema_prints_either(arguments: list[str], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", *arguments]) == 0
    assert capsys.readouterr().out == schema_path(name).read_text(encoding="utf-8")


def test_lint_reads_what_import_wrote(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    catalog_import(capsys, "list.json")
    (project / "specs").mkdir()
    (project / "specs" / "a.yaml").write_text(
        'spec: a\nmessage:\n  provider: twlowa\n  channel_key: k\n  to: "+447911123456"\n  template: {id: summer_sale}\n'
    )
    assert run(["lint"]) == 1
    assert "MSG305 `summer_sale` is a name; its id is HX89abcdef" in capsys.readouterr().out
    (project / "catalogs" / "twlowa.yaml").write_text("provider: twlowa\ntemplates: 5\n")
    assert run(["lint"]) == 2
    assert capsys.readouterr().err.startswith(
        "error: catalogs/twlowa.yaml:2: `templates` has a value of the wrong type"
    )
