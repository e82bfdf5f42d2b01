"""``lint --fix``, ``--diff`` and ``--unsafe-fixes``: what is written, what is shown, what is left."""

from __future__ import annotations

import io
import json
import resource
import sys
from pathlib import Path

import pytest

from msgspec_runner.cli import run

BAD = b'spec: s  # sic\r\nmessage:\r\n  provider: twilio\r\n  channel_key: yes\r\n  to: "+16175551212"\r\n  text: Hi'
SAFE = BAD.replace(b"yes", b'"yes"')
ALL = SAFE.replace(b"twilio", b"twlo")
LEFT = "specs/s.yaml:3:13: MSG206 unknown provider `twilio`; did you mean `twlo` (Twilio SMS)?\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "msgspec-runner.toml").touch()
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "s.yaml").write_bytes(BAD)
    return tmp_path


def lint(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["lint", *arguments])
    return code, *capsys.readouterr()


def feed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_safe_repairs_are_written_and_the_rest_decides(project: Path, capsys) -> None:
    code, out, err = lint(capsys, "--fix")
    assert (code, out) == (1, LEFT)
    assert err.splitlines()[0] == "1 fixed in 1 spec; --unsafe-fixes repairs 1 more, look at them with --diff"
    assert (project / "specs" / "s.yaml").read_bytes() == SAFE
    assert lint(capsys, "--fix")[2].startswith("0 fixed; --unsafe-fixes")


def test_unsafe_ones_when_asked_for(project: Path, capsys) -> None:
    code, out, err = lint(capsys, "--fix", "--unsafe-fixes")
    assert (code, out) == (0, "")
    assert err == "2 fixed in 1 spec\nok: no findings in 1 spec\n"
    assert (project / "specs" / "s.yaml").read_bytes() == ALL
    assert lint(capsys, "--fix", "--unsafe-fixes")[2] == "ok: no findings in 1 spec\n"


def test_unsafe_fixes_alone_are_bad_usage(project: Path, capsys) -> None:
    code, out, err = lint(capsys, "--unsafe-fixes")
    assert (code, out) == (2, "")
    assert "add --fix" in err
    assert (project / "specs" / "s.yaml").read_bytes() == BAD


def test_only_what_is_selected_is_repaired(project: Path, capsys) -> None:
    assert lint(capsys, "--fix", "--unsafe-fixes", "--ignore", "MSG104")[0] == 0
    assert (project / "specs" / "s.yaml").read_bytes() == ALL.replace(b'"yes"', b"yes")


@pytest.mark.parametrize("more", [(), ("--fix",), ("--output", "json")])
def test_a_diff_writes_nothing(more: tuple[str, ...], project: Path, capsys) -> None:
    code, out, err = lint(capsys, "--diff", *more)
    assert code == 1
    assert out.startswith("--- specs/s.yaml\n+++ specs/s.yaml\n@@ -1,6 +1,6 @@\n spec: s  # sic")
    assert "-  channel_key: yes" in out
    assert '+  channel_key: "yes"' in out
    assert "twlo" not in out
    assert err == "1 finding would be fixed in 1 spec, 1 would be left; --unsafe-fixes shows those of 1\n"
    assert lint(capsys, "--diff", "--unsafe-fixes", *more)[2] == "2 findings would be fixed in 1 spec\n"
    assert (project / "specs" / "s.yaml").read_bytes() == BAD
    assert "+  provider: twlo" in lint(capsys, "--diff", "--unsafe-fixes", *more)[1]
    assert lint(capsys, "--diff", "--exit-zero")[0] == 0


def test_a_diff_of_nothing(project: Path, capsys) -> None:
    (project / "specs" / "s.yaml").write_bytes(SAFE)
    left = "nothing to show: 1 finding has no safe fix; --unsafe-fixes shows those of 1\n"
    assert lint(capsys, "--diff") == (0, "", left)
    (project / "specs" / "s.yaml").write_bytes(ALL)
    assert lint(capsys, "--diff") == (0, "", "")
    (project / "specs" / "s.yaml").write_bytes(ALL + b"\r\n  a: 1\r\n  b: 2")
    assert lint(capsys, "--diff") == (0, "", "nothing to show: 2 findings, none has a fix\n")
    assert lint(capsys, "--diff", "--quiet") == (0, "", "")


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o755, 0o444])
def test_the_mode_stays_and_nothing_is_left_behind(mode: int, project: Path, capsys) -> None:
    file = project / "specs" / "s.yaml"
    file.chmod(mode)
    lint(capsys, "--fix")
    assert file.read_bytes() == SAFE
    assert file.stat().st_mode & 0o7777 == mode
    assert list((project / "specs").iterdir()) == [file]


def test_a_link_stays_a_link(project: Path, capsys) -> None:
    file = project / "specs" / "s.yaml"
    target = project / "shared.yaml"
    file.rename(target)
    file.symlink_to(target)
    lint(capsys, "--fix")
    assert file.is_symlink()
    assert target.read_bytes() == SAFE


def test_what_is_not_to_be_repaired_stays_as_it_is(project: Path, capsys) -> None:
    contents = {
        "a.yaml": b"\xff\xfes\x00",
        "b.yaml": b"spec: \xe9\nmessage: yes\n",
        "c.yaml": b"spec: [\n",
        "d.yaml": b"",
    }
    for name, data in contents.items():
        (project / "specs" / name).write_bytes(data)
    assert lint(capsys, "--fix", "--unsafe-fixes")[0] == 1
    for name, data in contents.items():
        assert (project / "specs" / name).read_bytes() == data
    assert (project / "specs" / "s.yaml").read_bytes() == ALL


def test_a_file_that_changes_in_between_is_not_overwritten(project: Path, capsys) -> None:
    # The recipients are read while linting: a pipe whose writer changes the spec is the change in between.
    file = project / "specs" / "s.yaml"
    file.write_bytes(BAD.replace(b"to:", b"name: '{{ n }}'\r\n  to:"))

    class Meanwhile(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            file.write_bytes(b"another\n")
            return super().read(size)

    stdin = sys.stdin
    sys.stdin = io.TextIOWrapper(Meanwhile(b'{"n": "a"}\n'))
    try:
        code, _, err = lint(capsys, "--fix", "--recipients", "-")
    finally:
        sys.stdin = stdin
    assert code == 2
    assert "changed while it was linted" in err
    assert file.read_bytes() == b"another\n"


def test_a_disk_that_is_full_costs_nothing(project: Path, capsys) -> None:
    file = project / "specs" / "s.yaml"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        code, _, err = lint(capsys, "--fix")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert code == 2
    assert "--fix: specs/s.yaml cannot be written: File too large" in err
    assert file.read_bytes() == BAD
    assert list((project / "specs").iterdir()) == [file]


class TestStandardInput:
    def test_the_repaired_text_goes_to_standard_output_and_the_rest_aside(
        self, project: Path, capfdbinary, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        feed(monkeypatch, BAD)
        assert run(["lint", "--fix", "--stdin-filename", "specs/s.yaml"]) == 1
        out, err = capfdbinary.readouterr()
        assert out == SAFE
        assert LEFT in err.decode()
        assert (project / "specs" / "s.yaml").read_bytes() == BAD

    @pytest.mark.parametrize("data", [ALL, b"", b"\xef\xbb\xbf" + ALL, b"spec: \xe9\n", b"\xff\xfea\0", b"spec: [\n"])
    def test_what_needs_no_repair_or_has_none_comes_out_as_it_went_in(
        self, data: bytes, capfdbinary, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        feed(monkeypatch, data)
        run(["lint", "--fix", "--unsafe-fixes", "-"])
        assert capfdbinary.readouterr().out == data

    def test_reports_and_statistics_go_aside_too(self, capfdbinary, monkeypatch: pytest.MonkeyPatch) -> None:
        feed(monkeypatch, BAD)
        run(
            [
                "lint",
                "--fix",
                "--stdin-filename",
                "s.yaml",
                "--output",
                "json",
                "--output",
                "json=r.json",
                "--statistics",
            ]
        )
        out, err = capfdbinary.readouterr()
        assert out == SAFE
        assert json.loads(Path("r.json").read_text())["summary"]["errors"] == 1
        assert b"MSG206 unknown-provider" in err

    def test_a_diff(self, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
        feed(monkeypatch, BAD)
        code, out, _ = lint(capsys, "--diff", "--stdin-filename", "specs/s.yaml")
        assert code == 1
        assert out.startswith("--- specs/s.yaml\n")


def test_paths_beside_standard_input_are_bad_usage(project: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    feed(monkeypatch, BAD)
    code, out, err = lint(capsys, "--stdin-filename", "specs/s.yaml", "specs")
    assert (code, out) == (2, "")
    assert "leave the paths out" in err
    assert lint(capsys, "--stdin-filename", "specs/s.yaml", "-")[0] == 1
