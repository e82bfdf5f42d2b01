from __future__ import annotations

import pytest

from msgspec_runner.errors import UsageError
from msgspec_runner.sociocs.api_key import check_api_key


@pytest.mark.parametrize("key", ["", "  \n", "abc\ndef", "schlüssel", "a\x00b"])
def test_a_key_that_no_header_can_carry_is_refused(key: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_api_key(key)
    assert not key.strip() or key not in str(refused.value)


def test_a_key_from_a_file_may_end_in_a_newline() -> None:
    assert check_api_key("abc\n") == "abc"
