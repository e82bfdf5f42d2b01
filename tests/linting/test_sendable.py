"""What would be sent is what is written, whatever the configuration and the comments say."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.config import Config
from msgspec_runner.diagnostics import Severity
from msgspec_runner.linting.linter import Linter
from msgspec_runner.linting.sendable import unsendable
from msgspec_runner.source.document import parse_document

SOUND = 'spec: s\nmessage: {provider: twlo, channel_key: k, to: "+16175551212", text: Hi}\n'


def codes(text: str, root: Path) -> set[str]:
    return {rule.code for rule, _ in unsendable(parse_document("s.yaml", text), Config(root=root))}


def test_a_sound_spec(tmp_path: Path) -> None:
    assert codes(SOUND, tmp_path) == set()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (SOUND.replace("text: Hi", "text: [Hi], image_url: https://example.com/x.png"), "MSG109"),
        (SOUND + "spec: t\n", "MSG102"),
        (SOUND.replace("channel_key: k, ", ""), "MSG108"),
        (SOUND.replace('"+16175551212"', "{{ phone }}"), "MSG103"),
        ('spec: "s\n', "MSG101"),
    ],
)
def test_no_comment_and_no_configuration_lets_it_through(tmp_path: Path, text: str, code: str) -> None:
    config = Config(root=tmp_path, select=("MSG1",), severity={code: Severity.INFO}, ignore=("MSG107",))
    hidden = parse_document("s.yaml", f"# msgspec: ignore-file[{code}]\n{text}")
    assert not Linter(config).lint([hidden]).fails(Severity.ERROR)
    assert code in {rule.code for rule, _ in unsendable(hidden, config)}
