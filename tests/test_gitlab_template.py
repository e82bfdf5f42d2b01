"""The GitLab template: valid, never sends for a merge request, and its scripts run as GitLab would run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from msgspec_runner import __version__
from msgspec_runner.sandbox.server import RunningSandbox, SandboxOptions
from tests.git.repo import Repo, isolate

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "ci" / "gitlab" / "msgspec-runner.yml"
DOCUMENT: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
JOBS = {name: job for name, job in DOCUMENT.items() if name.startswith("messages:")}
BIN = Path(sys.executable).parent
KEY = "sk-live-7f3d9a51c0"


def test_it_is_a_pipeline_by_gitlab_s_schema() -> None:
    check = [
        BIN / "check-jsonschema",
        "--builtin-schema",
        "vendor.gitlab-ci",
        "--data-transform",
        "gitlab-ci",
        TEMPLATE,
    ]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_it_installs_this_version() -> None:
    assert DOCUMENT["variables"]["MESSAGE_RUNNER"] == f"msgspec-runner=={__version__}"


def test_a_job_of_a_merge_request_never_sends() -> None:
    send = JOBS["messages:send"]
    assert send["rules"][0] == {"if": '$CI_PIPELINE_SOURCE == "merge_request_event"', "when": "never"}
    assert [rule["when"] for rule in send["rules"][1:]] == ["manual"]
    assert send["environment"] == {"name": "messages"}
    assert send["resource_group"] == "messages"


def test_the_widgets_get_the_reports_that_are_written() -> None:
    for job in JOBS.values():
        written = " ".join(job["script"])
        reports = job["artifacts"].get("reports", {})
        for file in [*reports.values(), *job["artifacts"].get("paths", [])]:
            assert f"$CI_PROJECT_DIR/{file}" in written
        assert job["artifacts"]["when"] == "always"


def run(name: str, repo: Repo, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a job's script in one shell, as GitLab does; pip is others' business."""
    lines = [line for line in DOCUMENT[".messages"]["before_script"] if "pip install" not in line]
    env = {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": os.environ["HOME"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        "CI_PROJECT_DIR": str(repo.root),
        **DOCUMENT["variables"],
        **variables,
    }
    script = "\n".join([*lines, *JOBS[name]["script"]])
    return subprocess.run(["sh", "-ec", script], cwd=repo.root, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    isolate(monkeypatch, tmp_path)
    repo = Repo(tmp_path / "repo")
    repo.spec("hello")
    repo.spec("other")
    repo.commit()
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.replace("specs/hello.yaml", "Hi", "Hello")
    repo.commit()
    return repo


def test_a_merge_request_gets_its_reports_and_its_plan(repo: Repo) -> None:
    base = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": repo.git("rev-parse", "main")}
    lint = run("messages:lint", repo, **base)
    assert (lint.returncode, lint.stdout) == (0, "")
    assert json.loads((repo.root / "gl-code-quality.json").read_text()) == []
    suites = ET.parse(repo.root / "messages-lint.xml").getroot()
    assert [suite.get("name") for suite in suites] == ["specs/hello.yaml"]
    plan = run("messages:plan", repo, **base)
    assert plan.returncode == 0, plan.stderr
    assert "+ text: Hello Ann" in (repo.root / "messages-plan.md").read_text()


def test_what_is_broken_fails_and_leaves_its_reports(repo: Repo) -> None:
    repo.replace("specs/hello.yaml", "{{ name }}", "{{ nam }}")
    base = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": repo.git("rev-parse", "main")}
    assert run("messages:lint", repo, **base).returncode == 1
    assert [issue["check_name"] for issue in json.loads((repo.root / "gl-code-quality.json").read_text())] == ["MSG402"]
    assert run("messages:plan", repo, **base).returncode == 1
    assert "it cannot be sent as it is now" in (repo.root / "messages-plan.md").read_text()


def test_a_branch_is_looked_at_as_a_whole(repo: Repo) -> None:
    assert run("messages:lint", repo).returncode == 0
    assert len(ET.parse(repo.root / "messages-lint.xml").getroot()) == 2
    assert run("messages:plan", repo, MESSAGE_SPECS="specs/hello.yaml specs/other.yaml").returncode == 0
    assert "6 messages" in (repo.root / "messages-plan.md").read_text()


def test_it_sends_what_is_named_once(repo: Repo) -> None:
    with RunningSandbox(SandboxOptions(seed=1)) as sandbox:
        variables = {
            "MSGSPEC_RUNNER_BASE_URL": sandbox.url,
            "SOCIOCS_API_KEY": KEY,
            "MESSAGE_SPECS": "specs/hello.yaml specs/other.yaml",
        }
        assert run("messages:send", repo, **variables, MESSAGE_MAX="5").returncode == 2
        sent = run("messages:send", repo, **variables)
        again = run("messages:send", repo, **variables)
    assert sent.returncode == 0, sent.stderr
    assert "6 accepted" in sent.stdout + sent.stderr
    assert "nothing to send" in again.stdout + again.stderr
    assert ET.parse(repo.root / "messages-run.xml").getroot().get("name") == "msgspec-runner send"
    assert KEY not in sent.stdout + sent.stderr


def test_variables_are_never_run(repo: Repo) -> None:
    evil = "$(touch trap); touch trap `touch trap` *"
    for name, job in JOBS.items():
        for variable in ("MESSAGE_SPECS", "MESSAGE_MAX", "CI_MERGE_REQUEST_DIFF_BASE_SHA"):
            if variable in " ".join(job["script"]):
                assert run(name, repo, **{variable: evil}).returncode != 0
    assert list(repo.root.rglob("trap")) == []
