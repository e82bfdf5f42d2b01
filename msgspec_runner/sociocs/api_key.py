"""What an API key must be like. Pure; cheap to import."""

from __future__ import annotations

from msgspec_runner.errors import UsageError


def check_api_key(api_key: str) -> str:
    """Return the key, stripped; refuse one that no HTTP header can carry.

    Raises:
        UsageError: empty, or with characters outside printable ASCII. The message does not quote the key.
    """
    key = api_key.strip()
    if not key:
        raise UsageError("The API key is empty: set SOCIOCS_API_KEY, or use --api-key-file FILE.")
    if not (key.isascii() and key.isprintable()):
        raise UsageError(
            "The API key has a line break or a character that no HTTP header can carry: "
            "copy it again into SOCIOCS_API_KEY or the key file."
        )
    return key
