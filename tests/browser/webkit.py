"""The machine's own WebKit, in the window of its MiniBrowser, on a screen that nobody sees."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from selenium.webdriver import WebKitGTK, WebKitGTKOptions, WebKitGTKService

from tests.network.programs import PACKAGES, find, need

PROGRAMS = ("WebKitWebDriver", "Xvfb", "dbus-run-session")


class Service(WebKitGTKService):
    """The driver, in a D-Bus session of its own."""

    def command_line_args(self) -> list[str]:
        return ["--", str(find("WebKitWebDriver")), f"--port={self.port}"]


@asynccontextmanager
async def starting_webkit() -> AsyncIterator[WebKitGTK]:
    """Skips the test where there is none."""
    need(*PROGRAMS)
    browsers = sorted(Path("/usr/lib").glob("*/webkit*/MiniBrowser"))
    if not browsers:
        pytest.skip(f"NOT RUN: MiniBrowser not found (on Debian: apt-get install {PACKAGES['WebKitWebDriver']})")
    async with _screen() as display:
        environment = os.environ | {
            "DISPLAY": display,
            "GDK_BACKEND": "x11",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "NO_AT_BRIDGE": "1",
            "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",  # it needs user namespaces, which a container lacks
        }
        options = WebKitGTKOptions()
        options.binary_location = str(browsers[-1])
        options.add_argument("--automation")
        service = Service(find("dbus-run-session"), env=environment)
        driver = await asyncio.to_thread(WebKitGTK, options=options, service=service)
        try:
            yield driver
        finally:
            await asyncio.to_thread(driver.quit)


@asynccontextmanager
async def _screen() -> AsyncIterator[str]:
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
