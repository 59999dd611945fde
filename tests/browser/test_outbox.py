"""What was written and is not sent yet: its order, its pace, and the way back to whoever wrote it."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.async_api import Request, Route, expect

from tests.browser.conftest import OpenWindow
from tests.browser.window import Window
from tests.people import Person
from tests.serving import Server, serving

pytestmark = pytest.mark.browser

TOO_LONG = "x" * 8_001

TOO_LARGE = "y" * 150_000

TOO_LARGE_FOR_A_PROXY = "z" * 20_000

STORED = "Object.keys(localStorage).filter((key) => key.includes('outbox:'))"

WATCH = """() => {
    window.said = { status: [], error: [] };
    const note = (kind, line) => new MutationObserver(() => said[kind].push(line.textContent)).observe(
        line, { childList: true, characterData: true, subtree: true });
    note("status", document.getElementById("status"));
    note("error", document.getElementById("composer-error"));
}"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """One for each test: these kill it. A guest may send three messages at once, and then one a second."""
    async with serving(tmp_path, user_burst="3", user_rate="1") as running:
        yield running


@pytest.fixture
def room() -> str:
    return "lobby"


async def another_tab(one: Window) -> Window:
    tab = Window(await one.context.new_page(), one.url, one.room)
    tab.watch()
    await tab.open()
    return tab


async def test_all_that_waits_is_sent_in_the_order_of_writing_at_the_pace_of_the_limit(
    window: OpenWindow, server: Server
) -> None:
    one = await window(trouble=True)
    await one.introduce("Ana")
    await one.send("online")
    await one.shows("online")
    two = await another_tab(one)
    for tab in (one, two):
        await tab.is_live()
    await server.kill()
    texts = [f"in the dark {number}" for number in range(6)]
    for number, text in enumerate(texts):
        if number == 3:
            await one.page.evaluate("Date.now = () => 1e9")  # the clock is set back
        await (two if number % 2 else one).send(text)
        for tab in (one, two):
            await expect(tab.page.locator("#outbox .message-text").last).to_have_text(text)
        if number == 4:
            await one.send(TOO_LONG)
    for tab in (one, two):
        await tab.page.evaluate(WATCH)
        await expect(tab.page.locator("#outbox .message-text")).to_have_text([*texts[:5], TOO_LONG, texts[5]])
    posts: list[str] = []

    def keep(request: Request) -> None:
        if request.method == "POST":
            posts.append(request.url)

    one.context.on("request", keep)
    await server.start()
    texts.append("just as it comes back")
    await one.send(texts[-1])
    for tab in (one, two):
        await tab.shows("online", *texts)
        await tab.is_live()
    fields = [await tab.page.get_by_label("Message", exact=True).input_value() for tab in (one, two)]
    assert sorted(fields) == ["", TOO_LONG], "what the server refuses is given back once, and nothing else is"
    said = [await tab.page.evaluate("said") for tab in (one, two)]
    assert not [words for tab in said for words in tab["error"] if "too fast" in words]
    assert any(words.startswith("Live · ") and words.endswith(" waiting") for tab in said for words in tab["status"])
    assert len(posts) <= len(texts) + 4, "whoever has to wait does not knock in between"


async def test_what_is_not_to_be_sent_any_more_goes_back_to_where_it_was_written(
    window: OpenWindow, server: Server
) -> None:
    ana = await window(trouble=True)
    await ana.introduce("Ana")
    await ana.is_live()
    with closing(sqlite3.connect(server.folder / "quart_chat.db", isolation_level=None)) as backup:
        backup.execute("BEGIN IMMEDIATE")
        await ana.send("while it cannot be stored")
        refused = "Not sent: the server cannot take it now"
        await expect(ana.page.locator("#outbox")).to_contain_text(refused, timeout=20_000)
        backup.execute("ROLLBACK")
    await ana.shows("while it cannot be stored")
    await expect(ana.page.locator("#composer-error")).to_be_empty()
    await server.kill()
    await ana.page.evaluate(
        "for (let size = 2 ** 22; size; size >>= 1) try { for (let n = 0; ; n += 1)"
        " localStorage[`full:${size}:${n}`] = 'x'.repeat(size); } catch { /* now it is full */ }"
    )
    await ana.send("first")
    await ana.send("second")
    failed = ana.page.locator("[data-failed]")
    await expect(failed).to_have_count(1)
    async with ana.page.expect_event("dialog") as asked:  # what could not be stored is not left without a word
        await ana.page.close(run_before_unload=True)
    dialog = await asked.value
    assert dialog.type == "beforeunload"
    await dialog.dismiss()
    await ana.page.evaluate("localStorage.clear()")
    await failed.get_by_role("button", name="Stop trying").click()
    await expect(ana.page.get_by_label("Message", exact=True)).to_have_value("first")
    await expect(ana.page.get_by_label("Message", exact=True)).to_be_focused()
    await server.start()
    await ana.shows("while it cannot be stored", "second")
    await expect(ana.page.get_by_label("Message", exact=True)).to_have_value("first")


async def test_what_is_too_large_for_the_server_or_for_the_way_there_comes_back_and_holds_nothing_up(
    window: OpenWindow, server: Server
) -> None:
    """A proxy that refuses large bodies refuses them every time: nobody waits behind one for ever."""
    ana = await window(show=False, trouble=True)

    async def proxy(route: Route) -> None:
        # Firefox's driver does not tell a body, and no other tells its length.
        length = len(route.request.post_data or "") or int(route.request.headers.get("content-length", 0))
        if len(TOO_LARGE_FOR_A_PROXY) < length < len(TOO_LARGE):
            body = "<h1>413 Request Entity Too Large</h1>"
            await route.fulfill(status=413, body=body, content_type="text/html")
        else:
            await route.continue_()

    await ana.context.route("**/messages", proxy)
    await ana.open()
    await ana.introduce("Ana")
    await ana.is_live()
    await server.kill()
    for text in ("before", TOO_LARGE, "between", TOO_LARGE_FOR_A_PROXY, "after"):
        await ana.send(text)
    await ana.page.evaluate(WATCH)
    await server.start()
    await ana.shows("before", "between", "after")
    field = ana.page.get_by_label("Message", exact=True)
    await expect(field).to_have_value(f"{TOO_LARGE}\n{TOO_LARGE_FOR_A_PROXY}")
    said = (await ana.page.evaluate("said"))["error"]
    for words in ("That is too much to send at once.", "A server between here and the chat does not take that much"):
        assert any(words in each for each in said), (words, said)
    assert not await ana.page.evaluate(STORED)


async def test_what_waits_for_a_room_that_is_not_there_any_more_comes_back(window: OpenWindow, server: Server) -> None:
    ana = await window(show=False, trouble=True)
    ana.room = "vanishing"
    async with Person("Alice", server.url) as alice:
        await alice.send("/rooms", name="Vanishing", slug=ana.room)
    await ana.open()
    await ana.introduce("Ana")
    await ana.is_live()
    await server.kill()
    for text in ("one", "two", "three"):
        await ana.send(text)
    for file in ("quart_chat.db", "quart_chat.db-wal", "quart_chat.db-shm"):
        (server.folder / file).unlink(missing_ok=True)
    await server.start()
    await expect(ana.page.get_by_label("Message", exact=True)).to_have_value("one\ntwo\nthree", timeout=20_000)
    await expect(ana.page.locator("#composer-error")).to_contain_text("There is no room at this address.")
    await expect(ana.page.locator("#outbox .message")).to_have_count(0)
    assert not await ana.page.evaluate(STORED)
