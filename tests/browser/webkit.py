"""The machine's own WebKit, in the window of its MiniBrowser, on a screen that nobody sees; and what somebody sees and
does in it. Selenium blocks, so that every call is made on a thread: the sites that a page loads are served here."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException, WebDriverException
from selenium.webdriver import WebKitGTK, WebKitGTKOptions, WebKitGTKService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.network.programs import PACKAGES, find, need

PROGRAMS = ("WebKitWebDriver", "Xvfb", "dbus-run-session")


BUS = f"--config-file={Path(__file__).with_name('bus.conf')}"
"""How to run a D-Bus session without the services of a desktop, which outlive it, and wait for each other."""


class Service(WebKitGTKService):
    """The driver, in a D-Bus session of its own."""

    def command_line_args(self) -> list[str]:
        return [BUS, "--", str(find("WebKitWebDriver")), f"--port={self.port}"]


PATIENCE = 30.0
"""Seconds until something must be seen, on a busy machine."""


class Webkit:
    """One window, or the tab or frame of it that is looked at."""

    def __init__(self, driver: WebKitGTK) -> None:
        self.driver = driver

    async def open(self, url: str) -> None:
        await asyncio.to_thread(self.driver.get, url)

    async def run(self, script: str, *values: object) -> Any:
        """The script's answer."""
        return await asyncio.to_thread(self.driver.execute_script, script, *values)

    async def find(self, what: str, by: str = By.CSS_SELECTOR) -> WebElement:
        """Now or soon. The driver's own patience never ends in a page without scripts."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(NoSuchElementException):
                    return await asyncio.to_thread(self.driver.find_element, by, what)

    async def type(self, selector: str, keys: str) -> None:
        await asyncio.to_thread((await self.find(selector)).send_keys, keys)

    async def fill(self, selector: str, text: str) -> None:
        """Put this into a field at once. Where the page is just being left, it MUST be one of the next page alone."""
        await self.run("arguments[0].value = arguments[1]", await self.find(selector), text)

    async def click(self, what: str, by: str = By.CSS_SELECTOR) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(StaleElementReferenceException):  # the page is being changed
                    await asyncio.to_thread((await self.find(what, by)).click)
                    return

    async def press(self, words: str) -> None:
        """The link or button that says so."""
        await self.click(f"//*[self::a or self::button][normalize-space()={words!r}]", By.XPATH)

    async def enter(self, frame: int) -> None:
        """Look into a frame of the page."""
        await asyncio.to_thread(self.driver.switch_to.default_content)
        await asyncio.to_thread(self.driver.switch_to.frame, frame)

    async def look_at(self, tab: str) -> None:
        await asyncio.to_thread(self.driver.switch_to.window, tab)

    async def sees(self, expected: object, script: str, *values: object) -> None:
        """The script answers so, now or soon."""
        found: object = None
        try:
            async with asyncio.timeout(PATIENCE):
                while found != expected:
                    with suppress(WebDriverException):  # the page is being changed
                        found = await self.run(script, *values)
        except TimeoutError:
            assert found == expected

    async def says(self, words: str) -> None:
        await self.sees(words, "return document.getElementById('status').textContent")

    async def shows(self, *texts: str) -> None:
        """These messages, no others, each once, in this order; nothing is waiting to be sent."""
        of = "[...document.querySelectorAll('#messages .message-text')].map((text) => text.textContent)"
        waiting = "document.querySelectorAll('#outbox .message').length"
        await self.sees([list(texts), 0], f"return [{of}, {waiting}]")


@asynccontextmanager
async def starting_webkit(*flags: str) -> AsyncIterator[Webkit]:
    """With these flags of its MiniBrowser. Skips the test where there is none."""
    need(*PROGRAMS)
    async with screen() as display:
        options = WebKitGTKOptions()
        options.binary_location = find_minibrowser()
        for flag in ("--automation", *flags):
            options.add_argument(flag)
        service = Service(find("dbus-run-session"), env=environment(display), popen_kw={"start_new_session": True})
        try:
            driver = await asyncio.to_thread(WebKitGTK, options=options, service=service)
            yield Webkit(driver)
            await asyncio.to_thread(driver.quit)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(service.process.pid, signal.SIGKILL)  # the session's end does not end its driver


def find_minibrowser() -> str:
    """Skips the test where there is none."""
    browsers = sorted(Path("/usr/lib").glob("*/webkit*/MiniBrowser"))
    if not browsers:
        pytest.skip(f"NOT RUN: MiniBrowser not found (on Debian: apt-get install {PACKAGES['WebKitWebDriver']})")
    return str(browsers[-1])


def environment(display: str) -> dict[str, str]:
    """What WebKit needs to know on a machine without a graphics card."""
    return os.environ | {
        "DISPLAY": display,
        "GDK_BACKEND": "x11",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "NO_AT_BRIDGE": "1",
        "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",  # it needs user namespaces, which a container lacks
    }


@asynccontextmanager
async def screen() -> AsyncIterator[str]:
    """The name of a display of its own."""
    process = await asyncio.create_subprocess_exec(
        str(find("Xvfb")), "-displayfd", "1", "-nolisten", "tcp", "-screen", "0", "1280x900x24",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield f":{(await process.stdout.readline()).decode().strip()}"
    finally:
        process.terminate()
        await process.wait()
