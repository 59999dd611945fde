"""Many tabs of one browser: six connections over HTTP/1.1 must do for all of them."""

import asyncio
from collections.abc import Callable

import pytest
from playwright.async_api import BrowserContext, Request, expect

from tests.browser.conftest import OpenVisit, OpenWindow
from tests.browser.host import Host
from tests.browser.visit import Embedded, Visit, page
from tests.browser.window import Window
from tests.people import Person
from tests.serving import Server

pytestmark = pytest.mark.browser

TABS = 8
"""More than there are connections."""

FEW = 4
"""Where one stream serves all, which is what engines may do differently, the number changes nothing."""

HELD = 3
"""Connections that all tabs which are seen may hold open together."""

LET_GO = {"live", "connecting"}
"""The states of two tabs of which one has let go of its connection."""

LOOK = """(hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
"""Headless browsers show every page: what the browser says of that is what is replaced here."""


class Streams:
    """The streams that a browser has open."""

    def __init__(self, context: BrowserContext) -> None:
        self.open: list[Request] = []
        self.asked = 0
        context.on("request", self._begin)
        context.on("requestfailed", self._end)
        context.on("requestfinished", self._end)

    def of(self, tab: Window) -> int:
        return sum(request.frame.page == tab.page for request in self.open)

    def _begin(self, request: Request) -> None:
        if "/stream?" in request.url:
            self.open.append(request)
            self.asked += 1

    def _end(self, request: Request) -> None:
        if request in self.open:
            self.open.remove(request)


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.05)


@pytest.mark.every_browser
async def test_all_tabs_post_and_all_receive_by_one_stream(window: OpenWindow, engine: str) -> None:
    # On a busy machine Chromium remarks that what eight tabs have fetched ahead was not used within seconds.
    one = await window(trouble=True)
    await one.is_live()
    streams = Streams(one.context)
    await one.introduce("Ana")
    await one.send("from tab 1")
    await one.shows("from tab 1")
    tabs = [one]
    for _ in range((TABS if engine == "chromium" else FEW) - 1):
        tabs.append(await one.tab())
        await tabs[-1].is_live()
    texts = ["from tab 1"]
    for number, tab in enumerate(tabs[1:], 2):
        texts.append(f"from tab {number}")
        await tab.send(texts[-1])
        await tab.shows(*texts)
    for tab in tabs:
        await tab.shows(*texts)
        assert not tab.complaints
    assert streams.asked == 1, "the stream of whom the first tab has become serves them all"


async def test_tab_that_leads_is_closed_and_another_goes_on(window: OpenWindow, alice: Person) -> None:
    one = await window()
    await one.is_live()
    two = await one.tab()
    three = await one.tab()
    await three.is_live()
    streams = Streams(one.context)
    await one.page.close()
    await alice.post_message("who hears this?")
    for tab in (two, three):
        await tab.shows("who hears this?")
        await tab.is_live()
    await alice.post_message("and this?")
    for tab in (two, three):
        await tab.shows("who hears this?", "and this?")
    assert len(streams.open) == 1


async def test_tab_that_is_seen_takes_over_from_one_that_is_not(window: OpenWindow, alice: Person) -> None:
    one = await window()
    await one.is_live()
    streams = Streams(one.context)
    await one.page.evaluate(LOOK, True)
    await alice.post_message("nobody looks")
    await one.shows("nobody looks")
    await expect(one.page).to_have_title("(1) " + (await one.page.locator("h1").inner_text()) + " · quart-chat")
    two = await one.tab()
    await two.is_live()
    await eventually(lambda: streams.of(two) == 1)
    await alice.post_message("through the second")
    for tab in (one, two):
        await tab.shows("nobody looks", "through the second")
    await expect(one.page).to_have_title("(2) " + (await one.page.locator("h1").inner_text()) + " · quart-chat")
    await one.page.evaluate(LOOK, False)
    await expect(one.page).to_have_title((await one.page.locator("h1").inner_text()) + " · quart-chat")
    await one.is_live()


async def test_tab_that_missed_what_the_leader_said_fetches_it(window: OpenWindow, alice: Person) -> None:
    one = await window()
    await one.is_live()
    two = await one.tab()
    await two.is_live()
    await two.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    first = await alice.post_message("first")
    await alice.post_message("second")
    await alice.edit_message(first.message_id, "first, edited")
    await one.shows("first, edited", "second")
    assert await two.texts() == []
    await two.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    await two.shows("first, edited", "second")
    await alice.post_message("third")
    await two.shows("first, edited", "second", "third")
    await two.is_live()


async def test_every_tab_and_embed_learns_who_the_first_has_become(
    window: OpenWindow, server: Server, host: Host, alice: Person, visit: OpenVisit
) -> None:
    one = await window()
    two = await one.tab()
    await alice.send("/rooms", name="Another", slug=f"{one.room}-another")
    three = Window(await one.context.new_page(), one.url, f"{one.room}-another")
    await three.open()
    await two.page.get_by_label("Your name").focus()
    await one.introduce("Ana")
    await one.send("here I am")
    for tab in (one, two, three):
        await expect(tab.page.locator(".identity-known bdi")).to_have_text("Ana")
        await expect(tab.page.get_by_label("Your name")).to_be_hidden()
        assert not tab.complaints
    await expect(two.page.locator("#messages [data-own]")).to_have_count(1)
    assert await two.page.evaluate("document.activeElement.id") == "text", "where the focus was, no name is asked for"
    (cookie,) = await one.context.cookies()
    assert cookie["value"] not in str(await one.page.evaluate("({ ...localStorage })")), "nothing secret crosses"

    # Frames in pages of one site have a guest of their own, and share that one.
    first = await visit(host.put("/", page(server, one.room)))
    second = Visit(await first.page.context.new_page())
    await second.page.goto(host.url)
    await second.room().is_live()
    await first.page.bring_to_front()  # or keys of Firefox's driver do not reach its frame
    await first.room().introduce("Bo")
    await first.room().send("and I am here")
    frames: list[Embedded] = [first.room(), second.room()]
    for frame in frames:
        await frame.is_known_as("Bo")
    await second.page.bring_to_front()
    await frames[1].send("twice")
    await frames[0].shows("here I am", "and I am here", "twice")
    await expect(frames[0].frame.locator("#messages [data-own]")).to_have_count(2)
    await expect(one.page.locator(".identity-known bdi")).to_have_text("Ana")
    first.complains_of()


@pytest.mark.long
async def test_many_rooms_leave_connections_to_send_with(window: OpenWindow, alice: Person) -> None:
    one = await window()
    await one.introduce("Ana")
    await one.is_live()
    await one.send("here")
    tabs = [one]
    for number in range(HELD + 1):
        slug = f"{one.room}-{number}"
        await alice.send("/rooms", name=slug, slug=slug)
        tab = Window(await one.context.new_page(), one.url, slug)
        await tab.open()
        tabs.append(tab)
    for tab in tabs[1:]:
        await tab.send("here")
        await tab.shows("here")
    await alice.post_message("from outside", room=tabs[-1].room)
    await tabs[-1].shows("here", "from outside")
    await tabs[-1].says("Checking every 2 s: this browser has enough streams open")
    # A tab that closes gives its connection back.
    await one.page.close()
    for tab in tabs[1:]:
        await tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    async with asyncio.timeout(20):
        while [await tab.page.locator("#status").inner_text() for tab in tabs[1:]].count("Live") < HELD:
            await asyncio.sleep(0.1)


async def test_of_all_hidden_tabs_one_keeps_its_stream(window: OpenWindow, alice: Person) -> None:
    one = await window(show=False, own=True)
    two = Window(await one.context.new_page(), one.url, "lobby")
    streams = Streams(one.context)
    for tab in (one, two):
        await tab.page.clock.install()
        await tab.open()
        await tab.is_live()
    assert len(streams.open) == 2
    for tab in (one, two):
        await tab.page.evaluate(LOOK, True)
        await tab.page.clock.fast_forward(31_000)
    async with asyncio.timeout(20):
        while {await tab.page.locator("#status").get_attribute("data-state") for tab in (one, two)} != LET_GO:
            await asyncio.sleep(0.1)
    assert len(streams.open) == 1
    await two.page.evaluate(LOOK, False)
    await two.is_live()
    await eventually(lambda: len(streams.open) == 2)


async def test_browser_that_denies_channels_is_live_all_the_same(window: OpenWindow, alice: Person) -> None:
    """As Firefox does where cookies are blocked."""
    deny = "window.BroadcastChannel = class { constructor() { throw new DOMException('no', 'SecurityError'); } }"
    one = await window(script=deny)
    await one.is_live()
    await alice.post_message("hello")
    await one.shows("hello")


@pytest.mark.long
async def test_browser_without_locks_lets_hidden_tabs_go(window: OpenWindow, alice: Person) -> None:
    """As over HTTP from another machine, where there is no secure context."""
    one = await window(script="delete Navigator.prototype.locks")
    streams = Streams(one.context)
    tabs = [one]
    await one.is_live()
    for _ in range(TABS - 1):
        await tabs[-1].page.evaluate(LOOK, True)
        tabs.append(await one.tab())
        await tabs[-1].is_live()
    await eventually(lambda: len(streams.open) <= 1)
    await alice.post_message("hello")
    await tabs[-1].shows("hello")
    await one.page.evaluate(LOOK, False)
    await one.shows("hello")
    await one.is_live()
