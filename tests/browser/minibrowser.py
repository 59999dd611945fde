"""The machine's own WebKit under Playwright, which speaks to the inspector that every WebKit has.

The inspector has no keyboard, no mouse and no windows to open: keys and clicks are events that Playwright makes in the
page. What only a hand can do is tried by WebKit's driver, in test_webkit.py."""

import asyncio
import json
import os
import re
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
from playwright.async_api import BrowserContext, BrowserType, Page, ViewportSize

from tests.browser.webkit import BUS, environment, find_minibrowser, screen
from tests.connections import accepting
from tests.network.processes import free_port
from tests.network.programs import find, need

START = 20.0
"""Seconds that a browser may take to open a window, on a busy machine."""

BLANK = re.compile(r'"targeturl">about:blank</div>.*?(/socket/[\d/]+/WebPage)')
"""A page of the inspector's list that nobody has used."""

SHOWN = "[innerWidth, innerHeight, outerHeight - innerHeight]"
"""The size of a page, and what the window has above it."""

KEPT = 5
"""How often in a row a window must have its size."""

FIRST = b"""<!doctype html><title>WebKit</title><script>(async () => {
  while ((await fetch("/wanted")).ok) open("about:blank", "_blank", "popup,width=900,height=600");
})()</script>"""
"""The inspector loses a page whose next site gets a process of its own. One that a script has opened stays where it is:
the browser's first page does nothing but open others."""

SHARED = ("on", "route", "unroute", "add_init_script")
"""What is asked of a context: there is one for each page, to Playwright."""


@dataclass
class Tab:
    """A page, and what its context did before this was asked of all contexts."""

    page: Page
    own: dict[str, Callable[..., Any]]


class MiniBrowsers:
    """In the place of Playwright's `Browser`: each of its contexts is a browser of its own."""

    def __init__(self, webkit: BrowserType, display: str, proxy: int) -> None:
        self._webkit = webkit
        self._environment = environment(display)
        self._proxy = proxy

    async def new_context(self, **options: Any) -> BrowserContext:
        """Another one where the first does not come, as where somebody has taken its port meanwhile."""
        try:
            return await self._start(options)
        except TimeoutError:
            return await self._start(options)

    async def _start(self, options: dict[str, Any]) -> BrowserContext:
        browser = MiniBrowser(self._webkit, self._environment, self._proxy)
        try:
            return await browser.start(**options)
        except BaseException:
            await browser.stop()
            raise


@asynccontextmanager
async def starting_minibrowsers(webkit: BrowserType, proxy: int) -> AsyncIterator[MiniBrowsers]:
    """Those of one screen, which ask the proxy at this port for what is not on this machine. Skips the test where there
    is no WebKit."""
    need("Xvfb", "dbus-run-session", "xdotool")
    find_minibrowser()
    async with screen() as display:
        yield MiniBrowsers(webkit, display, proxy)


class MiniBrowser:
    """One browser, that is one context: its windows share what they store, and nobody else does."""

    def __init__(self, webkit: BrowserType, environment: dict[str, str], proxy: int) -> None:
        self._webkit = webkit
        self._inspector = f"127.0.0.1:{free_port()}"
        self._environment = environment | {"WEBKIT_INSPECTOR_HTTP_SERVER": self._inspector}
        self._proxy = proxy
        self._behind = AsyncExitStack()
        self._wanted = asyncio.Semaphore()
        self._used: list[str] = []
        self._waiting: Page | None = None
        self._tabs: list[Tab] = []
        self._asked: list[tuple[str, tuple[Any, ...]]] = []
        self._process: asyncio.subprocess.Process | None = None

    async def start(
        self,
        *,
        viewport: ViewportSize | None = None,
        timezone_id: str = "UTC",
        locale: str = "en-US",
        **media: Any,
    ) -> BrowserContext:
        """`media` are the features that Playwright's `emulate_media` knows. It speaks English everywhere."""
        assert locale.startswith("en")
        self._viewport = viewport or {"width": 900, "height": 600}
        self._media = media
        self._url = f"http://127.0.0.1:{await self._behind.enter_async_context(accepting(self._answer))}"
        self._process = await asyncio.create_subprocess_exec(
            str(find("dbus-run-session")), BUS, "--", find_minibrowser(), "--private", f"--time-zone={timezone_id}",
            "--enable-developer-extras=TRUE", "--javascript-can-open-windows-automatically=TRUE",
            # Which would take a page away from the one that has opened it.
            "--features=!CrossOriginOpenerPolicy",
            "--ignore-tls-errors", f"--proxy=http://127.0.0.1:{self._proxy}",
            "--ignore-host=127.0.0.1", "--ignore-host=localhost", self._url,
            env=self._environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        self._waiting = await self._attach()
        return self._waiting.context

    async def stop(self, **_: object) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await self._behind.aclose()

    async def _new_page(self) -> Page:
        """The one that the browser has begun with, or another one."""
        if self._waiting:
            page, self._waiting = self._waiting, None
            return page
        self._wanted.release()
        return await self._attach()

    async def _share(self, page: Page) -> None:
        """To Playwright each page has a context of its own: what is asked of one is asked of all."""
        context = page.context
        tab = Tab(page, {name: getattr(context, name) for name in SHARED})
        for name in SHARED:
            setattr(context, name, partial(self._ask, name))
        context.new_page = self._new_page  # type: ignore[method-assign]
        context.close = self.stop  # type: ignore[method-assign]
        self._tabs.append(tab)
        for name, asked in self._asked:
            if answer := tab.own[name](*asked):
                await answer

    def _ask(self, name: str, *asked: Any) -> Awaitable[list[None]] | None:
        self._asked.append((name, asked))
        answers = [tab.own[name](*asked) for tab in self._tabs if not tab.page.is_closed()]
        return None if name == "on" else asyncio.gather(*answers)

    async def _attach(self) -> Page:
        """The page that nobody has used. To Playwright, each is in a browser of its own."""
        async with asyncio.timeout(START):
            while not await self._unused():
                await asyncio.sleep(0.05)
        browser = await self._webkit.connect_over_cdp(self._url)
        page = browser.contexts[0].pages[0]
        name = secrets.token_hex(8)
        await page.evaluate("name => { document.title = name; }", name)

        async def set_viewport_size(size: ViewportSize) -> None:
            kept = 0  # A window that has just been opened takes another size once more.
            async with asyncio.timeout(START):
                while kept < KEPT:
                    width, height, above = await page.evaluate(SHOWN)
                    kept = kept + 1 if (width, height) == (size["width"], size["height"]) else 0
                    if not kept:
                        await self._xdotool("windowsize", window, str(size["width"]), str(size["height"] + above))
                    await asyncio.sleep(0.02)

        window = (await self._xdotool("search", "--sync", "--onlyvisible", "--name", name)).split()[0]
        page.set_viewport_size = set_viewport_size  # type: ignore[method-assign]
        await page.set_viewport_size(self._viewport)
        page.bring_to_front = partial(self._xdotool, "windowfocus", window)  # type: ignore[method-assign]
        await page.bring_to_front()
        if self._media:
            await page.emulate_media(**self._media)
        await self._share(page)
        return page

    async def _xdotool(self, *command: str) -> str:
        process = await asyncio.create_subprocess_exec(
            str(find("xdotool")), *command, env=self._environment, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(START):
            return (await process.communicate())[0].decode()

    async def _unused(self) -> list[str]:
        """Where the inspector speaks of the pages that nobody has used, as its own list says."""
        async with httpx.AsyncClient(trust_env=False) as client:
            with suppress(httpx.TransportError):
                listed = (await client.get(f"http://{self._inspector}/")).text
                if f">{self._url}/<" in listed:  # before, its first page is still blank itself
                    return [path for path in BLANK.findall(listed) if path not in self._used]
        return []

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """To the browser, its first page, and when another one is wanted; to Playwright, the list that it wants."""
        kind, body = "text/html", FIRST
        asked = await reader.readuntil(b"\r\n\r\n")
        if b" /wanted " in asked:
            await self._wanted.acquire()
        elif b" /json " in asked:
            (path, *_) = await self._unused()
            self._used.append(path)
            kind, body = (
                "application/json",
                json.dumps([{"webSocketDebuggerUrl": f"ws://{self._inspector}{path}"}]).encode(),
            )
        head = f"Content-Type: {kind}\r\nConnection: close\r\nContent-Length: {len(body)}"
        writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body)
