"""``--since REF``: what a change means for the people who get the messages, in real repositories."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.project import Project, number
from tests.acceptance.server import Server
from tests.git.repo import PERSON, Repo

StartServer = Callable[..., Server]
PARTY = "\N{PARTY POPPER}"


@pytest.fixture
def repo(project: Project) -> Repo:
    """The project's repository; git knows nobody's settings."""
    project.env |= {name: value for name, value in PERSON.items() if name.startswith("GIT_CONFIG")}
    project.write(".gitignore", ".msgspec-runner/\n")
    return Repo(project.root)


def plan(project: Project, *arguments: str, code: int = 0) -> Any:
    result = project.run("plan", "--since", "main", "--output", "json", *arguments)
    assert result.code == code, result.err
    return result.json


def test_what_a_change_means_against_the_ledger(project: Project, repo: Repo, serve: StartServer) -> None:
    """Four got it. One of them gets other words, one asked not to be texted, two are new, one of these is on the list."""
    repo.spec(rows=4)
    repo.write("msgspec-runner.toml", 'suppressions = ["stop.txt"]\n')
    repo.write("stop.txt", "+16175559999\n")
    repo.commit()
    project.towards(serve())
    assert project.run("send", "specs", "--yes").code == 0
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.rows("specs/hello.csv", 3, f"{number(4)},Dora", f"{number(5)},P5", f"{number(6)},P6", "+16175559999,Stop")
    repo.commit()

    text = project.run("plan", "--since", "main")
    assert (text.code, text.err) == (0, "")
    assert text.out == (
        f"1 of 1 spec changed since main (merge base {repo.git('rev-parse', 'main')[:10]})\n"
        "\n"
        "hello (edition 1)  specs/hello.yaml: specs/hello.csv changed\n"
        "  +2 new, 3 already sent, 1 changed (not re-sent), 1 suppressed; 4 → 6 segments, 2 of them to send\n"
        "  recipients: 3 added, 1 with another message, 3 with the same message\n"
        "  samples: the same messages as before\n"
    )
    report = plan(project)
    assert report["since"] == {"ref": "main", "commit": repo.git("rev-parse", "main")}
    assert report["ledger"] is True
    [spec] = report["specs"]
    assert (spec["spec"], spec["file"], spec["change"], spec["because"]) == (
        "hello",
        "specs/hello.yaml",
        "changed",
        ["specs/hello.csv"],
    )
    assert {name: value for name, value in spec["before"].items() if value} == {"sent": 4}
    assert {name: value for name, value in spec["after"].items() if value} == {
        "new": 2,
        "sent": 3,
        "changed": 1,
        "suppressed": 1,
    }
    assert spec["segments"] == {"before": 4, "after": 6, "to_send": 2}
    assert spec["recipients"] == {"added": 3, "removed": 0, "reworded": 1, "same": 3}
    assert report["totals"]["after"] == spec["after"]

    # What was said is what happens.
    sent = project.run("send", "specs", "--yes")
    assert sent.code == 0
    assert "2 accepted" in sent.out + sent.err


def test_without_a_ledger_the_numbers_are_upper_bounds(project: Project, repo: Repo) -> None:
    repo.spec(rows=4)
    repo.commit()
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.spec(rows=5, text=f"Hi {{{{ name }}}} {PARTY}" + "x" * 70)
    text = project.run("plan", "--since", "main").out
    assert "no ledger: upper bounds, as if nobody got anything yet\n" in text
    assert "  5 new (+1); 4 → 10 segments\n" in text
    assert "  sample 1: 1 → 2 segments (GSM-7 → UCS-2)\n    - text: Hi Ann\n    + text: Hi Ann" in text
    markdown = project.run("plan", "--since", "main", "--output", "markdown").out
    assert markdown.startswith("**5 new (+1); 4 → 10 segments**\n")
    assert "There is no ledger: upper bounds" in markdown
    assert not (project.root / ".msgspec-runner").exists()


def test_rows_are_shown_only_when_asked_for_and_numbers_never(project: Project, repo: Repo) -> None:
    secret = "Zoltan-Quill"
    repo.spec(rows=1)
    repo.write(
        "specs/inline.yaml",
        (repo.root / "specs/hello.yaml")
        .read_text()
        .replace("spec: hello", "spec: inline")
        .replace("file: hello.csv", f'rows: [{{phone: "{number(8)}", name: {secret}}}]'),
    )
    repo.rows("specs/hello.csv", 1, f"{number(9)},{secret}")
    repo.commit()
    for name in ("hello", "inline"):
        repo.replace(f"specs/{name}.yaml", "Hi ", "Hello ")
    for output in ("text", "json", "markdown"):
        shown = project.run("plan", "--since", "main", "--output", output)
        assert secret not in shown.out + shown.err
        assert "Hello Ann" in shown.out
        asked = project.run("plan", "--since", "main", "--output", output, "--show-data")
        assert asked.out.count(f"Hello {secret}") == 2
        assert number(8) not in asked.out
        assert number(9) not in asked.out
        assert "+16175551212" not in shown.out + asked.out


def test_a_raised_edition_sends_again_and_says_so(project: Project, repo: Repo, serve: StartServer) -> None:
    repo.spec(rows=3)
    repo.commit()
    project.towards(serve())
    assert project.run("send", "specs", "--yes").code == 0
    repo.spec(rows=4, edition=2)
    text = project.run("plan", "--since", "main").out
    assert "hello (edition 2)" in text
    assert "  +4 new; 3 → 4 segments\n" in text
    assert "  recipients: 1 added, 3 with the same message\n" in text
    assert "  edition 1 → 2: whoever got it gets it again\n" in text


def test_a_rename_changes_nothing_and_another_id_does(project: Project, repo: Repo, serve: StartServer) -> None:
    repo.spec(rows=3)
    repo.commit()
    project.towards(serve())
    assert project.run("send", "specs", "--yes").code == 0
    repo.git("mv", "specs/hello.yaml", "specs/hallo.yaml")
    [renamed] = plan(project)["specs"]
    assert (renamed["change"], renamed["file_before"], renamed["after"]["sent"]) == ("renamed", "specs/hello.yaml", 3)
    assert (
        "renamed from specs/hello.yaml; its id stays, so nothing is sent again"
        in project.run("plan", "--since", "main").out
    )
    repo.replace("specs/hallo.yaml", "spec: hello", "spec: hallo")
    repo.git("mv", "specs/hallo.yaml", "specs/hello.yaml")
    [other] = plan(project)["specs"]
    assert (other["change"], other["after"]["new"]) == ("new", 3)
    assert (
        "its id was hello and is hallo, so to the ledger nobody got it yet"
        in project.run("plan", "--since", "main").out
    )


def test_what_is_deleted_is_told(project: Project, repo: Repo) -> None:
    repo.spec(rows=3)
    repo.commit()
    repo.git("rm", "--quiet", "specs/hello.yaml")
    assert plan(project)["specs"][0]["change"] == "deleted"
    text = project.run("plan", "--since", "main").out
    assert "no spec changed, 1 deleted since main" in text
    assert "hello (edition 1)  specs/hello.yaml: deleted\n  0 new (-3); 3 → 0 segments\n" in text
    lint = project.run("lint", "--since", "main")
    assert (lint.code, lint.out) == (0, "")
    assert "specs/hello.yaml: deleted" in lint.err
    repo.commit()
    assert project.run("plan", "--since", "HEAD").code == 4


def test_nothing_changed_is_said(project: Project, repo: Repo) -> None:
    repo.spec()
    repo.commit()
    assert project.run("plan", "--since", "main").out.startswith("no spec changed since main")
    assert project.run("plan", "--since", "main", "--output", "markdown").out.startswith(
        "**No message changes** since `main`"
    )
    assert plan(project)["specs"] == []
    lint = project.run("lint", "--since", "main", "--output", "json")
    assert lint.json["summary"] == {"files": 0, "errors": 0, "warnings": 0, "infos": 0}


def test_recipients_that_are_not_here_leave_the_samples(project: Project, repo: Repo) -> None:
    """They are kept out of git, and this is a CI's clone."""
    repo.write(".gitignore", "*.csv\n")
    repo.spec()
    (repo.root / "specs/hello.csv").unlink()
    repo.commit()
    repo.replace("specs/hello.yaml", "Hi", "Hello")
    text = project.run("plan", "--since", "main")
    assert text.code == 0
    assert "  not planned\n  its recipients are not here (kept out of git?): samples only\n" in text.out
    assert "    - text: Hi Ann\n    + text: Hello Ann\n" in text.out
    assert "samples only" in project.run("plan", "--since", "main", "--output", "markdown").out


def test_recipients_that_git_does_not_keep_are_those_that_are_here(project: Project, repo: Repo) -> None:
    repo.write(".gitignore", "*.csv\n")
    repo.spec(rows=4)
    repo.commit()
    repo.replace("specs/hello.yaml", "Hi", "Hello")
    [spec] = plan(project)["specs"]
    assert (spec["before"]["new"], spec["after"]["new"], spec["recipients"]["reworded"]) == (4, 4, 4)
    assert spec["remarks"] == ["git does not keep its recipients: both versions are planned for those that are here"]


def test_recipients_of_the_command_line_are_for_both_versions(project: Project, repo: Repo, tmp_path: Path) -> None:
    repo.spec(rows=4)
    repo.commit()
    repo.replace("specs/hello.yaml", "Hi", "Hello")
    (tmp_path / "others.csv").write_text(f"phone,name\n{number(1)},A\n{number(2)},B\n")
    [spec] = plan(project, "--recipients", str(tmp_path / "others.csv"))["specs"]
    assert (spec["before"]["new"], spec["after"]["new"], spec["recipients"]["reworded"]) == (2, 2, 2)
    piped = project.run(
        "plan", "--since", "main", "--output", "json", "--recipients", "-", given=f"phone,name\n{number(1)},A\n"
    )
    assert piped.json["specs"][0]["after"]["new"] == 1


def test_a_spec_that_names_no_recipients_shows_its_samples(project: Project, repo: Repo) -> None:
    repo.spec()
    repo.replace("specs/hello.yaml", "  file: hello.csv\n", "")
    repo.commit()
    repo.replace("specs/hello.yaml", "Hi", "Hello")
    text = project.run("plan", "--since", "main").out
    assert "its recipients are named with `send --recipients`: samples only" in text
    assert "+ text: Hello Ann" in text


def test_a_list_of_suppressions_that_is_not_here_is_told(project: Project, repo: Repo) -> None:
    repo.write("msgspec-runner.toml", 'suppressions = ["stop.txt"]\n')
    repo.spec()
    repo.commit()
    repo.replace("specs/hello.yaml", "Hi", "Hello")
    report = plan(project)
    assert report["notes"] == ["stop.txt is not here (kept out of git?): nobody on it is left out of these numbers"]
    assert report["specs"][0]["after"]["new"] == 3


@pytest.mark.parametrize("output", ["text", "json", "markdown"])
def test_what_is_broken_now_hides_nothing_else(output: str, project: Project, repo: Repo) -> None:
    for name in ("a-broken", "b-sound", "c-was-broken", "d-refused"):
        repo.spec(name)
    repo.replace("specs/c-was-broken.yaml", "{{ name }}", "{{ nam }}")
    repo.commit()
    repo.replace("specs/a-broken.yaml", "{{ name }}", "{{ nam }}")
    repo.replace("specs/b-sound.yaml", "Hi", "Hello")
    repo.replace("specs/c-was-broken.yaml", "{{ nam }}", "{{ name }}")
    repo.write(
        "specs/d-refused.yaml",
        (repo.root / "specs/d-refused.yaml").read_text() + "delivery: {max_recipients: 2}\n",
    )
    result = project.run("plan", "--since", "main", "--output", output)
    assert result.code == 1
    if output == "json":
        broken, sound, was, refused = result.json["specs"]
        assert broken["broken"].startswith("specs/a-broken.yaml:7:16: MSG402 `nam` is no column")
        assert (broken["before"], broken["after"]) == (None, None)
        assert sound["after"]["new"] == 3
        assert was["remarks"][0].startswith(
            "it could not be planned as it was before: specs/c-was-broken.yaml:7:16: MSG402"
        )
        assert was["after"]["new"] == 3
        assert "more than 2 recipients, which delivery.max_recipients forbids" in refused["broken"]
    else:
        assert "it cannot be sent as it is now" in result.out
        assert "it could not be planned as it was before" in result.out
        assert "+ text: Hello Ann" in result.out
        assert "6 new (+3)" in result.out
    assert "msgspec-runner-before" not in result.out + result.err


def test_the_same_words_from_any_folder(project: Project, repo: Repo, tmp_path: Path) -> None:
    """The version before lies in a folder of its own, whose name means nothing to people."""
    repo.spec()
    repo.replace("specs/hello.yaml", "{{ name }}", "{{ nam }}")
    repo.commit()
    repo.replace("specs/hello.yaml", "{{ nam }}", "{{ name }}")
    for folder in (tmp_path, Path("/")):
        done = Project(folder, tmp_path / "home", project._stack)
        done.env = project.env | {"TMPDIR": str(tmp_path)}
        result = done.run("plan", "--since", "main", str(repo.root / "specs"))
        assert result.code == 0, result.err
        assert "as it was before: specs/hello.yaml:7:16: MSG402" in result.out
        assert "msgspec-runner-before" not in result.out
    assert [path for path in tmp_path.iterdir() if path.name.startswith("msgspec-runner")] == []


def test_partials_catalogs_and_configuration_are_those_of_the_version(project: Project, repo: Repo) -> None:
    repo.write("msgspec-runner.toml", '[vars]\nshop = "Deer Park"\n')
    repo.write("partials/end.txt", "{% include 'bye.txt' %}")
    repo.write("partials/bye.txt", "Bye!")
    repo.spec(text="{{ shop }} {{ name }} {% include 'end.txt' %}")
    repo.commit()
    repo.write("msgspec-runner.toml", '[vars]\nshop = "Elm"\n')
    repo.write("partials/bye.txt", "See you!")
    text = project.run("plan", "--since", "main").out
    assert "    - text: Deer Park Ann Bye!\n    + text: Elm Ann See you!\n" in text
    assert "the configuration and partials/bye.txt changed" in text


def test_a_sample_of_other_columns_is_shown_beside_the_old_one(project: Project, repo: Repo) -> None:
    repo.spec()
    repo.commit()
    repo.write(
        "specs/hello.yaml", (repo.root / "specs/hello.yaml").read_text().replace("name", "first").replace("Ann", "Bea")
    )
    repo.write("specs/hello.csv", f"phone,first\n{number(1)},P1\n")
    text = project.run("plan", "--since", "main").out
    assert "    - text: Hi Ann\n    + text: Hi Bea\n" in text


def test_a_message_without_recipients_is_shown(project: Project, repo: Repo) -> None:
    repo.write("specs/one.yaml", 'spec: one\nmessage: {provider: twlo, channel_key: k, to: "+16175551212", text: Hi}\n')
    repo.commit()
    repo.replace("specs/one.yaml", "text: Hi", "text: Ho")
    assert "  the message: 1 segment\n    - text: Hi\n    + text: Ho\n" in project.run("plan", "--since", "main").out


def test_lint_looks_at_what_changed_and_still_sees_all_ids(project: Project, repo: Repo) -> None:
    repo.spec("a")
    repo.spec("bad", text="Hi {{ nam }}")
    repo.commit()
    repo.replace("specs/a.yaml", "Hi", "Hello")
    lint = project.run("lint", "--since", "main")
    assert (lint.code, lint.out) == (0, "")
    assert lint.err == (
        f"1 of 2 specs changed since main (merge base {repo.git('rev-parse', 'main')[:10]})\n"
        "- specs/a.yaml: changed\n"
        "ok: no findings in 1 spec\n"
    )
    repo.replace("specs/a.yaml", "spec: a", "spec: bad")
    lint = project.run("lint", "--since", "main", "--output", "json")
    assert lint.code == 1
    assert [(item["file"], item["code"]) for item in lint.json["diagnostics"]] == [("specs/bad.yaml", "MSG209")]


def test_an_id_that_another_spec_has_blocks_the_plan(project: Project, repo: Repo) -> None:
    """The linter blames the second of them, which may be one that nobody touched."""
    repo.spec("a")
    repo.spec("b")
    repo.commit()
    repo.replace("specs/a.yaml", "spec: a", "spec: b")
    words = "specs/b.yaml:1:7: MSG209 `b` is the id of specs/a.yaml too"
    assert plan(project, code=1)["blocked"][0].startswith(words)
    assert f"nothing can be sent: {words}" in project.run("plan", "--since", "main").out
    assert "- **Nothing can be sent**: <code>" in project.run("plan", "--since", "main", "--output", "markdown").out


def test_lint_repairs_only_what_changed(project: Project, repo: Repo) -> None:
    for name in ("a", "b"):
        repo.spec(name)
        repo.replace(f"specs/{name}.yaml", '  text: "Hi {{ name }}"', "  text: {{ name }}")
    repo.commit()
    before = (repo.root / "specs/b.yaml").read_text()
    repo.replace("specs/a.yaml", "channel_key: ch", "channel_key: other")
    assert project.run("lint", "--since", "main", "--diff").out.count("+++ ") == 1
    assert project.run("lint", "--since", "main", "--fix").code == 0
    assert 'text: "{{ name }}"' in (repo.root / "specs/a.yaml").read_text()
    assert (repo.root / "specs/b.yaml").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("lint", "--since", "nope"), "--since nope: git knows no such commit: fetch it"),
        (("plan", "--since", "nope"), "--since nope: git knows no such commit: fetch it"),
        (("lint", "--since", "main", "--write-baseline", "x"), "leave out -, --stdin-filename, --write-baseline"),
        (("lint", "--since", "main", "-"), "leave out -, --stdin-filename, --write-baseline"),
        (("plan", "--since", "main", "--out", "x.json"), "leave out --out and --skip-invalid"),
        (("plan", "--since", "main", "--skip-invalid"), "leave out --out and --skip-invalid"),
        (("plan", "--show-data"), "--show-data: only --since shows messages"),
    ],
)
def test_what_makes_no_sense_is_exit_2(arguments: tuple[str, ...], words: str, project: Project, repo: Repo) -> None:
    repo.spec()
    repo.commit()
    result = project.run(*arguments)
    assert result.code == 2
    assert words in result.err


def test_without_a_repository_it_is_exit_2(project: Project) -> None:
    project.env["GIT_CEILING_DIRECTORIES"] = str(project.root.parent)
    project.spec()
    for command in ("lint", "plan"):
        result = project.run(command, "--since", "main")
        assert result.code == 2
        assert "is in no git repository: run this in a clone, or leave out --since" in result.err


def test_the_tree_and_the_index_stay_as_they_are(project: Project, repo: Repo) -> None:
    repo.spec()
    repo.commit()
    repo.replace("specs/hello.yaml", "Hi", "Hello")
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in repo.root.rglob("*") if path.is_file()}
    assert project.run("plan", "--since", "main").code == 0
    assert project.run("lint", "--since", "main").code == 0
    after = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in repo.root.rglob("*") if path.is_file()}
    assert before == after


def test_hostile_words_stay_words_in_markdown(project: Project, repo: Repo) -> None:
    name = "specs/@team ```\n# Big <img src=x onerror=alert(1)> | [a](http:evil) #12.yaml"
    evil = "@team ```` <script>alert(1)</script> | [a](http://evil) ~~~ </details> ::error::x"
    repo.spec("hello", text=evil)
    repo.commit()
    repo.spec("hello", text=f"{evil} {{{{ name }}}}")
    (repo.root / "specs/hello.yaml").rename(repo.root / name)
    repo.git("mv", "specs/hello.csv", "specs/@x #1.csv")
    repo.replace(name, "hello.csv", "'@x #1.csv'")
    out = project.run("plan", "--since", "main", "--output", "markdown").out
    outside = _without_code(out)
    for mark in ("@", "<img", "<script", "http", "#12", "#1", "[a]"):
        assert mark not in outside, out
    assert outside.count("<details") == outside.count("</details>") == 1
    assert "\n# " not in out
    assert all(line.startswith(("+ ", "- ")) for line in out.splitlines() if "script" in line)


@pytest.mark.parametrize("when", ["before", "now"])
def test_a_hostile_name_stays_a_name_where_a_spec_is_broken(when: str, project: Project, repo: Repo) -> None:
    name = "specs/@team <img src=x> | #12.yaml"
    repo.spec()
    (repo.root / "specs/hello.yaml").rename(repo.root / name)
    words = ("{{ nam }}", "{{ name }}") if when == "before" else ("{{ name }}", "{{ nam }}")
    repo.replace(name, "{{ name }}", words[0])
    repo.commit()
    repo.replace(name, words[0], words[1])
    out = project.run("plan", "--since", "main", "--output", "markdown").out
    assert "MSG402" in out
    assert not any(mark in _without_code(out) for mark in ("@", "<img", "#12")), out


def _without_code(markdown: str) -> str:
    """Return what a renderer takes for Markdown or HTML: neither blocks of code nor words in code."""
    from markdown_it import MarkdownIt

    kept = []
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type == "inline":
            depth = 0
            for child in token.children or ():
                if child.type == "html_inline":
                    depth += {"<code>": 1, "</code>": -1}.get(child.content, 0)
                    kept.append(child.content)
                elif child.type != "code_inline" and not depth:
                    kept.append(child.content)
                assert child.type not in {"link_open", "image"}
        elif token.type == "html_block":
            kept.append(re.sub("<code>.*?</code>", "", token.content))
        elif token.type != "fence":
            kept.append(token.content)
    return "\n".join(kept)


def test_a_json_report_is_json_whatever_the_names(project: Project, repo: Repo) -> None:
    name = os.fsdecode(b"specs/\xff.yaml")
    repo.spec()
    (repo.root / "specs/hello.yaml").rename(repo.root / name)
    repo.commit()
    repo.replace("specs/hello.csv", "P1", "P0")
    result = project.run("plan", "--since", "main", "--output", "json")
    assert json.loads(result.out)["specs"][0]["file"] == "specs/?.yaml"
