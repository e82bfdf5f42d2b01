"""Which API: the base URL, checked, and the origin under which the ledger knows it. Pure; cheap to import."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult, quote, urlsplit

from msgspec_runner.errors import UsageError

DEFAULT_BASE_URL = "https://api.sociocs.com"
"""The API's documented base URL."""

_DEFAULT_PORTS = {"https": 443, "http": 80}

_KEPT = "/%:@!$&'()*+,;=~"
"""What stands in a path as it is, beside letters, digits and ``_.-`` (RFC 3986, 3.3); ``%`` is its writer's."""

_MAX_LABEL = 63
"""Characters between two dots of a host's name (RFC 1035, 2.3.4)."""


def check_base_url(base_url: str) -> str:
    """Return the base URL in one notation, in ASCII: scheme and host in lower case, no default port, no slash at the
    end.

    Raises:
        UsageError: not https (http is accepted for loopback addresses only: the key would travel in the clear), no
            host, or with a user, a query or a fragment.
    """
    url = _split(base_url)
    return origin(base_url) + quote(url.path, safe=_KEPT).rstrip("/")


def origin(base_url: str) -> str:
    """Return scheme, host and port (unless the scheme's own): what identifies an API in the ledger.

    ``https://API.sociocs.com:443/`` and ``https://api.sociocs.com`` are one origin: a different notation of the same
    API must not make everything look unsent.

    Raises:
        UsageError: as :func:`check_base_url`.
    """
    url = _split(base_url)
    host = _host(url)
    shown = f"[{host}]" if ":" in host else host
    port = url.port
    suffix = "" if port is None or port == _DEFAULT_PORTS[url.scheme] else f":{port}"
    return f"{url.scheme}://{shown}{suffix}"


def is_loopback(base_url: str) -> bool:
    """Whether the URL's host is this machine: ``localhost``, 127.0.0.0/8 or ``::1``.

    Raises:
        UsageError: as :func:`check_base_url`.
    """
    return _is_loopback_host(_host(_split(base_url)))


def is_host(name: str) -> bool:
    """Say whether a name can be looked up at all; where a label is empty or too long, the system's resolver raises."""
    if ":" in name:  # IPv6: urlsplit has looked at it
        return True
    printable = name.isprintable() and " " not in name
    return printable and all(0 < len(label) <= _MAX_LABEL for label in name.removesuffix(".").split("."))


def _split(base_url: str) -> SplitResult:
    example = f"write it like {DEFAULT_BASE_URL}"
    try:
        url = urlsplit(base_url.strip())
        port = url.port
    except ValueError:
        raise UsageError(f"The base URL is no URL: {example}") from None
    if url.scheme not in _DEFAULT_PORTS or not url.hostname or port == 0:
        raise UsageError(f"The base URL needs https:// and a host: {example}")
    if any(char.isspace() or not char.isprintable() for char in base_url.strip()):
        raise UsageError(f"The base URL has a space or a control character in it: {example}")
    try:
        host = _host(url)
    except UnicodeError:
        host = ""
    if not is_host(host):
        raise UsageError(f"The base URL's host is no name that can be looked up: {example}")
    if url.username is not None or url.password is not None:
        raise UsageError(f"The base URL must hold no user or key: {example}, and put the key into SOCIOCS_API_KEY")
    if url.query or url.fragment:
        raise UsageError(f"The base URL must end before `?` and `#`: {example}")
    if url.scheme == "http" and not _is_loopback_host(_host(url)):
        raise UsageError(
            "The base URL must start with https:// (plain http would show the API key to the network; "
            f"it is accepted for this machine only, like http://127.0.0.1:8025): {example}"
        )
    return url


def _host(url: SplitResult) -> str:
    host = (url.hostname or "").rstrip(".")
    return host if host.isascii() else host.encode("idna").decode("ascii")


def _is_loopback_host(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
