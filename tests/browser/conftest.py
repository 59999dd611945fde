"""Real Chromium windows on a real server."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Browser, BrowserContext, Route

from quart_chat.view import htmx
from tests.browser.cdn import Cdn
from tests.browser.contexts import Contexts, Options, open_page
from tests.browser.engines import NOT_IN_WEBKIT
from tests.browser.firefox import NO_SCRIPTS, asked_of_a_whole_browser, start_firefox
from tests.browser.host import Host, hosting
from tests.browser.portal import portal_before
from tests.browser.visit import Visit
from tests.browser.window import Window
from tests.people import Person
from tests.serving import Server, serving

OpenWindow = Callable[..., Awaitable[Window]]
OpenVisit = Callable[..., Awaitable[Visit]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test sees Chromium, as its shell or, where it is marked `whole_browser`, with all that people have around
    it. Those marked `every_browser` see Firefox too; so do the others in `make test-long`, where all see the whole
    Chromium, and all but those that engines.py names see WebKit. A test says where it leaves something out, and why.
    One worker has Firefox."""
    if "engine" not in metafunc.fixturenames:
        return
    marked = {marker.name for marker in metafunc.definition.iter_markers()}
    marks = [pytest.mark.xdist_group("firefox"), *([] if "every_browser" in marked else [pytest.mark.long])]
    whole = [pytest.mark.xdist_group("whole"), *([] if "whole_browser" in marked else [pytest.mark.long])]
    programs = [pytest.param("chromium-whole", marks=whole), pytest.param("firefox", marks=marks)]
    if "whole_browser" not in marked:
        programs.insert(0, pytest.param("chromium"))
    if metafunc.function.__name__ not in NOT_IN_WEBKIT:
        programs.append(pytest.param("webkit", marks=pytest.mark.long))
    metafunc.parametrize("program", programs, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two workers have Chromium, and about as many tests: whoever starts it also has to fill its caches."""
    chromium = (
        item for item in items if hasattr(item, "callspec") and item.callspec.params.get("program") == "chromium"
    )
    for at, item in enumerate(chromium):
        item.add_marker(pytest.mark.xdist_group(f"chromium-{at % 2}"))


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


@pytest.fixture(scope="session")
async def contexts(browser: Browser, engine: str, cdn: Cdn) -> AsyncIterator[Contexts]:
    others: dict[str, Browser] = {}

    async def browser_for(options: Options) -> Browser:
        preferences = asked_of_a_whole_browser(options)
        if engine != "firefox" or not preferences:
            return browser
        if repr(preferences) not in others:
            others[repr(preferences)] = await start_firefox(browser.browser_type, cdn.preferences | preferences)
        return others[repr(preferences)]

    # Chromium takes the tests' CDN by a flag.
    always = {"ignore_https_errors": True} if engine == "firefox" else {}
    yield Contexts(browser_for, always, alone=engine == "webkit")
    for other in others.values():
        await other.close()


@pytest.fixture
async def window(contexts: Contexts, engine: str, server: Server, room: str) -> AsyncIterator[OpenWindow]:
    """Opens a window of a new person; afterwards, none of them has complained on its console.

    `cdn` answers in the CDN's place, `trouble` allows the browser's own messages about failed requests, `own` is for
    tests that change the browser's clock or take its network away (of which another page in the process would hear
    sooner than it happens to this one), and other arguments go to the browser context.
    """
    opened: list[tuple[Window, bool]] = []
    behind = AsyncExitStack()

    async def open_window(
        *,
        show: bool = True,
        cdn: Callable[[Route], Awaitable[None]] | None = None,
        trouble: bool = False,
        script: str = "",
        own: bool = False,
        **options: object,
    ) -> Window:
        context = await contexts.take(options, own=own or bool(cdn or script))
        if cdn:
            await context.route(f"{htmx.CDN}/**", cdn)
        if script:
            await context.add_init_script(script)
        url = server.url
        if engine == "firefox" and options.get("java_script_enabled") is False:
            url = (await behind.enter_async_context(portal_before(url, policy=NO_SCRIPTS))).url
        new = Window(await open_page(context, options), url, room)
        new.watch()
        opened.append((new, trouble))
        if show:
            await new.open()
        return new

    yield open_window
    for seen, _ in opened:
        await contexts.give_back(seen.context)
    await behind.aclose()
    for seen, trouble in opened:
        assert not seen.complaints
        if not trouble:
            assert not seen.trouble


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    async with hosting() as site:
        yield site


@pytest.fixture
async def visit(contexts: Contexts) -> AsyncIterator[OpenVisit]:
    """Opens a page of another site in a browser of its own; `own` as above, options go to the browser context."""
    taken: list[BrowserContext] = []

    async def open_visit(url: str, *, own: bool = False, **options: object) -> Visit:
        options = {"viewport": {"width": 900, "height": 700}} | options
        taken.append(await contexts.take(options, own=own))
        visited = Visit(await open_page(taken[-1], options))
        await visited.page.goto(url)
        return visited

    yield open_visit
    for context in taken:
        await contexts.give_back(context)
