"""A real browser on the far side of real components: which way it finds, and what it shows after trouble."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser

from quart_chat.view import htmx
from tests.browser.cdn import answer_as_cdn
from tests.browser.window import Window
from tests.delivery.ledger import Ledger
from tests.delivery.verdict import whole_room
from tests.network import storm
from tests.network.certificates import Certificate
from tests.network.programs import need
from tests.network.proxies import COMPONENTS, Built, running
from tests.network.test_ways import POLLED
from tests.network.ways import Way
from tests.people import Person
from tests.serving import Server, serving
from tests.web.conftest import new_room

pytestmark = pytest.mark.browser

POLLING = "Live by polling: your network buffers streams"

SHOWN = [
    "nginx-stock", "tinyproxy-plain", "mitmproxy-connect",
    *(pytest.param(name, marks=pytest.mark.long) for name in ("nginx-tls", "squid-preview", "mitmproxy-forward")),
]  # fmt: skip
"""Of each kind one: the others differ in nothing that a browser would see."""

STORMY = ["nginx-deploy", "tinyproxy-plain", "mitmproxy-forward"]

MESSAGES = 100


@asynccontextmanager
async def opened(browser: Browser, way: Way, room: str) -> AsyncIterator[Window]:
    """A window on a room that takes this way."""
    # Browsers do not ask a proxy for what is on their own machine, unless they are told to.
    proxy = {"proxy": {"server": way.proxy, "bypass": "<-loopback>"}} if way.proxy else {}
    context = await browser.new_context(ignore_https_errors=True, **proxy)
    try:
        await context.route(f"{htmx.CDN}/**", answer_as_cdn)
        window = Window(await context.new_page(), way.url, room)
        window.watch()
        yield window
    finally:
        await context.close()


@pytest.mark.parametrize("name", SHOWN)
async def test_page_finds_the_way_that_works(
    name: str, browser: Browser, upstream: Server, components: dict[str, Built]
) -> None:
    need(*COMPONENTS[name].needs)
    room = await new_room(upstream)
    async with (
        Person("Alice", upstream.url, room) as alice,
        opened(browser, components[name].way, room) as bo,
    ):
        await bo.open()
        await alice.post_message("hello")
        await bo.shows("hello")
        await bo.says(POLLING if name in POLLED else "Live")
        await bo.introduce("Bo")
        await bo.send("and back")
        await bo.shows("hello", "and back")


@pytest.mark.long
async def test_tabs_on_many_rooms_all_have_a_stream_over_http2(
    browser: Browser, upstream: Server, components: dict[str, Built]
) -> None:
    need(*COMPONENTS["nginx-tls"].needs)
    rooms = [await new_room(upstream) for _ in range(8)]
    async with opened(browser, components["nginx-tls"].way, rooms[0]) as first:
        for room in rooms:
            tab = Window(await first.context.new_page(), first.url, room)
            await tab.open()
            await tab.is_live()


@pytest.mark.timeout(180)
@pytest.mark.long
async def test_pages_behind_proxies_that_are_killed_and_frozen_show_everything_once_and_in_order(
    browser: Browser, tmp_path: Path, certificate: Certificate
) -> None:
    names = [name for name in STORMY if not COMPONENTS[name].missing]
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(tmp_path, **storm.SETTINGS))
        built = await stack.enter_async_context(running(server.bind, certificate, *names))
        alice = await stack.enter_async_context(Person("Alice", server.url))
        windows = {}
        for name in names:
            window = windows[name] = await stack.enter_async_context(opened(browser, built[name].way, "lobby"))
            await window.open()
            await window.introduce(name)
            await window.says(POLLING if name in POLLED else "Live")

        chance = random.Random()
        async with asyncio.TaskGroup() as group:
            group.create_task(write(alice, chance))
            for name, window in windows.items():
                group.create_task(storm.trouble(built[name].program, Ledger(), chance))
                group.create_task(chat(window, name, chance))

        for name, window in windows.items():
            await window.says(POLLING if name in POLLED else "Live")
        expected = [message.text for message in (await whole_room(alice))[0].values()]
        for name, window in windows.items():
            await window.shows(*expected)
            assert [text for text in expected if text.startswith(f"{name} ")] == [f"{name} {n}" for n in range(5)]
            assert not window.complaints


async def write(person: Person, chance: random.Random) -> None:
    """So many messages, of which some are changed and some deleted."""
    own = []
    for number in range(MESSAGES):
        own.append((await person.post_message(f"message {number}")).message_id)
        match chance.randrange(6):
            case 0:
                await person.edit_message(chance.choice(own), f"edited after {number}")
            case 1:
                await person.delete_message(own.pop(chance.randrange(len(own))))
        await asyncio.sleep(chance.uniform(0, 0.15))


async def chat(window: Window, name: str, chance: random.Random) -> None:
    for number in range(5):
        await window.send(f"{name} {number}")
        await asyncio.sleep(chance.uniform(0.5, 2))


@pytest.mark.long
async def test_page_notices_a_proxy_that_went_silent_and_comes_back(
    browser: Browser, tmp_path: Path, certificate: Certificate
) -> None:
    """Half dead: the connection is there, and nothing moves on it, as after a phone has slept."""
    need(*COMPONENTS["tinyproxy-plain"].needs)
    async with (
        serving(tmp_path, **storm.SETTINGS) as server,
        running(server.bind, certificate, "tinyproxy-plain") as built,
        Person("Alice", server.url) as alice,
        opened(browser, built["tinyproxy-plain"].way, "lobby") as bo,
    ):
        await bo.open()
        await bo.is_live()
        built["tinyproxy-plain"].program.freeze()
        await alice.post_message("meanwhile")
        await bo.says("Reconnecting…")
        assert await bo.texts() == []
        built["tinyproxy-plain"].program.thaw()
        await bo.shows("meanwhile")
        await bo.is_live()


@pytest.mark.long
async def test_page_that_was_put_to_sleep_is_back_when_it_wakes(
    browser: Browser, tmp_path: Path, certificate: Certificate
) -> None:
    """The processes that run pages are stopped, as on a phone that sleeps; the network forgets their connections."""
    need(*COMPONENTS["tinyproxy-plain"].needs)
    async with (
        serving(tmp_path, limits="off") as server,
        running(server.bind, certificate, "tinyproxy-plain") as built,
        Person("Alice", server.url) as alice,
        opened(browser, built["tinyproxy-plain"].way, "lobby") as bo,
    ):
        await bo.open()
        await bo.is_live()
        async with asleep(browser):
            await built["tinyproxy-plain"].program.restart()
            await alice.post_message("slept through")
            await asyncio.sleep(ASLEEP)
        woke = time.monotonic()
        await bo.shows("slept through")
        await bo.is_live()
        print(f"back {time.monotonic() - woke:.2f} s after waking")


ASLEEP = 6.0
"""Seconds: longer than a page may be busy without taking that for sleep."""


@asynccontextmanager
async def asleep(browser: Browser) -> AsyncIterator[None]:
    session = await browser.new_browser_cdp_session()
    processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
    pages = [process["id"] for process in processes if process["type"] == "renderer"]
    assert pages
    for pid in pages:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pages:
            os.kill(pid, signal.SIGCONT)
