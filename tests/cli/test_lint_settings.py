"""What ``lint`` makes of the environment, of a wrong configuration, and of lists that are not here."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.cli import run

SPEC = 'spec: s\nmessage:\n  provider: twlo\n  channel_key: k\n  to: "+16175551212"\n  text: |\n    Hi\n'


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "s.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "msgspec-runner.toml").touch()
    return tmp_path


def configure(text: str) -> None:
    Path("msgspec-runner.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "command", ["lint", "render", "plan", "send specs", "preview -o p.html", "status", "ledger info"]
)
@pytest.mark.parametrize("line", ["rate = 'x'", "timezone = 'Nope/X'", "locale = 'xx_YY'", "specs = ['../']"])
def test_every_command_refuses_a_wrong_value(command: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure(line)
    assert run(command.split()) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: msgspec-runner.toml: `{line.split()[0]}`")
    assert "such as" in said


class TestEnvironment:
    def test_a_flag_wins_over_it_and_it_over_the_configuration(self, monkeypatch: pytest.MonkeyPatch) -> None:
        configure('fail-level = "info"\n[profiles.live]\nfail-level = "info"\n')
        assert run(["lint"]) == 1
        monkeypatch.setenv("MSGSPEC_RUNNER_FAIL_LEVEL", "error")
        assert run(["lint"]) == 0
        assert run(["lint", "--profile", "live"]) == 0
        assert run(["lint", "--fail-level", "warning"]) == 1

    def test_select_and_ignore(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setenv("MSGSPEC_RUNNER_SELECT", "MSG2,MSG3")
        run(["lint"])
        assert "MSG106" not in capsys.readouterr().out
        run(["lint", "--select", "1"])
        assert "MSG106" in capsys.readouterr().out
        monkeypatch.setenv("MSGSPEC_RUNNER_IGNORE", "106")
        run(["lint", "--select", "1", "--ignore", "MSG205"])
        assert "MSG106" not in capsys.readouterr().out
        monkeypatch.setenv("MSGSPEC_RUNNER_SELECT", "MSG999")
        assert run(["lint"]) == 2

    def test_locale(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        configure('locale = "en_US"\n[profiles.live]\nlocale = "en_US"\n')
        text = SPEC.replace("|\n    Hi\n", '"{{ 1.5 | number }}"')
        Path("specs/s.yaml").write_text(text, encoding="utf-8")
        monkeypatch.setenv("MSGSPEC_RUNNER_LOCALE", "de_DE")
        for profile in ([], ["--profile", "live"]):
            assert run(["render", *profile]) == 0
            assert '"text":"1,5"' in capsys.readouterr().out
        Path("specs/s.yaml").write_text(text + "\nlocale: en_GB\n", encoding="utf-8")
        run(["render"])
        assert '"text":"1.5"' in capsys.readouterr().out


class TestListsOfNumbers:
    def test_one_that_is_not_here_is_a_warning_in_lint_and_refused_in_send(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        configure('ignore = ["106"]\nsuppressions = ["never.txt"]\n[profiles.live]\nsuppressions = ["live.txt"]\n')
        assert run(["lint"]) == 0
        words = (
            "warning: msgspec-runner.toml: `suppressions` names {}, which is not here: `plan` and `send` will refuse"
        )
        said = capsys.readouterr().err
        assert words.format("never.txt") in said
        assert words.format("live.txt") in said
        assert run(["plan", "--sandbox"]) == 2
        assert run(["send", "specs", "--sandbox", "--yes"]) == 2
        assert "no file never.txt in the project" in capsys.readouterr().err
        Path("never.txt").touch()
        Path("live.txt").touch()
        assert run(["lint"]) == 0
        assert "warning" not in capsys.readouterr().err


def test_concise_is_coloured_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    run(["lint", "--output", "concise"])
    plain = capsys.readouterr().out
    run(["lint", "--output", "concise", "--color", "always"])
    colored = capsys.readouterr().out
    assert colored.startswith("\x1b[1mspecs/s.yaml\x1b[0m\x1b[2m:6:9:\x1b[0m \x1b[33;1mMSG106\x1b[0m ")
    assert plain.startswith("specs/s.yaml:6:9: MSG106 ")
    for form in ("json", "github", "sarif", "gitlab", "junit"):
        run(["lint", "--output", form, "--color", "always"])
        assert "\x1b" not in capsys.readouterr().out
