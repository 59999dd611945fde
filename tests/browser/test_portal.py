"""A portal in front of the chat whose session ends: its answers are said to be somebody else's, and nothing is lost."""

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import OpenWindow
from tests.browser.host import Host
from tests.browser.portal import ELSEWHERE, HERE, NETWORK, PAGE, UNAUTHORIZED, portal_before
from tests.browser.window import Window
from tests.people import Person
from tests.serving import Server

pytestmark = pytest.mark.browser

GATED = "Another server answers. Reload the page"
GATED_WITH_ONE = "Another server answers · 1 waiting. Reload the page"


async def look_again(window: Window) -> None:
    """Back from the tab in which somebody has signed in."""
    await window.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


async def no_stream(route: Route) -> None:
    await route.abort("connectionreset")


async def test_gate_whose_session_ends_is_said_to_be_one_and_everything_goes_on_when_it_opens(
    window: OpenWindow, server: Server, host: Host, alice: Person
) -> None:
    login = host.put("/login", "<h1>Sign in to Example</h1>")
    async with portal_before(server.url, login) as portal:
        ana, bo = await window(show=False, trouble=True), await window(show=False, trouble=True)
        await bo.context.route("**/stream?*", no_stream)
        ana.url = bo.url = portal.url
        await ana.open()
        await ana.introduce("Ana")
        await ana.is_live()
        await bo.open()
        await bo.page.locator("#status[data-state=polling]").wait_for(timeout=20_000)
        texts: list[str] = []
        for answer in (ELSEWHERE, HERE, UNAUTHORIZED, NETWORK, PAGE):
            portal.shut(answer)
            for person in (ana, bo):
                await person.says(GATED)
            await ana.send(f"behind a {answer}")
            await expect(ana.page.locator("#outbox")).to_contain_text("Not confirmed: another server answered")
            await ana.says(GATED_WITH_ONE)
            portal.open()
            texts.append(f"behind a {answer}")
            for person in (ana, bo):
                await look_again(person)
                await person.shows(*texts)
            await ana.is_live()

        # What is open stays open, and only what one sends meets the portal.
        portal.shut(ELSEWHERE, cut=False)
        await ana.send("into the portal")
        await ana.says(GATED_WITH_ONE)
        portal.open()
        texts.append("into the portal")
        await ana.shows(*texts)
        await ana.is_live()

        # A change is kept, too, over the reload that the page asks for.
        await ana.page.locator("#text").press("ArrowUp")
        await expect(ana.page.locator("#text")).to_have_value("into the portal")
        portal.shut(PAGE)
        await ana.send("through the portal")
        await expect(ana.page.get_by_role("alert")).to_contain_text("another server answered in its place")
        await expect(ana.page.get_by_text("Sign in")).to_have_count(0)
        await ana.page.get_by_role("link", name="Reload the page").click()
        await expect(ana.page.get_by_role("heading", name="Sign in to Example")).to_be_visible()
        portal.open()
        await ana.open()
        await expect(ana.page.get_by_label("Edit your message")).to_have_value("through the portal")
        await ana.page.locator("#text").press("Enter")
        await bo.shows(*texts[:-1], "through the portal")
