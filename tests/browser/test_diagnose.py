"""The network check in a real browser: straight to the server, and through what holds whole answers back."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenWindow
from tests.browser.contexts import allow_clipboard
from tests.network import forward
from tests.network.processes import started
from tests.network.programs import need
from tests.serving import Server

pytestmark = pytest.mark.browser


@pytest.fixture
async def scanner(server: Server) -> AsyncIterator[str]:
    """The address of a proxy before the server that collects whole answers before it passes them on."""
    need("mitmdump")
    program = forward.mitmproxy(before=server.url)
    async with started(program):
        yield f"http://127.0.0.1:{program.port}"


async def measure(page: Page, url: str) -> dict[str, str]:
    """The state of each finding."""
    await page.goto(f"{url}/diagnose?idle=1")
    await page.get_by_role("button", name="Measure").click()
    await expect(page.get_by_role("button", name="Measuring…")).to_be_disabled()
    await expect(page.locator("[data-step=echo]")).to_have_attribute("data-state", "done")
    await expect(page.locator(".verdict")).to_be_visible(timeout=40_000)
    await expect(page.locator("#summary")).to_be_focused()
    found = await page.locator(".finding").all()
    return {await each.get_attribute("data-key") or "": await each.get_attribute("data-state") or "" for each in found}


async def test_direct_way_is_good_throughout(window: OpenWindow, server: Server) -> None:
    ana = await window(show=False)
    states = await measure(ana.page, server.url)
    await expect(ana.page.get_by_text("needs JavaScript")).to_have_count(0)
    # The WebSocket too: `connect-src 'self'` covers it.
    assert set(states.values()) == {"good"}, states
    await expect(ana.page.locator("#summary")).to_have_text("Live updates get through this network.")


async def test_scanner_of_whole_bodies_is_found_and_reported(window: OpenWindow, scanner: str) -> None:
    # The scanner closes a WebSocket without a farewell, and WebKit says so.
    ana = await window(show=False, own=True, trouble=True, viewport={"width": 280, "height": 640})
    await allow_clipboard(ana.context)
    page = ana.page
    states = await measure(page, scanner)
    assert {key for key, state in states.items() if state == "bad"} == {"first", "spacing"}
    assert (states["polling"], states["websocket"]) == ("good", "good")
    await expect(page.locator("#summary")).to_contain_text("The chat works by polling instead.")
    remedy = page.locator(".finding[data-key=spacing] .remedy")
    await expect(remedy).to_contain_text("from content scanning")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 280
    await page.get_by_role("button", name="Copy report").click()
    await expect(page.get_by_text("Copied.")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert f"Network check of {scanner.removeprefix('http://')}" in copied
    assert " BAD  One by one" in copied


async def test_server_that_is_gone_is_said_to_be(window: OpenWindow, server: Server) -> None:
    ana = await window(show=False, trouble=True)
    await ana.context.route("**/diagnose/*", lambda route: route.abort())
    await ana.page.goto(f"{server.url}/diagnose?idle=1")
    async with asyncio.timeout(40):
        await ana.page.get_by_role("button", name="Measure").click()
        await expect(ana.page.locator("#findings .notice")).to_contain_text("could not be asked what it means")
    await expect(ana.page.locator("#findings pre")).to_contain_text('"idle": 1')


async def test_page_without_a_script_names_the_command(window: OpenWindow) -> None:
    ana = await window(show=False, java_script_enabled=False)
    page = ana.page
    await page.goto(f"{ana.url}/diagnose")
    await expect(page.get_by_text("needs JavaScript")).to_be_visible()
    await expect(page.get_by_role("button", name="Measure")).to_be_hidden()
    await expect(page.locator("pre")).to_have_text(f"quart-chat diagnose {ana.url}")
