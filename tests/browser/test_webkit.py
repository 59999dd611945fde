"""What differs by engine, in WebKit. Its driver cannot change requests: what networks do is done on the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.host import Host
from tests.browser.portal import ELSEWHERE, PAGE, portal_before
from tests.browser.test_removal_everywhere import recorded
from tests.browser.test_tabs import FEW
from tests.browser.visit import FRAME, page
from tests.browser.webkit import Webkit, starting_webkit
from tests.connections import accepting, connected
from tests.people import Person
from tests.serving import Server, serving

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("webkit")]

NAME = "document.querySelector('[name=name]:not([form])').value = 'Wanda'"
"""Whoever has a name already is not asked for one."""


@pytest.fixture(scope="module")
async def webkit() -> AsyncIterator[Webkit]:
    async with starting_webkit() as started:
        yield started


@asynccontextmanager
async def buffering(server: Server) -> AsyncIterator[str]:
    """The address of a network that keeps streams back."""

    async def up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept = False

        async def down() -> None:
            with suppress(ConnectionError):
                while data := await far_reader.read(65536):
                    if not kept:
                        writer.write(data)
                        await writer.drain()

        async with connected(*server.bind.split(":")) as (far_reader, far_writer):
            answers = asyncio.create_task(down())
            try:
                while data := await reader.read(65536):
                    kept = kept or b"/stream?" in data
                    far_writer.write(data)
            finally:
                answers.cancel()

    async with accepting(up) as port:
        yield f"http://127.0.0.1:{port}"


async def test_chat_draft_scroll_and_the_way_back(webkit: Webkit, server: Server, alice: Person) -> None:
    await webkit.open(f"{server.url}/rooms/{alice.room}")
    await webkit.says("Live")
    await webkit.run(NAME)
    await webkit.type("#text", "Hello, Alice" + Keys.ENTER)
    await webkit.shows("Hello, Alice")
    for number in range(40):
        await alice.post_message(f"message {number}")
    texts = ["Hello, Alice", *(f"message {number}" for number in range(40))]
    await webkit.shows(*texts)
    seen = "const box = scroller.getBoundingClientRect(), it = [...document.querySelectorAll('.message-text')].find("
    seen += "(each) => each.textContent === arguments[0]).getBoundingClientRect(); return it.bottom <= box.bottom"
    await webkit.sees(True, seen, "message 39")

    await webkit.run("scroller.addEventListener('scroll', () => { window.scrolled = true; }); scroller.scrollTop = 0")
    await webkit.sees(True, "return window.scrolled")
    await alice.post_message("unseen")
    await webkit.shows(*texts, "unseen")
    await webkit.sees(False, seen, "unseen")
    await webkit.sees(True, "return scroller.scrollTop < 50")
    await webkit.run("[...document.querySelectorAll('button')].find((it) => it.textContent.includes('1 new')).click()")
    await webkit.sees(True, seen, "unseen")

    await webkit.type("#text", "not finished")
    await webkit.open(f"{server.url}/rooms/{alice.room}")
    await webkit.sees("not finished", "return document.getElementById('text').value")
    await webkit.says("Live")
    await webkit.run("addEventListener('pageshow', (event) => { document.body.dataset.persisted = event.persisted; })")
    await webkit.click(".room-back")
    await webkit.sees(f"{server.url}/", "return location.href")
    await alice.post_message("meanwhile")
    await webkit.run("history.back()")
    await webkit.sees("true", "return document.body.dataset.persisted")
    await webkit.says("Live")
    await webkit.shows(*texts, "unseen", "meanwhile")


async def test_server_is_killed_while_somebody_writes(webkit: Webkit, tmp_path: Path) -> None:
    async with serving(tmp_path, limits="off") as server:
        await webkit.open(f"{server.url}/rooms/lobby")
        await webkit.says("Live")
        await webkit.run(NAME)
        await webkit.type("#text", "before" + Keys.ENTER)
        await webkit.shows("before")
        await server.kill()
        await webkit.says("Reconnecting…")
        await webkit.type("#text", "written in the dark" + Keys.ENTER)
        await webkit.sees(True, "return document.getElementById('outbox').textContent.includes('Not confirmed')")
        await server.start()
        await webkit.shows("before", "written in the dark")
        await webkit.says("Live")


async def test_buffered_stream_is_overtaken_by_polls(webkit: Webkit, server: Server, alice: Person) -> None:
    async with buffering(server) as url:
        await webkit.open(f"{url}/rooms/{alice.room}")
        await alice.post_message("first")
        await webkit.shows("first")
        await webkit.says("Live by polling: your network buffers streams")
        await webkit.open("about:blank")


@pytest.mark.long
async def test_gate_whose_session_ends_is_said_to_be_one_and_nothing_is_lost(
    webkit: Webkit, host: Host, server: Server, alice: Person
) -> None:
    waiting = "return document.getElementById('outbox').textContent.includes('Not confirmed: another server answered')"
    async with portal_before(server.url, host.put("/login", "<h1>Sign in to Example</h1>")) as portal:
        await webkit.open(f"{portal.url}/rooms/{alice.room}")
        await webkit.says("Live")
        await webkit.run(NAME)
        texts: list[str] = []
        for answer in (ELSEWHERE, PAGE):
            portal.shut(answer)
            await webkit.says("Another server answers. Reload the page")
            texts.append(f"behind a {answer}")
            await webkit.type("#text", texts[-1] + Keys.ENTER)
            await webkit.sees(True, waiting)
            portal.open()
            await webkit.run("document.dispatchEvent(new Event('visibilitychange'))")  # back from where one signs in
            await webkit.shows(*texts)
            await webkit.says("Live")
        await webkit.open("about:blank")


async def test_all_tabs_post_and_all_receive_by_one_stream(webkit: Webkit, server: Server, alice: Person) -> None:
    async with recorded(server) as wire:
        await webkit.open(f"{wire.url}/rooms/{alice.room}")
        await webkit.says("Live")
        await alice.post_message("to all")
        tabs = [webkit.driver.current_window_handle]
        for _ in range(FEW - 1):
            await asyncio.to_thread(webkit.driver.switch_to.new_window, "tab")
            tabs.append(webkit.driver.current_window_handle)
            await webkit.open(f"{wire.url}/rooms/{alice.room}")
        for tab in tabs:
            await webkit.look_at(tab)
            await webkit.says("Live")
        await webkit.run(NAME)
        await webkit.type("#text", "from a tab" + Keys.ENTER)
        for tab in reversed(tabs):
            await webkit.look_at(tab)
            await webkit.shows("to all", "from a tab")
            if tab != tabs[0]:
                await asyncio.to_thread(webkit.driver.close)
        await webkit.look_at(tabs[0])
        await webkit.says("Live")
        assert wire.asked.count(b"/stream?") <= 2, (
            "one, and one more as whom the last tab has become, if she was nobody"
        )
        await webkit.open("about:blank")


async def test_guest_in_an_embed_writes_is_known_and_deletes(
    webkit: Webkit, host: Host, server: Server, alice: Person
) -> None:
    """WebKit keeps what other sites store apart, and says of a form from a frame into a new tab that it comes from
    another site."""
    address = host.put("/", page(server, alice.room, FRAME))
    await webkit.open(address)
    await webkit.enter(0)
    await webkit.says("Live")
    send = "text.value = arguments[0]; composer.requestSubmit()"  # the driver's keys do not reach a frame
    await webkit.run(NAME)
    await webkit.run(send, "a slip")
    await webkit.shows("a slip")
    await webkit.open(address)
    await webkit.enter(0)
    await webkit.sees("Wanda", "return document.querySelector('.identity-known bdi')?.textContent")
    await webkit.shows("a slip")

    await webkit.run("document.querySelector('#messages .message').click()")  # which calls for the toolbar
    around = webkit.driver.current_window_handle
    await webkit.click("#toolbar [data-action=delete]")
    async with asyncio.timeout(20):
        while len(tabs := webkit.driver.window_handles) < 2:
            await asyncio.sleep(0.05)
    await webkit.look_at(next(tab for tab in tabs if tab != around))
    await webkit.sees(True, "return document.body.textContent.includes('a slip')")
    await webkit.run("arguments[0].click()", await webkit.find("form button"))
    await webkit.sees("The message is deleted", "return document.querySelector('h1')?.textContent")
    await asyncio.to_thread(webkit.driver.close)
    await webkit.look_at(around)
    await webkit.enter(0)
    await webkit.shows()
    await webkit.open("about:blank")


async def test_room_without_scripts_is_used_by_its_forms(server: Server, alice: Person) -> None:
    for number in range(40):
        await alice.post_message(f"message {number}")
    last = "return [...document.querySelectorAll('.message-text')].at(-1).textContent"
    async with starting_webkit("--enable-javascript=FALSE") as webkit:
        await webkit.open(f"{server.url}/rooms/{alice.room}?refresh=off")
        await webkit.sees("message 39", last)
        box = "[...document.querySelectorAll('.message-text')].at(-1).getBoundingClientRect()"
        await webkit.sees(True, f"return {box}.top >= 0 && {box}.bottom <= innerHeight")
        await webkit.type("[name=name]", "Wanda")
        await webkit.type("#text", "hello from a plain form")
        await webkit.press("Send")
        await webkit.sees("hello from a plain form", last)

        await webkit.fill("#text", "x" * 8001)
        await webkit.press("Send")
        await webkit.sees(True, "return document.querySelector('[role=alert]').textContent.includes('too long')")
        await webkit.sees(8001, "return document.getElementById('text').value.length")

        await webkit.open(f"{server.url}/rooms/{alice.room}?refresh=off")
        mine = "#messages .message:last-child .message-link"
        await webkit.click(mine)
        await webkit.press("This message alone")
        await webkit.fill(".sheet textarea", "edited without a script")
        await webkit.press("Save")
        await webkit.sees("edited without a script", last)
        await webkit.click(mine)
        await webkit.press("This message alone")
        await webkit.press("Delete this message…")
        await webkit.sees("visible", "return getComputedStyle(document.querySelector('.late')).visibility")
        await webkit.press("Delete")
        await webkit.sees("message 39", last)


async def test_embeds_and_pages_that_may_keep_nothing_are_written_in(host: Host, server: Server, alice: Person) -> None:
    """There are no cookies, and no `localStorage`; in a frame of this sort it throws as well."""
    send = "text.value = arguments[0]; composer.requestSubmit()"
    async with starting_webkit("--cookies-policy=never", "--enable-html5-local-storage=FALSE") as webkit:
        await webkit.open(host.put("/", page(server, alice.room, FRAME) * 2))
        await webkit.enter(0)
        assert await webkit.run("return [localStorage, document.cookie]") == [None, ""]
        await webkit.says("Live")
        await webkit.run(NAME)
        await webkit.run(send, "one")
        await webkit.shows("one")
        await webkit.sees("Wanda", "return document.querySelector('.identity-known bdi')?.textContent")
        await webkit.run(send, "two")
        for frame in (1, 0):
            await webkit.enter(frame)
            await webkit.says("Live")
            await webkit.shows("one", "two")
        await webkit.sees(2, "return document.querySelectorAll('[data-own]').length")

        await webkit.open(f"{server.url}/rooms/{alice.room}")
        await webkit.says("Live")
        await webkit.run(NAME)
        await webkit.type("#text", "three" + Keys.ENTER)
        await webkit.shows("one", "two", "three")
        # To the server whoever has none is somebody new: the page asks for the name again, and keeps the text.
        await webkit.type("#text", "four" + Keys.ENTER)
        await webkit.sees(True, "return document.querySelector('[role=alert]').textContent.includes('name')")
        await webkit.run(NAME)
        await webkit.press("Send")
        await webkit.shows("one", "two", "three", "four")
