"""The Python API: the names of the contract, what they give, and what they raise."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import msgspec_runner
from msgspec_runner import lint, load_spec, render, segments
from msgspec_runner.api import RenderedMessage, SpecError
from msgspec_runner.cli import run
from msgspec_runner.diagnostics import Position
from msgspec_runner.errors import ConfigError, NoSpecError, RecipientsError, RunnerError, UsageError

WELCOME = "Hi Bob, welcome to Deer Park! Reply STOP to opt out."


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project that ``init`` makes."""
    monkeypatch.chdir(tmp_path)
    assert run(["init", "--quiet"]) == 0


def change(name: str, old: str, new: str) -> None:
    path = Path(name)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_sound_project_has_no_findings() -> None:
    assert lint() == lint("specs") == lint(Path("specs/welcome.yaml"), "specs/order-shipped.yaml") == ()


def test_findings_are_those_of_the_command_line() -> None:
    change("specs/welcome.yaml", "{{ company }}", "{{ compny }}")
    [finding] = lint("specs")
    assert (finding.code, finding.name, finding.file) == ("MSG402", "undefined-variable", "specs/welcome.yaml")
    assert finding.span.start == Position(10, 56)
    assert lint("specs", ignore=["MSG402"]) == lint("specs", select=["MSG2"]) == ()
    assert lint("specs", variables={"compny": "Elm"}) == ()


def test_lint_takes_recipients_of_its_own() -> None:
    Path("others.csv").write_text("phone,First name,Last name\n617-555-1212,Ann,Lee\n", encoding="utf-8")
    assert [finding.code for finding in lint("specs/welcome.yaml", recipients="others.csv")] == ["MSG503"]


def test_lint_takes_a_profile() -> None:
    with Path("msgspec-runner.toml").open("a", encoding="utf-8") as config:
        config.write('\n[profiles.test]\nignore = ["MSG402"]\n[profiles.live]\n')
    change("specs/welcome.yaml", "{{ company }}", "{{ compny }}")
    assert lint(profile="test") == ()
    assert len(lint(profile="live")) == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"select": ["MSG999"]}, UsageError),
        ({"profile": "nobody"}, ConfigError),
        ({"recipients": "nothing.csv"}, RecipientsError),
    ],
)
def test_lint_says_what_is_wrong_with_its_arguments(arguments: dict[str, object], error: type[RunnerError]) -> None:
    with pytest.raises(error):
        lint("specs", **arguments)  # type: ignore[arg-type]


def test_lint_says_what_does_not_exist() -> None:
    with pytest.raises(UsageError, match="nowhere"):
        lint("nowhere")
    Path("empty").mkdir()
    with pytest.raises(NoSpecError):
        lint("empty")


def test_a_spec_has_its_parts() -> None:
    spec = load_spec("specs/order-shipped.yaml")
    assert (spec.id, spec.edition, spec.description) == (
        "order-shipped",
        1,
        "Tells who ordered that the parcel is on its way",
    )
    assert [column.name for column in spec.columns] == ["phone", "first_name", "order", "arrives"]
    assert spec.rows is not None
    assert spec.rows[0]["phone"] == "+442071838750"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("spec: [", "specs/broken.yaml:1:"),
        ("spec: broken\n", "MSG108"),
        ("- spec\n", "specs/broken.yaml:1:1"),
        ("", "specs/broken.yaml:1:1"),
        ("spec: broken\nmessage: {provider: twlo, channel_key: k, to: x, txet: Hi}\n", "MSG107"),
    ],
)
def test_what_is_no_spec_is_not_loaded(text: str, words: str) -> None:
    Path("specs/broken.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=words) as caught:
        load_spec("specs/broken.yaml")
    assert {finding.file for finding in caught.value.diagnostics} == {"specs/broken.yaml"}
    with pytest.raises(SpecError):
        next(render("specs/broken.yaml"))


def test_a_file_that_is_not_there_is_not_loaded() -> None:
    with pytest.raises(UsageError, match=r"specs/nothing\.yaml"):
        load_spec("specs/nothing.yaml")


@pytest.mark.parametrize("spec", ["specs/welcome.yaml", Path("specs/welcome.yaml"), None])
def test_render_gives_a_message_for_each_recipient(spec: str | Path | None) -> None:
    messages = list(render(load_spec("specs/welcome.yaml") if spec is None else spec))
    assert [message.row for message in messages] == [1, 2, 3]
    assert messages[1] == RenderedMessage(
        spec="welcome",
        edition=1,
        row=2,
        to="+16175551213",
        recipient_key="",
        body={
            "provider": "twlo",
            "channel_key": "your_channel_key",
            "to": "+16175551213",
            "name": "Robert O'Neil",
            "text": WELCOME,
        },
    )
    keys = [message.recipient_key for message in render("specs/appointment-reminder.yaml")]
    assert keys == ["A-1001", "A-1002", "A-1003"]


def test_render_takes_rows_files_and_samples() -> None:
    rows = [{"phone": 16175551213, "First name": "Bob", "Last name": "Roe"}]
    [message] = render("specs/welcome.yaml", rows)
    assert message.body["text"] == WELCOME
    Path("others.jsonl").write_text('{"phone": "+16175551213", "First name": "Bob", "Last name": "Roe"}\n')
    assert list(render("specs/welcome.yaml", "others.jsonl")) == [message]
    change("specs/welcome.yaml", "  file: ../recipients/members.csv\n", "")
    change("specs/welcome.yaml", "First name: Ann, Last name: Lee", "First name: Bob, Last name: Roe")
    change("specs/welcome.yaml", '- {phone: "+16175551212"', '- {phone: "+16175551213"')
    spec = load_spec("specs/welcome.yaml")
    assert list(render(spec, spec.samples))[:1] == [message]
    with pytest.raises(UsageError, match="names no recipients"):
        list(render(spec))


def test_render_takes_vars_and_a_profile() -> None:
    with Path("msgspec-runner.toml").open("a", encoding="utf-8") as config:
        config.write('\n[profiles.elm.vars]\ncompany = "Elm"\n')
    first = next(render("specs/welcome.yaml", profile="elm"))
    assert "welcome to Elm!" in str(first.body["text"])
    first = next(render("specs/welcome.yaml", profile="elm", variables={"company": "Oak"}))
    assert "welcome to Oak!" in str(first.body["text"])


def test_render_refuses_a_spec_with_errors() -> None:
    change("specs/welcome.yaml", "{{ company }}", "{{ company | uper }}")
    with pytest.raises(SpecError, match=r"specs/welcome\.yaml:10:66: MSG403") as caught:
        list(render("specs/welcome.yaml"))
    assert [finding.code for finding in caught.value.diagnostics] == ["MSG403"]


def test_render_stops_at_a_row_that_cannot_be_sent_and_says_no_word_of_it() -> None:
    rows = [
        {"phone": "+16175551213", "First name": "Bob", "Last name": "Roe"},
        {"phone": "617-555-9876", "First name": "Ann", "Last name": "Lee"},
    ]
    messages = render("specs/welcome.yaml", rows)
    assert next(messages).row == 1
    with pytest.raises(SpecError, match=r"specs/welcome\.yaml: row 2: invalid-phone-cell") as caught:
        next(messages)
    assert caught.value.diagnostics == ()
    assert "9876" not in str(caught.value)


def test_segments_is_the_contract_s_tuple() -> None:
    assert segments("Hi Ann") == ("GSM-7", 6, 1)
    assert segments("Hi 👋" * 20)._asdict() == {"encoding": "UCS-2", "units": 100, "count": 2}


def test_the_package_is_cheap_to_import() -> None:
    """The command line imports it too; only asking for a name loads what is behind it."""
    program = (
        "import sys, msgspec_runner\n"
        "assert not [name for name in sys.modules if name.startswith(('msgspec_runner.', 'yaml', 'jinja2'))"
        " and name != 'msgspec_runner._version'], sys.modules\n"
        "from msgspec_runner import segments\n"
        "assert not {'aiohttp', 'sqlite3', 'asyncio', 'click'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_names_are_the_contract_s() -> None:
    assert msgspec_runner.__all__ == ["__version__", "lint", "load_spec", "render", "segments"]
    assert set(msgspec_runner.__all__) <= set(dir(msgspec_runner))
    with pytest.raises(AttributeError, match="no attribute 'send'"):
        _ = msgspec_runner.send


@pytest.mark.parametrize("name", msgspec_runner.__all__[1:])
def test_every_name_is_typed_and_explained(name: str) -> None:
    function = getattr(msgspec_runner, name)
    assert inspect.getdoc(function)
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(item.annotation is not inspect.Parameter.empty for item in signature.parameters.values())
