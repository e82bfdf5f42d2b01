from __future__ import annotations

import pytest

from msgspec_runner.errors import UsageError
from msgspec_runner.sociocs.origin import DEFAULT_BASE_URL, check_base_url, is_loopback, origin


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        (DEFAULT_BASE_URL, "https://api.sociocs.com"),
        ("HTTPS://API.Sociocs.COM:443/", "https://api.sociocs.com"),
        ("https://api.sociocs.com./", "https://api.sociocs.com"),
        ("https://example.com:8443/v1/", "https://example.com:8443"),
        ("http://127.0.0.1:8025", "http://127.0.0.1:8025"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:8025/x", "http://[::1]:8025"),
        (" https://api.sociocs.com ", "https://api.sociocs.com"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example"),
    ],
)
def test_one_api_has_one_origin(base_url: str, expected: str) -> None:
    assert origin(base_url) == expected


def test_the_path_of_a_base_url_is_kept() -> None:
    assert check_base_url("https://Example.com:443/v1/") == "https://example.com/v1"
    assert check_base_url("https://example.com/ü/%C3%BC/a'b;c=d/") == "https://example.com/%C3%BC/%C3%BC/a'b;c=d"


@pytest.mark.parametrize(
    ("base_url", "hint"),
    [
        ("http://api.sociocs.com", "https://"),
        ("http://127.0.0.1.example.com", "https://"),
        ("http://10.0.0.1", "https://"),
        ("http://localhost.example.com", "https://"),
        ("ftp://api.sociocs.com", "https://"),
        ("api.sociocs.com", "https://"),
        ("", "https://"),
        ("https://", "host"),
        ("https://user:secret@api.sociocs.com", "SOCIOCS_API_KEY"),
        ("https://api.sociocs.com?apikey=secret", "`?`"),
        ("https://api.sociocs.com/#x", "`#`"),
        ("https://api.sociocs.com:99999", "no URL"),
        ("https://api.sociocs.com:0", "host"),
        ("https://[::1", "no URL"),
        ("https://api sociocs.com", "space"),
        ("https://api..sociocs.com", "looked up"),
        ("https://ü..example", "looked up"),
        (f"https://{'ü' * 64}.example", "looked up"),
        (f"https://{'a' * 64}.com", "looked up"),
    ],
)
def test_a_base_url_that_would_show_the_key_or_is_none_is_refused(base_url: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_base_url(base_url)
    assert hint in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_loopback(host: str) -> None:
    assert is_loopback(f"http://{host}:1")
    assert not is_loopback("https://api.sociocs.com")
