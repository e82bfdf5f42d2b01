"""What docs/cluster.md shows for keeping workers running is read strictly, and what it starts is started as written."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import textwrap
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import fields
from importlib.metadata import metadata
from pathlib import Path

import pytest

from msgspec_runner.config import Config
from tests.acceptance.cluster.team import Ask, wait_until
from tests.acceptance.project import COMMAND, KEY, Project
from tests.acceptance.server import Server
from tests.programs import program

PAGE = Path(__file__).parents[3] / "docs" / "cluster.md"
PORT = "9464"
TIMEOUT = next(field.default for field in fields(Config) if field.name == "timeout")
"""Seconds that one request may take."""

_SECTION = PAGE.read_text(encoding="utf-8").split("## Keep workers running", 1)[1].split("\n## ", 1)[0]
_BLOCKS = [textwrap.dedent(block) for block in re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", _SECTION, re.MULTILINE)]


def shown(begin: str) -> str:
    """Return the block of the page that begins so."""
    [block] = [block.strip("\n") for block in _BLOCKS if block.lstrip("\n").startswith(begin)]
    return block


UNIT, RECIPE = shown("[Unit]"), shown("FROM")
VALUES = dict(line.split("=", 1) for line in shown("MSGSPEC_RUNNER_LEDGER=").splitlines())


def of_the_unit(key: str) -> str:
    [value] = re.findall(rf"^{key}=(.*)$", UNIT, re.MULTILINE)
    return str(value)


def of_the_recipe(instruction: str) -> list[str]:
    return re.findall(rf"^{instruction} (.*)$", RECIPE, re.MULTILINE)


@pytest.fixture(scope="module")
def docker_run() -> Namespace:
    """What the page types to start a container, read as Docker does: its reference has these options of `run`."""
    parser = ArgumentParser(exit_on_error=False, allow_abbrev=False)
    parser.add_argument("-d", "--detach", action="store_true")
    parser.add_argument("--init", action="store_true")
    parser.add_argument("--restart", choices=["no", "on-failure", "always", "unless-stopped"])
    parser.add_argument("--stop-timeout", type=int)
    parser.add_argument("--env-file")
    parser.add_argument("-v", "--volume")
    parser.add_argument("-p", "--publish")
    parser.add_argument("image")
    parser.add_argument("arguments", nargs="...")
    return parser.parse_args(shlex.split(shown("docker run").replace("\\\n", " "))[2:])


def test_systemd_knows_every_line_of_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "msgspec-runner-worker.service"
    started = shlex.split(of_the_unit("ExecStart"))[0]
    unit.write_text(UNIT.replace(started, str(COMMAND)) + "\n", encoding="utf-8")
    command = [program("systemd-analyze"), "verify", "--man=no", unit]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_unit_fits_what_the_page_says_around_it() -> None:
    folder = str(Path(of_the_unit("ExecStart").split()[0]).parents[1])
    assert f"`python3 -m venv {folder}`" in _SECTION
    assert f"`{folder}/bin/pip install 'msgspec-runner[cluster]'`" in _SECTION
    assert of_the_unit("WorkingDirectory") == f"/var/lib/{of_the_unit('StateDirectory')}"
    assert float(of_the_unit("TimeoutStopSec")) > TIMEOUT


def test_the_container_fits_its_image(docker_run: Namespace) -> None:
    assert {line.split()[0] for line in RECIPE.splitlines()} == {"FROM", "RUN", "USER", "WORKDIR", "ENTRYPOINT"}
    [image], [user], [folder] = (of_the_recipe(instruction) for instruction in ("FROM", "USER", "WORKDIR"))
    version = re.fullmatch(r"python:3\.(\d+)-slim", image)
    assert version is not None
    assert f"Programming Language :: Python :: 3.{version[1]}" in metadata("msgspec-runner").get_all("Classifier", [])
    assert folder.startswith(f"/home/{user}/")
    assert f"mkdir {folder}" in of_the_recipe("RUN")
    assert docker_run.volume.split(":")[1] == folder
    assert docker_run.publish == f"127.0.0.1:{PORT}:{PORT}"
    assert docker_run.arguments[-1].endswith(f":{PORT}")
    assert docker_run.stop_timeout > TIMEOUT
    assert (docker_run.detach, docker_run.init) == (True, True)


def test_what_builds_the_image_exists() -> None:
    install, and_then = of_the_recipe("RUN")[0].split(" && ")
    pip = shlex.split(install)
    assert pip[:2] == ["pip", "install"]
    wanted = re.fullmatch(r"msgspec-runner\[(\w+)\]", pip[-1])
    assert wanted is not None
    assert wanted[1] in metadata("msgspec-runner").get_all("Provides-Extra", [])
    # Nothing is fetched, and nothing is changed: it is all here.
    done = subprocess.run(
        [sys.executable, "-m", *pip, "--dry-run", "--no-index"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    useradd, *flags, name = and_then.split()
    assert name == of_the_recipe("USER")[0]
    helps = subprocess.run([program(useradd), "--help"], capture_output=True, text=True, check=True).stdout
    assert [flag for flag in flags if not re.search(rf"(?<![-\w]){flag}(?![-\w])", helps)] == []


@pytest.mark.parametrize("how", ["systemd", "docker"])
def test_what_is_started_works(
    how: str, team: Project, serve: Callable[..., Server], rows: Ask, docker_run: Namespace, tmp_path: Path
) -> None:
    """As written, with the file's environment; but for the addresses of the ledger and the API, and a free port."""
    if how == "systemd":
        path, *words = shlex.split(of_the_unit("ExecStart"))
    else:
        [entry] = of_the_recipe("ENTRYPOINT")
        path, *words = *re.findall(r'"([^"]*)"', entry), *docker_run.arguments
    assert Path(path).name == COMMAND.name
    server = serve()
    team.spec(20).towards(server)
    values = {"MSGSPEC_RUNNER_LEDGER": team.env["MSGSPEC_RUNNER_LEDGER"], "SOCIOCS_API_KEY": KEY}
    kept = {name: team.env[name] for name in ("PATH", "HOME", "PYTHONWARNINGS", "MSGSPEC_RUNNER_BASE_URL")}
    project_env, team.env = team.env, {**kept, **VALUES, **values}
    folder = tmp_path / "work"
    folder.mkdir()
    worker = team.start_in(folder, *[re.sub(rf"{PORT}$", "0", word) for word in words])
    team.env = project_env
    worker.read_until("stop it with Ctrl-C")
    assert "metrics at http://" in worker.said
    assert team.send("--cluster").code == 0
    assert len(server.requests) == 20
    assert wait_until(lambda: rows("SELECT FROM messages WHERE state = 'accepted'"))
    worker.signal(signal.SIGTERM)
    assert worker.wait().code == 0
