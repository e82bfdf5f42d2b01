"""The way to the API as the environment prescribes it: a proxy, and whose certificates are trusted. No I/O but to read
the file of ``SSL_CERT_FILE``; cheap to import.

Both are looked at before a run begins. A proxy that can be none, or a file that is not there, would else be found by
the first message: the run would be in the ledger, and it would look like trouble of the API.
"""

from __future__ import annotations

import base64
import os
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from msgspec_runner.errors import UsageError
from msgspec_runner.sociocs.origin import is_host

if TYPE_CHECKING:
    import ssl


def check_network(base_url: str) -> None:
    """Refuse an environment through which this API cannot be reached.

    Args:
        base_url: of the API; for http, which is for this machine only, neither proxy nor certificates matter.

    Raises:
        UsageError: ``HTTPS_PROXY`` is no http or https URL, or ``SSL_CERT_FILE`` holds no certificates.
    """
    proxy_for(base_url)
    if base_url.startswith("https:"):
        tls_context()


def proxy_for(base_url: str) -> tuple[str | None, dict[str, str] | None]:
    """Return the proxy of ``HTTPS_PROXY`` and its headers, or (None, None).

    Only https goes through a proxy (http is for loopback), ``NO_PROXY`` is honoured, and a user and password in the
    proxy's URL become its ``Proxy-Authorization`` header.

    Raises:
        UsageError: ``HTTPS_PROXY`` is no http or https URL. The message does not quote it: it may hold a password.
    """
    url = urlsplit(base_url)
    named = urllib.request.getproxies_environment().get("https")
    if url.scheme != "https" or not named or urllib.request.proxy_bypass(url.netloc):
        return None, None
    proxy = _proxy(named if "://" in named else f"http://{named}")
    if proxy is None:
        raise UsageError(
            "HTTPS_PROXY must be an http:// or https:// URL, for example http://proxy.example:3128. Nothing was sent."
        )
    headers = None
    if proxy.username is not None:
        pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
        headers = {"Proxy-Authorization": "Basic " + base64.b64encode(pair).decode("ascii")}
    return urlunsplit((proxy.scheme, proxy.netloc.rpartition("@")[2], "", "", "")), headers


def _proxy(text: str) -> SplitResult | None:
    try:
        proxy = urlsplit(text)
        host, port = proxy.hostname, proxy.port
    except ValueError:  # brackets that do not close, a port that is no number
        return None
    if proxy.scheme not in ("http", "https") or not host or port == 0 or not is_host(host):
        return None
    return proxy


def tls_context() -> ssl.SSLContext:
    """Return what verifies the API: the system's certificates, or those of ``SSL_CERT_FILE``.

    Raises:
        UsageError: ``SSL_CERT_FILE`` cannot be read or holds no certificates; OpenSSL would trust nobody, silently.
    """
    import ssl  # 10 ms, for https only

    named = os.environ.get("SSL_CERT_FILE")
    if named:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(named)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError; ValueError: a NUL
            why = "holds no certificates" if isinstance(error, ssl.SSLError) else "cannot be read"
            raise UsageError(
                f"SSL_CERT_FILE {why}: name a file of certificates in PEM form, or unset it. Nothing was sent."
            ) from error
    return ssl.create_default_context()
