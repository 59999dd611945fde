"""Real Chromium windows on a real server."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Route

from quart_chat import vendor
from tests.browser.host import Host, hosting
from tests.browser.visit import Visit
from tests.browser.window import Window
from tests.people import Person
from tests.serving import Server, serving

OpenWindow = Callable[..., Awaitable[Window]]
OpenVisit = Callable[..., Awaitable[Visit]]


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """One for all tests that leave it running; each test has a room of its own."""
    async with serving(tmp_path_factory.mktemp("server"), limits="off") as running:
        yield running


@pytest.fixture
async def room(server: Server) -> str:
    slug = f"room-{secrets.token_hex(4)}"
    async with Person("Olga", server.url) as owner:
        await owner.send("/rooms", name=slug, slug=slug)
    return slug


@pytest.fixture
async def alice(server: Server, room: str) -> AsyncIterator[Person]:
    async with Person("Alice", server.url, room) as person:
        yield person


@pytest.fixture
async def window(browser: Browser, server: Server, room: str) -> AsyncIterator[OpenWindow]:
    """Opens a window of a new person; afterwards, none of them has complained on its console.

    `cdn` answers in the CDN's place, `trouble` allows the browser's own messages about failed requests, and other
    arguments go to the browser context.
    """
    opened: list[tuple[Window, bool]] = []

    async def open_window(
        *,
        show: bool = True,
        cdn: Callable[[Route], Awaitable[None]] | None = None,
        trouble: bool = False,
        script: str = "",
        **options: object,
    ) -> Window:
        context = await browser.new_context(**{"viewport": {"width": 900, "height": 600}} | options)
        if cdn:
            await context.route(f"{vendor.CDN}/**", cdn)
        if script:
            await context.add_init_script(script)
        new = Window(await context.new_page(), server.url, room)
        new.watch()
        opened.append((new, trouble))
        if show:
            await new.open()
        return new

    yield open_window
    # Windows that stay open keep their streams, and slow every later test down.
    for seen, _ in opened:
        await seen.context.close()
    for seen, trouble in opened:
        assert not seen.complaints
        if not trouble:
            assert not seen.trouble


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    async with hosting() as site:
        yield site


@pytest.fixture
async def visit(browser: Browser) -> AsyncIterator[OpenVisit]:
    """Opens a page of another site in a browser of its own; options go to the browser context."""
    contexts: list[BrowserContext] = []

    async def open_page(url: str, **options: Any) -> Visit:
        context = await browser.new_context(viewport={"width": 900, "height": 700}, **options)
        contexts.append(context)
        visited = Visit(await context.new_page())
        await visited.page.goto(url)
        return visited

    yield open_page
    for context in contexts:
        await context.close()
