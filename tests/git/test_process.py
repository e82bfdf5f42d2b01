"""One git command: what of the environment reaches it, and that nothing of a repository's configuration runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.errors import UsageError
from msgspec_runner.git.process import MAX_WORDS, ask, environment
from tests.git.repo import Repo


def test_variables_that_lead_git_elsewhere_are_left_out() -> None:
    given = {"GIT_DIR": "/x", "GIT_INDEX_FILE": "/x", "GIT_EXTERNAL_DIFF": "/x", "GIT_CONFIG_COUNT": "1", "HOME": "/h"}
    made = environment(given)
    assert made["HOME"] == "/h"
    assert not {"GIT_DIR", "GIT_INDEX_FILE", "GIT_EXTERNAL_DIFF", "GIT_CONFIG_COUNT"} & made.keys()


def test_a_user_s_own_settings_and_limits_go_on() -> None:
    given = {"GIT_CONFIG_GLOBAL": "/h/.gitconfig", "GIT_CEILING_DIRECTORIES": "/h"}
    assert given.items() <= environment(given).items()


def test_nothing_is_fetched_and_nobody_is_asked() -> None:
    made = environment({"GIT_ALLOW_PROTOCOL": "ext:file", "GIT_TERMINAL_PROMPT": "1"})
    assert made["GIT_ALLOW_PROTOCOL"] == "none"
    assert made["GIT_TERMINAL_PROMPT"] == "0"


def test_git_that_is_not_installed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git is not installed here: install it"):
        ask(tmp_path, "version")


def test_a_complaint_is_kept_short(repo: Repo) -> None:
    answer = ask(repo.root, "rev-parse", "--verify", "x" * 10_000)
    assert answer.code != 0
    assert len(answer.err) <= MAX_WORDS
