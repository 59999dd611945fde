"""Somebody is banned by a command while their browser does everything at once: all ends, and what
happens after that does not come: in no byte, and by no channel."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Error, expect

from quart_chat.domain import moderation
from quart_chat.domain.actors import CONSOLE
from tests.browser.conftest import OpenWindow
from tests.browser.test_removal import OUT, guest_of, olga
from tests.browser.window import Window
from tests.connections import accepting, connected
from tests.embeds import beside
from tests.people import Person
from tests.serving import Server

__all__ = ["olga"]

pytestmark = pytest.mark.browser

ALONE = "delete Navigator.prototype.locks"
"""Of a tab that cannot share a connection with the others."""

EAR = """(room) => {
    window.heard = [];
    window.ear = new BroadcastChannel(`quart-chat:room:${room}`);
    window.ear.onmessage = ({ data }) => window.heard.push(JSON.stringify(data));
}"""

# Not by `wait_for_function`: its second look is an `eval`, which the page's policy refuses.
HEARD = """(words) => new Promise((heard) => {
    const listen = () => window.heard.some((said) => said.includes(words)) && heard();
    window.ear.addEventListener("message", listen);
    listen();
})"""

AFTERWARDS = "what happened afterwards"


class Recorder:
    """Passes everything on, and keeps what the server sends, and which requests went to it."""

    def __init__(self, inside: str) -> None:
        self._inside = urlsplit(inside)
        self.port = 0
        self.asked = bytearray()
        self.received = bytearray()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._inside.hostname
        assert self._inside.port
        async with connected(self._inside.hostname, self._inside.port) as (from_inside, to_inside):
            tasks = {
                asyncio.create_task(_pass(reader, to_inside, self.asked)),
                asyncio.create_task(_pass(from_inside, writer, self.received)),
            }
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter, kept: bytearray) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65536):
            kept += data
            sink.write(data)
            await sink.drain()


@asynccontextmanager
async def recorded(server: Server) -> AsyncIterator[Recorder]:
    recorder = Recorder(server.url)
    async with accepting(recorder.answer) as recorder.port:
        yield recorder


async def tab_alone(window: Window, *, stream: bool) -> Window:
    """A tab with a connection of its own, by a stream or by held polls."""
    tab = Window(await window.context.new_page(), window.url, window.room)
    await tab.page.add_init_script(ALONE)
    if not stream:
        await tab.page.route("**/stream?*", lambda route: route.abort())
    await tab.open()
    return tab


async def test_all_that_is_under_way_ends_with_a_ban_by_a_command(
    window: OpenWindow, server: Server, olga: Person
) -> None:
    async with recorded(server) as wire:
        mallory = await guest_of(window, olga.room, "Mallory", "spam", url=wire.url)
        number = int(await mallory.page.locator("#identity").get_attribute("data-user") or 0)
        follower, sender, left = await mallory.tab(), await mallory.tab(), await mallory.tab()
        by_stream, by_polls = await tab_alone(mallory, stream=True), await tab_alone(mallory, stream=False)
        for tab in (follower, sender, left, by_stream):
            await tab.is_live()
        await expect(by_polls.page.locator("#status")).to_contain_text("Live", timeout=20_000)
        await left.page.goto(f"{wire.url}/robots.txt")
        ear = await mallory.context.new_page()
        await ear.goto(f"{wire.url}/robots.txt")
        await ear.evaluate(EAR, olga.room)
        await olga.post_message("before it")
        await ear.evaluate(HEARD, "before it")
        go_on = await sender.hold("**/messages")
        await sender.send("on its way")

        before = len(wire.received)
        async with beside(server) as chat:
            await moderation.remove(chat, olga.room, CONSOLE, number, ban=True, reason="Noise.")
            for _ in range(3):
                await olga.post_message(AFTERWARDS)
        go_on.set()
        for tab in (mallory, follower, sender, by_stream, by_polls):
            await tab.says_nothing_but(OUT, "Noise.")
        await left.page.evaluate("history.back()")
        # Playwright waits in Firefox for the end of a load that has been over for long.
        async with asyncio.timeout(20):
            words = ""
            while OUT not in words:
                with suppress(Error):  # the page is being changed
                    words = await left.page.evaluate("document.body.innerText")
                await asyncio.sleep(0.05)
        await olga.post_message(AFTERWARDS)
        newcomer = await window(show=False, trouble=True)
        newcomer.url, newcomer.room = wire.url, olga.room
        await newcomer.open()
        await expect(newcomer.page.get_by_role("heading", name=OUT)).to_be_visible()

        since = bytes(wire.received[before:])
        assert since.count(b'"reason": "removed"') >= 2, "two streams were open"
        assert AFTERWARDS.encode() not in wire.received
        assert not [words for words in await ear.evaluate("heard") if AFTERWARDS in words]
        for tab in (mallory, follower, sender, left, by_stream, by_polls, newcomer):
            assert AFTERWARDS not in await tab.page.evaluate("document.documentElement.outerHTML")
        assert "on its way" not in (await olga.client.get(f"/rooms/{olga.room}/messages")).text
