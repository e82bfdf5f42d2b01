"""Where a PostgreSQL ledger is, and what of that people may see: never the password."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from msgspec_runner.errors import UsageError

SCHEMA = "msgspec_runner"
"""The schema of a ledger unless its address names another: ``?schema=team_a``."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(:\d{1,5})?")
_MALFORMED = (
    "the ledger's address cannot be understood. Write postgresql://user@host:5432/database; in a password, each of "
    "@ : / ? # [ ] % must be percent-encoded (@ is %40). Better: leave it out, and use PGPASSWORD or ~/.pgpass"
)
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a ledger in PostgreSQL.

    Attributes:
        conninfo: what libpq connects with; holds the password where one is given.
        schema: the schema that the ledger is alone in.
        location: for people.
    """

    conninfo: str
    schema: str
    location: str

    def without_password(self, words: str) -> str:
        """Return what libpq said, with the password masked should it be in there."""
        parts = urlsplit(self.conninfo)
        user = parts.netloc.rpartition("@")[0]
        said = [user.partition(":")[2], dict(parse_qsl(parts.query)).get("password", "")]
        for secret in {form for text in said for form in (text, unquote(text)) if form}:
            words = words.replace(secret, "•••")
        return words


def parse_address(url: str) -> Address:
    """Return the address that a ``postgresql://`` URL means (libpq's form, and ``schema``).

    Raises:
        UsageError: it is none. The message does not repeat it.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets
        raise UsageError(_MALFORMED) from None
    user, _, hosts = parts.netloc.rpartition("@")
    # A password with one of these that is not escaped would be taken for a host, and be shown.
    if "@" in user or "@" in parts.path or parts.fragment or not all(map(_HOST.fullmatch, hosts.split(","))):
        raise UsageError(_MALFORMED)
    options = parse_qsl(parts.query, keep_blank_values=True)
    schema = dict(options).get("schema", SCHEMA)
    if not _SCHEMA.fullmatch(schema) or schema.startswith("pg_"):
        raise UsageError("the ledger's schema must be a plain name: ?schema=team_a (a-z 0-9 _)")
    # libpq knows no + for a space.
    kept = urlencode([(name, value) for name, value in options if name != "schema"], quote_via=quote)
    conninfo = f"postgresql://{parts.netloc}{parts.path}" + (f"?{kept}" if kept else "")
    who = f"{user.partition(':')[0]}@" if user else ""
    where = "" if schema == SCHEMA else f"?schema={schema}"
    return Address(conninfo, schema, f"postgresql://{who}{hosts}{parts.path}{where}")
