"""The wheel: everything that the program needs is in it, and it works where the checkout is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

from msgspec_runner import __version__
from msgspec_runner.cli.init import EXAMPLES, SURROUNDINGS

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as an installer would: in isolation, from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel", "--no-deps"]
    subprocess.run([*pip, "--wheel-dir", folder, ROOT], check=True)
    [path] = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the wheel is unpacked into; its dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def run(installed: Path, cwd: Path, *arguments: str) -> str:
    # -P: neither the working folder nor a script's comes before PYTHONPATH, which comes before the editable install.
    command = [sys.executable, "-P", "-m", "msgspec_runner", *arguments]
    env = {name: value for name, value in os.environ.items() if not name.startswith("MSGSPEC_RUNNER_")}
    done = subprocess.run(
        command, cwd=cwd, env=env | {"PYTHONPATH": str(installed)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_what_the_program_reads(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "msgspec_runner").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert package <= names
    starters = {f"msgspec_runner/starter/{name.removeprefix('.')}" for name in (*EXAMPLES, *SURROUNDINGS)}
    needed = {
        "msgspec_runner/py.typed",
        "msgspec_runner/_schemas/spec.schema.json",
        "msgspec_runner/_schemas/catalog.schema.json",
        *(f"msgspec_runner/_rules/{page.name}" for page in (ROOT / "docs" / "rules").glob("MSG*.md")),
        *starters,
    }
    assert needed <= names
    assert any(name.startswith("msgspec_runner/ledger/sql/sqlite/0001_") for name in names)


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"msgspec_runner", f"msgspec_runner-{__version__}.dist-info"}


def test_the_metadata_are_right(wheel: Path) -> None:
    info = f"msgspec_runner-{__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        metadata = message_from_string(archive.read(f"{info}/METADATA").decode())
        scripts = archive.read(f"{info}/entry_points.txt").decode()
        assert f"{info}/licenses/LICENSE" in archive.namelist()
    assert (metadata["Name"], metadata["Version"]) == ("msgspec-runner", __version__)
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert "Not `msgspec`" in metadata.get_payload()
    assert "msgspec-runner = msgspec_runner.__main__:main" in scripts


def test_it_works_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    program = "import msgspec_runner.source.schema as schema; print(schema.__file__, schema.schema_path('spec'))"
    where = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(path.startswith(str(installed)) for path in where.stdout.split())
    run(installed, tmp_path, "init", "hello")
    run(installed, tmp_path / "hello", "lint", "--fail-level", "info")
    run(installed, tmp_path / "hello", "send", "specs", "--sandbox")
    assert run(installed, tmp_path, "--version").split()[-1] == __version__
    schema = json.loads(run(installed, tmp_path, "schema"))
    assert schema == json.loads((ROOT / "schemas" / "spec.schema.json").read_text(encoding="utf-8"))
