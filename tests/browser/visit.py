"""Somebody who looks at a page of another site, and at the rooms in it."""

import re

from playwright.async_api import ConsoleMessage, FrameLocator, Page, expect

from tests.browser.window import NOISE, engine_of
from tests.serving import Server

LINE = (
    '<quart-chat room="{room}" style="display:block;height:400px">'
    '<script src="{chat}/embed.js" async></script></quart-chat>'
)
"""What the owner's page says to put into a page."""

FRAME = (
    '<iframe src="{chat}/embed/{room}" width="100%" height="400" referrerpolicy="origin" '
    'sandbox="allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox"></iframe>'
)

REFUSED = "the server responded with a status of"
"""What Chromium and WebKit say on the console when a request is refused."""


class Embedded:
    """A room in a frame, and what somebody does in it."""

    def __init__(self, frame: FrameLocator) -> None:
        self.frame = frame

    async def is_live(self, words: str = "Live") -> None:
        await expect(self.frame.locator("#status")).to_have_text(words, timeout=20_000)

    async def introduce(self, name: str) -> None:
        await self.frame.get_by_label("Your name").fill(name)

    async def send(self, text: str) -> None:
        box = self.frame.get_by_label("Message", exact=True)
        await box.fill(text)
        await box.press("Enter")

    async def shows(self, *texts: str) -> None:
        await expect(self.frame.locator("#messages .message-text")).to_have_text(list(texts), timeout=20_000)
        await expect(self.frame.locator("#outbox .message")).to_have_count(0, timeout=20_000)

    async def is_known_as(self, name: str) -> None:
        await expect(self.frame.locator(".identity-known bdi")).to_have_text(name)

    async def refuses(self, words: str) -> None:
        await expect(self.frame.get_by_role("alert")).to_contain_text(words)


class Visit:
    """A page of another site, with everything that is said on its console."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._engine = engine_of(page)
        self.said: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not NOISE.search(message.text):
            self.said.append(message.text)

    def room(self, number: int = 0) -> Embedded:
        return Embedded(self.page.locator("iframe").nth(number).content_frame)

    def complains_of(self, *patterns: str) -> None:
        """That and nothing else is on the console."""
        if self._engine == "firefox":
            patterns = tuple(pattern for pattern in patterns if not pattern.startswith(REFUSED))
        rest = [said for said in self.said if not any(re.search(pattern, said) for pattern in patterns)]
        assert not rest, rest
        for pattern in patterns:
            assert any(re.search(pattern, said) for said in self.said), (pattern, self.said)


def page(server: Server, room: str, html: str = LINE) -> str:
    return html.format(chat=server.url, room=room)
