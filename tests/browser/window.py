"""A browser window on a room, and what its owner sees and does in it."""

import asyncio
import re
from dataclasses import dataclass, field

from playwright.async_api import BrowserContext, ConsoleMessage, Locator, Page, Route, expect

NETWORK_TROUBLE = re.compile(
    r"Failed to load resource|WebSocket connection to .* failed: Error receiving data|"
    r"htmx: htmx:(sse:)?error: .*(fetch|network|Network|timeout|aborted|input stream|Load failed)|"
    r"uncaught: .* due to access control checks|"  # WebKit, of what was under way when a page is left
    r"uncaught: (Firefox can’t establish a connection|"
    r"The Same Origin Policy disallows reading the remote resource|None of the .* hashes in the integrity)"
)
"""What the browser and htmx themselves say on the console when a request fails, as some tests make them do."""

NOISE = re.compile(
    r"preloaded using link preload but not used within a few seconds|"
    r"Unrecognized Content-Security-Policy directive|Viewport argument key .* not recognized"
)
"""What a browser says of a machine that has other things to do, so that a script comes to its turn later, and of words
that it does not know yet. That nothing is fetched ahead for nothing is tested by what is left of it in the page
(test_scripts.py)."""

DRIVERS_STYLE = "sha256-YjaKGiklmzC6wjXA513HAMmzus8VE61XCOT+SmwNZWA="
"""`body {}`, which the driver puts into a page before a picture. In Firefox the page's own policy keeps it out."""


@dataclass
class Window:
    """A page. `complaints` is everything on its console that a flawless page does not say."""

    page: Page
    url: str
    room: str
    complaints: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    def watch(self) -> None:
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self._complain(f"uncaught: {error}"))

    async def open(self, query: str = "") -> None:
        await self.page.goto(f"{self.url}/rooms/{self.room}{query}")

    async def is_live(self) -> None:
        await self.says("Live")

    async def says(self, words: str) -> None:
        """The status line says so, now or soon."""
        await expect(self.page.locator("#status")).to_have_text(words, timeout=20_000)

    async def introduce(self, name: str) -> None:
        await self.page.get_by_label("Your name").fill(name)

    async def write(self, text: str) -> None:
        await self.page.locator("#text").fill(text)

    async def send(self, text: str) -> None:
        await self.write(text)
        await self.page.locator("#text").press("Enter")

    async def shows(self, *texts: str) -> None:
        """These messages, no others, each once, in this order; nothing is waiting to be sent."""
        await expect(self.page.locator("#messages .message-text")).to_have_text(list(texts), timeout=20_000)
        await expect(self.page.locator("#outbox .message")).to_have_count(0, timeout=20_000)

    async def says_nothing_but(self, heading: str, reason: str) -> None:
        """The page has ended: that, and why, is all that is in sight, and no message is left in it."""
        told = self.page.get_by_role("alert").filter(has=self.page.get_by_role("heading", name=heading))
        await expect(told).to_contain_text(reason, timeout=20_000)
        await self.page.bring_to_front()  # in WebKit one window has the focus
        await expect(told).to_be_focused()
        for hidden in (".room-header", ".conversation", "dialog"):
            for each in await self.page.locator(hidden).all():
                await expect(each).to_be_hidden()
        await expect(self.page.locator("#messages .message")).to_have_count(0)

    async def tab(self) -> "Window":
        """Another tab of this browser, with the same room."""
        tab = Window(await self.context.new_page(), self.url, self.room)
        tab.watch()
        await tab.open()
        return tab

    async def hold(self, address: str) -> asyncio.Event:
        """Keep this window's requests to `address` from the server until the event is set."""
        release = asyncio.Event()

        async def wait(route: Route) -> None:
            await release.wait()
            await route.continue_()

        await self.context.route(address, wait)
        return release

    async def texts(self) -> list[str]:
        return await self.page.locator("#messages .message-text").all_inner_texts()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning") or NOISE.search(message.text):
            return
        self._complain(f"{message.type}: {message.text}")

    def _complain(self, said: str) -> None:
        if DRIVERS_STYLE in said:
            return
        (self.trouble if NETWORK_TROUBLE.search(said) else self.complaints).append(said)


async def tap(what: Locator) -> None:
    """With a finger. Firefox's driver has none, does nothing, and says nothing of it: there it is the mouse."""
    await (what.tap() if engine_of(what.page) == "chromium" else what.click())


def engine_of(page: Page) -> str:
    browser = page.context.browser
    return browser.browser_type.name if browser else "chromium"
