"""``lint`` of what nobody should write: always a place and a sentence, never a traceback, never a long wait."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from msgspec_runner.cli import run

HEAD = b'spec: s\nmessage:\n  provider: twlo\n  channel_key: k\n  to: "+16175551212"\n'
GOOD = HEAD + b"  text: Hello!\n"
SECONDS = 60  # a process that is still there after that hangs; none takes a tenth of it


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "msgspec-runner.toml").touch()
    (tmp_path / "specs").mkdir()
    return tmp_path


def lint(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str], str]:
    """Return exit code, the findings as ``line:col code``, and what was said to people."""
    code = run(["lint", "--output", "concise", *arguments])
    captured = capsys.readouterr()
    found = [line.split(": ", 1) for line in captured.out.splitlines()]
    return code, [f"{place.split(':', 1)[1]} {words.split()[0]}" for place, words in found], captured.err


def template(source: bytes) -> bytes:
    return GOOD + b"  name: '" + source + b"'\n"


def recipients(source: bytes) -> bytes:
    return GOOD + b"recipients: {file: " + source + b"}\n"


FILES = {
    # no spec at all
    "empty": (b"", ["1:1 MSG109"]),
    "only a newline": (b"\n", ["1:1 MSG109"]),
    "only comments": (b"# a\n# b\n", ["1:1 MSG109"]),
    "only a byte order mark": (b"\xef\xbb\xbf", ["1:1 MSG109"]),
    "only markers": (b"---\n...\n", ["1:1 MSG109"]),
    "null": (b"null\n", ["1:1 MSG109"]),
    "a word": (b"hello\n", ["1:1 MSG109"]),
    "a number": (b"5\n", ["1:1 MSG109"]),
    "a list": (b"- a\n- b\n", ["1:1 MSG109"]),
    "an empty mapping": (b"{}\n", ["1:1 MSG108", "1:1 MSG108"]),
    # no message
    "message is a number": (b"spec: s\nmessage: 5\n", ["2:10 MSG109"]),
    "message is nothing": (b"spec: s\nmessage:\n", ["2:1 MSG109"]),
    "message is a list": (b"spec: s\nmessage: [a]\n", ["2:10 MSG109"]),
    # no text
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ["1:1 MSG101"]),
    "an archive": (b"\x1f\x8b\x08\0\0\0", ["1:2 MSG101"]),
    "every byte": (bytes(range(256)), ["1:1 MSG101"]),
    "a NUL": (b"spec: a\0b\n", ["1:8 MSG101"]),
    "UTF-16": ("spec: s\n".encode("utf-16"), ["1:1 MSG101"]),
    "UTF-16 without a mark": ("spec: s\n".encode("utf-16-le"), ["1:1 MSG101"]),
    "UTF-32": ("spec: s\n".encode("utf-32"), ["1:1 MSG101"]),
    "Latin-1": (HEAD + b"  text: caf\xe9\n", ["6:12 MSG101"]),
    "a surrogate": (HEAD + b'  text: "\xed\xa0\x80"\n', ["6:10 MSG101"]),
    "an escape of a terminal": (HEAD + b"  text: \x1b[31m\n", ["6:9 MSG101"]),
    # lines
    "CRLF": (GOOD.replace(b"\n", b"\r\n"), []),
    "CRLF and a finding": (GOOD.replace(b"\n", b"\r\n") + b"foo: 1\r\n", ["7:1 MSG107"]),
    "CR only": (GOOD.replace(b"\n", b"\r") + b"foo: 1\r", ["7:1 MSG107"]),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, []),
    "a byte order mark and a finding": (b"\xef\xbb\xbffoo: 1\n" + GOOD, ["1:1 MSG107"]),
    "two byte order marks": (b"\xef\xbb\xbf\xef\xbb\xbf" + GOOD, ["1:1 MSG107"]),
    "U+2028 ends no line": (GOOD + "  name: a\u2028b\nfoo: 1\n".encode(), ["8:1 MSG107"]),
    # depth
    "60,000 lists": (b"a: " + b"[" * 60_000, ["1:67 MSG110"]),
    "60,000 closed lists": (b"a: " + b"[" * 60_000 + b"]" * 60_000, ["1:67 MSG110"]),
    "60,000 mappings": (b"a: " + b"{a: " * 60_000, ["1:256 MSG110"]),
    "60,000 dashes": (b"- " * 60_000, ["1:129 MSG110"]),
    "1,000 blocks": (b"".join(b" " * depth + b"a:\n" for depth in range(1000)), ["65:65 MSG110"]),
    "60,000 brackets in a template": (template(b"{{ " + b"(" * 60_000), ["7:32778 MSG407"]),
    "9,000 lists in a template": (template(b"{{ " + b"[" * 9000 + b"]" * 9000 + b" }}"), ["7:43 MSG407"]),
    "900 ifs": (template(b"{% if 1 %}" * 900 + b"x" + b"{% endif %}" * 900), ["7:313 MSG407"]),
    "5,000 nots": (template(b"{{ " + b"not " * 5000 + b"1 }}"), ["7:413 MSG407"]),
    "6,000 sums": (template(b"{{ 1" + b" + 1" * 6000 + b" }}"), ["7:415 MSG407"]),
    "6,000 filters": (template(b"{{ 1" + b"|abs" * 6000 + b" }}"), ["MSG407"]),
    "9,000 attributes": (template(b"{{ x" + b".a" * 9000 + b" }}"), ["MSG407"]),
    # size
    "2 MB of a comment": (GOOD + b"#" * 2_000_000, ["1:1 MSG110"]),
    "60,000 keys": (GOOD + b"".join(b"k%d: 1\n" % number for number in range(60_000)), ["MSG110"]),
    "60,000 aliases": (b"a: &a [1, 2]\nb: [" + b"*a, " * 60_000 + b"]\n", ["MSG110"]),
    "a text of 100,000 characters": (HEAD + b"  text: " + b"x" * 100_000 + b"\n", ["6:32777 MSG407"]),
    "a text of 900,000 characters": (HEAD + b"  text: " + b"x" * 900_000 + b"\n", ["6:9 MSG110"]),
    "5,000 digits": (GOOD + b"edition: " + b"9" * 5000 + b"\n", ["7:10 MSG109"]),
    "390 digits": (GOOD + b"edition: " + b"9" * 390 + b"\n", ["7:10 MSG109"]),
    # YAML's corners
    "a circle of aliases": (b"&a\nspec: *a\nmessage: *a\n", ["2:7 MSG101"]),
    "an unknown alias": (b"spec: *nope\n", ["1:7 MSG101"]),
    "a tag of Python": (GOOD + b"  name: !!python/object/apply:os.system [x]\n", ["7:9 MSG101", "7:41 MSG109"]),
    "a list as a key": (GOOD + b"? [a]\n: 1\n", ["7:3 MSG101"]),
    "an empty key": (GOOD + b'"": 1\n', ["7:1 MSG107"]),
    "a null as a key": (GOOD + b"~: 1\n", ["7:1 MSG107"]),
    "merging a number": (b"<<: 5\n" + GOOD, ["1:1 MSG101"]),
    "infinity and no number": (
        GOOD + b"  contact_saving: {save: true, extra_fields: {a: .nan, b: .inf}}\n",
        ["7:50 MSG609", "7:59 MSG609"],
    ),
    # recipients
    "recipients are a list": (GOOD + b"recipients: []\n", ["7:13 MSG109"]),
    "rows of anything": (GOOD + b"recipients: {rows: [1, a, ~, [x]]}\n", ["MSG109"] * 4),
    "columns of anything": (
        GOOD + b"recipients: {columns: {a: 5, c: {type: foo}, d: {type: [x]}, e: {region: 5}}, samples: [{a: 1}]}\n",
        None,
    ),
    "a path above the project": (recipients(b"../../../../../../etc/passwd"), ["7:20 MSG506"]),
    "a path from the root": (recipients(b"/etc/passwd"), ["7:20 MSG506"]),
    "a path with a NUL": (recipients(b'"a\\0.csv"'), ["7:20 MSG506"]),
    "a path of 5,000 characters": (recipients(b"a" * 5000 + b".csv"), ["7:20 MSG506"]),
    "a folder": (recipients(b"."), ["7:20 MSG506"]),
    "an empty path": (recipients(b'""'), ["7:20 MSG506"]),
    "no path": (recipients(b""), ["MSG109"]),
    "the spec itself": (recipients(b"s.yaml"), ["7:20 MSG506"]),
    # templates
    "a number that fills the memory": (template(b"{{ 9**9**9**9 }}"), ["7:13 MSG407"]),
    "a text that fills the memory": (template(b"{{ \"a\" * 10**9 }}"), ["MSG407"]),
    "loops without end": (
        template(b"{% for a in x %}{% for b in x %}{% for c in x %}{{ c }}{% endfor %}{% endfor %}{% endfor %}")
        + b"vars: {x: " + b"x" * 1000 + b"}\n",
        ["MSG407"],
    ),
    "includes of anything": (
        template(b"{% include \"../../etc/passwd\" %}{% include 5 %}{% include x %}{% include \"" + b"a" * 300 + b"\" %}"),
        None,
    ),
    "a day beyond the calendar": (
        template(b"{{ \"9999-12-31T23:59\" | plus(days=9) | iso }}") + b"timezone: UTC\n", ["7:13 MSG609"],
    ),
    "a zone that is a path": (template(b"{{ 1.5 }}") + b"timezone: ../../etc/passwd\n", ["8:11 MSG109"]),
    "a locale that is a path": (template(b"{{ 1.5 }}") + b"locale: ../../x\n", ["8:9 MSG109"]),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_every_file_gets_its_findings(name: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, expected = FILES[name]
    (project / "specs" / "s.yaml").write_bytes(data)
    code, found, words = lint(capsys, "specs/s.yaml")
    assert code == (0 if expected == [] else 1), words
    if expected is None:
        assert found
    else:
        assert len(found) == len(expected)
        assert all(place.endswith(wanted) for place, wanted in zip(found, expected, strict=True)), found
    assert run(["lint", "specs/s.yaml", "--output", "full", "--output", "json=report.json"]) == code


class TestFiles:
    """What lies in a folder of specs is a spec, and one that cannot be read hides no other."""

    def test_what_is_no_file(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        specs = project / "specs"
        (specs / "folder.yaml").mkdir()
        (specs / "folder.yaml" / "inner.yaml").write_bytes(GOOD)
        (specs / "dangling.yaml").symlink_to("nowhere.yaml")
        (specs / "loop.yaml").symlink_to("loop.yaml")
        (specs / "circle").symlink_to(".")
        (specs / "a.yaml").write_bytes(GOOD.replace(b"spec: s", b"spec: a") + b"foo: 1\n")
        code, found, _ = lint(capsys, "specs")
        assert code == 1
        assert found == ["7:1 MSG107", "1:1 MSG101", "1:1 MSG101"]

    def test_a_pipe_is_not_waited_for(self, project: Path) -> None:
        os.mkfifo(project / "specs" / "pipe.yaml")
        done = lint_process("specs")
        assert (done.returncode, done.stdout.split(b": ")[1][:6]) == (1, b"MSG101")

    def test_a_link_out_of_the_project_is_not_followed(
        self, project: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
    ) -> None:
        outside = tmp_path_factory.mktemp("outside") / "secret"
        outside.write_text("root:s3cret\n", encoding="utf-8")
        (project / "specs" / "s.yaml").symlink_to(outside)
        for arguments in (["specs"], ["specs/s.yaml"], []):
            assert run(["lint", "--output", "full", *arguments]) == 1
            captured = capsys.readouterr()
            assert "leads out of the project" in captured.out
            assert "s3cret" not in captured.out + captured.err

    def test_a_link_inside_the_project_is(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (project / "templates.txt").write_bytes(GOOD + b"foo: 1\n")
        (project / "specs" / "s.yaml").symlink_to("../templates.txt")
        assert lint(capsys, "specs")[1] == ["7:1 MSG107"]

    @pytest.mark.parametrize("name", ["sp ace.yaml", "año.yaml", "a\u202eb.yaml", "a\nb.yaml", "-x.yaml", "a:1:2.yml"])
    def test_odd_names(self, name: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (project / "specs" / name).write_bytes(GOOD + b"foo: 1\n")
        assert run(["lint", "specs"]) == 1
        assert len(capsys.readouterr().out.splitlines()) == 1

    def test_a_name_that_is_no_utf_8(self, project: Path) -> None:
        Path(os.fsdecode(os.fsencode(project / "specs") + b"/\xff.yaml")).write_bytes(GOOD + b"foo: 1\n")
        done = lint_process("specs", "--output", "json")
        assert done.returncode == 1
        assert b'"MSG107"' in done.stdout


class TestArguments:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["no-such.yaml"], ["a" * 5000], ["a\nb"], ["specs/none/*.yaml"],
            ["--output", "foo"], ["--output", "json="], ["--output", "json=specs/s.yaml/x"], ["--output", "full=specs"],
            ["--select", "MSG999"], ["--ignore", "x"], ["--profile", "none"], ["--fail-level", "x"],
            ["--var", "x"], ["--var", "=x"], ["--recipients", "none.csv"], ["--recipients", "specs"],
            ["--recipients", "/dev/null"], ["--recipients", "a" * 5000], ["--recipients", "specs/s.yaml"],
        ],
        ids=lambda arguments: " ".join(arguments)[:40],
    )  # fmt: skip
    def test_each_is_refused_with_a_sentence(
        self, arguments: list[str], project: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (project / "specs" / "s.yaml").write_bytes(GOOD)
        assert run(["lint", *arguments]) == 2
        assert capsys.readouterr().err.startswith("error: ")

    def test_a_folder_without_specs(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["lint"]) == 4
        assert "no spec found" in capsys.readouterr().err

    def test_a_file_named_twice_is_linted_once(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (project / "specs" / "s.yaml").write_bytes(GOOD + b"foo: 1\n")
        assert lint(capsys, "specs/s.yaml", "specs", "specs/s.yaml")[1] == ["7:1 MSG107"]

    @pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.json", "r.jsonl", "r.xlsx"])
    @pytest.mark.parametrize(
        "data", [b"", b"\0", b"\xff\xfe", b'"', b"[" * 100_000, b'{"a": ' * 100_000, b"PK\3\4junk", b"\n\n"]
    )
    def test_recipients_of_anything(
        self, name: str, data: bytes, project: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (project / "specs" / "s.yaml").write_bytes(recipients(f"../{name}".encode()))
        (project / name).write_bytes(data)
        code, found, _ = lint(capsys, "specs")
        assert (code, found) in [(1, ["7:20 MSG506"]), (0, ["7:20 MSG508"])]
        assert run(["lint", "specs", "--recipients", name]) == (2 if code else 0)


class TestStreams:
    @pytest.mark.parametrize("arguments", [["-"], ["--recipients", "-"]])
    def test_standard_input_may_be_closed(self, arguments: list[str], project: Path) -> None:
        (project / "specs" / "s.yaml").write_bytes(GOOD)
        command = ["sh", "-c", 'exec "$0" -m msgspec_runner lint "$@" <&-', sys.executable, *arguments]
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        assert (done.returncode, done.stderr[:30]) == (2, b"error: standard input is close")

    def test_standard_input_may_be_anything(self) -> None:
        done = lint_process("-", stdin=bytes(range(256)) * 100)
        assert (done.returncode, done.stdout.split(b": ")[0]) == (1, b"<stdin>:1:1")
        assert lint_process("-", stdin=b"").returncode == 1

    def test_a_reader_that_leaves_early_is_no_error(self, project: Path) -> None:
        (project / "specs" / "s.yaml").write_bytes(GOOD + b"foo: 1\n")
        command = ["sh", "-c", '"$0" -m msgspec_runner lint --output full | true', sys.executable]
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        assert b"Traceback" not in done.stderr
        assert b"bug" not in done.stderr

    def test_a_terminal_of_ascii_is_no_error(self, project: Path) -> None:
        (project / "specs" / "s.yaml").write_bytes(HEAD + "  text: Hello 😀 {{ é }}\nfoo: 1\n".encode())
        done = lint_process("specs", "--output", "full", env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
        assert done.returncode == 1
        assert b"MSG107" in done.stdout


def lint_process(
    *arguments: str, stdin: bytes = b"", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "msgspec_runner", "lint", *arguments]
    return subprocess.run(
        command, input=stdin, capture_output=True, timeout=SECONDS, check=False, env={**os.environ, **(env or {})}
    )
