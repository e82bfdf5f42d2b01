from __future__ import annotations

from pathlib import Path

import pytest

from msgspec_runner.errors import UsageError
from msgspec_runner.sociocs.network import check_network, proxy_for
from tests.sociocs.misbehaving import PEM

API = "https://api.example.com"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


def test_the_proxy_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_for(API) == (None, None)
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    assert proxy_for(API) == ("http://proxy.example:3128", None)
    assert proxy_for("http://127.0.0.1:8025") == (None, None)
    monkeypatch.setenv("HTTPS_PROXY", "http://[::1]:3128")
    assert proxy_for(API) == ("http://[::1]:3128", None)
    monkeypatch.setenv("NO_PROXY", "example.com")
    assert proxy_for(API) == (None, None)


@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://proxy.example:1080",
        "http://",
        "http://user:secret@",
        "http://[::1",
        "http://proxy.example:port",
        "http://proxy.example:99999",
        "http://proxy.example:0",
        "http://proxy..example:3128",
        f"http://{'a' * 64}.example:3128",
        "two words",
    ],
)
def test_a_proxy_that_can_be_none_is_refused_without_its_password(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(UsageError, match="HTTPS_PROXY must be") as refused:
        check_network(API)
    assert "secret" not in str(refused.value)
    check_network("http://127.0.0.1:8025")


def test_certificates_are_read_before_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    check_network(API)
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    check_network(API)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    with pytest.raises(UsageError, match="SSL_CERT_FILE cannot be read"):
        check_network(API)
    for content in (b"", b"no certificate", b"\xff\x00"):
        (tmp_path / "other.pem").write_bytes(content)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
        with pytest.raises(UsageError, match="SSL_CERT_FILE holds no certificates"):
            check_network(API)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path))
    with pytest.raises(UsageError, match="SSL_CERT_FILE"):
        check_network(API)
    check_network("http://127.0.0.1:8025")
