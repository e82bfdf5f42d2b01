"""What ``plan`` and ``send`` refuse before they look at anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.cli import run


@pytest.mark.parametrize("command", [["plan", "specs"], ["send", "specs", "--sandbox"]], ids=lambda words: words[0])
@pytest.mark.parametrize("profile", [[], ["--profile", "careful"]], ids=["bare", "profile"])
def test_suppressions_are_refused_rather_than_forgotten(
    command: list[str],
    profile: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    run(["init", "--quiet"])
    with Path("msgspec-runner.toml").open("a", encoding="utf-8") as config:
        config.write("\n[profiles.careful]\n" if profile else "")
    text = Path("msgspec-runner.toml").read_text(encoding="utf-8")
    key = 'suppressions = ["never.txt"]\n'
    Path("msgspec-runner.toml").write_text(text + key if profile else key + text, encoding="utf-8")
    assert run([*command, *profile]) == 2
    assert "`suppressions` are not carried out" in capsys.readouterr().err
    assert run(["lint"]) == 0
