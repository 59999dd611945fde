"""How the page stays in touch where streams, or held requests, do not get through."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Request, Route, expect

from tests.browser.conftest import OpenWindow
from tests.browser.window import Window
from tests.gaps import add_unknown
from tests.people import Person
from tests.serving import Server, serving

pytestmark = pytest.mark.browser

POLLING = "Live by polling: your network buffers streams"

Handler = Callable[[Route], Awaitable[None]]


def note(window: Window, part: str) -> list[str]:
    """The requests of a window from now on whose address has this part."""
    seen: list[str] = []

    def keep(request: Request) -> None:
        if part in request.url:
            seen.append(request.url)

    window.page.on("request", keep)
    return seen


async def buffer(route: Route) -> None:
    """As a scanner does that wants the whole body first."""
    await asyncio.Event().wait()


async def refuse(route: Route) -> None:
    await route.fulfill(status=403, body="<h1>Category: chat</h1>", content_type="text/html")


async def cut_when_held(route: Route) -> None:
    if "wait=0" in route.request.url:
        await route.continue_()
    else:
        await route.abort("connectionreset")


async def open_without_streams(window: OpenWindow, blocked: Handler = buffer) -> Window:
    bo = await window(show=False, trouble=True)
    await bo.context.route("**/stream?*", blocked)
    await bo.open()
    return bo


@pytest.mark.every_browser
async def test_buffered_stream_is_overtaken_by_polls(window: OpenWindow, alice: Person) -> None:
    bo = await open_without_streams(window)
    first = await alice.post_message("first")
    await bo.shows("first")
    await bo.says(POLLING)
    await expect(bo.page.get_by_role("link", name="your network buffers streams")).to_have_attribute(
        "href", "/diagnose"
    )
    await alice.edit_message(first.message_id, "first, edited")
    gone = await alice.post_message("a slip")
    await alice.delete_message(gone.message_id)
    await alice.post_message("last")
    await bo.shows("first, edited", "last")
    await bo.introduce("Bo")
    await bo.send("and I can write")
    await bo.shows("first, edited", "last", "and I can write")


async def test_refused_stream_is_replaced_by_polls(window: OpenWindow, alice: Person) -> None:
    bo = await open_without_streams(window, refuse)
    await alice.post_message("hello")
    await bo.shows("hello")
    await bo.says("Live by polling: your network blocks streams")


async def test_next_page_of_the_session_polls_at_once(window: OpenWindow, alice: Person) -> None:
    bo = await open_without_streams(window)
    await bo.says(POLLING)
    streams = note(bo, "/stream?")
    await bo.page.reload()
    await bo.says(POLLING)
    await alice.post_message("hello")
    await bo.shows("hello")
    assert not streams


async def test_page_finds_its_way_back_to_a_stream(window: OpenWindow, alice: Person) -> None:
    bo = await window(show=False, trouble=True, own=True)
    release = asyncio.Event()

    async def hold(route: Route) -> None:
        if not release.is_set():
            await buffer(route)
        await route.continue_()

    await bo.context.route("**/stream?*", hold)
    await bo.page.clock.install()
    await bo.open()
    await bo.says(POLLING)
    texts = [f"before {number}" for number in range(5)]
    for text in texts:
        await alice.post_message(text)
    await bo.shows(*texts)
    release.set()
    await bo.page.clock.fast_forward(12_000)  # the stream that was late is given up
    await bo.page.clock.fast_forward(12_000)  # and the next one is tried
    for number in range(5):
        texts.append(f"meanwhile {number}")
        await alice.post_message(texts[-1])
    await bo.is_live()
    # A stream that has lasted a minute is what the next page begins with.
    polls = note(bo, "/poll?")
    for number in range(4):
        texts.append(f"after {number}")
        await alice.post_message(texts[-1])
        await bo.shows(*texts)
        for _ in range(4):
            await bo.page.clock.fast_forward(4_000)  # at once it would be sleep
    await bo.is_live()
    await bo.page.reload()
    await bo.is_live()
    assert not polls


async def test_held_polls_that_are_cut_become_short_ones(window: OpenWindow, alice: Person) -> None:
    bo = await window(show=False, trouble=True)
    await bo.context.route("**/stream?*", buffer)
    await bo.context.route("**/poll?*", cut_when_held)
    await bo.open()
    await bo.says("Checking every 2 s: your network buffers streams")
    texts = []
    for number in range(3):
        texts.append(f"message {number}")
        await alice.post_message(texts[-1])
        await bo.shows(*texts)


async def test_nothing_gets_through_and_the_page_says_so(window: OpenWindow, alice: Person) -> None:
    bo = await window(trouble=True)
    await bo.is_live()
    await bo.context.route("**/stream?*", refuse)
    await bo.context.route("**/poll?*", refuse)
    await bo.page.evaluate("dispatchEvent(new Event('offline'))")
    await bo.says("Another server answers. Reload the page")
    await alice.post_message("in the dark")
    assert await bo.texts() == []
    await bo.context.unroute("**/poll?*")
    await bo.shows("in the dark")
    await bo.context.unroute("**/stream?*")
    await bo.page.evaluate("dispatchEvent(new Event('online'))")
    await bo.is_live()


async def test_polls_of_another_database_reset_the_page(window: OpenWindow, alice: Person) -> None:
    await alice.post_message("what there is")
    bo = await open_without_streams(window)
    await bo.says(POLLING)

    async def elsewhere(route: Route) -> None:
        await bo.context.unroute("**/poll?*", elsewhere)
        await alice.post_message("unseen")
        await route.continue_(url=route.request.url.replace("after=", "after=elsewhere"))

    async def fail_once(route: Route) -> None:
        await bo.context.unroute("**/messages", fail_once)
        await route.abort("connectionreset")

    await bo.context.route("**/poll?*", elsewhere)
    await bo.context.route("**/messages", fail_once)
    await alice.post_message("and more")
    await bo.shows("what there is", "and more", "unseen")
    await alice.post_message("goes on")
    await bo.shows("what there is", "and more", "unseen", "goes on")


async def test_sending_does_not_wait_for_a_stream(window: OpenWindow) -> None:
    bo = await window(show=False, trouble=True)
    await bo.context.route("**/stream?*", buffer)
    await bo.context.route("**/poll?*", buffer)
    await bo.open()
    await bo.introduce("Bo")
    await bo.send("sent all the same")
    await bo.shows("sent all the same")
    await bo.says("Connecting…")


async def test_page_whose_stream_had_to_go_says_so_and_polls(window: OpenWindow, tmp_path: Path) -> None:
    async with serving(tmp_path, streams_per_address="1") as server, Person("Alice", server.url) as alice:
        bo = await window(show=False)
        bo.url, bo.room = server.url, "lobby"
        await bo.open()
        await bo.is_live()
        async with alice.listen():
            await bo.says("Checking every 2 s: too many streams are open")
            await alice.post_message("hello")
            await bo.shows("hello")


async def test_held_poll_of_a_page_that_slept_is_not_waited_for(window: OpenWindow, alice: Person) -> None:
    bo = await open_without_streams(window)
    await bo.says(POLLING)
    await bo.context.route("**/poll?*", buffer)  # the network is gone, and nobody has noticed
    async with bo.page.expect_request("**/poll?*"):
        await alice.post_message("before")
    await bo.shows("before")
    await alice.post_message("slept through")
    await bo.context.unroute("**/poll?*")
    await bo.page.evaluate("document.dispatchEvent(new Event('resume'))")
    await bo.shows("before", "slept through")


@pytest.mark.parametrize("by", ["stream", "polls"])
async def test_page_goes_on_behind_what_this_version_cannot_show(
    window: OpenWindow, server: Server, room: str, alice: Person, by: str
) -> None:
    bo = await window() if by == "stream" else await open_without_streams(window)
    await (bo.is_live() if by == "stream" else bo.says(POLLING))
    asked = note(bo, "/stream?" if by == "stream" else "/messages")
    polls = note(bo, "/poll?")
    await alice.post_message("before")
    await bo.shows("before")
    for _ in range(2):
        add_unknown(server.folder / "quart_chat.db", room)
    lost = await alice.post_message("one after")
    await alice.post_message("another")
    await bo.shows("before", "one after", "another")
    await alice.edit_message(lost.message_id, "and what follows")
    await bo.shows("before", "and what follows", "another")
    assert asked == [], "neither opened nor loaded anew"
    assert by == "polls" or polls == []
