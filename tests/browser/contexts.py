"""Browser contexts, used again by tests that leave nothing behind in them: what is in their cache need not be loaded
anew for each page."""

from collections.abc import Awaitable, Callable

from playwright.async_api import Browser, BrowserContext

Options = dict[str, object]

BrowserFor = Callable[[Options], Awaitable[Browser]]


class Contexts:
    """Rooms and origins are new for every test, so that what a page stores is nobody else's; cookies are not, and are
    taken out."""

    def __init__(self, browser_for: BrowserFor, always: Options) -> None:
        self._browser_for = browser_for
        self._always = always
        self._spare: dict[str, list[BrowserContext]] = {}
        self._kinds: dict[BrowserContext, str] = {}

    async def take(self, options: Options, *, own: bool) -> BrowserContext:
        """A context with these options; with `own`, one that nobody uses again."""
        kind = repr(sorted(options.items()))
        spare = self._spare.setdefault(kind, [])
        if not own and spare:
            return spare.pop()
        browser = await self._browser_for(options)
        context = await browser.new_context(**self._always | options)  # type: ignore[arg-type]
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
            await page.close()
        await context.unroute_all(behavior="ignoreErrors")
        await context.set_offline(False)
        await context.clear_cookies()
        self._spare[kind].append(context)


async def allow_clipboard(context: BrowserContext) -> None:
    """To read and to write. In Firefox a preference has done so."""
    if context.browser and context.browser.browser_type.name == "chromium":
        await context.grant_permissions(["clipboard-read", "clipboard-write"])
