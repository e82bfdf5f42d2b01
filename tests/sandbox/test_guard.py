"""Who may look and who may change."""

from __future__ import annotations

import pytest

from msgspec_runner.sandbox.guard import is_foreign, objection_to_changing, objection_to_reading

HOST = {"Host": "127.0.0.1:8025"}
OWN = {**HOST, "Origin": "http://127.0.0.1:8025", "Sec-Fetch-Site": "same-origin"}
PROOF = {"X-Sandbox": "1"}


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8025", "[::1]:8025", "localhost:1", "a.localhost", "sandbox", "10.0.0.7"]
)
def test_an_address_or_a_name_of_this_network_is_ours(host: str) -> None:
    assert not is_foreign(host)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8025", "localhost.evil.example", "[", "[::1", "x@evil.example"]
)
def test_a_public_name_is_foreign(host: str) -> None:
    assert is_foreign(host)


@pytest.mark.parametrize(
    "headers", [HOST, OWN, {**HOST, "Sec-Fetch-Site": "none"}, {"Host": "LocalHost:1", "Origin": "http://localhost:1"}]
)
def test_people_programs_and_our_own_page_may(headers: dict[str, str]) -> None:
    assert objection_to_reading(headers) is None
    assert objection_to_changing({**headers, **PROOF}) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:8025"},
        {**OWN, "Host": "evil.example"},
        {**HOST, "Origin": "https://evil.example"},
        {**HOST, "Origin": "null"},
        {**HOST, "Origin": ""},
        {**HOST, "Origin": "http://127.0.0.1:9000"},
        {**HOST, "Origin": "http://127.0.0.1:8025.evil.example"},
        {**HOST, "Origin": "http://127.0.0.1"},
        {**HOST, "Sec-Fetch-Site": "cross-site"},
        {**HOST, "Sec-Fetch-Site": "same-site"},
        {**HOST, "Sec-Fetch-Site": "whatever comes next"},
    ],
    ids=str,
)
def test_a_page_of_another_site_may_not(headers: dict[str, str]) -> None:
    assert objection_to_reading(headers) is not None
    assert objection_to_changing({**headers, **PROOF}) is not None


@pytest.mark.parametrize("headers", [HOST, OWN])
def test_to_change_something_takes_a_header_that_no_form_sends(headers: dict[str, str]) -> None:
    assert objection_to_changing(headers) == "Add the header X-Sandbox: 1. It shows that no page of another site asks."
