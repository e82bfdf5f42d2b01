"""``action.yml``: valid, safe against what a pull request may hold, and its steps run as GitHub would run them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from msgspec_runner.cli import run as run_command
from msgspec_runner.cli.init import STARTER
from msgspec_runner.sandbox.server import RunningSandbox, SandboxOptions
from tests.git.repo import Repo, isolate

ROOT = Path(__file__).resolve().parents[1]
ACTION = ROOT / "action.yml"
TEXT = ACTION.read_text(encoding="utf-8")
DOCUMENT: dict[str, Any] = yaml.safe_load(TEXT)
STEPS: list[dict[str, Any]] = DOCUMENT["runs"]["steps"]
BIN = Path(sys.executable).parent
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
KEY = "sk-live-7f3d9a51c0"


def test_it_is_an_action_by_github_s_schema() -> None:
    check = [BIN / "check-jsonschema", "--builtin-schema", "vendor.github-actions", ACTION]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_input_is_ever_a_part_of_a_program() -> None:
    assert [step["name"] for step in STEPS if EXPRESSION.search(step.get("run", ""))] == []


def test_what_it_uses_is_pinned_to_commits_with_the_version_beside() -> None:
    uses = [line.strip() for line in TEXT.splitlines() if line.strip().startswith("uses:")]
    assert len(uses) == 2
    assert all(re.fullmatch(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in uses)


def test_only_the_step_that_sends_sees_the_key() -> None:
    assert [step["name"] for step in STEPS if "api-key" in json.dumps(step)] == ["Send"]
    assert "secrets." not in TEXT


def test_every_input_is_used_and_every_one_used_is_declared() -> None:
    assert set(re.findall(r"inputs\.([\w-]+)", TEXT)) == set(DOCUMENT["inputs"])


@pytest.mark.parametrize("event", ["push", "workflow_dispatch", "schedule", "release"])
def test_it_sends_when_it_is_told_to(event: str) -> None:
    assert Job(event=event, inputs={"send": "true"}).wants("Send")
    assert not Job(event=event).wants("Send")


@pytest.mark.parametrize(
    "event",
    ["pull_request", "pull_request_target", "pull_request_review", "issue_comment", "workflow_run", "merge_group"],
)
def test_it_never_sends_for_what_others_may_start(event: str) -> None:
    assert not Job(event=event, inputs={"send": "true"}).wants("Send")


@pytest.mark.parametrize(("fork", "uploaded"), [(False, True), (True, False), (None, True)])
def test_findings_are_uploaded_but_for_forks_which_may_not(fork: bool | None, uploaded: bool) -> None:
    job = Job(event="pull_request", inputs={"sarif": "true"}, fork=fork)
    job.outputs["lint"] = {"code": "1", "sarif": "x"}
    assert job.wants("Upload the findings") is uploaded
    job.outputs["lint"] = {"code": "2"}
    assert not job.wants("Upload the findings")


WORKFLOW = yaml.safe_load((STARTER / "github/workflows/messages.yml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "pull-requests.md").read_text(encoding="utf-8")


def test_the_workflows_of_the_page_and_of_init_are_github_s(tmp_path: Path) -> None:
    shown = re.findall(r"^```yaml file=\.github/[^\n]*\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(shown) == 1
    (tmp_path / "shown.yml").write_text(shown[0])
    files = [tmp_path / "shown.yml", STARTER / "github/workflows/messages.yml"]
    check = [BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    given = [step["with"] for step in yaml.safe_load(shown[0])["jobs"]["send"]["steps"] if "with" in step]
    assert set(given[0]) <= set(DOCUMENT["inputs"])


def test_the_page_explains_every_input() -> None:
    explained = re.findall(r"^\| (`.*?`) \|", PAGE, re.MULTILINE)
    assert set(re.findall(r"`([\w-]+)`", " ".join(explained))) == set(DOCUMENT["inputs"])


@dataclass
class Job:
    """A job with one step that uses the action: what GitHub's runner makes of it."""

    event: str = "push"
    inputs: dict[str, str] = field(default_factory=dict)
    fork: bool | None = None
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)

    def wants(self, name: str) -> bool:
        """Say whether a step's condition holds."""
        [step] = [step for step in STEPS if step["name"] == name]
        return "if" not in step or bool(self.value(step["if"]))

    def value(self, expression: str) -> Any:
        """Evaluate the few kinds of expressions that the action has: GitHub's own evaluator is nowhere to be had."""
        known = {
            "inputs": {**{name: given["default"] for name, given in DOCUMENT["inputs"].items()}, **self.inputs},
            "github": {
                "event_name": self.event,
                "action_path": str(ROOT),
                "event": {"pull_request": {"head": {"repo": {"fork": self.fork}}}},
            },
            "steps": {name: {"outputs": outputs} for name, outputs in self.outputs.items()},
            "env": self.env,
        }

        def looked_up(match: re.Match[str]) -> str:
            value: Any = known
            for part in match[0].split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            return repr("" if value is None else value)

        python = re.sub(r"\b(?:inputs|github|steps|env)(?:\.[\w-]+)+", looked_up, expression)
        python = re.sub(r"startsWith\((.*?), (.*?)\)", r"(\1.startswith(\2))", python)
        python = python.replace("&&", " and ").replace("||", " or ").replace("true", "True").replace("\n", " ")
        python = python.replace("'True'", "'true'")
        return eval(python, {"__builtins__": {}})

    def text(self, value: str) -> str:
        """Put values in for a text's expressions."""

        def put(match: re.Match[str]) -> str:
            value = self.value(match[1].strip())
            return str(value).lower() if isinstance(value, bool) else str(value)

        return EXPRESSION.sub(put, value)

    def run(
        self, folder: Path, runner: Path, names: list[str]
    ) -> Iterator[tuple[str, subprocess.CompletedProcess[str]]]:
        """Run steps one after the other, as GitHub's runner does: the first that fails ends it."""
        runner.mkdir(exist_ok=True)
        summary = runner / "summary"
        for name in names:
            [step] = [step for step in STEPS if step["name"] == name]
            if not self.wants(name):
                continue
            output, script, path = runner / "output", runner / "script.sh", runner / "path"
            output.write_text("")
            script.write_text(step["run"])
            env = {
                "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
                "HOME": os.environ["HOME"],
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GITHUB_EVENT_NAME": self.event,
                "GITHUB_OUTPUT": str(output),
                "GITHUB_PATH": str(path),
                "GITHUB_STEP_SUMMARY": str(summary),
                "RUNNER_TEMP": str(runner),
                **self.env,
                **{name: self.text(value) for name, value in step.get("env", {}).items()},
            }
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
                cwd=folder / self.text(step.get("working-directory", ".")),
                env=env,
                capture_output=True,
                text=True,
                check=False,
            )
            self.outputs[step.get("id", name)] = dict(
                line.split("=", 1) for line in output.read_text().splitlines() if line
            )
            yield name, done
            if done.returncode:
                return


ALL = ["Lint", "Plan", "Fail where something is wrong", "Send"]


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """A clone on a branch of a pull request."""
    isolate(monkeypatch, tmp_path)
    repo = Repo(tmp_path / "repo")
    repo.spec("hello")
    repo.spec("other")
    repo.write(".gitignore", ".msgspec-runner/\n")
    repo.commit()
    repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.replace("specs/hello.yaml", "Hi", "Hello")
    repo.commit()
    return repo


def pull_request(**inputs: str) -> Job:
    return Job(event="pull_request", inputs=inputs, env={"GITHUB_BASE_REF": "main"})


def test_a_pull_request_is_linted_and_what_it_means_is_on_its_page(repo: Repo, tmp_path: Path) -> None:
    runs = dict(pull_request(send="true", paths="specs").run(repo.root, tmp_path / "runner", ALL))
    assert list(runs) == ALL[:3]
    assert {name: done.returncode for name, done in runs.items()} == dict.fromkeys(runs, 0)
    summary = (tmp_path / "runner/summary").read_text()
    assert summary.startswith(
        "## Messages\n\n**3 new (as before); 3 segments**\n\n1 of 2 specs changed since `origin/main`"
    )
    assert "+ text: Hello Ann\n" in summary
    assert "1 of 2 specs changed since origin/main" in runs["Lint"].stderr


def test_what_is_broken_is_annotated_told_and_fails_the_job(repo: Repo, tmp_path: Path) -> None:
    repo.replace("specs/hello.yaml", "{{ name }}", "{{ nam }}")
    job = pull_request()
    runs = dict(job.run(repo.root, tmp_path / "runner", ALL))
    assert runs["Lint"].stdout.startswith("::error file=specs/hello.yaml,line=7,")
    assert [done.returncode for done in runs.values()] == [0, 0, 1]
    assert "it cannot be sent as it is now" in (tmp_path / "runner/summary").read_text()
    assert job.text(DOCUMENT["outputs"]["findings"]["value"]) == "true"


def test_a_shallow_clone_fails_with_what_to_type(repo: Repo, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    repo.git("clone", "--quiet", "--depth", "1", f"file://{repo.root}", str(clone))
    runs = dict(pull_request().run(clone, tmp_path / "runner", ALL))
    assert runs["Fail where something is wrong"].returncode == 2
    assert "`fetch-depth: 0` under `with` of actions/checkout" in runs["Lint"].stderr
    assert "There is no plan: the job says why." in (tmp_path / "runner/summary").read_text()


def test_sarif_is_of_all_specs(repo: Repo, tmp_path: Path) -> None:
    repo.replace("specs/other.yaml", "{{ name }}", "{{ nam }}")
    repo.commit()
    repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    job = pull_request(sarif="true")
    runs = dict(job.run(repo.root, tmp_path / "runner", ["Lint"]))
    assert runs["Lint"].returncode == 0
    [run] = json.loads(Path(job.text(DOCUMENT["outputs"]["sarif"]["value"])).read_text())["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["MSG402"]


def test_a_push_sends_what_is_named_once(repo: Repo, tmp_path: Path) -> None:
    """To a real server on a real socket, with a key from a secret, by a ledger that is there the next time."""
    with RunningSandbox(SandboxOptions(seed=1)) as sandbox:
        job = Job(
            inputs={"send": "true", "paths": "specs/hello.yaml\n\nspecs/other.yaml\n", "api-key": KEY, "max": "6"}
        )
        job.env["MSGSPEC_RUNNER_BASE_URL"] = sandbox.url
        runs = dict(job.run(repo.root, tmp_path / "runner", ALL))
        assert "6 accepted" in runs["Send"].stdout + runs["Send"].stderr
        again = dict(job.run(repo.root, tmp_path / "runner", ALL))
        assert again["Send"].returncode == 0
        assert "nothing to send" in again["Send"].stdout + again["Send"].stderr
    for done in [*runs.values(), *again.values()]:
        assert KEY not in done.stdout + done.stderr
    assert "**6 messages" in (tmp_path / "runner/summary").read_text().replace("`send` would send ", "")


def test_more_than_max_is_refused(repo: Repo, tmp_path: Path) -> None:
    job = Job(inputs={"send": "true", "paths": "specs", "api-key": KEY, "max": "5"})
    job.env["MSGSPEC_RUNNER_BASE_URL"] = "http://127.0.0.1:9"
    assert dict(job.run(repo.root, tmp_path / "runner", ALL))["Send"].returncode == 2


@pytest.mark.parametrize("name", ["paths", "since", "profile", "fail-level", "max", "ledger"])
def test_an_input_is_never_run(name: str, repo: Repo, tmp_path: Path) -> None:
    evil = '$(touch trap); touch trap `touch trap` "; touch trap; " \' || touch trap\n'
    job = Job(inputs={"send": "true", "paths": "specs", "api-key": KEY, name: evil})
    runs = dict(job.run(repo.root, tmp_path / "runner", ALL))
    assert any(done.returncode for done in runs.values())
    assert list(tmp_path.rglob("trap")) == []


def test_options_among_the_paths_are_paths(repo: Repo, tmp_path: Path) -> None:
    runs = dict(Job(inputs={"paths": "--exit-zero\nspecs"}).run(repo.root, tmp_path / "runner", ALL))
    assert "no file or folder --exit-zero" in runs["Lint"].stderr


@pytest.mark.parametrize(
    ("inputs", "what"),
    [
        ({}, str(ROOT)),
        ({"version": "0.1.0"}, "msgspec-runner==0.1.0"),
        ({"ledger": "postgresql://x"}, f"{ROOT}[cluster]"),
        ({"ledger": "postgresql://x", "version": "0.1.0"}, "msgspec-runner[cluster]==0.1.0"),
        ({"version": '1"; touch trap; $(touch trap)'}, 'msgspec-runner==1"; touch trap; $(touch trap)'),
    ],
)
def test_it_installs_itself_or_the_version_that_is_named(inputs: dict[str, str], what: str, tmp_path: Path) -> None:
    """With a ``python`` that only tells what it was asked to do: the package itself is installed by other tests."""
    tools, runner = tmp_path / "tools", tmp_path / "runner"
    tools.mkdir()
    fake = tools / "python"
    fake.write_text(
        f'#!/bin/bash\nprintf "%s\\n" "$*" >> "{tmp_path}/asked"\n'
        'if [[ $2 == venv ]]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi\n'
    )
    fake.chmod(0o755)
    job = Job(inputs=inputs, env={"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"})
    [(_, done)] = job.run(tmp_path, runner, ["Install msgspec-runner"])
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "asked").read_text().splitlines() == [
        f"-m venv {runner}/msgspec-runner",
        f"-m pip install --quiet --disable-pip-version-check {what}",
    ]
    assert (runner / "path").read_text() == f"{runner}/msgspec-runner/bin\n"
    assert list(tmp_path.rglob("trap")) == []


@pytest.mark.parametrize("event", ["pull_request", "push"])
def test_the_workflow_of_init_runs(event: str, repo: Repo, tmp_path: Path) -> None:
    """Its commands, but for those that install, in the project that ``init`` makes."""
    project = Repo(tmp_path / "hello")
    assert run_command(["init", "--quiet", str(project.root)]) == 0
    project.commit()
    project.git("update-ref", "refs/remotes/origin/main", "HEAD")
    project.replace("specs/welcome.yaml", "Hi ", "Hello ")
    summary = tmp_path / "summary"
    env = {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "GITHUB_BASE_REF": "main" if event == "pull_request" else "",
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    steps = [step for step in WORKFLOW["jobs"]["messages"]["steps"] if "run" in step and "pip" not in step["run"]]
    wanted = [step for step in steps if "if" not in step or Job(event=event).value(step["if"])]
    assert len(wanted) == len(steps) - 1 == 3
    for step in wanted:
        command = ["bash", "-e", "-c", step["run"]]
        done = subprocess.run(command, cwd=project.root, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert ("+ text: Hello Ann" in summary.read_text()) is (event == "pull_request")
