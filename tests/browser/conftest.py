"""A browser for tests of what people look at.

``browser`` is a :class:`tests.browser.browser.Browser`: one Chromium for a whole session, nothing of one test left for the
next. Tests that use it live in this folder. Without Chromium they are skipped, and fail in CI.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.browser.browser import Browser, missing


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The one Chromium; it takes half a second to start."""
    if reason := missing():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """A page of its own for a test; a script that broke, or a breach of the page's policy, is a failure."""
    chromium.complaints()
    yield chromium
    complaints = chromium.complaints()
    chromium.driver.get("about:blank")
    chromium.driver.delete_all_cookies()
    assert complaints == []
