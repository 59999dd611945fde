"""Real Chromium windows on a real server. The CDN's address is answered with the files of the npm package, so that the
browser really checks their integrity hashes."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from playwright.async_api import Browser, Route, async_playwright

from quart_chat import assets, vendor
from tests.browser.chromium import MISSING, find_chromium
from tests.browser.window import Window
from tests.people import Person
from tests.serving import Server, serving

VENDOR = assets.folder("static") / "vendor"

FLAGS = [
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # Chromium's own services look for the internet, which a test machine need not have.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

OpenWindow = Callable[..., Awaitable[Window]]


async def answer_as_cdn(route: Route) -> None:
    name = route.request.url.rsplit("/", 1)[1]
    await route.fulfill(
        body=(VENDOR / name).read_bytes(),
        content_type="application/javascript",
        headers={"Access-Control-Allow-Origin": "*"},
    )


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip(MISSING)
    assert vendor.is_complete(VENDOR), "htmx is not in static/vendor: run `make setup`"
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=path,
            args=FLAGS,
            # Playwright switches the back/forward cache off; people have it on.
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield chromium
        await chromium.close()


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

    `cdn` answers the CDN's address, `trouble` allows the browser's own messages about failed requests, and other
    arguments go to the browser context.
    """
    opened: list[tuple[Window, bool]] = []

    async def open_window(
        *,
        show: bool = True,
        cdn: Callable[[Route], Awaitable[None]] = answer_as_cdn,
        trouble: bool = False,
        script: str = "",
        **options: object,
    ) -> Window:
        context = await browser.new_context(**{"viewport": {"width": 900, "height": 600}} | options)
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
