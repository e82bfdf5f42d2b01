"""The pre-commit hooks: which files they take, and one commit with the real pre-commit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from msgspec_runner.cli import run
from msgspec_runner.cli.init import STARTER
from msgspec_runner.linting.rules import RULES

ROOT = Path(__file__).resolve().parents[1]
HOOKS: dict[str, dict[str, Any]] = {
    hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
}
PRE_COMMIT = Path(sys.executable).with_name("pre-commit")


def test_the_hooks_are_the_contract_s() -> None:
    assert list(HOOKS) == ["msgspec-lint", "msgspec-lint-project"]
    assert {hook["entry"] for hook in HOOKS.values()} == {"msgspec-runner lint"}
    assert {hook["language"] for hook in HOOKS.values()} == {"python"}
    assert HOOKS["msgspec-lint"].get("pass_filenames", True) is True
    assert HOOKS["msgspec-lint-project"]["pass_filenames"] is False


def test_each_rule_is_asked_by_one_of_them() -> None:
    """A rule about several specs that is missing in ``args`` would be told twice, or by neither."""
    across = ",".join(rule.name for rule in RULES if rule.check_project is not None)
    assert HOOKS["msgspec-lint"]["args"] == ["--ignore", across]
    assert HOOKS["msgspec-lint-project"]["args"] == ["--select", across]


@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("specs/welcome.yaml", True),
        ("specs/welcome.yml", True),
        ("specs/Welcome.YAML", True),
        ("specs/.hidden.yaml", True),
        ("specs/2031/march/welcome.yaml", True),
        ("messages/specs/welcome.yaml", True),
        ("specs/with space.yaml", True),
        ("specs/specs/welcome.yaml", True),
        ("welcome.yaml", False),
        ("specs.yaml", False),
        ("myspecs/welcome.yaml", False),
        ("specs2/welcome.yaml", False),
        ("specs/recipients/members.csv", False),
        ("specs/README.md", False),
        ("specs/welcome.yaml.bak", False),
        ("specs/welcome.yaml~", False),
        ("specs/welcomeyaml", False),
        (".github/workflows/messages.yml", False),
        (".pre-commit-config.yaml", False),
        ("Specs/welcome.yaml", False),
    ],
)
def test_it_takes_yaml_below_a_specs_folder_only(hook: dict[str, Any], name: str, taken: bool) -> None:
    # pre-commit searches; the pattern's own anchors are what holds.
    assert bool(re.search(hook["files"], name)) is taken


def test_init_writes_the_same_hooks() -> None:
    """``init``'s file runs the installed command; but for that, and words, it has what the repository offers."""
    config = yaml.safe_load((STARTER / "pre-commit-config.yaml").read_text(encoding="utf-8"))
    [repo] = config["repos"]
    assert repo["repo"] == "local"
    expected = [
        {key: value for key, value in hook.items() if key != "description"} | {"language": "system"}
        for hook in HOOKS.values()
    ]
    assert repo["hooks"] == expected


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with what pre-commit needs of this one, as it is now, committed or not."""
    folder = tmp_path_factory.mktemp("offered")
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, folder)
    for name in ("msgspec_runner", "schemas", "docs/rules"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    commit_all(folder)
    return folder


def git(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    person = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "a@example.com"}
    person |= {"GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=kept | person | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def commit_all(folder: Path) -> str:
    assert git(folder, "init", "--quiet").returncode == 0
    assert git(folder, "add", ".").returncode == 0
    assert git(folder, "commit", "--quiet", "-m", "all").returncode == 0
    return git(folder, "rev-parse", "HEAD").stdout.strip()


def test_a_commit_is_linted_by_the_real_pre_commit(
    offered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pre-commit clones the repository, installs it into an environment of its own, and lints what a commit changes."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "pre-commit"))
    # The environment must hold its own command: the one beside this Python is out of reach.
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if part != str(PRE_COMMIT.parent))
    project = tmp_path / "project"
    assert run(["init", "--quiet", str(project)]) == 0
    revision = git(offered, "rev-parse", "HEAD").stdout.strip()
    hooks = "".join(f"      - id: {name}\n" for name in HOOKS)
    (project / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {offered}\n    rev: {revision}\n    hooks:\n{hooks}", encoding="utf-8"
    )
    commit_all(project)
    subprocess.run([PRE_COMMIT, "install"], cwd=project, check=True, capture_output=True)

    # A spec with a mistake, and the id of another one, which the commit touches too. Each is told once.
    welcome = (project / "specs" / "welcome.yaml").read_text(encoding="utf-8")
    (project / "specs" / "welcome.yaml").write_text(f"{welcome}# Touched.\n", encoding="utf-8")
    (project / "specs" / "welcome-again.yaml").write_text(welcome.replace("text:", "txet:"), encoding="utf-8")
    git(project, "add", ".")
    refused = git(project, "commit", "-m", "again", PATH=path)
    assert refused.returncode == 1, refused.stdout
    assert "specs/welcome-again.yaml:9:3: MSG107" in refused.stdout
    assert (refused.stdout.count("MSG107"), refused.stdout.count("MSG209")) == (1, 1)
    assert refused.stdout.count("Failed") == 2

    # Repaired, both let it pass; a commit without specs starts neither.
    sound = welcome.replace("spec: welcome", "spec: welcome-again")
    (project / "specs" / "welcome-again.yaml").write_text(sound, encoding="utf-8")
    git(project, "add", ".")
    taken = git(project, "commit", "-m", "again", PATH=path)
    assert taken.returncode == 0, taken.stdout
    assert taken.stdout.count("Passed") == 2
    (project / "notes.yaml").write_text("a: [", encoding="utf-8")
    git(project, "add", ".")
    skipped = git(project, "commit", "-m", "notes", PATH=path)
    assert skipped.returncode == 0
    assert skipped.stdout.count("(no files to check)Skipped") == 2
