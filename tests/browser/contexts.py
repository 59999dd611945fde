"""Browser contexts, used again by tests that leave nothing behind in them: what is in their cache need not be loaded
anew for each page."""

from collections.abc import Awaitable, Callable

from playwright.async_api import Browser, BrowserContext, Page, Route

Options = dict[str, object]

SIZE = {"width": 900, "height": 600}
"""Of every window for which a test asks for no other."""

EMBEDDING = '<iframe src="http://127.0.0.1/"></iframe>'
"""Chats are called by their address, pages around them by a name: two sites."""

BrowserFor = Callable[[Options], Awaitable[Browser]]


class Contexts:
    """Rooms and origins are new for every test, so that what a page stores is nobody else's; cookies are not, and are
    taken out."""

    def __init__(self, browser_for: BrowserFor, always: Options, *, alone: bool = False) -> None:
        """With `alone`, none of them is used again."""
        self._browser_for = browser_for
        self._alone = alone
        self._always = always
        self._spare: dict[str, list[BrowserContext]] = {}
        self._kinds: dict[BrowserContext, str] = {}
        self._anchors: dict[BrowserContext, Page] = {}

    async def take(self, options: Options, *, own: bool) -> BrowserContext:
        """A context with these options; with `own`, one that nobody uses again."""
        kind = repr(sorted((name, value) for name, value in options.items() if name != "viewport"))
        spare = self._spare.setdefault(kind, [])
        own = own or self._alone
        if not own and spare:
            context = spare.pop()
            if context not in self._anchors and context.browser and context.browser.browser_type.name == "chromium":
                self._anchors[context] = await _anchor(context)
            return context
        browser = await self._browser_for(options)
        context = await browser.new_context(**self._always | options | {"viewport": SIZE})  # type: ignore[arg-type]
        if not own:
            self._kinds[context] = kind
        return context

    async def give_back(self, context: BrowserContext) -> None:
        """MUST follow: pages that stay open keep their streams, and slow every later test down."""
        kind = self._kinds.get(context)
        if kind is None:
            await context.close()
            return
        for page in context.pages:
            if page is not self._anchors.get(context):
                await page.close()
        await context.unroute_all(behavior="ignoreErrors")
        await context.set_offline(False)
        await context.clear_cookies()
        self._spare[kind].append(context)


async def open_page(context: BrowserContext, options: Options) -> Page:
    page = await context.new_page()
    if (size := options.get("viewport", SIZE)) != SIZE:
        await page.set_viewport_size(size)  # type: ignore[arg-type]
    return page


async def _anchor(context: BrowserContext) -> Page:
    """A page that stays, and with it the processes of its sites: to start them costs more than most pages do."""

    async def answer(route: Route) -> None:
        await route.fulfill(content_type="text/html", body=EMBEDDING if "localhost" in route.request.url else "")

    page = await context.new_page()
    await page.route("**/*", answer)
    await page.goto("http://localhost/")
    return page


async def allow_clipboard(context: BrowserContext) -> None:
    """To read and to write. In Firefox a preference has done so."""
    if context.browser and context.browser.browser_type.name == "chromium":
        await context.grant_permissions(["clipboard-read", "clipboard-write"])
