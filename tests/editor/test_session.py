"""The server as an editor has it: a process, its protocol, and time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.editor.client import CAPABILITIES, ROWS, Client, codes, has, many, place
from tests.editor.texts import CONFIG, PEOPLE, SPEC


def test_diagnostics_as_you_type(shared: Client, root: Path) -> None:
    uri = shared.open(root / "specs/hello.yaml")
    assert codes(shared.diagnostics(uri, when=has("MSG409"))) == ["MSG409"]
    shared.change(uri, SPEC.replace("{{ clinic }}", "😀{{ clinik }}"))
    found = shared.diagnostics(uri)
    [item] = [item for item in found if item["code"] == "MSG402"]
    assert item["range"] == {"start": {"line": 6, "character": 41}, "end": {"line": 6, "character": 47}}
    assert (item["severity"], item["source"]) == (1, "msgspec-runner")
    assert item["message"] == "`clinik` is no column and no var; did you mean `clinic`?"
    page = item["codeDescription"]["href"]
    assert page.startswith("file:///")
    assert Path(page.removeprefix("file://")).is_file()
    shared.change(uri, SPEC)
    assert codes(shared.diagnostics(uri)) == ["MSG409"]
    shared.close(uri)
    shared.wait_for(lambda: shared.shown[-1] == {"uri": uri, "diagnostics": []})


def test_a_cell_is_a_place_to_go_to(shared: Client, root: Path) -> None:
    (root / "people.csv").write_text(PEOPLE.replace("+16175551213", "12"), encoding="utf-8")
    uri = shared.open(root / "specs/hello.yaml")
    [item] = [item for item in shared.diagnostics(uri, when=has("MSG503")) if item["code"] == "MSG503"]
    assert item["relatedInformation"] == [
        {
            "location": {
                "uri": (root / "people.csv").as_uri(),
                "range": {"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 2}},
            },
            "message": "row 2, column `phone`",
        }
    ]
    shared.close(uri)


def test_questions_over_the_wire(shared: Client, root: Path) -> None:
    uri = shared.open(root / "specs/hello.yaml")
    found = shared.ask("textDocument/completion", place(uri, 4, 11))["items"]
    assert [item["label"] for item in found][:2] == ["phone", "first_name"]
    assert found[1]["textEdit"] == {
        "range": {"start": {"line": 4, "character": 10}, "end": {"line": 4, "character": 15}},
        "newText": "first_name",
    }
    assert "What to call" in found[1]["documentation"]["value"]
    hover = shared.ask("textDocument/hover", place(uri, 5, 4))
    assert hover["contents"]["kind"] == "markdown"
    assert "Hi Eve, see you at Elm Street on 10 March.\n" in hover["contents"]["value"]
    assert hover["range"] == {"start": {"line": 5, "character": 2}, "end": {"line": 5, "character": 6}}
    assert shared.ask("textDocument/hover", place(uri, 0, 8)) is None
    [target] = shared.ask("textDocument/definition", place(uri, 11, 8))
    assert target["uri"] == (root / "people.csv").as_uri()
    shared.close(uri)


def test_repairs_over_the_wire(shared: Client, root: Path) -> None:
    text = SPEC.replace('    {% include "signature.txt" %}\n', "").replace("text: |-", "text: |")
    uri = shared.open(root / "specs/hello.yaml", text)
    found = shared.diagnostics(uri, when=has("MSG106"))
    [finding] = [item for item in found if item["code"] == "MSG106"]

    def actions(only: list[str] | None, at: dict[str, Any]) -> list[dict[str, Any]]:
        context: dict[str, Any] = {"diagnostics": []} if only is None else {"diagnostics": [], "only": only}
        params = {"textDocument": {"uri": uri}, "range": at, "context": context}
        answer: list[dict[str, Any]] = shared.ask("textDocument/codeAction", params)
        return answer

    here = actions(["quickfix"], finding["range"])
    assert [item["title"] for item in here] == [
        "Write |- (MSG106)",
        "Suppress MSG106 here with a comment",
        "Suppress MSG106 in the whole file",
    ]
    assert here[0]["isPreferred"] is True
    assert [item["code"] for item in here[0]["diagnostics"]] == ["MSG106"]
    assert here[0]["edit"]["documentChanges"] == [
        {
            "textDocument": {"uri": uri, "version": 1},
            "edits": [{"range": finding["range"], "newText": "|-"}],
        }
    ]
    everything = {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}}
    assert [item["title"] for item in actions(["source.fixAll"], everything)] == ["Fix all that is safe to fix (1)"]
    assert actions(["source.organizeImports"], everything) == []
    shared.change(uri, "# new\n" + text)
    assert actions(None, finding["range"]) in (None, []), "of the new version nothing is known yet"
    shared.diagnostics(uri)
    nowhere = {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 0}}
    assert [item["kind"] for item in actions(None, nowhere)] == ["source.fixAll"]
    shared.close(uri)


def test_what_is_open_is_what_counts(shared: Client, root: Path) -> None:
    uri = shared.open(root / "specs/hello.yaml")
    shared.diagnostics(uri)
    partial = shared.open(root / "partials/signature.txt", "{{ kompany }}")
    shared.diagnostics(uri, when=has("MSG402", "kompany"))
    shared.change(partial, "{{ company }}")
    shared.diagnostics(uri, when=lambda found: not has("MSG402")(found))
    (root / "specs/another.yaml").write_text(SPEC.replace("spec: hello", "spec: another"), encoding="utf-8")
    other = shared.open(root / "specs/another.yaml", SPEC)
    shared.diagnostics(uri, when=has("MSG209"))
    new = shared.open(root / "specs/zoo.yaml", SPEC)
    shared.diagnostics(new, when=has("MSG209"))
    shared.close(new)
    shared.change(other, SPEC.replace("spec: hello", "spec: another"))
    shared.diagnostics(uri, when=lambda found: not has("MSG209")(found))
    shared.change(other, SPEC)
    shared.diagnostics(uri, when=has("MSG209"))
    shared.close(other)
    shared.diagnostics(uri, when=lambda found: not has("MSG209")(found))
    shared.close(partial)
    shared.close(uri)


def test_files_that_change_beside_the_editor(shared: Client, root: Path) -> None:
    uri = shared.open(root / "specs/hello.yaml")
    shared.diagnostics(uri, when=lambda found: not has("MSG503")(found))

    def tell(name: str) -> None:
        changes = [{"uri": (root / name).as_uri(), "type": 2}]
        shared.tell("workspace/didChangeWatchedFiles", {"changes": changes})

    (root / "people.csv").write_text(PEOPLE.replace("+16175551213", "12"), encoding="utf-8")
    tell("people.csv")
    shared.diagnostics(uri, when=has("MSG503"))
    (root / "msgspec-runner.toml").write_text(f'ignore = ["MSG5"]\n{CONFIG}', encoding="utf-8")
    tell("msgspec-runner.toml")
    shared.diagnostics(uri, when=lambda found: not has("MSG503")(found))
    (root / "msgspec-runner.toml").write_text("nonsense = 1", encoding="utf-8")
    tell("msgspec-runner.toml")
    [trouble] = shared.diagnostics(uri, when=lambda found: len(found) == 1 and "nonsense" in found[0]["message"])
    assert trouble["severity"] == 1
    shared.close(uri)


def test_several_projects_each_with_its_own_configuration(shared: Client, root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "specs").mkdir(parents=True)
    (other / "msgspec-runner.toml").write_text('[vars]\nclinik = "Oak"\n', encoding="utf-8")
    text = 'spec: a\nmessage: {provider: twlo, channel_key: k, to: "+16175551212", text: "{{ clinik }}"}\n'
    mine, theirs = shared.open(root / "specs/a.yaml", text), shared.open(other / "specs/a.yaml", text)
    assert codes(shared.diagnostics(mine)) == ["MSG402"]
    assert codes(shared.diagnostics(theirs)) == []
    shared.close(mine)
    shared.close(theirs)


def test_what_is_no_spec_and_what_is_no_file(shared: Client, root: Path) -> None:
    workflow = shared.open(root / ".github/workflows/ci.yaml", "on: push\n")
    assert shared.diagnostics(workflow) == []
    assert shared.ask("textDocument/completion", place(workflow, 0, 1))["items"] == []
    assert shared.ask("textDocument/hover", place(workflow, 0, 1)) is None
    untitled = {"uri": "untitled:Untitled-1", "languageId": "yaml", "version": 1, "text": SPEC}
    shared.tell("textDocument/didOpen", {"textDocument": untitled})
    assert shared.ask("textDocument/hover", place("untitled:Untitled-1", 0, 0)) is None
    assert shared.ask("textDocument/completion", place((root / "never-opened.yaml").as_uri(), 0, 0)) is None
    shared.close(workflow)


def test_a_name_with_odd_characters(shared: Client, root: Path) -> None:
    path = root / "specs/grüße #1 & 100%.yaml"
    uri = shared.open(path, SPEC.replace("{{ clinic }}", "{{ clinik }}"))
    shared.diagnostics(uri, when=has("MSG402"))
    shared.close(uri)


def test_recipients_do_not_keep_who_types_waiting(own: Client, root: Path) -> None:
    many(root)
    own.begin()
    text = SPEC.replace("{{ clinic }}", "{{ clinik }}")
    uri = own.open(root / "specs/hello.yaml", text)
    first = own.diagnostics(uri)
    assert "MSG402" in codes(first)
    assert "MSG503" not in codes(first), "the recipients were read sooner than the test can look"
    # While they are read, questions are answered, and what was typed since replaces what is under way.
    assert own.ask("textDocument/completion", place(uri, 4, 11))["items"]
    own.change(uri, SPEC)
    assert "MSG402" not in codes(own.diagnostics(uri))
    whole = own.diagnostics(uri, when=has("MSG503"))
    assert "MSG402" not in codes(whole)
    [item] = [item for item in whole if item["code"] == "MSG503"]
    assert item["relatedInformation"][0]["location"]["range"]["start"] == {"line": ROWS + 1, "character": 0}
    assert own.log == ""


def test_nothing_is_ever_said_of_another_version(shared: Client, root: Path) -> None:
    own, before = shared, len(shared.shown)
    uri = own.open(root / "specs/hello.yaml")
    for number in range(30):
        own.change(uri, SPEC.replace("{{ clinic }}", f"{{{{ name{number} }}}}"))
    own.diagnostics(uri, when=has("MSG402", "name29"))
    for shown in own.shown[before:]:
        if shown["uri"] == uri and shown["version"] > 1:
            assert all(
                f"`name{shown['version'] - 2}`" in item["message"]
                for item in shown["diagnostics"]
                if item["code"] == "MSG402"
            )
    assert len(own.shown) - before < 30, "typing is not waited for"


def test_recipients_that_take_too_long_are_given_up(own: Client, root: Path) -> None:
    many(root)
    own.begin(options={"rowSeconds": 0.05})
    uri = own.open(root / "specs/hello.yaml", SPEC.replace("{{ clinic }}", "{{ clinik }}"))
    own.wait_for(lambda: "took more than 0.05 s" in own.log, "it was never given up")
    assert "MSG402" in codes(own.diagnostics(uri))
    assert own.ask("textDocument/hover", place(uri, 5, 4)) is not None


def test_a_small_spec_goes_before_a_large_one(shared: Client, root: Path) -> None:
    own = shared
    many(root)
    large = own.open(root / "specs/hello.yaml")
    own.diagnostics(large)
    text = (
        'spec: a\nmessage: {provider: twlo, channel_key: k, to: "{{ p }}", text: Hi}\nrecipients: {rows: [{p: 12}]}\n'
    )
    small = own.open(root / "specs/small.yaml", text)
    own.diagnostics(small, when=has("MSG503"))
    assert "MSG503" not in codes(own.diagnostics(large)), "the large one was read sooner than the test can look"
    own.diagnostics(large, when=has("MSG503"))


def test_settings_at_the_beginning_and_later(own: Client, root: Path) -> None:
    with (root / "msgspec-runner.toml").open("a", encoding="utf-8") as config:
        config.write('[profiles.live.vars]\nclinik = "Elm"\n[profiles.test]\n')
    own.begin(options={"profile": "live", "showData": True})
    uri = own.open(root / "specs/hello.yaml", SPEC.replace("{{ clinic }}", "{{ clinik }}"))
    assert "MSG402" not in codes(own.diagnostics(uri))
    assert "`Ann`" in own.ask("textDocument/hover", place(uri, 6, 12))["contents"]["value"]
    settings = {"msgspec-runner": {"profile": "test", "showData": False, "rowSeconds": "many"}}
    own.tell("workspace/didChangeConfiguration", {"settings": settings})
    own.diagnostics(uri, when=has("MSG402"))
    assert "`Ann`" not in own.ask("textDocument/hover", place(uri, 6, 12))["contents"]["value"]
    own.tell("workspace/didChangeConfiguration", {"settings": None})
    own.tell("workspace/didChangeConfiguration", {"settings": ["odd", {"showData": 1}]})
    assert own.ask("textDocument/hover", place(uri, 6, 12)) is not None


def test_settings_that_the_client_is_asked_for(own: Client, root: Path) -> None:
    own.reply = lambda message: [{"showData": True}] if message["method"] == "workspace/configuration" else None
    workspace = {"configuration": True, "didChangeWatchedFiles": {"dynamicRegistration": True}}
    general = {"positionEncodings": ["utf-8", "utf-16"]}
    can = own.begin({**CAPABILITIES, "workspace": workspace, "general": general})
    assert can["positionEncoding"] == "utf-8", "what the client likes best"
    own.wait_for(lambda: len(own.asked) >= 2)
    assert [item["method"] for item in own.asked] == ["client/registerCapability", "workspace/configuration"]
    [registration] = own.asked[0]["params"]["registrations"]
    assert registration["method"] == "workspace/didChangeWatchedFiles"
    assert "**/*.{csv,tsv,json,jsonl,ndjson,xlsx}" in [
        each["globPattern"] for each in registration["registerOptions"]["watchers"]
    ]
    uri = own.open(root / "specs/hello.yaml", SPEC.replace("{{ clinic }}", "😀{{ clinik }}"))
    [item] = [item for item in own.diagnostics(uri) if item["code"] == "MSG402"]
    assert item["range"]["start"]["character"] == 43
    own.wait_for(lambda: "`Ann`" in own.ask("textDocument/hover", place(uri, 6, 12))["contents"]["value"])


def test_a_client_that_can_do_little(own: Client, root: Path) -> None:
    own.begin({})
    (root / "people.csv").write_text(PEOPLE.replace("+16175551213", "12"), encoding="utf-8")
    text = SPEC.replace('    {% include "signature.txt" %}\n', "").replace("text: |-", "text: |")
    uri = own.open(root / "specs/hello.yaml", text.replace("{{ clinic }}", "😀{{ clinik }}"))
    [name] = [item for item in own.diagnostics(uri) if item["code"] == "MSG402"]
    assert name["range"]["start"]["character"] == 41, "without a word about it, clients count UTF-16"
    own.change(uri, text)
    found = own.diagnostics(uri, when=has("MSG503"))
    assert not any("relatedInformation" in item for item in found)
    [finding] = [item for item in found if item["code"] == "MSG106"]
    context = {"diagnostics": [finding], "only": ["quickfix"]}
    params = {"textDocument": {"uri": uri}, "range": finding["range"], "context": context}
    assert own.ask("textDocument/codeAction", params)[0]["edit"]["changes"][uri]
    # It tells of no files that change, so that they are looked at when something is saved.
    (root / "people.csv").write_text(PEOPLE, encoding="utf-8")
    own.tell("textDocument/didSave", {"textDocument": {"uri": uri}})
    own.diagnostics(uri, when=lambda found: not has("MSG503")(found))
