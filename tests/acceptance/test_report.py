"""``msgspec-runner report``: how a run went, from the ledger, in four forms."""

from __future__ import annotations

import csv
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.acceptance.project import NUMBER, Project, Result, number
from tests.acceptance.server import PATIENCE, Posted, Server, accepted, answer, refused

StartServer = Callable[..., Server]

NOTHING = {"status": "success", "data": []}
"""The answer to who asks for a list: there are no messages."""


async def say(posted: Posted) -> bytes:
    if posted.body is None:
        return answer(200, NOTHING)
    match posted.to:
        case "+16175550002":
            return refused("The number +16175550002 is <b>not</b> reachable | @team")
        case "+16175550003":
            return answer(500)
    return accepted(posted)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A run of one message accepted, one rejected, one in doubt; and a later one of another spec. To be read."""
    root = tmp_path_factory.mktemp("report")
    with ExitStack() as stack:
        project = Project(root, root, stack)
        server = stack.enter_context(Server(say))
        project.spec(4, name="one").spec(1, name="two").towards(server)
        assert project.run("send", "specs/one.yaml", "--yes").code == 3
        assert project.run("send", "specs/two.yaml", "--yes").code == 0
        yield project


@pytest.fixture(scope="module")
def run(sent: Project) -> str:
    """The first run's id."""
    return sent.run("status").out.splitlines()[1].split()[0]


def written(sent: Project, run: str, name: str, *arguments: str) -> tuple[str, Result]:
    path = sent.root / name
    path.unlink(missing_ok=True)
    result = sent.run("report", run, "-o", name, *arguments)
    assert result.code == 0, result.err
    assert result.out == ""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path.read_text(encoding="utf-8"), result


def test_the_page(sent: Project, run: str) -> None:
    text, result = written(sent, run, "report.html")
    assert result.err == f"report.html: run {run}, 2 accepted, 1 rejected, 1 in doubt\n"
    assert text.startswith("<!doctype html>")
    assert not NUMBER.search(text)
    assert "The number … is &lt;b&gt;not&lt;/b&gt; reachable | @team" in text
    url = sent.env["MSGSPEC_RUNNER_BASE_URL"]
    assert f"msgspec-runner reconcile {run} --base-url {url}</code>" in text
    assert number(2) in written(sent, run, "report.html", "--show-numbers")[0]


def test_the_commands_that_it_shows_work(sent: Project, run: str) -> None:
    text, _ = written(sent, run, "report.html")
    [ask, *_] = re.findall(r"msgspec-runner (reconcile [^<]*)</code>", text)
    asked = sent.run(*ask.split())
    assert (asked.code, "1 still in doubt" in asked.out) == (3, True)


def test_markdown_is_printed_unless_told_otherwise(sent: Project, run: str) -> None:
    printed = sent.run("report", run)
    assert (printed.code, printed.err) == (0, "")
    assert printed.out.startswith(f"## Run `{run}`: finished\n")
    assert "- **1 rejected**, HTTP 200: `The number … is <b>not</b> reachable | @team`" in printed.out
    assert not NUMBER.search(printed.out)
    text, _ = written(sent, run, "summary.md")
    assert text == printed.out
    assert sent.run("report", run, "-o", "-").out == printed.out


def test_junit_and_csv_list_the_messages(sent: Project, run: str) -> None:
    root = ET.fromstring(written(sent, run, "run.xml")[0])
    assert [root.attrib[name] for name in ("tests", "failures", "errors")] == ["4", "1", "1"]
    assert not NUMBER.search(ET.tostring(root, encoding="unicode"))
    rows = list(csv.DictReader(StringIO(written(sent, run, "run.csv")[0])))
    assert [(row["row"], row["state"], row["to"]) for row in rows] == [
        ("1", "accepted", f"'{number(1)}"),
        ("2", "rejected", f"'{number(2)}"),
        ("3", "in_doubt", f"'{number(3)}"),
        ("4", "accepted", f"'{number(4)}"),
    ]
    assert sent.run("report", run, "--output", "csv").out == (sent.root / "run.csv").read_text(encoding="utf-8")


def test_which_run(sent: Project, run: str) -> None:
    latest = sent.run("report", "latest").out
    other = sent.run("status", "latest").out.split()[0]
    ends = (run[:end] for end in range(1, len(run)))
    start = next(start for start in ends if not other.startswith(start))  # two of a second may begin alike by chance
    assert sent.run("report", start).out == sent.run("report", run).out
    assert f"`{run}`" not in latest
    assert "**1 accepted**" in latest
    assert sent.run("status", "latest").out.splitlines()[0].split()[0] in latest
    missing = sent.run("report", "19990101")
    assert (missing.code, missing.out) == (2, "")
    assert "no run 19990101" in missing.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "report.pdf"], "End the name in .html, .htm, .md, .markdown, .xml, .csv, or add --output html"),
        (["-o", "nowhere/report.html"], "nowhere/report.html: cannot be written: No such file or directory"),
        (["-o", ".", "--output", "html"], "cannot be written: Is a directory"),
        (["--output", "pdf"], "'pdf' is not one of"),
    ],
)
def test_what_cannot_be_done_is_said(sent: Project, arguments: list[str], words: str) -> None:
    result = sent.run("report", "latest", *arguments)
    assert (result.code, result.out) == (2, "")
    assert words in result.err


def test_nothing_is_written_over_what_is_read(sent: Project) -> None:
    ledger = sent.root / ".msgspec-runner" / "ledger.db"
    before = ledger.read_bytes()
    link = sent.root / "report.html"
    link.unlink(missing_ok=True)
    link.symlink_to(ledger)
    for name in (".msgspec-runner/ledger.db", "report.html"):
        result = sent.run("report", "latest", "--output", "html", "-o", name)
        assert result.code == 2
        assert "is in use by this command" in result.err
    link.unlink()
    assert ledger.read_bytes() == before


def test_a_run_is_reported_while_it_goes_on(project: Project, serve: StartServer) -> None:
    server = serve()
    server.hold()
    project.spec(30).towards(server)
    running = project.start("send", "specs", "--yes", "--concurrency", "2")
    server.wait_for(2)
    found = project.run("report", "latest")
    assert found.code == 0
    assert ": running\n" in found.out
    assert re.search(r"\*\*2[0-9] planned, [24] sending\*\*", found.out)
    assert project.run("report", "latest", "-o", "report.html").code == 0
    server.release()
    assert running.wait().code == 0
    assert "**30 accepted**" in project.run("report", "latest").out


def test_a_project_without_runs(project: Project, serve: StartServer) -> None:
    result = project.run("report", "latest")
    assert (result.code, result.out) == (2, "")
    assert "no ledger" in result.err
    project.spec(1).towards(serve())
    assert project.send("--limit", "1").code == 0
    (project.root / "empty").mkdir()
    assert project.run("ledger", "init", "--ledger", "empty/ledger.db", "--new").code == 0
    result = project.run("report", "latest", "--ledger", "empty/ledger.db")
    assert (result.code, result.out) == (2, "")
    assert "no run latest: `msgspec-runner status` lists the runs" in result.err


def test_the_ledger_that_was_named_is_in_the_commands(project: Project, serve: StartServer) -> None:
    async def lose(posted: Posted) -> bytes:
        return answer(500)

    project.spec(1).towards(serve(lose))
    assert project.send("--ledger", "my ledger.db").code == 3
    out = project.run("report", "latest", "--ledger", "my ledger.db").out
    assert re.search(r"^msgspec-runner reconcile \S+ --base-url \S+ --ledger 'my ledger.db'$", out, re.MULTILINE)


def test_what_was_decided_afterwards(project: Project, serve: StartServer) -> None:
    async def lose(posted: Posted) -> bytes:
        return answer(500) if posted.body is not None else answer(200, NOTHING)

    project.spec(2).towards(serve(lose))
    assert project.send().code == 3
    key = project.messages()[0]["key"]
    assert project.run("reconcile", "--release", key, "--reason", "asked +16175550001 | `them`", "--yes").code == 3
    out = project.run("report", "latest").out
    assert re.search(r"- 1 message `released` by `\S+`, \S+ \S+ UTC: `` asked \+1•••••••01 \| `them` ``", out)
    assert "1 message released: the next `send` texts it again." in out


def test_it_loads_only_what_its_form_needs(sent: Project, tmp_path: Path) -> None:
    program = (
        "import sys\nfrom msgspec_runner.__main__ import main\ncode = main()\n"
        "print(code, *sorted({'rich', 'svg', 'jinja2', 'aiohttp', 'asyncio'} & set(sys.modules)), file=sys.stderr)"
    )
    found = {}
    for form in ("markdown", "junit", "csv", "html"):
        done = subprocess.run(
            [sys.executable, "-c", program, "report", "latest", "--output", form],
            cwd=sent.root,
            env=sent.env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        found[form] = done.stderr.split()
    assert found == {"markdown": ["0"], "junit": ["0"], "csv": ["0"], "html": ["0", "jinja2", "svg"]}
