"""Which API, which ledger, which key: flag over environment over configuration over default."""

from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.cli.connection import DEFAULT_BASE_URL, choose_api, choose_ledger, read_api_key
from msgspec_runner.config import Config
from msgspec_runner.errors import ConfigError, UsageError


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MSGSPEC_RUNNER_BASE_URL", "MSGSPEC_RUNNER_LEDGER", "SOCIOCS_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_the_base_url(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_api(None).base_url == DEFAULT_BASE_URL
    assert not choose_api(None).loopback
    monkeypatch.setenv("MSGSPEC_RUNNER_BASE_URL", "http://127.0.0.1:8025/v1/")
    api = choose_api(None)
    assert (api.base_url, api.origin, api.loopback) == ("http://127.0.0.1:8025/v1", "http://127.0.0.1:8025", True)
    assert choose_api("https://API.example:443").origin == "https://api.example"
    with pytest.raises(UsageError, match="https://"):
        choose_api("http://api.example")


def test_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(Path("project"), ledger="from-config.db")
    assert choose_ledger(None, Config(Path("project"))) is None
    assert choose_ledger(None, config) == "from-config.db"
    monkeypatch.setenv("MSGSPEC_RUNNER_LEDGER", "from-environment.db")
    assert choose_ledger(None, config) == "from-environment.db"
    assert choose_ledger("from-flag.db", config) == "from-flag.db"


def test_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="set SOCIOCS_API_KEY, or use --api-key-file") as refused:
        read_api_key(None)
    assert "--sandbox" not in str(refused.value), "most commands have no such flag"
    with pytest.raises(UsageError, match=r"`--sandbox` needs none\. Nothing was sent"):
        read_api_key(None, sandbox=True)
    monkeypatch.setenv("SOCIOCS_API_KEY", " from-environment\n")
    assert read_api_key(None) == "from-environment"
    file = tmp_path / "api.key"
    file.write_text("from-file\n", encoding="utf-8")
    assert read_api_key(file) == "from-file"


@pytest.mark.parametrize("content", [b"", b" \n", b"secret\nsecond", b"\xff\xfesecret"])
def test_a_key_file_that_holds_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "api.key"
    file.write_bytes(content)
    with pytest.raises(UsageError) as refused:
        read_api_key(file)
    assert "secret" not in str(refused.value)


def test_a_ledger_of_the_configuration_lies_inside_the_project(tmp_path: Path) -> None:
    assert choose_ledger(None, Config(root=tmp_path, ledger="data/l.db")) == "data/l.db"
    with pytest.raises(ConfigError, match="inside the project"):
        choose_ledger(None, Config(root=tmp_path, ledger="../l.db"))
    assert choose_ledger("../l.db", Config(root=tmp_path, ledger="../other.db")) == "../l.db"


def test_the_configuration_names_no_server(tmp_path: Path) -> None:
    config = Config(root=tmp_path, ledger="postgresql://elsewhere/db")
    with pytest.raises(ConfigError, match="a pull request could send people's data to another server"):
        choose_ledger(None, config)
    assert choose_ledger("postgresql://db/sms", config) == "postgresql://db/sms"
