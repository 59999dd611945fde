"""What the page does when the server or the network goes away."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.async_api import Error, Request, Route, expect

from quart_chat.store import copies
from tests.browser.conftest import OpenWindow
from tests.browser.window import Window
from tests.people import Person
from tests.serving import Server, serving

pytestmark = pytest.mark.browser


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server for each test: these kill it."""
    async with serving(tmp_path, limits="off") as running:
        yield running


@pytest.fixture
def room() -> str:
    """The one that every database has from the start."""
    return "lobby"


@pytest.mark.every_browser
async def test_server_killed_while_both_are_typing(window: OpenWindow, server: Server) -> None:
    ana, bo = await window(trouble=True), await window(trouble=True)
    for person, name in ((ana, "Ana"), (bo, "Bo")):
        await person.introduce(name)
        await person.is_live()
    await ana.send("before")
    await bo.shows("before")
    await ana.write("written in the dark")
    await bo.write("so is this")

    await server.kill()
    await ana.says("Reconnecting…")
    await ana.send("written in the dark")
    pending = ana.page.locator("#outbox .message")
    await expect(pending).to_contain_text("Not confirmed")
    await ana.says("Reconnecting… · 1 waiting")
    await server.start()

    await ana.shows("before", "written in the dark")
    await bo.shows("before", "written in the dark")
    await expect(bo.page.get_by_label("Message", exact=True)).to_have_value("so is this")
    await bo.send("so is this")
    for person in (ana, bo):
        await person.shows("before", "written in the dark", "so is this")
        await person.is_live()


async def test_message_posted_while_the_other_window_was_offline_appears_after(
    window: OpenWindow, alice: Person
) -> None:
    bo = await window(trouble=True, own=True)
    await bo.is_live()
    first = await alice.post_message("first")
    await bo.shows("first")
    await bo.context.set_offline(True)
    await bo.says("Offline")
    await alice.post_message("meanwhile")
    await alice.edit_message(first.message_id, "first, edited")
    gone = await alice.post_message("a slip")
    await alice.delete_message(gone.message_id)
    assert await bo.texts() == ["first"]
    await bo.context.set_offline(False)
    await bo.shows("first, edited", "meanwhile")
    await bo.is_live()


async def test_first_stream_request_refused(window: OpenWindow, alice: Person) -> None:
    bo = await window(show=False, trouble=True)
    refused = 0

    async def refuse_twice(route: Route) -> None:
        nonlocal refused
        refused += 1
        if refused == 1:
            await route.abort("connectionrefused")
        elif refused == 2:
            await route.fulfill(status=503, body="not now", content_type="text/html")
        else:
            await route.continue_()

    await bo.context.route("**/stream?*", refuse_twice)
    await bo.open()
    await bo.says("Reconnecting…")
    await alice.post_message("hello")
    await bo.shows("hello")
    await bo.is_live()


async def test_frozen_server_is_noticed(window: OpenWindow, server: Server, alice: Person) -> None:
    await server.kill()
    server.settings["heartbeat"] = "0.5"
    await server.start()
    bo = await window(trouble=True)
    await bo.is_live()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        await bo.says("Reconnecting…")
    finally:
        os.kill(server.pid, signal.SIGCONT)
    await bo.is_live()
    await alice.post_message("still here")
    await bo.shows("still here")


async def test_restart_by_the_operator_is_announced_and_survived(window: OpenWindow, server: Server) -> None:
    ana = await window(trouble=True)
    await ana.introduce("Ana")
    await ana.is_live()
    await ana.send("one")
    await ana.shows("one")
    await server.stop()
    await ana.says("Reconnecting…")
    await server.start()
    await ana.is_live()
    await ana.send("two")
    await ana.shows("one", "two")


async def test_restored_backup_resets_the_page_and_keeps_the_draft(window: OpenWindow, server: Server) -> None:
    ana = await window(trouble=True)
    await ana.introduce("Ana")
    await ana.is_live()
    await ana.send("in the backup")
    await ana.shows("in the backup")
    copies.back_up(server.folder / "quart_chat.db", server.folder / "backup.db", lambda *_: None)
    await ana.send("lost")
    await ana.shows("in the backup", "lost")
    await ana.write("half a sentence")
    await server.stop()
    copies.put_back(server.folder / "backup.db", server.folder / "quart_chat.db", lambda *_: None)
    await server.start()
    async with Person("Alice", server.url) as alice:
        # Its position is that of what was lost.
        await alice.post_message("after the restore")
    await ana.shows("in the backup", "after the restore")
    await expect(ana.page.get_by_label("Message", exact=True)).to_have_value("half a sentence")
    await ana.is_live()
    await ana.page.keyboard.press("Enter")
    await ana.shows("in the backup", "after the restore", "half a sentence")


async def test_room_that_is_gone_is_all_that_a_page_says(window: OpenWindow, server: Server) -> None:
    copies.back_up(server.folder / "quart_chat.db", server.folder / "backup.db", lambda *_: None)
    async with Person("Alice", server.url, "tea") as alice:
        await alice.send("/rooms", name="Tea", slug="tea")
        await alice.post_message("not in the backup")
    ana = await window(trouble=True, show=False)
    ana.room = "tea"
    await ana.open()
    await ana.introduce("Ana")
    await ana.is_live()
    other = await ana.tab()
    await other.is_live()
    await ana.page.bring_to_front()
    await ana.send("hello")
    await other.shows("not in the backup", "hello")
    await ana.write("half a sentence")
    await ana.page.locator(".message[data-own]").hover()
    await ana.page.get_by_role("button", name="Delete").click()
    await expect(ana.page.get_by_role("dialog")).to_be_visible()
    await server.stop()
    copies.put_back(server.folder / "backup.db", server.folder / "quart_chat.db", lambda *_: None)
    await server.start()
    for tab in (ana, other):
        await tab.says_nothing_but("This room is not here any more", "There is no room at this address")
    async with Person("Alice", server.url, "tea") as alice:
        await alice.send("/rooms", name="Tea", slug="tea")
    await ana.page.get_by_role("link", name="Look again").click()
    await ana.is_live()
    await ana.shows()
    await expect(ana.page.locator("#text")).to_have_value("half a sentence")


@pytest.mark.every_browser
async def test_unsent_message_survives_a_reload_and_is_sent_once(window: OpenWindow, server: Server) -> None:
    ana = await window(trouble=True)
    await ana.introduce("Ana")
    await ana.is_live()
    keys = []

    async def lose_the_answer(route: Route) -> None:
        sent = route.request.post_data_json  # Firefox's driver does not tell
        keys.append(sent and sent["key"])
        if len(keys) == 1 and sent:
            await route.fetch()  # the server has it, and nobody hears so
        await (route.abort("connectionreset") if len(keys) < 3 else route.continue_())

    await ana.context.route("**/messages", lose_the_answer)
    await ana.send("only once")
    await expect(ana.page.locator("[data-failed]")).to_have_count(1)
    await ana.page.reload()
    await ana.shows("only once")
    assert len(keys) >= 3
    assert len(set(keys)) == 1
    await ana.send("and it is mine")
    await ana.shows("only once", "and it is mine")
    await expect(ana.page.locator("#messages [data-own]")).to_have_count(2)


async def test_login_page_of_a_network_is_not_taken_for_an_answer(window: OpenWindow) -> None:
    ana = await window(trouble=True)
    await ana.introduce("Ana")
    await ana.is_live()
    captive = True

    async def hijack(route: Route) -> None:
        if captive:
            await route.fulfill(status=200, content_type="text/html", body="<h1>Log in to CoffeeNet</h1>")
        else:
            await route.continue_()

    await ana.context.route("**/messages", hijack)
    await ana.send("did it arrive?")
    await expect(ana.page.locator("#outbox")).to_contain_text("Not confirmed")
    await ana.says("Another server answers · 1 waiting. Reload the page")
    captive = False
    await ana.shows("did it arrive?")


async def test_own_message_is_visible_at_once_and_marked_until_acknowledged(window: OpenWindow) -> None:
    ana = await window()
    await ana.introduce("Ana")
    await ana.is_live()
    release = await ana.hold("**/messages")
    await ana.send("on its way")
    await expect(ana.page.locator("#outbox")).to_contain_text("on its way")
    await expect(ana.page.locator("#outbox")).to_contain_text("Sending…")
    await ana.says("Sending…")
    assert await ana.texts() == []
    release.set()
    await ana.shows("on its way")
    await ana.is_live()


@pytest.mark.every_browser
@pytest.mark.whole_browser
async def test_page_from_the_back_forward_cache_is_live_again(window: OpenWindow, alice: Person) -> None:
    bo = await window()
    await bo.is_live()
    await bo.page.evaluate(
        "addEventListener('pageshow', (event) => { document.body.dataset.persisted = event.persisted; })"
    )
    await bo.page.get_by_label("All rooms").click(delay=100)  # as long as a finger takes
    await expect(bo.page.get_by_role("heading", name="Rooms")).to_be_visible()
    await alice.post_message("while you were away")
    await bo.page.evaluate("history.back()")  # `go_back` waits for a load that does not happen
    # In Firefox Playwright waits for the end of a load here, too, before it looks for anything.
    shown = "[document.body.dataset.persisted, [...document.querySelectorAll('#messages .message-text')]"
    shown += ".map((text) => text.textContent).join(), document.getElementById('status').textContent]"
    found: list[str] = []
    async with asyncio.timeout(20):
        while found != ["true", "while you were away", "Live"]:
            with suppress(Error):  # the page is being changed
                found = await bo.page.evaluate(shown)


@pytest.mark.long
async def test_streams_that_grow_old_are_replaced_without_a_word(
    window: OpenWindow, server: Server, alice: Person
) -> None:
    await server.kill()
    server.settings |= {"heartbeat": "0.3", "stream_age": "0.5"}
    await server.start()
    bo = await window()
    await bo.is_live()
    streams = 0

    def count(request: Request) -> None:
        nonlocal streams
        streams += "/stream?" in request.url

    bo.page.on("request", count)
    await bo.page.evaluate(
        """() => {
            window.said = [];
            const line = document.getElementById("status");
            const note = () => window.said.push(line.textContent);
            new MutationObserver(note).observe(line, { childList: true, characterData: true, subtree: true });
        }"""
    )
    texts = []
    while streams < 3:
        texts.append(f"message {len(texts)}")
        await alice.post_message(texts[-1])
        await bo.shows(*texts)
    assert await bo.page.evaluate("said") == []


async def test_tabs_of_one_person_keep_what_each_has_written(window: OpenWindow, server: Server) -> None:
    one = await window(trouble=True)
    await one.introduce("Ana")
    await one.is_live()
    await one.send("online")
    await one.shows("online")
    two = Window(await one.context.new_page(), server.url, "lobby")
    await two.open()
    await two.is_live()
    await server.kill()
    await one.send("from the first tab")
    await two.send("from the second tab")
    for tab in (one, two):
        await expect(tab.page.locator("[data-failed]")).to_have_count(1)
        await tab.page.close()
    await server.start()
    three = Window(await one.context.new_page(), server.url, "lobby")
    await three.open()
    await three.shows("online", "from the first tab", "from the second tab")


NOTE_WHAT_IS_SENT = """() => {
  const { fetch } = window;
  window.fetch = (address, options) => {
    if (/^post$/i.test(options?.method)) window.sent = Object.fromEntries(new URLSearchParams(options.body));
    return fetch(address, options);
  };
}"""


async def test_first_messages_of_two_tabs_are_not_doubled_when_one_answer_is_lost(
    window: OpenWindow, server: Server
) -> None:
    one = await window(trouble=True)
    two = Window(await one.context.new_page(), server.url, "lobby")
    await two.open()
    await one.page.evaluate(NOTE_WHAT_IS_SENT)  # Firefox's driver does not tell
    lost = asyncio.Event()

    async def lose_the_answer(route: Route) -> None:
        if not lost.is_set():
            async with Person("Ana", server.url) as elsewhere:
                await elsewhere.send("/rooms/lobby/messages", **await one.page.evaluate("sent"))
            lost.set()
        await route.abort("connectionreset")

    await one.page.route("**/messages", lose_the_answer)
    await one.introduce("Ana")
    await one.send("first of the first tab")
    await lost.wait()
    await two.introduce("Ana")
    await two.send("first of the second tab")
    await two.page.wait_for_selector("#messages >> text=first of the second tab")
    await one.page.unroute("**/messages")
    for tab in (one, two):
        await tab.shows("first of the first tab", "first of the second tab")


async def test_many_requests_at_once_are_all_answered(window: OpenWindow) -> None:
    ana = await window()
    await ana.introduce("Ana")
    for text in ("one", "two", "three"):
        await ana.send(text)
    await ana.shows("one", "two", "three")
    release = await ana.hold("**/messages*/**")
    for text in ("one", "two"):
        await ana.page.get_by_text(text, exact=True).hover()
        await ana.page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
        await ana.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await ana.send("important")
    release.set()
    await ana.shows("three", "important")


async def test_message_changed_while_older_ones_are_loading_shows_its_new_text(
    window: OpenWindow, alice: Person
) -> None:
    messages = [await alice.post_message(f"message {number}") for number in range(70)]
    bo = await window()
    await bo.is_live()
    release, held = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        answer = await route.fetch()
        held.set()
        await release.wait()
        await route.fulfill(response=answer)

    await bo.context.route("**/messages?before=*", hold)
    await bo.page.locator("#scroller").evaluate("(scroller) => { scroller.scrollTop = 0; }")
    await held.wait()
    await alice.edit_message(messages[5].message_id, "edited meanwhile")
    await alice.delete_message(messages[6].message_id)
    await alice.post_message("a sign that both have arrived")
    await expect(bo.page.get_by_text("a sign that both have arrived")).to_have_count(1)
    release.set()
    expected = [f"message {number}" for number in range(70)]
    expected[5:7] = ["edited meanwhile"]
    await bo.shows(*expected, "a sign that both have arrived")
