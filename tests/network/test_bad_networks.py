"""Packets that are late, lost, or do not come at all for a minute: nothing is lost, nothing comes twice.

To browsers the page is not secure, being on http and not on localhost: it has no locks, and its tabs share nothing.
"""

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from playwright.async_api import Browser, Request, async_playwright, expect

from tests.browser.chromium import FLAGS, MISSING, find_chromium
from tests.browser.window import Window
from tests.connections import connected
from tests.delivery import readers, writers
from tests.delivery.ledger import Ledger
from tests.delivery.verdict import judge_database, judge_reader, whole_room
from tests.network import storm
from tests.network.namespaces import Network, network
from tests.network.test_browser import opened
from tests.network.ways import Way
from tests.people import Fragment, Person
from tests.serving import Server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.timeout(240),
    # Sockets that wait for a network that is gone are given up.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

WRITERS = 6

MINUTE = 60.0

BACK = 40.0
"""Seconds after the trouble in which everybody has everything. TCP doubles its pauses, and the page gives a post 20."""

LIVE = re.compile(r"^Live(?: by polling: .+)?$")
LOST = re.compile(r"^Reconnecting…")


async def late(bad: Network, window: Window, seconds: float) -> None:
    bad.late()
    asked_at = time.monotonic()
    async with connected(*window.url.removeprefix("http://").split(":")):
        assert time.monotonic() - asked_at > 0.29, "there and back"
    await asyncio.sleep(seconds)
    assert bad.cable.lost


async def gone(bad: Network, window: Window, seconds: float) -> None:
    """The window says so, within the minute."""
    bad.gone()
    until = time.monotonic() + seconds
    await expect(window.page.locator("#status")).to_have_text(LOST, timeout=1000 * seconds)
    await asyncio.sleep(until - time.monotonic())


@pytest.mark.parametrize(
    ("trouble", "seconds"),
    [
        pytest.param(late, 30, id="300 ms and 5 % loss"),
        pytest.param(gone, MINUTE, id="a minute without packets"),
    ],
)
async def test_nothing_is_lost_and_nothing_comes_twice(
    trouble: Callable[[Network, Window, float], Awaitable[None]], seconds: float, tmp_path: Path
) -> None:
    ledger = Ledger()
    stopping = asyncio.Event()
    async with (
        network() as bad,
        chromium() as browser,
        across(bad, tmp_path) as server,
        Person("Stream", server.url) as one,
        Person("Poll", server.url) as other,
        opened(browser, Way(server.url), "lobby") as bo,
        asyncio.TaskGroup() as reading,
        asyncio.timeout(None) as patience,
    ):
        await bo.open()
        await bo.is_live()
        assert not await bo.page.evaluate("isSecureContext")
        audience = [await readers.open_page(one, "by stream"), await readers.open_page(other, "by poll")]
        tasks = [
            reading.create_task(readers.read(way, person, reader, ledger, random.Random(), stopping))
            for way, person, reader in zip([storm.by_stream, storm.by_poll], [one, other], audience, strict=True)
        ]
        async with asyncio.TaskGroup() as writing:
            for _ in range(WRITERS):
                writing.create_task(writers.write(server.url, ledger, random.Random(), stopping))
            chatting = writing.create_task(chat(bo, stopping))
            await trouble(bad, bo, seconds)
            bad.good()
            came_back = asyncio.get_running_loop().time()
            patience.reschedule(came_back + BACK)
            stopping.set()

        room, head = await whole_room(one)
        while any(reader.position < head for reader in audience):
            await asyncio.sleep(0.05)
        await shows_the_room(bo, room)
        took = asyncio.get_running_loop().time() - came_back
        for task in tasks:
            task.cancel()

        enter(chatting.result(), room, ledger)
        log = judge_database(server.folder / "quart_chat.db", ledger)
        for reader in audience:
            judge_reader(reader, log, room, ledger)
    print(f"{ledger}; everybody had everything {took:.1f} s after the network was good again")


async def test_page_that_is_opened_over_a_late_network_is_live(tmp_path: Path) -> None:
    """300 ms and a lost packet now and then are not taken for something that holds streams back."""
    async with (
        network() as bad,
        chromium() as browser,
        across(bad, tmp_path) as server,
        Person("Alice", server.url) as alice,
        opened(browser, Way(server.url), "lobby") as bo,
    ):
        await alice.post_message("before")
        bad.late()
        await bo.open()
        await bo.is_live()
        for number in range(20):
            await alice.post_message(f"number {number}")
        await shows_the_room(bo, (await whole_room(alice))[0])


async def shows_the_room(window: Window, room: dict[int, Fragment]) -> None:
    await window.shows(*(message.text for message in room.values()))
    await expect(window.page.locator("#status")).to_have_text(LIVE, timeout=20_000)
    # Chromium mentions that without TLS this header does nothing.
    assert not [said for said in window.complaints if "Cross-Origin-Opener-Policy" not in said]


async def chat(window: Window, stopping: asyncio.Event) -> dict[str, str]:
    """Write every second, whatever the network does, until all of it is sent. Returns the text of each key."""
    sent: dict[str, str] = {}

    def note(request: Request) -> None:
        if request.method == "POST" and request.post_data:
            fields = parse_qs(request.post_data)
            sent[fields["key"][0]] = fields["text"][0]

    window.page.on("request", note)
    await window.introduce("Bo")
    number = 0
    while not stopping.is_set():
        number += 1
        await window.send(f"line {number}")
        await asyncio.sleep(1)  # as people write: a line a second
    await expect(window.page.locator("#outbox .message")).to_have_count(0, timeout=1000 * BACK)
    assert sorted(sent.values()) == sorted(f"line {each}" for each in range(1, number + 1)), "each under one key"
    return sent


def enter(sent: dict[str, str], room: dict[int, Fragment], ledger: Ledger) -> None:
    """What the window wrote, into the book of what was acknowledged."""
    ids = {message.text: id for id, message in room.items()}
    for key, text in sent.items():
        ledger.posted(ids[text], key, text)
    ledger.authors += 1


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser at this end of the network: that of the other tests is elsewhere."""
    path = find_chromium()
    if path is None:
        pytest.skip(MISSING)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@asynccontextmanager
async def across(bad: Network, folder: Path) -> AsyncIterator[Server]:
    """A server at the other end; its heartbeats are 15 s apart, as an operator gets it."""
    server = bad.server(Server(folder, {"limits": "off"}))
    await server.start()
    try:
        yield server
    finally:
        await server.kill()
