"""The address of a ledger on a server: what libpq gets, and what people see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.errors import UsageError
from msgspec_runner.ledger.postgres_address import parse_address


@pytest.mark.parametrize(
    ("url", "location", "schema"),
    [
        ("postgresql://db", "postgresql://db", "msgspec_runner"),
        ("POSTGRES://ann:pw@db:5433/sms", "postgresql://ann@db:5433/sms", "msgspec_runner"),
        ("postgres://db/sms?schema=team_a", "postgresql://db/sms?schema=team_a", "team_a"),
        ("postgresql://a,b:5433/sms?target_session_attrs=read-write", "postgresql://a,b:5433/sms", "msgspec_runner"),
        ("postgresql://[::1]:5432/sms", "postgresql://[::1]:5432/sms", "msgspec_runner"),
        ("postgresql:///sms?host=/var/run/postgresql&password=pw", "postgresql:///sms", "msgspec_runner"),
    ],
)
def test_what_people_see(url: str, location: str, schema: str) -> None:
    address = parse_address(url)
    assert (address.location, address.schema) == (location, schema)


def test_what_libpq_gets_is_what_was_given_but_for_the_schema() -> None:
    url = "postgresql://ann:p%40w@db/sms?schema=x&sslmode=require&options=-c%20work_mem%3D8MB"
    assert parse_address(url).conninfo == "postgresql://ann:p%40w@db/sms?sslmode=require&options=-c%20work_mem%3D8MB"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:se@cret@db/sms",
        "postgresql://ann:se/cret@db/sms",
        "postgresql://ann:secret",
        "postgresql://ann:12#cret@db/sms",
        "postgresql://ann:se?cret@db/sms",
        "postgresql://ann:[secret@db",
        "postgresql://db:port/sms",
    ],
)
def test_an_address_that_cannot_be_understood_is_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match="percent-encoded") as refused:
        parse_address(url)
    assert "cret" not in str(refused.value)


@pytest.mark.parametrize("schema", ["", "pg_catalog", "a;b", "A", 'a"b', "1a", "x" * 64])
def test_a_schema_is_a_plain_name(schema: str) -> None:
    with pytest.raises(UsageError, match="plain name"):
        parse_address(f"postgresql://db/sms?schema={schema}")


@given(st.text(alphabet="abc@:/?#%[]&=+ ", min_size=1, max_size=12))
def test_a_password_is_never_shown_whatever_it_is(middle: str) -> None:
    password = f"Q{middle}Q"
    try:
        address = parse_address(f"postgresql://ann:{password}@db/sms")
    except UsageError as error:
        assert password not in str(error)  # noqa: PT017 - either of both may come
        return
    assert "Q" not in address.location


def test_what_libpq_says_is_masked() -> None:
    address = parse_address("postgresql://ann:p%40w@db/sms?password=other")
    assert address.without_password("no: p@w, p%40w, other") == "no: •••, •••, •••"
