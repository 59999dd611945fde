"""Where the page's scripts come from, and what there is without them."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from bench.visit import bytes_on_the_line
from quart_chat.view import htmx
from tests.browser.cdn import answer_as_cdn
from tests.browser.conftest import OpenWindow
from tests.browser.contexts import Contexts
from tests.browser.window import Window
from tests.people import Person
from tests.serving import Server, serving

pytestmark = pytest.mark.browser

FETCHED_AHEAD = "[...document.querySelectorAll('link[rel=preload][as=script]')].map((link) => link.href)"


async def refuse(route: Route) -> None:
    await route.abort("connectionrefused")


async def never_answer(route: Route) -> None:
    await asyncio.Event().wait()


async def send_something_else(route: Route) -> None:
    headers = {"Access-Control-Allow-Origin": "*"}
    await route.fulfill(body="window.tampered = true", content_type="application/javascript", headers=headers)


def opened_streams(window: Window) -> list[str]:
    """The streams that it asks for from now on."""
    asked: list[str] = []
    window.page.on("request", lambda request: asked.append(request.url) if "/stream?" in request.url else None)
    return asked


async def test_cdn_delivers_and_integrity_is_checked(window: OpenWindow, alice: Person) -> None:
    asked = []

    async def note(route: Route) -> None:
        asked.append(route.request.url)
        await answer_as_cdn(route)

    bo = await window(show=False, cdn=note)
    streams = opened_streams(bo)
    await bo.open()
    await bo.is_live()
    assert set(asked) == {script.url for script in htmx.SCRIPTS}
    loaded = await bo.page.evaluate("[...document.querySelectorAll('script[src*=jsdelivr]')].map((s) => s.integrity)")
    assert {script.integrity for script in htmx.SCRIPTS} <= set(loaded)
    await alice.post_message("by one stream")
    await bo.shows("by one stream")
    assert len(streams) == 1


@pytest.mark.every_browser
async def test_local_copy_serves_where_the_cdn_is_blocked(window: OpenWindow, alice: Person) -> None:
    bo = await window(show=False, cdn=refuse, trouble=True)
    streams = opened_streams(bo)
    asked: list[str] = []
    bo.page.on("request", lambda request: asked.append(request.url))
    await bo.open()
    await bo.is_live()
    assert [url.rsplit("/", 1)[1] for url in asked if "htmx" in url and bo.url in url] == ["htmx.js"], "as one file"
    await alice.post_message("through the wall")
    await bo.shows("through the wall")
    assert len(streams) == 1


async def test_tampered_cdn_is_refused_and_replaced(window: OpenWindow) -> None:
    bo = await window(show=False, cdn=send_something_else, trouble=True)
    await bo.open()
    await bo.is_live()
    assert await bo.page.evaluate("window.tampered") is None
    assert await bo.page.locator('script[src*="/static/"]:not([type])').count() >= 1


@pytest.mark.every_browser
async def test_chat_without_javascript(window: OpenWindow, alice: Person) -> None:
    bo = await window(java_script_enabled=False)
    assert await bo.page.locator("meta[http-equiv=refresh]").count() == 1
    await alice.post_message("hello")
    await bo.open("?refresh=off")
    await bo.shows("hello")
    await bo.introduce("Bo")
    await bo.write("hello from a plain form")
    await bo.page.get_by_role("button", name="Send").click()
    await bo.shows("hello", "hello from a plain form")
    assert await bo.page.locator("meta[http-equiv=refresh]").count() == 0

    await bo.page.locator(".message-link").last.click()
    await bo.page.get_by_role("link", name="This message alone").click()
    await bo.page.get_by_label("Text").fill("edited without a script")
    await bo.page.get_by_role("button", name="Save").click()
    await bo.shows("hello", "edited without a script")
    await bo.page.locator(".message-link").last.click()
    await bo.page.get_by_role("link", name="This message alone").click()
    await bo.page.get_by_role("button", name="Delete this message").click()
    await bo.page.get_by_role("button", name="Delete", exact=True).click()
    await bo.shows("hello")


async def test_refused_form_without_javascript_keeps_its_text(window: OpenWindow) -> None:
    bo = await window(java_script_enabled=False, trouble=True)
    await bo.introduce("Bo")
    await bo.write("x" * 8001)
    await bo.page.get_by_role("button", name="Send").click()
    await expect(bo.page.get_by_role("alert")).to_contain_text("too long: 8,001 characters")
    await expect(bo.page.get_by_label("Message", exact=True)).to_have_value("x" * 8001)


async def test_page_without_javascript_opens_at_the_newest_message(window: OpenWindow, alice: Person) -> None:
    for number in range(40):
        await alice.post_message(f"message {number}")
    bo = await window(java_script_enabled=False)
    await expect(bo.page.get_by_text("message 39")).to_be_in_viewport()
    await expect(bo.page.get_by_text("message 2", exact=True)).not_to_be_in_viewport()


async def test_message_goes_out_once_where_htmx_is_nowhere(window: OpenWindow) -> None:
    ana = await window(show=False, cdn=refuse, trouble=True)
    await ana.context.route("**/htmx.js", refuse)
    await ana.open()
    await ana.says("No live updates")
    await ana.introduce("Ana")
    await ana.send("by plain fetch")
    await ana.shows("by plain fetch")
    await ana.says("No live updates")
    await expect(ana.page.get_by_label("Message", exact=True)).to_have_value("")
    await ana.send("x" * 8001)
    await expect(ana.page.get_by_role("alert")).to_contain_text("too long")


async def test_page_whose_script_does_not_arrive_says_so(window: OpenWindow) -> None:
    bo = await window(show=False, trouble=True)
    await bo.context.route("**/room.js", refuse)
    await bo.open()
    await bo.says("Connecting…")
    size = "getComputedStyle(document.getElementById('status'), '::after').fontSize"
    assert await bo.page.evaluate(size) == "0px"
    await bo.page.evaluate("document.getAnimations().forEach((animation) => animation.finish())")
    assert await bo.page.evaluate(size) == "13px"


async def test_server_without_a_cdn_and_with_single_files(contexts: Contexts, tmp_path: Path) -> None:
    """Nobody else is asked for anything; a browser is told of all scripts at once, and fetches none of them twice."""
    async with serving(tmp_path, cdn="off", assets="files") as server:
        context = await contexts.take({}, own=True)
        bo = Window(await context.new_page(), server.url, "lobby")
        bo.watch()
        asked: list[str] = []
        bo.page.on("request", lambda request: asked.append(request.url))
        await bo.open()
        await bo.is_live()
        told = await bo.page.evaluate("[...document.querySelectorAll('link[rel=modulepreload]')].map((l) => l.href)")
        await contexts.give_back(context)
    assert not [url for url in asked if not url.startswith(f"{server.url}/")]
    assert sorted(url for url in asked if "/js/" in url) == sorted(told)
    assert not bo.complaints + bo.trouble


async def test_late_cdn_is_overtaken_and_not_asked_again(window: OpenWindow) -> None:
    asked = []

    async def never_answer_again(route: Route) -> None:
        asked.append(route.request.url)
        await never_answer(route)

    bo = await window(show=False, cdn=never_answer_again, trouble=True)
    await bo.open()
    await bo.is_live()
    (ours,) = await bo.page.evaluate(FETCHED_AHEAD)
    assert ours.startswith(bo.url)
    assert len(asked) == len(htmx.SCRIPTS)
    await bo.open()
    await bo.is_live()
    assert len(asked) == len(htmx.SCRIPTS)


async def test_late_cdn_that_is_sooner_than_ours_is_taken(window: OpenWindow) -> None:
    """And what was fetched ahead from here is let go: the browser complains of what it has for nothing."""
    ours_is_asked, live = asyncio.Event(), asyncio.Event()

    async def cdn(route: Route) -> None:
        await ours_is_asked.wait()
        await answer_as_cdn(route)

    async def ours(route: Route) -> None:
        ours_is_asked.set()
        await live.wait()
        await route.continue_()

    bo = await window(show=False, cdn=cdn)
    await bo.context.route("**/htmx.js", ours)
    await bo.open()
    await bo.is_live()
    assert await bo.page.evaluate(FETCHED_AHEAD) == [script.url for script in htmx.SCRIPTS]
    live.set()


TRANSFERRED = """["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
  .reduce((sum, { transferSize }) => sum + transferSize, 0)"""
"""What a page knows itself of bytes on the line; only Chromium's driver counts them."""


async def test_newcomer_asks_for_little(
    engine: str, contexts: Contexts, server: Server, room: str, alice: Person
) -> None:
    """In requests, and in KiB on the line, up to being live in a room of fifty messages, where the CDN is blocked."""
    for number in range(50):
        await alice.post_message(f"message {number}, with some words as people write them")
    for path in (f"/rooms/{room}", f"/embed/{room}"):
        context = await contexts.take({}, own=True)
        page = await context.new_page()
        await context.route(f"{htmx.CDN}/**", refuse)
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        sizes = await bytes_on_the_line(await context.new_cdp_session(page)) if engine == "chromium" else {}
        await page.goto(server.url + path)
        await expect(page.locator("#status")).to_have_text("Live", timeout=20_000)
        sent = sum(sizes.values()) or await page.evaluate(TRANSFERRED)
        await contexts.give_back(context)
        assert len(sizes or asked) <= 14, (path, asked)
        assert 0 < sent <= 90 * 1024, path


@pytest.mark.every_browser
@pytest.mark.parametrize("ours", [False, True], ids=["cdn", "local"])
async def test_page_asks_for_one_stream(window: OpenWindow, alice: Person, ours: bool) -> None:
    """And what a second embed or tab without a share in it asks for does not wait for the end of the first."""
    deny = "delete window.BroadcastChannel"  # so that the tabs are two
    bo = await window(show=False, script=deny, cdn=refuse if ours else None, trouble=True)
    asked: list[str] = []
    bo.context.on("request", lambda request: asked.append(request.url) if "/stream?" in request.url else None)
    two = Window(await bo.context.new_page(), bo.url, bo.room)
    for number, tab in enumerate((bo, two), 1):
        await tab.open()
        await tab.is_live()
        assert len(asked) == number
    await alice.post_message("hello")
    await bo.shows("hello")
    await two.shows("hello")
    assert len(asked) == 2
