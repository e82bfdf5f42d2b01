"""``send --test-to``: one real message to yourself, and nothing remembered of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from msgspec_runner.sandbox.server import RunningSandbox
from tests.acceptance.project import Project, number
from tests.acceptance.server import Server, always, answer, refused

StartServer = Callable[..., Server]

ME = "+16175559999"
SPEC = """\
spec: hello
message:
  provider: twlo
  channel_key: ch
  to: "{{ phone }}"
  name: "{{ name }}"
  text: "Hi {{ name }}, this goes to {{ phone }}"
  schedule: "2031-12-24T18:00:00-05:00"
  contact_saving: {save: true, list_id: 0, extra_fields: {nick: "{{ name }}"}}
recipients:
  columns: {phone: {type: phone}}
  file: hello.csv
  samples: [{phone: "+16175550101", name: Sam}, {phone: "+16175550102", name: Sue}]
delivery: {expires: "2020-01-01T00:00:00Z", hold: 5m, max_recipients: 1}
"""


@pytest.fixture
def hello(project: Project) -> Project:
    project.spec(3).write("specs/hello.yaml", SPEC)
    return project


def test_one_message_to_yourself_and_nothing_is_recorded(hello: Project, sandbox: RunningSandbox) -> None:
    result = hello.towards(sandbox).send("--test-to", ME)
    assert result.code == 0, result.err
    (message,) = sandbox.messages
    assert message.fields() == {
        "provider": "twlo",
        "channel_key": "ch",
        "to": ME,
        "text": "Hi Sam, this goes to +16175550101",
    }
    lines = result.err.splitlines()
    assert lines[:2] == [
        "hello (edition 1)  specs/hello.yaml: sample 1, to your number +1•••••••99 (country US), 1 segment",
        "it goes out now, without its name, contact_saving, schedule; delivery rules do not hold, and nothing is recorded",
    ]
    assert lines[2].startswith("accepted: look at your phone (message ")
    assert sorted(path.name for path in hello.root.iterdir()) == ["specs"], "a ledger was made"

    # Whoever has no ledger may test, and may test again: nobody's row was sent.
    assert hello.send("--test-to", ME, "--sample", "2", "--output", "json").json["totals"]["accepted"] == 1
    assert sandbox.messages[-1].fields()["text"].startswith("Hi Sue")
    assert hello.send("--test-to", "16175559999", "--row", "3").code == 0
    assert sandbox.messages[-1].fields()["text"] == f"Hi P3, this goes to {number(3)}"


def test_no_ledger_is_asked_for_before_the_real_api(hello: Project) -> None:
    hello.env["HTTPS_PROXY"] = "http://127.0.0.1:9"
    result = hello.towards("https://api.invalid").run("send", "specs", "--test-to", ME)
    assert result.code == 2
    assert "add --yes" in result.err
    assert "ledger" not in result.err


def test_a_number_of_no_country_is_told_without_one(hello: Project, sandbox: RunningSandbox) -> None:
    result = hello.towards(sandbox).send("--test-to", "+80012345678")
    assert (result.code, "sample 1, to your number +8•••••••78, 1 segment\n" in result.err) == (0, True)


def test_in_the_sandbox_nobody_is_asked(hello: Project) -> None:
    result = hello.run("send", "specs/hello.yaml", "--sandbox", "--test-to", ME)
    assert (result.code, "accepted" in result.err) == (0, True)


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        (refused("No such channel."), 1, "rejected: No such channel."),
        (answer(500), 3, "in doubt, so look at your phone"),
        (answer(401), 5, "not sent: "),
    ],
    ids=["rejected", "in doubt", "no key"],
)
def test_how_it_ended(hello: Project, serve: StartServer, said: bytes, code: int, words: str) -> None:
    result = hello.towards(serve(always(said))).send("--test-to", ME)
    assert result.code == code
    assert words in result.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--test-to", "617-555-9999"], "has spaces or punctuation"),
        (["--test-to", "6175559999"], "Is the country code missing? Write it like +16175551212. Nothing was sent."),
        (["--test-to", "+6175559999"], "nobody can have the number of --test-to"),
        (["--test-to", ME, "--sample", "3"], "there is no sample 3"),
        (["--test-to", ME, "--row", "4"], "there is no row 4"),
        (["--test-to", ME, "--sample", "1", "--row", "1"], "leave one out"),
        (["--sample", "1"], "--sample and --row are for --test-to"),
        (["--test-to", ME, "--limit", "1", "--max", "5", "--skip-invalid"], "leave --limit, --max, --skip-invalid out"),
        (["--test-to", ME, "--recipients", "specs/hello.csv"], "--recipients has no samples"),
        (["--test-to", ME, "--plan", "plan.json"], "leave --plan out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_tested(hello: Project, serve: StartServer, arguments: list[str], words: str) -> None:
    server = serve()
    result = hello.towards(server).send(*arguments)
    assert result.code == 2
    assert words in result.err
    assert server.requests == []


def test_one_spec_that_is_sound_for_that_recipient(hello: Project, serve: StartServer) -> None:
    server = serve()
    hello.towards(server).replace("specs/hello.csv", number(2), "12")
    assert hello.send("--test-to", ME, "--row", "3").code == 0  # row 2 is not about to be sent
    broken = hello.send("--test-to", ME, "--row", "2")
    assert broken.code == 1
    assert "row 2 cannot be sent (invalid-phone-cell" in broken.err
    hello.replace("specs/hello.yaml", "provider: twlo", "provider: twloo")
    assert "MSG206" in hello.send("--test-to", ME).out
    hello.spec(1, name="other")
    assert "name one spec, not 2" in hello.send("--test-to", ME).err
    assert len(server.requests) == 1


def test_a_suppressed_number_gets_no_test_either(hello: Project, serve: StartServer) -> None:
    server = serve()
    hello.towards(server).write("msgspec-runner.toml", 'suppressions = ["never.txt"]\n')
    hello.write("never.txt", ME + "\n")
    result = hello.send("--test-to", ME)
    assert (result.code, "list of `suppressions`" in result.err) == (2, True)
    assert server.requests == []


def test_a_spec_of_one_message_and_one_without_samples(project: Project, serve: StartServer) -> None:
    server = serve()
    project.towards(server).write(
        "specs/one.yaml", f'spec: one\nmessage: {{provider: twlo, channel_key: c, to: "{number(1)}", text: Hi}}\n'
    )
    assert project.send("--test-to", ME).code == 0
    assert server.times_by_number == {ME: 1}
    (project.root / "specs/one.yaml").unlink()
    project.spec(1)
    assert "take a recipient with --row N" in project.send("--test-to", ME).err
