"""What ``send`` makes of its flags, and of how a run ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.api import SpecError, render
from msgspec_runner.cli import run
from msgspec_runner.cli.sending import exit_code
from msgspec_runner.dispatch.progress import RunResult
from msgspec_runner.ledger import Totals

ALL = Totals(accepted=5, rejected=1, in_doubt=1)


@pytest.mark.parametrize(
    ("result", "earlier_doubts", "code"),
    [
        (RunResult(Totals(accepted=5), None, interrupted=False), 0, 0),
        (RunResult(Totals(accepted=5, skipped=2), None, interrupted=False), 0, 0),
        (RunResult(Totals(accepted=5, rejected=1), None, interrupted=False), 0, 1),
        (RunResult(Totals(accepted=5, in_doubt=1), None, interrupted=False), 0, 3),
        (RunResult(Totals(accepted=5), None, interrupted=False), 1, 3),
        (RunResult(ALL, None, interrupted=False), 0, 3),
        (RunResult(ALL, "HTTP 401", interrupted=False), 1, 5),
        (RunResult(ALL, "HTTP 401", interrupted=True), 1, 130),
        (RunResult(Totals(accepted=5), None, interrupted=True), 0, 130),
    ],
)
def test_exit_codes(result: RunResult, earlier_doubts: int, code: int) -> None:
    assert exit_code(result, earlier_doubts=earlier_doubts) == code


def test_rows_that_were_left_out_are_exit_1_unless_something_is_worse() -> None:
    sent = Totals(accepted=5, skipped=1)
    assert exit_code(RunResult(sent), left_out=1) == 1
    assert exit_code(RunResult(sent), left_out=1, earlier_doubts=1) == 3
    assert exit_code(RunResult(sent, "HTTP 401"), left_out=1) == 5


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rate", "fast"],
        ["--rate", "0/s"],
        ["--timeout", "0"],
        ["--concurrency", "0"],
        ["--limit", "0"],
        ["--max", "-1"],
        ["--var", "no-equals"],
        ["--base-url", "http://api.example"],
        ["--base-url", "https://key@api.example"],
        ["--ledger", "postgresql://db.example/ledger"],
        ["--profile", "nobody"],
        ["--output", "yaml"],
        ["--no-such-flag"],
    ],
    ids=" ".join,
)
def test_a_wrong_flag_is_found_before_anything_is_done(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOCIOCS_API_KEY", "a key")
    # A port where nothing listens: whatever would send is found out by its retries.
    monkeypatch.setenv("MSGSPEC_RUNNER_BASE_URL", "http://127.0.0.1:9")
    run(["init", "--quiet"])
    capsys.readouterr()
    assert run(["send", "specs", "--yes", *arguments]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert said.out == ""
    assert not Path(".msgspec-runner").exists()


@pytest.mark.parametrize(
    ("rate", "key", "words"),
    [("fast", "a key", "fast"), ("10/s", "two\nlines", "line break")],
    ids=["the rate of the configuration", "a key that no header can carry"],
)
def test_what_cannot_be_sent_with_leaves_no_run_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], rate: str, key: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOCIOCS_API_KEY", key)
    monkeypatch.setenv("MSGSPEC_RUNNER_BASE_URL", "http://127.0.0.1:9")
    run(["init", "--quiet"])
    config = Path("msgspec-runner.toml")
    config.write_text(f'rate = "{rate}"\n' + config.read_text(encoding="utf-8"), encoding="utf-8")
    assert run(["send", "specs", "--yes"]) == 2
    assert words in capsys.readouterr().err
    config.write_text(config.read_text(encoding="utf-8").replace(f'rate = "{rate}"\n', ""), encoding="utf-8")
    run(["ledger", "init"])
    capsys.readouterr()
    assert run(["status"]) == 0
    assert capsys.readouterr().out == "no runs yet\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [("HTTPS_PROXY", "socks5://proxy.example"), ("HTTPS_PROXY", "http://[::1"), ("SSL_CERT_FILE", "gone.pem")],
)
def test_an_environment_through_which_nothing_can_be_sent_is_found_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    for other in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "MSGSPEC_RUNNER_BASE_URL"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOCIOCS_API_KEY", "a key")
    run(["init", "--quiet"])
    run(["ledger", "init"])
    capsys.readouterr()
    monkeypatch.setenv(name, value)
    assert run(["send", "specs", "--yes"]) == 2
    said = capsys.readouterr().err
    assert name in said
    assert said.endswith("Nothing was sent.\n")
    run(["status"])
    assert capsys.readouterr().out == "no runs yet\n"


@pytest.mark.parametrize("rate", ["x/s", "0/s", "20"])
def test_a_dry_run_reads_the_rate_too(
    rate: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run(["init", "--quiet"])
    capsys.readouterr()
    assert run(["send", "specs", "--dry-run", "--sandbox", "--rate", rate]) == 2
    assert f"'{rate}' is no rate" in capsys.readouterr().err
    assert run(["send", "specs", "--dry-run", "--sandbox", "--rate", "20/s"]) == 0


@pytest.mark.parametrize("command", ["send", "plan"])
def test_an_id_that_a_spec_beside_it_has_too_is_refused(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = 'spec: hello\nmessage: {provider: twlo, channel_key: k, to: "+16175551212", text: Hi}\n'
    for name, text in (("specs/b.yaml", spec), ("specs/sub/.a.yaml", spec), ("specs/c.yaml", "# hello\n" + spec[5:])):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    arguments = [command, "specs/b.yaml", "--sandbox", *(["--yes"] if command == "send" else [])]
    Path("msgspec-runner.toml").touch()
    assert run(arguments) == 1
    said = capsys.readouterr()
    assert "specs/b.yaml:1:7: MSG209 `hello` is the id of specs/sub/.a.yaml too" in said.out
    assert "nothing was sent" in said.err
    Path("specs/sub/.a.yaml").write_text(spec.replace("hello", "hello-again"), encoding="utf-8")
    assert run(arguments) == 0
    Path("specs/sub/.a.yaml").write_text(spec, encoding="utf-8")
    Path("msgspec-runner.toml").write_text('exclude = ["sub/"]', encoding="utf-8")  # no spec of the project
    assert run(arguments) == 0


def test_a_column_and_a_var_of_one_name_are_refused_by_whoever_makes_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    Path("msgspec-runner.toml").touch()
    spec = Path("specs/a.yaml")
    text = (
        'spec: hello\nmessage: {provider: twlo, channel_key: k, to: "+16175551212", text: "Hi {{ p }}"}\n'
        "recipients: {rows: [{q: x}, {q: y, p: z}]}\n"
    )
    spec.write_text(text + "vars: {p: v}\n", encoding="utf-8")
    words = "specs/a.yaml: row {}: ambiguous-name: `p` is a column and a var: rename one of them"
    assert run(["render"]) == 1
    said = capsys.readouterr()
    assert (said.err.splitlines(), said.out) == ([words.format(1), words.format(2)], "")
    spec.write_text(text, encoding="utf-8")
    assert run(["render", "--var", "p=v", "--row", "2"]) == 1
    said = capsys.readouterr()
    assert (said.err.strip(), said.out) == (words.format(2), "")
    for command in (["lint"], ["plan", "--sandbox"], ["send", "specs", "--sandbox", "--yes"]):
        assert run([*command, "--var", "p=v"]) == 1
        assert "MSG112 `p` is a column, and a var that --var sets: give the var another name" in capsys.readouterr().out
    with pytest.raises(SpecError, match="row 1: ambiguous-name"):
        list(render("specs/a.yaml", variables={"p": "v"}))
