"""What tests share: servers, the people who use them, and a browser."""

import gc
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest
from playwright.async_api import Browser, async_playwright

from quart_chat.view import htmx
from tests.browser.cdn import VENDOR, Cdn, serving_cdn
from tests.browser.chromium import start_chromium
from tests.browser.firefox import start_firefox
from tests.browser.minibrowser import starting_minibrowsers
from tests.people import Person
from tests.rows import Rows
from tests.serving import Server, serving

# A machine that has other things to do is no fault of what is tried on it.
hypothesis.settings.register_profile("busy", deadline=None)
hypothesis.settings.load_profile("busy")


def pytest_collection_finish() -> None:
    """What is there now stays to the end: no collection of garbage need look through thousands of tests again."""
    gc.freeze()


@pytest.fixture
def rows() -> Iterator[Rows]:
    rows = Rows()
    yield rows
    assert not rows.failed, "\n".join(["", *rows.failed])


@pytest.fixture(scope="session")
async def cdn(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cdn]:
    async with serving_cdn(tmp_path_factory.mktemp("cdn")) as cdn:
        yield cdn


@pytest.fixture(scope="session")
def program(request: pytest.FixtureRequest) -> str:
    """Which browser is started; tests/browser/conftest.py says which tests see more than one."""
    return getattr(request, "param", "chromium")


@pytest.fixture(scope="session")
def engine(program: str) -> str:
    return program.removesuffix("-whole")


@pytest.fixture(scope="session")
async def browser(program: str, engine: str, cdn: Cdn) -> AsyncIterator[Browser]:
    assert htmx.is_complete(VENDOR), "htmx is not in static/vendor: run `make setup`"
    async with async_playwright() as playwright:
        if engine == "webkit":
            async with starting_minibrowsers(playwright.webkit, cdn.proxy) as browsers:
                yield browsers  # type: ignore[misc]
            return
        if engine == "firefox":
            started = await start_firefox(playwright.firefox, cdn.preferences)
        else:
            started = await start_chromium(playwright, cdn.flags, whole=program == "chromium-whole")
        yield started
        await started.close()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server as an operator gets it, but for the rate limits."""
    async with serving(tmp_path, limits="off") as running:
        yield running


@pytest.fixture
async def alice(server: Server) -> AsyncIterator[Person]:
    async with Person("Alice", server.url) as person:
        yield person


@pytest.fixture
async def bob(server: Server) -> AsyncIterator[Person]:
    async with Person("Bob", server.url) as person:
        yield person


@pytest.fixture
async def mallory(server: Server) -> AsyncIterator[Person]:
    """Who does not belong, and tries."""
    async with Person("Mallory", server.url) as person:
        yield person


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "quart-chat-test", str(disk)]
    mounted = shutil.which("mount") and subprocess.run(command, capture_output=True, check=False).returncode == 0
    if not mounted:
        pytest.skip("a full disk needs the right to mount a tmpfs; SQLITE_FULL is tested by max_page_count instead")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)
