"""``lint --write-baseline`` and ``--baseline``: a dirty project begins clean."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.cli import run

BAD = 'spec: {0}\nmessage:\n  provider: twilio\n  channel_key: yes\n  to: "+16175551212"\n  text: Hi\n'


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "msgspec-runner.toml").touch()
    (tmp_path / "specs").mkdir()
    for name in "ab":
        (tmp_path / "specs" / f"{name}.yaml").write_text(BAD.format(name))
    assert lint(capsys, "--write-baseline", "base.json") == (
        0,
        "",
        "4 findings written into base.json; hide them with --baseline base.json\n",
    )
    return tmp_path


def lint(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["lint", *arguments])
    return code, *capsys.readouterr()


def test_known_findings_are_hidden(capsys) -> None:
    code, out, err = lint(capsys, "--baseline", "base.json", "--fail-level", "info")
    assert (code, out) == (0, "")
    assert err == "4 findings hidden by base.json\nok: no findings in 2 specs\n"


def test_a_new_one_is_not(project: Path, capsys) -> None:
    (project / "specs" / "a.yaml").write_text(BAD.format("a") + "  txt: Hi\n")
    code, out, err = lint(capsys, "--baseline", "base.json", "--statistics")
    assert code == 1
    assert [line.split()[1] for line in out.splitlines()[:1]] == ["MSG107"]
    assert "      1  MSG107 unknown-field\n1 finding in 2 specs" in out
    assert err.startswith("4 findings hidden by base.json\n")


@pytest.mark.parametrize(
    ("arguments", "stale"),
    [
        ((), "; 2 stale entries in it: --write-baseline base.json"),
        (("specs/a.yaml",), "; 2 stale entries in it: --write-baseline base.json"),
        (("specs/a.yaml", "--select", "MSG2"), "; 1 stale entry in it: --write-baseline base.json"),
        (("specs/b.yaml",), ""),
    ],
)
def test_stale_entries_are_counted_where_they_were_looked_for(
    arguments: tuple[str, ...], stale: str, project: Path, capsys
) -> None:
    (project / "specs" / "a.yaml").write_text(BAD.format("a").replace("twilio", "twlo").replace("yes", "k"))
    err = lint(capsys, "--baseline", "base.json", *arguments)[2]
    assert err.splitlines()[0].partition(" hidden by base.json")[2] == stale


def test_entries_of_a_spec_that_has_gone_are_stale(project: Path, capsys) -> None:
    (project / "specs" / "a.yaml").unlink()
    assert "; 2 stale entries" in lint(capsys, "--baseline", "base.json", "specs/b.yaml")[2]


def test_in_a_folder_below(project: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / "specs")
    assert lint(capsys, "--baseline", "../base.json", ".")[2].startswith("4 findings hidden by ../base.json\n")


def test_repaired_first_and_then_hidden(project: Path, capsys) -> None:
    code, _, err = lint(capsys, "--fix", "--baseline", "base.json")
    assert code == 0
    assert err.splitlines()[1] == "2 findings hidden by base.json; 2 stale entries in it: --write-baseline base.json"


def test_writing_again_keeps_what_is_hidden(project: Path, capsys) -> None:
    before = (project / "base.json").read_text()
    assert lint(capsys, "--baseline", "base.json", "--write-baseline", "base.json")[0] == 0
    assert (project / "base.json").read_text() == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "--baseline: no file no.json; write it with `--write-baseline no.json`"),
        (b"{}", "--baseline no.json: this is no baseline; write it with"),
        (b"\xff", "--baseline no.json: it is no UTF-8 text; write it with"),
    ],
)
def test_what_cannot_be_read_is_bad_usage(content: bytes | None, words: str, project: Path, capsys) -> None:
    if content is not None:
        (project / "no.json").write_bytes(content)
    code, out, err = lint(capsys, "--baseline", "no.json")
    assert (code, out) == (2, "")
    assert words in err


def test_a_folder_is_no_baseline(capsys) -> None:
    for flag in ("--baseline", "--write-baseline"):
        code, _, err = lint(capsys, flag, "specs")
        assert code == 2
        assert f"{flag} specs: cannot be" in err
