"""``render --as``: programs that the installed command makes, run against a sandbox, deliver the very message."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from msgspec_runner.sandbox.server import RunningSandbox, SandboxOptions
from tests.programs import program

COMMAND = Path(sys.executable).with_name("msgspec-runner")
KEY = "k-1"
PATIENCE = 60
NAMES = {
    1: "Ann",
    2: """O'Neil "Bob" \\ $HOME `id` $(id) %PATH% ${x} #{y} 日本 😀 e\u0301 \u2028 <?php */ // @file ; & | > \\""",
    3: "",
}
"""Whoever is called like the second must arrive as that; the third cannot be sent."""

SPEC = """\
spec: {id}
message:
  provider: twlo
  channel_key: ch
  to: "{{{{ phone }}}}"
  name: "{{{{ name }}}}"
  text: |-
    Hi {{{{ name }}}},
    it's “tomorrow”.
recipients:
  columns: {{phone: {{type: phone}}, name: {{}}}}
  file: ../people.json
"""

RUN = {"python": [sys.executable], "node": ["node"], "curl": ["bash"]}
"""The languages that are run, and how; reports/test_code_samples.py reads all nine."""

NEEDS = {"node": "node", "curl": "curl"}
"""Programs that a machine may not have."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "specs").mkdir()
    for spec in ("first", "second"):
        (tmp_path / "specs" / f"{spec}.yaml").write_text(SPEC.format(id=spec), encoding="utf-8")
    people = [{"phone": f"+1617555000{row}", "name": name} for row, name in NAMES.items()]
    (tmp_path / "people.json").write_text(json.dumps(people), encoding="utf-8")
    return tmp_path


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox(SandboxOptions(seed=1, api_key=KEY)) as sandbox:
        yield sandbox


def render(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "render", *arguments],
        cwd=project,
        env={"PATH": os.environ["PATH"], "HOME": str(project), "SOCIOCS_API_KEY": "sk-live-nobody-shows-this"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


def arrived(sandbox: RunningSandbox) -> list[dict[str, object]]:
    """Return the bodies that came, in their order."""
    with urlopen(f"{sandbox.url}/_sandbox/requests?state=sent", timeout=PATIENCE) as answer:
        return [json.loads(entry["request"]["body"]) for entry in reversed(json.load(answer)["requests"])]


@pytest.mark.parametrize("row", [1, 2])
@pytest.mark.parametrize("kind", RUN)
def test_the_program_delivers_the_message(project: Path, sandbox: RunningSandbox, kind: str, row: int) -> None:
    program(NEEDS.get(kind, sys.executable))
    made = render(project, "specs/first.yaml", "--row", str(row), "--as", kind, "--base-url", sandbox.url)
    assert (made.returncode, made.stderr) == (0, "")
    (project / "program").write_text(made.stdout, encoding="utf-8")
    done = subprocess.run(
        [*RUN[kind], "program"],
        cwd=project,
        env={"PATH": os.environ["PATH"], "SOCIOCS_API_KEY": KEY, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "success"
    rendered = render(project, "specs/first.yaml", "--row", str(row), "--base-url", sandbox.url)
    assert arrived(sandbox) == [json.loads(rendered.stdout)["body"]]
    assert arrived(sandbox)[0]["name"] == NAMES[row]


def test_curl_programs_one_after_the_other(project: Path, sandbox: RunningSandbox) -> None:
    """Several recipients of several specs are one script, each with a comment that says whose it is."""
    program("curl")
    made = render(project, "--limit", "2", "--as", "curl", "--base-url", sandbox.url)
    assert made.returncode == 0, made.stderr
    comments = [line for line in made.stdout.splitlines() if line.startswith("# ")]
    assert comments == [f"# {spec}, row {row}" for spec in ("first", "second") for row in (1, 2)]
    subprocess.run(
        ["bash", "-eu"],
        input=made.stdout,
        env={"PATH": os.environ["PATH"], "SOCIOCS_API_KEY": KEY, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=True,
    )
    assert [body["name"] for body in arrived(sandbox)] == [NAMES[1], NAMES[2]] * 2


def test_a_program_is_for_one_recipient_unless_more_are_asked_for(project: Path) -> None:
    made = render(project, "specs/first.yaml", "--as", "python")
    assert made.stdout.startswith("# first, row 1\n")
    assert made.stdout.count("# first, row") == 1
    assert "https://api.sociocs.com/message" in made.stdout


@pytest.mark.parametrize(
    "kind", ["curl", "curl-windows", "python", "node", "go", "java", "csharp", "php", "dart"], ids=str
)
def test_every_program_takes_the_key_from_the_environment(project: Path, kind: str) -> None:
    made = render(project, "specs/first.yaml", "--as", kind, "--sandbox")
    assert made.returncode == 0
    assert "SOCIOCS_API_KEY" in made.stdout
    assert "sk-live" not in made.stdout + made.stderr
    assert "http://127.0.0.1:8025/message" in made.stdout
    assert "first, row 1" in made.stdout


def test_who_cannot_be_sent_gets_no_program(project: Path) -> None:
    made = render(project, "specs/first.yaml", "--row", "3", "--as", "curl")
    assert (made.returncode, made.stdout) == (1, "")
    assert "row 3" in made.stderr


def test_a_language_that_is_none(project: Path) -> None:
    made = render(project, "--as", "cobol")
    assert made.returncode == 2
    assert "'curl'" in made.stderr


def test_a_row_that_does_not_exist(project: Path) -> None:
    made = render(project, "specs/first.yaml", "--row", "99", "--as", "json")
    assert (made.returncode, made.stdout) == (2, "")
    assert "specs/first.yaml: there is no row 99; it has 3 recipients" in made.stderr
