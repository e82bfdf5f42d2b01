"""What a pull request could bring to hurt whoever lints it: each answers in ``lint``, ``render`` and ``plan`` with a
place and the same reason, in seconds and in little memory. The table is written once; the command is the installed one.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.acceptance.project import COMMAND

PATIENCE = 60
"""Seconds after which a command hangs; none takes a tenth of it."""
MEMORY = 300 * 1024 * 1024
"""Bytes that a command may have at its peak, the processes that it starts included."""

HEAD = 'spec: s\nmessage:\n  provider: twlo\n  channel_key: k\n  to: "+16175551212"\n'
GOOD = HEAD + "  text: Hello!\n"
Files = dict[str, "str | bytes | Callable[[Path], None]"]


class Case(NamedTuple):
    """One attack.

    Attributes:
        spec: the spec's text.
        place: where its first error is, as ``line:column``; empty where the place does not matter.
        code: of that error; empty where it is sound.
        in_row: it is found when a recipient's message is rendered; else in the spec as it is written.
        files: what else lies in the project; a function makes what is no plain file.
        exit: of all three commands; 2 where the configuration is refused.
    """

    spec: str | bytes
    place: str = ""
    code: str = ""
    in_row: bool = False
    files: Files = {}  # noqa: RUF012 - nobody changes it
    exit: int = 1


def template(source: str, code: str = "MSG407", place: str = "", *, in_row: bool = False, more: str = "") -> Case:
    """Return a spec whose name is a template in single quotes."""
    quoted = source.replace("'", "''")
    return Case(f"{GOOD}  name: '{quoted}'\n{more}", place, code, in_row)


def in_row(source: str, more: str = "") -> Case:
    return template(source, in_row=True, more=more)


def fields(count: int, text: str, more: str = "") -> str:
    """Return a spec with many fields; ``@`` in their text is their number."""
    made = ", ".join(f"k{n}: '{text.replace('@', str(n))}'" for n in range(count))
    return f"{GOOD}  contact_saving: {{save: true, extra_fields: {{{made}}}}}\n{more}"


def recipients(name: str, data: str | bytes | Callable[[Path], None], code: str = "MSG506") -> Case:
    return Case(f"{GOOD}recipients: {{file: ../{name}}}\n", "", code, files={name: data})


def workbook(sheet: str) -> bytes:
    """Return an XLSX file with one sheet."""
    head = '<?xml version="1.0"?>'
    kinds = "http://schemas.openxmlformats.org/package/2006/"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{kinds}content-types"><Default Extension="rels" ContentType='
        f'"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
        f'ContentType="{kind}.sheet.main+xml"/><Override PartName="/xl/s.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{kinds}relationships"><Relationship Id="a" Type="{office}/officeDocument"'
        ' Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="S" sheetId="1" r:id="b"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{kinds}relationships"><Relationship Id="b" '
        f'Type="{office}/worksheet" Target="s.xml"/></Relationships>',
        "xl/s.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, head + text)
    return file.getvalue()


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def bomb(path: Path) -> None:
    """Write 360 MB of cells; a function, as it takes a while, and all processes that run tests know all cases."""
    rows = (f'<row r="{n}">{cell(f"A{n}", "x" * 9000)}</row>' for n in range(2, 40_000))
    path.write_bytes(workbook(f'<row r="1">{cell("A1", "a")}</row>' + "".join(rows)))


def link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


LOOPS = "{% for a in x %}{% for b in x %}{% for c in x %}{% endfor %}{% endfor %}{% endfor %}"
DOUBLING = "{% set a = ['x'] %}" + "{% set a = [a, a] %}" * 60
FEW_STEPS = "{% for a in x %}{% for b in x %}{% endfor %}{% endfor %}"
VARS = "vars: {x: " + "x" * 1000 + "}\n"
INCLUDES: Files = {f"partials/p{n}": f"{{% include 'p{n + 1}' %}}" * 2 for n in range(40)} | {"partials/p40": "x"}
MUTUAL: Files = {"partials/a": "{% include 'b' %}", "partials/b": "{% include 'a' %}"}
LAUGHS = "".join(f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 20))
MERGES = "".join(f"  m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}], k{n}: 1}}\n" for n in range(1, 20))

CASES: dict[str, Case] = {
    # numbers
    "a power of powers": template("{{ 9**(9**9) }}", place="7:13"),
    "powers without brackets": template("{{ 9**9**9 }}", place="7:13"),
    "a power in a set": template("{% set a = 9**9**9 %}x", place="7:21"),
    "a power nobody renders": template("{% if false %}{{ 9**9**9 }}{% endif %}x", place="7:27"),
    "a power of a row": in_row("{{ (x | int) ** 999999999 }}", "vars: {x: 99}\n"),
    "a number to round": in_row("{{ 1.5 | round(999999999) }}"),
    "a Decimal to round": Case(
        GOOD + "  name: '{{ (n ** 900000) | round(0, \"ceil\") }}'\n"
        "recipients: {columns: {n: {type: number}}, rows: [{n: 10}]}\n", "7:14", "MSG407", in_row=True),
    "a number of a base": in_row("{{ ('z' * 900) | int(0, 36) }}"),
    # texts
    "a long text": template("{{ 'a' * 999999999 }}", place="7:13"),
    "a long text nobody renders": template("{% if false %}{{ 'a' * 999999999 }}{% endif %}x", place="7:27"),
    "a width of %": template("{{ '%999999999d' % 1 }}", "MSG404"),
    "a width of format": template("{{ '{:999999999}'.format(1) }}"),
    "the filter format": template("{{ '%999999999d' | format(1) }}", "MSG403"),
    "center": in_row("{{ 'x' | center(999999999) }}"),
    "ljust": template("{{ 'x'.ljust(999999999) }}"),
    "indent": in_row("{{ 'x\\n' | indent(999999999) }}"),
    "wordwrap": in_row("{{ ('x' * 9999) | wordwrap(1, wrapstring='y' * 9999) }}"),
    "batch": in_row("{{ [1] | batch(999999999, 'x') }}"),
    "slice": in_row("{{ [1] | slice(999999999, 'x') }}"),
    "replace": in_row("{{ ('a' * 9999) | replace('a', 'b' * 9999) }}"),
    "join": in_row("{{ (('a' * 9999) | list) | join('b' * 9999) }}"),
    "texts that double": in_row("{% set a = 'xx' %}" + "{% set a = a ~ a %}" * 60 + "{{ a }}"),
    "lists that double": in_row(DOUBLING + "{{ a }}"),
    "namespaces": template("{% set n = namespace(a='x') %}{{ n.a }}", "MSG402"),
    "lipsum": template("{{ lipsum(n=99999) }}", "MSG402"),
    # loops
    "a long range": template("{% for a in range(999999999) %}{% endfor %}", "MSG402"),
    "loops in loops": in_row(LOOPS, VARS),
    "loops over a row's own value": in_row(LOOPS, "recipients: {rows: [{x: " + "y" * 1000 + "}]}\n"),
    "loops in every field": Case(fields(1500, "@" + LOOPS, VARS), "", "MSG407", in_row=True),
    "loops in every row": Case(
        GOOD + f"  name: '{LOOPS}'\nrecipients: {{rows: ["
        + ", ".join(f"{{x: {'y' * 100}{n}}}" for n in range(2000)) + "]}\n", "", "MSG407", in_row=True),
    "rows that stay just below": Case(
        GOOD + f"  name: '{FEW_STEPS}'\nrecipients: {{rows: ["
        + ", ".join(f"{{x: {'y' * 140}{n}}}" for n in range(2000)) + "]}\n", "", "MSG407", in_row=True),
    "a walk for every item": in_row("{{ x | list | select('in', x | list) | list }}", "vars: {x: " + "x" * 9000 + "}\n"),
    "macros that call themselves": in_row("{% macro m() %}{{ m() ~ m() }}{% endmacro %}{{ m() }}"),
    "a recursive loop": template("{% for a in [1] recursive %}{{ loop([a]) }}{% endfor %}"),
    # partials
    "includes that double": Case(GOOD + "  name: \"{% include 'p0' %}\"\n", "7:21", "MSG407", in_row=True, files=INCLUDES),
    "includes in a circle": Case(GOOD + "  name: \"{% include 'a' %}\"\n", "7:21", "MSG407", in_row=True, files=MUTUAL),
    "a partial above": template("{% include '../../../etc/passwd' %}", "MSG410", "7:21"),
    "a partial from the root": template("{% include '/etc/passwd' %}", "MSG410", "7:21"),
    "a partial that is a link": template("{% include 'p' %}", "MSG410")._replace(files={"partials/p": link("/etc/passwd")}),
    "partials that are a link": template("{% include 'passwd' %}", "MSG410")._replace(files={"partials": link("/etc")}),
    "a partial that is a pipe": template("{% include 'p' %}", "MSG410")._replace(files={"partials/p": os.mkfifo}),
    "a partial that never ends": template("{% include 'p' %}", "MSG410")._replace(files={"partials/p": link("/dev/zero")}),
    "large partials": Case(
        fields(20, "".join(f'{{% include "p{n}" %}}' for n in range(10)), "vars: {a: x}\n"),
        "", "MSG407", in_row=True, files={f"partials/p{n}": f"{n}" + "{{a}}" * 3000 for n in range(10)}),
    # templates
    "300 ifs": template("{% if 1 %}" * 300 + "x" + "{% endif %}" * 300),
    "40 KB of an expression": template("{{ 1" + " + 1" * 10_000 + " }}"),
    "10,000 filters": template("{{ 1" + "|d" * 10_000 + " }}"),
    "5,000 brackets": template("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}"),
    "5,000 nots": template("{{ " + "not " * 5000 + "1 }}"),
    "comments that do not end": Case(fields(7, "{#" * 16_000), "", "MSG401"),
    "expressions that do not end": Case(fields(7, "{{" * 16_000), "", "MSG407"),
    "filters that are none": Case(fields(1200, "@{{ 1 | zz@ | yy@ | xx@ }}"), "", "MSG403"),
    "names that are none": Case(fields(8, "{{ zz@ }}" * 3000), "", "MSG402"),
    "templates of names": Case(fields(8, "@" + "{{a}}" * 3000, "vars: {a: x}\n")),
    # ways out
    **{
        f"a way out: {source}": template("{{ " + source + " }}", code, in_row=late)
        for source, code, late in (
            ("'a'.__class__", "MSG407", False),
            ("'a'['__class__']", "MSG407", False),
            ("'a'['__cl' ~ 'ass__']", "MSG609", True),
            ("'a' | attr('__class__')", "MSG403", False),
            ("'{0.__class__}'.format(1)", "MSG407", False),
            ("['a'] | map(attribute='__class__') | list", "MSG407", False),
            ("['a'] | map(attribute='x.__class__') | list", "MSG609", True),
            ("['a'] | selectattr('__class__') | list", "MSG407", False),
            ("['a'] | groupby('__class__') | list", "MSG407", False),
            ("['a'] | sort(attribute='__class__') | list", "MSG407", False),
            ("['a'] | sum(attribute='__class__')", "MSG407", False),
            ("self.__init__.__globals__", "MSG407", False),
            ("cycler.__init__", "MSG407", False),
        )
    },
    # YAML
    "a billion laughs": Case(f"{GOOD}vars:\n  l0: &l0 [lol]\n{LAUGHS}", "", "MSG110"),
    "merges of merges": Case(f"{GOOD}vars:\n  m0: &m0 {{a: 1}}\n{MERGES}", "", "MSG110"),
    "a long text of many names": Case(
        GOOD + "vars: {a: &t " + "x" * 30_000 + ", b: [" + "*t, " * 40_000 + "]}\n", "", "MSG110"),
    "a long key of many rows": Case(
        GOOD + "vars: {? &k " + "a" * 200_000 + "\n : 1}\nrecipients: {rows: [" + "{*k : 1}, " * 30_000 + "]}\n",
        "", "MSG110"),
    "a long key many times": Case(
        GOOD + "vars: {? &k " + "a" * 500_000 + "\n : 1, " + "*k : 1, " * 50_000 + "}\n", "", "MSG110"),
    "60,000 lists": Case("a: " + "[" * 60_000, "1:67", "MSG110"),
    "60,000 mappings": Case("a: " + "{a: " * 60_000, "1:256", "MSG110"),
    "60,000 blocks": Case("- " * 60_000, "1:129", "MSG110"),
    "400,000 complex keys": Case("? " * 400_000, "1:129", "MSG110"),
    "a circle": Case(GOOD + "vars: {a: &a [*a]}\n", "7:15", "MSG101"),
    "a tag of Python": Case(GOOD + "  name: !!python/object/apply:os.system [id]\n", "7:9", "MSG101"),
    "60,000 directives": Case("".join(f"%TAG !a{n}! x\n" for n in range(60_000)) + "---\n" + GOOD, "21:1", "MSG110"),
    "40,000 anchors": Case("vars:\n" + "".join(f" k{n}: &a{n} 1\n" for n in range(40_000)) + GOOD, "", "MSG110"),
    "40,000 keys": Case(GOOD + "".join(f"k{n}: 1\n" for n in range(40_000)), "", "MSG110"),
    "100,000 equal keys": Case(GOOD + "a: 1\n" * 100_000, "8:1", "MSG102"),
    "40,000 tags": Case(GOOD + "x: [" + "!!x a, " * 40_000 + "]\n", "", "MSG101"),
    "1,000,000 keys": Case("".join(f"k{n}: 1\n" for n in range(1_000_000)), "1:1", "MSG110"),
    "100,000 rows": Case(GOOD + "recipients:\n  rows:\n" + "  - {}\n" * 100_000, "", "MSG110"),
    "1,000,000 lines": Case(GOOD + "\n" * 1_000_000),
    "30 MB of comments": Case(GOOD + "# x\n" * 7_500_000, "1:1", "MSG110"),
    "30 MB of a scalar": Case(HEAD + "  text: " + "x" * 30_000_000, "1:1", "MSG110"),
    "NUL": Case("spec: a\0b\n", "1:8", "MSG101"),
    "UTF-16": Case(GOOD.encode("utf-16"), "1:1", "MSG101"),
    "UTF-16 without a mark": Case(GOOD.encode("utf-16-le"), "1:1", "MSG101"),
    "UTF-32": Case(GOOD.encode("utf-32"), "1:1", "MSG101"),
    "Latin-1": Case(HEAD.encode() + b"  text: caf\xe9\n", "6:12", "MSG101"),
    "half a character": Case(HEAD + '  text: "\\ud83d"\n', "6:10", "MSG101"),
    "a day that is none": Case(GOOD + "  schedule: '{{ \"9999-99-99\" }}'\n", "", "MSG609", in_row=True),
    "comments of comments": Case(GOOD + "  name: a" + " ##" * 300_000 + "\n"),
    "50,000 suppressions": Case(GOOD + "# msgspec: ignore[\n" * 50_000),
    "100,000 codes": Case(GOOD + "# msgspec: ignore[" + "MSG203," * 100_000 + "]\n"),
    "8,000 suppressions of Jinja": Case(fields(8, "{# msgspec: ignore[MSG203] #}" * 1000)),
    # configuration
    "profiles without end": Case(GOOD, exit=2, files={"msgspec-runner.toml": "".join(f"[profiles.p{n}]\n" for n in range(30_000))}),
    "vars without end": Case(GOOD, exit=2, files={"msgspec-runner.toml": "[vars]\n" + "".join(f"v{n}=1\n" for n in range(1_000_000))}),
    # recipients
    "recipients from the root": Case(GOOD + "recipients: {file: /etc/passwd}\n", "7:20", "MSG506"),
    "recipients above": Case(GOOD + "recipients: {file: ../../x.csv}\n", "7:20", "MSG506"),
    "recipients that are a link": recipients("r.csv", link("/etc/passwd")),
    "recipients that never end": recipients("r.csv", link("/dev/zero")),
    "recipients that are a pipe": recipients("r.csv", os.mkfifo),
    "a line of 50 MB": recipients("r.csv", b"phone\n" + b"x" * 50_000_000),
    "a quote of 50 MB": recipients("r.csv", b'phone\n"' + b"x\n" * 25_000_000),
    "100,000 columns": recipients("r.csv", ",".join(f"c{n}" for n in range(100_000)) + "\n"),
    "1,000,000 columns": recipients("r.csv", ",".join(f"c{n}" for n in range(1_000_000)) + "\n"),
    "1,000,000 cells": recipients("r.csv", "phone\n" + "x," * 500_000),
    "a NUL in a cell": recipients("r.csv", "phone\na\0b\n"),
    "JSON without end": recipients("r.json", '[{"a": ' + "[" * 100_000),
    "deep JSON": recipients("r.jsonl", '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"),
    "objects of other keys": recipients(
        "r.jsonl", "\n".join("{" + ",".join(f'"k{row}_{n}": 1' for n in range(100)) + "}" for row in range(5000))),
    "a far cell": recipients("r.xlsx", workbook(f'<row r="1">{cell("A1", "a")}</row><row r="1048576">{cell("XFD1048576", "a")}</row>')),
    "a place that is none": recipients("r.xlsx", workbook(f'<row r="1">{cell("A99999999999", "a")}{cell("ZZZZZZ1", "b")}</row>')),
    "an archive bomb": recipients("r.xlsx", bomb),
}  # fmt: skip


class Answer(NamedTuple):
    """What a command did: exit code, output, words, and the most memory that it or its own processes had, in bytes."""

    code: int
    out: str
    err: str
    memory: int


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "specs").mkdir()
    (tmp_path / "msgspec-runner.toml").touch()
    return tmp_path


# A small process between the tests and the command: the peak of a child counts what its parent had when it began.
_WATCH = """
import os, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL)
os.write(2, b"\\0%d" % resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode if done.returncode >= 0 else 100 - done.returncode)
"""


def ask(root: Path, *arguments: str) -> Answer:
    """Run the command in a project, and hold it to what holds always."""
    process = subprocess.Popen(
        [sys.executable, "-ISc", _WATCH, COMMAND, *arguments],
        cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env={"PATH": os.environ["PATH"], "HOME": str(root), "PYTHONWARNINGS": "error"},
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    words, _, peak = err.decode().rpartition("\0")
    answer = Answer(process.returncode, out.decode(), words, int(peak) * (1 if sys.platform == "darwin" else 1024))
    assert "Traceback" not in words, words
    assert "panicked" not in words, words
    assert answer.code in (0, 1, 2), words
    assert answer.memory < MEMORY
    assert len(out) < 8 * 1024 * 1024
    assert "root:" not in answer.out + words
    return answer


def write(root: Path, files: Files) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            content(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())


def ask_three(root: Path) -> tuple[Answer, Answer, Answer]:
    return ask(root, "lint", "--output", "json"), ask(root, "render"), ask(root, "plan")


SMALL = [
    name
    for name, case in CASES.items()
    if case.code and not case.files and isinstance(case.spec, str) and case.spec.startswith(HEAD)
    if len(case.spec) < 10_000
]
"""Cases that can be asked about together: none of them is large, and each is found in its own file."""


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[str, tuple[Answer, Answer, Answer]]]:
    """Return a function that returns a small case's file, and the answers about it and all like it.

    What is found as a spec is written keeps ``render`` from looking at any row, so those have a project of their own.
    """
    known: dict[bool, tuple[Answer, Answer, Answer]] = {}
    files = {name: f"specs/s{number}.yaml" for number, name in enumerate(SMALL)}

    def find(name: str) -> tuple[str, tuple[Answer, Answer, Answer]]:
        kind = CASES[name].in_row
        if kind not in known:
            root = tmp_path_factory.mktemp("together")
            alike = {file: CASES[each].spec for each, file in files.items() if CASES[each].in_row is kind}
            specs = {file: str(text).replace("spec: s\n", f"spec: {Path(file).stem}\n") for file, text in alike.items()}
            write(root, {"msgspec-runner.toml": "", **specs})
            known[kind] = ask_three(root)
        return files[name], known[kind]

    return find


@pytest.mark.parametrize("name", CASES)
def test_every_command_answers(name: str, request: pytest.FixtureRequest) -> None:
    case = CASES[name]
    if name in SMALL:
        file, (linted, rendered, planned) = request.getfixturevalue("together")(name)
    else:
        root, file = request.getfixturevalue("root"), "specs/s.yaml"
        write(root, {**case.files, file: case.spec})
        linted, rendered, planned = ask_three(root)
    if case.exit == 2:
        assert {linted.code, rendered.code, planned.code} == {2}
        assert linted.err == rendered.err == planned.err
        return
    found = [item for item in json.loads(linted.out)["diagnostics"] if item["severity"] == "error"]
    errors = [item for item in found if item["file"] == file or name not in SMALL]
    if not case.code:
        assert not errors
        assert (linted.code, rendered.code, planned.code) == (0, 0, 0), rendered.err
        return
    assert linted.code == planned.code == 1
    first = next(item for item in errors if item["code"] == case.code)
    start = first["range"]["start"]
    place = f"{start['line']}:{start['col']}"
    assert place == (case.place or place)
    said = f"{file}:{place}: {case.code} {first['message']}"
    assert said in planned.out
    if case.code in ("MSG506", "MSG402"):
        assert rendered.code in (1, 2)  # `render` looks at no rows before it needs them
    elif case.in_row:
        assert rendered.code == 1
        reasons = re.findall(rf"^{re.escape(file)}: row \d+: [a-z-]+: (.+)", rendered.err, re.MULTILINE)
        assert any(reason in item["message"] for reason in reasons for item in errors), rendered.err
    else:
        assert rendered.code == 1
        assert said in rendered.err


@pytest.mark.parametrize("output", ["full", "concise", "sarif", "github", "gitlab", "junit"])
@pytest.mark.parametrize("name", ["100,000 equal keys", "names that are none", "filters that are none", "40,000 tags"])
def test_no_report_explodes(name: str, output: str, root: Path) -> None:
    write(root, {"specs/s.yaml": CASES[name].spec})
    assert ask(root, "lint", "--output", output).code == 1


@pytest.mark.parametrize(
    "spec",
    [
        GOOD + "".join(f"k{n}: {{{{ a }}}}\n" for n in range(40_000)),
        GOOD + "".join(f"k{n}: {{{{ a }}}} b\n" for n in range(40_000)),
        fields(1200, "a").replace("'a'", "0123"),
        fields(8, "{{ fist_name }}" * 1500, "vars: {first_name: x}\n"),
        GOOD + "# msgspec: ignore[MSG203]\n" * 40_000,
        fields(8, "{# msgspec: ignore[MSG203] #}" * 1000),
    ],
    ids=["unquoted", "unquoted and more", "numbers", "misspelt", "suppressions", "suppressions of Jinja"],
)
def test_repairs_come_to_an_end(spec: str, root: Path) -> None:
    write(root, {"specs/s.yaml": spec})
    assert ask(root, "lint", "--fix").code in (0, 1)


def test_a_spec_that_is_a_link_is_not_followed(root: Path) -> None:
    (root / "specs" / "s.yaml").symlink_to("/etc/passwd")
    for command in ("lint", "render", "plan"):
        answer = ask(root, command)
        assert answer.code == 1
        assert "MSG101" in answer.out + answer.err


def test_a_var_that_is_no_text(root: Path) -> None:
    write(root, {"specs/s.yaml": GOOD + "  name: '{{ a }}'\n"})
    for command in ("lint", "render", "plan"):
        assert ask(root, command, "--var", os.fsdecode(b"a=x\xff")).code == 2
