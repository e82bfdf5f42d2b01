"""A real Chromium for tests, driven as a person drives it; see ``conftest.py`` for the fixture.

Selenium and Debian's ``chromium-driver``, which always fits Debian's ``chromium``. Measured against Playwright on one
machine: as fast to start (0.5 s), ten pages in 0.9 s against 3.1 s, a third of the size, and it leaves the process's
event loop alone (with Playwright's running, ``asyncio.run`` fails in every later test of the process).
"""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from selenium.common.exceptions import (
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

Result = TypeVar("Result")

NEEDED = ("chromium", "chromedriver")
"""The programs; Debian's packages are ``chromium`` and ``chromium-driver``."""

CHECKS = Path(__file__).with_name("accessibility.js").read_text(encoding="utf-8")

PATIENCE = 30.0
"""Seconds that a test waits for what must come; nothing waits so long unless it is broken."""


MOMENT = 2.0
"""Seconds that a text may take to be drawn."""


def missing() -> str:
    """Say what to install, or nothing."""
    if all(map(shutil.which, NEEDED)):
        return ""
    return "no Chromium for tests: apt-get install chromium chromium-driver"


class Browser:
    """One page of one Chromium.

    Keys are those of ``selenium.webdriver.common.keys.Keys``, or plain text.
    """

    def __init__(self) -> None:
        options = ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for argument in (
            "--headless=new",
            "--no-sandbox",  # tests may run as root, in a container
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--hide-scrollbars",
            "--lang=en-US",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        self.driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.driver.set_page_load_timeout(60)
        self.driver.set_script_timeout(60)

    def close(self) -> None:
        """End the browser."""
        self.driver.quit()

    def open(
        self,
        page: Path | str,
        *,
        dark: bool = False,
        width: int = 1280,
        height: int = 900,
        scripts: bool = True,
        paper: bool = False,
    ) -> None:
        """Open a file or an address; what was recorded of the page before is forgotten.

        Args:
            page: a file, or an address that begins with ``http://127.0.0.1``.
            dark: as ``prefers-color-scheme`` tells.
            width: of the window, in CSS pixels.
            height: of the window.
            scripts: whether the page's scripts run.
            paper: whether it is about to be printed.
        """
        address = page.resolve().as_uri() if isinstance(page, Path) else page
        self.driver.get("about:blank")
        self._command("Emulation.setScriptExecutionDisabled", value=not scripts)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._command("Emulation.setEmulatedMedia", features=[scheme], media="print" if paper else "")
        self._command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        for log in ("performance", "browser"):
            self.driver.get_log(log)
        self.driver.get(address)

    def _command(self, name: str, **parameters: object) -> Any:
        return self.driver.execute_cdp_cmd(name, parameters)

    def run(self, script: str, *arguments: object) -> Any:
        """Run JavaScript and return what it returns; ``arguments[0]`` … are the arguments."""
        return self.driver.execute_script(script, *arguments)

    def text(self, selector: str) -> str:
        """Return the text that people see of the first element that a CSS selector finds."""
        script = "const e = document.querySelector(arguments[0]); return e && e.innerText"
        deadline = time.monotonic() + MOMENT
        while not (found := self.run(script, selector)) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert found is not None, f"no {selector}"
        return str(found)

    def texts(self, selector: str) -> list[str]:
        """Return the texts of all elements that a CSS selector finds and that are shown.

        What is not drawn yet has no text that people see, so an empty one is looked at again for a moment.
        """
        script = (
            "return [...document.querySelectorAll(arguments[0])].filter((e) => e.checkVisibility())"
            ".map((e) => e.innerText)"
        )
        deadline = time.monotonic() + MOMENT
        while not all(texts := list(self.run(script, selector))) and time.monotonic() < deadline:
            time.sleep(0.01)
        return texts

    def wait(self, script: str, *arguments: object, patience: float = PATIENCE) -> Any:
        """Run JavaScript until it returns something true, and return that."""
        return self.until(lambda: self.run(script, *arguments), script, patience=patience)

    def until(self, ask: Callable[[], Result], what: str, *, patience: float = PATIENCE) -> Result:
        """Ask until the answer is true, and return it."""
        deadline = time.monotonic() + patience
        while not (answer := ask()):
            assert time.monotonic() < deadline, f"waited in vain for: {what}"
            time.sleep(0.01)
        return answer

    def click(self, selector: str) -> None:
        """Click on the first element that a CSS selector finds, as soon as it can be: a page may be drawing it anew."""

        def clicked() -> bool:
            try:
                element = self.driver.find_element("css selector", selector)
                self.run("arguments[0].scrollIntoView({block: 'center'})", element)
                element.click()
            except (NoSuchElementException, StaleElementReferenceException, ElementNotInteractableException):
                return False
            return True

        self.until(clicked, f"{selector} to click on")

    def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is."""
        actions = ActionChains(self.driver, duration=0)
        for key in keys:
            actions.send_keys(key)
        actions.perform()

    def fill(self, selector: str, text: str) -> None:
        """Write into a field, over what is in it."""
        element = self.driver.find_element("css selector", selector)
        element.click()
        element.send_keys(Keys.CONTROL, "a")
        element.send_keys(Keys.DELETE, text)

    def paste(self) -> None:
        """Put what was copied over what is in the field that has the focus."""
        actions = ActionChains(self.driver, duration=0).key_down(Keys.CONTROL)
        actions.send_keys("a").send_keys("v").key_up(Keys.CONTROL).perform()

    def choose(self, selector: str, value: str) -> None:
        """Choose an option of a select by its value."""
        Select(self.driver.find_element("css selector", selector)).select_by_value(value)

    def focused(self) -> str:
        """Return how the element with the focus is called: its ``aria-label``, label, or text."""
        return str(
            self.run(
                "const e = document.activeElement;"
                "return (e.getAttribute('aria-label') || (e.labels && e.labels[0] && e.labels[0].innerText) || e.innerText"
                " || e.tagName).trim()"
            )
        )

    def requests(self) -> list[str]:
        """Return every address that the page asked for since it was opened, itself included; and forget them."""
        return [
            str(event["params"]["request"]["url"])
            for event in self._events()
            if event["method"] == "Network.requestWillBeSent"
        ]

    def _events(self) -> list[dict[str, Any]]:
        return [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]

    def complaints(self) -> list[str]:
        """Return what the console complains of since it was asked last: errors of scripts, breaches of the policy."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in {"SEVERE", "WARNING"}]

    def barriers(self, *, within: str = "body") -> list[str]:
        """Return what keeps people out, a line each; empty where the page is sound. See ``accessibility.js``."""
        return list(self.run(CHECKS, within))

    def picture(self, file: Path) -> None:
        """Write a picture of the whole page."""
        size = self.run("return [innerWidth, Math.max(innerHeight, document.documentElement.scrollHeight)]")
        clip = {"x": 0, "y": 0, "width": size[0], "height": min(size[1], 6000), "scale": 1}
        shot = self._command("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))

    def tab_through(self, most: int) -> Sequence[str]:
        """Press Tab up to so many times from the page's beginning, and return what had the focus."""
        seen: list[str] = []
        for _ in range(most):
            self.press(Keys.TAB)
            seen.append(self.focused())
        return seen
