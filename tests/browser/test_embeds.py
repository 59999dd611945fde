"""Rooms in pages of other sites: who can read, who can post, and what is said where somebody cannot."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Error, expect

from tests.browser.cdn import Cdn
from tests.browser.chromium import FLAGS, find_chromium
from tests.browser.conftest import OpenVisit
from tests.browser.firefox import Preferences, start_firefox
from tests.browser.host import Host
from tests.browser.visit import FRAME, LINE, REFUSED, Visit, page
from tests.browser.window import Window
from tests.connections import accepting
from tests.network import certificates
from tests.network.processes import started
from tests.network.programs import need
from tests.network.reverse import nginx_with_password
from tests.people import Person
from tests.serving import Server, run, serving

pytestmark = pytest.mark.browser

Browse = Callable[[str, str], Awaitable[Visit]]

CHROMIUM = {
    "third parties": {"cookie_controls_mode": 1, "block_third_party_cookies": True},
    "everybody": {"default_content_setting_values": {"cookies": 2}},
}
"""What a profile says whose user denies these the right to store anything."""

FIREFOX: dict[str, Preferences] = {
    "third parties": {"network.cookie.cookieBehavior": 1},
    "everybody": {"network.cookie.cookieBehavior": 2},
}


@pytest.fixture
async def browse(browser: Browser, engine: str, cdn: Cdn, tmp_path: Path) -> AsyncIterator[Browse]:
    """Opens a page in a browser whose user denies somebody all storage."""
    opened: list[Browser | BrowserContext] = []

    async def open_page(url: str, denied: str) -> Visit:
        if engine == "firefox":
            started = await start_firefox(browser.browser_type, cdn.preferences | FIREFOX[denied])
            opened.append(started)
            page = await started.new_page(ignore_https_errors=True)
        else:
            profile = tmp_path / "profile"
            (profile / "Default").mkdir(parents=True)
            (profile / "Default" / "Preferences").write_text(json.dumps({"profile": CHROMIUM[denied]}))
            context = await browser.browser_type.launch_persistent_context(
                profile, executable_path=find_chromium(), args=[*FLAGS, *cdn.flags]
            )
            opened.append(context)
            page = context.pages[0]
        visited = Visit(page)
        await visited.page.goto(url)
        return visited

    yield open_page
    for each in opened:
        await each.close()


async def allow(server: Server, room: str, *options: str) -> None:
    ended = await run(server.folder, *server.command, "room", "embed", room, *options)
    assert ended.code == 0, ended.err


@pytest.mark.every_browser
async def test_guest_writes_in_an_embed_and_is_known_there_and_only_there(
    host: Host, server: Server, room: str, alice: Person, visit: OpenVisit
) -> None:
    await alice.post_message("from a page of the chat")
    ana = await visit(host.put("/", page(server, room)))
    await ana.room().is_live()
    await ana.room().introduce("Ana")
    await ana.room().send("from an embed")
    await ana.room().shows("from a page of the chat", "from an embed")
    await ana.page.reload()
    await ana.room().is_known_as("Ana")
    await ana.room().send("and again")
    await ana.room().shows("from a page of the chat", "from an embed", "and again")
    authors = (
        await ana.room().frame.locator("#messages .message").evaluate_all("all => all.map(one => one.dataset.author)")
    )
    assert authors[1] == authors[2]

    await ana.page.goto(f"{server.url}/rooms/{room}")
    await expect(ana.page.get_by_label("Your name")).to_be_visible()
    assert not await ana.page.context.cookies(), "there is no cookie to be a third party's"
    ana.complains_of()


async def test_two_embeds_of_a_room_and_another_room_on_one_page(
    host: Host, server: Server, room: str, alice: Person, visit: OpenVisit
) -> None:
    other = "lobby"
    streams: list[str] = []
    ana = await visit(host.put("/", ""))
    ana.page.context.on("request", lambda request: streams.append(request.url) if "/stream?" in request.url else None)
    await ana.page.goto(host.put("/three", page(server, room) + page(server, room) + page(server, other)))
    rooms = [ana.room(number) for number in range(3)]
    for each in rooms:
        await each.frame.owner.scroll_into_view_if_needed()
        await each.is_live()
    await rooms[0].introduce("Ana")
    await rooms[0].send("one")
    await rooms[1].shows("one")
    await rooms[1].is_known_as("Ana")
    await rooms[1].send("two")
    for each in rooms[:2]:
        await each.shows("one", "two")
        await each.is_known_as("Ana")
    await expect(rooms[2].frame.get_by_text("two", exact=True)).to_have_count(0)
    for each in rooms[:2]:
        await each.frame.locator(".message-link").first.dispatch_event("pointerdown")  # it leads into another tab
    await alice.post_message("three", room=room)
    for each in rooms[:2]:
        await each.shows("one", "two", "three")
    assert len(streams) == 4, (
        "two embeds of a room share a stream, opened once more as whom the first has become, and keep it"
    )
    ana.complains_of()


async def test_third_party_cookies_are_blocked(
    engine: str, host: Host, server: Server, room: str, alice: Person, browse: Browse
) -> None:
    await alice.post_message("hello")
    ana = await browse(host.put("/", page(server, room)), "third parties")
    await ana.room().is_live()
    await ana.room().introduce("Ana")
    await ana.room().send("hi")
    await ana.room().shows("hello", "hi")
    await ana.page.reload()
    if engine == "firefox":  # which gives no embed a store then; whoever changes nothing has one apart for each site
        await expect(ana.room().frame.get_by_label("Your name")).to_be_visible()
    else:
        await ana.room().is_known_as("Ana")
    ana.complains_of()


@pytest.mark.every_browser
async def test_embeds_and_pages_that_may_keep_nothing_are_written_in(
    host: Host, server: Server, room: str, alice: Person, browse: Browse
) -> None:
    """The browser's own setting "block all cookies", which denies all other storage as well."""
    await alice.post_message("hello")
    ana = await browse(host.put("/", page(server, room) * 2), "everybody")
    for number in (0, 1):
        await ana.room(number).is_live()
    await ana.room().introduce("Ana")
    await ana.room().send("one")
    await ana.room().is_known_as("Ana")
    await ana.room().send("two")
    for number in (0, 1):
        await ana.room(number).shows("hello", "one", "two")
    await expect(ana.room().frame.locator("[data-own]")).to_have_count(2)
    await ana.page.reload()
    await expect(ana.room().frame.get_by_label("Your name")).to_be_visible()
    ana.complains_of()

    bo = Window(ana.page, server.url, room)
    bo.watch()
    await bo.open()
    assert await bo.page.evaluate("document.cookie = 'a=b', document.cookie") == ""
    await bo.is_live()
    await alice.post_message("hello again")
    await bo.shows("hello", "one", "two", "hello again")
    await bo.introduce("Bo")
    await bo.send("I have no cookies")
    await bo.shows("hello", "one", "two", "hello again", "I have no cookies")
    # To the server whoever has none is somebody new: the page asks for the name again, and keeps the text.
    await bo.send("and go on")
    await expect(bo.page.get_by_role("alert")).to_contain_text("name")
    await bo.introduce("Bo")
    await bo.page.get_by_role("button", name="Send").click()
    await bo.shows("hello", "one", "two", "hello again", "I have no cookies", "and go on")
    assert not bo.complaints


async def test_host_with_a_strict_policy(host: Host, server: Server, room: str, visit: OpenVisit) -> None:
    policy = f"default-src 'none'; img-src 'self'; script-src {server.url}; frame-src {server.url}; "
    policy += "require-trusted-types-for 'script'"
    html = page(server, room, '<quart-chat room="{room}"><script src="{chat}/embed.js" async></script></quart-chat>')
    ana = await visit(host.put("/", html, content_security_policy=policy))
    await ana.room().is_live()
    await ana.room().introduce("Ana")
    await ana.room().send("hello")
    await ana.room().shows("hello")
    ana.complains_of()


async def test_host_that_is_isolated(host: Host, server: Server, room: str, visit: OpenVisit) -> None:
    isolated = {"cross_origin_opener_policy": "same-origin", "cross_origin_embedder_policy": "require-corp"}
    ana = await visit(host.put("/", page(server, room), **isolated))
    assert await ana.page.evaluate("crossOriginIsolated")
    await ana.room().is_live()
    await ana.room().introduce("Ana")
    box = ana.room().frame.get_by_label("Message", exact=True)
    await box.fill("hello")
    await box.evaluate("box => box.form.requestSubmit()")  # no keys of Firefox's driver reach a process of its own
    await ana.room().shows("hello")
    ana.complains_of()


async def test_host_that_is_not_on_the_list_shows_nothing(
    host: Host, server: Server, room: str, visit: OpenVisit
) -> None:
    await allow(server, room, "--allow", "https://www.example.org")
    ana = await visit(host.put("/empty", ""), own=True)
    await ana.page.clock.install()
    await ana.page.goto(host.put("/", page(server, room)))
    link = ana.page.get_by_role("link", name="Open it in a new tab")
    async with asyncio.timeout(20):
        while not await link.count():
            await ana.page.clock.fast_forward(11_000)  # its patience begins when the refused embed has been loaded
            await asyncio.sleep(0.1)
    await expect(link).to_have_attribute("href", f"{server.url}/rooms/{room}")
    ana.complains_of("frame-ancestors", f"the room's owner must allow this page's origin, {host.url}")


async def test_host_that_is_taken_off_the_list_sends_nothing_more(
    host: Host, server: Server, room: str, visit: OpenVisit
) -> None:
    await allow(server, room, "--allow", host.url)
    ana = await visit(host.put("/", page(server, room, FRAME)))
    await ana.room().is_live()
    await ana.room().introduce("Ana")
    await ana.room().send("hello")
    await ana.room().shows("hello")
    await allow(server, room, "--remove", host.url)
    await ana.room().send("hello again")
    await ana.room().refuses(f"{host.url} is not among the sites that may show this room")
    await expect(ana.room().frame.get_by_label("Message", exact=True)).to_have_value("hello again")
    await ana.room().shows("hello")
    ana.complains_of(f"{REFUSED} 403")


async def test_eight_rooms_on_one_page_all_send_and_all_receive(
    host: Host, server: Server, alice: Person, visit: OpenVisit
) -> None:
    """Over HTTP/1.1 a browser has six connections for all of them."""
    slugs = [f"eight-{number}-{host.port}" for number in range(8)]
    for slug in slugs:
        await alice.send("/rooms", name=slug, slug=slug)
    embeds = "".join(page(server, slug, FRAME) for slug in slugs)
    ana = await visit(host.put("/", embeds))
    for number, slug in enumerate(slugs):
        await expect(ana.room(number).frame.locator("#status")).to_have_text(
            re.compile("^(Live|Checking every 2 s)"), timeout=20_000
        )
        if number == 0:
            await ana.room(number).introduce("Ana")
        else:
            await ana.room(number).is_known_as("Ana")
        await ana.room(number).send(f"in {slug}")
    for number, slug in enumerate(slugs):
        await ana.room(number).shows(f"in {slug}")
        await alice.post_message("and you", room=slug)
    for number, slug in enumerate(slugs):
        await ana.room(number).shows(f"in {slug}", "and you")
    ana.complains_of()


@pytest.mark.every_browser
@pytest.mark.whole_browser
async def test_page_around_comes_back_out_of_the_cache(
    host: Host, server: Server, room: str, alice: Person, visit: OpenVisit
) -> None:
    links = "<a href=/elsewhere>away</a> <a href=/elsewhere onclick='return false'>here</a>"
    host.put("/elsewhere", "<p>Elsewhere")
    ana = await visit(host.put("/", links + page(server, room)))
    await ana.room().is_live()
    await ana.page.evaluate("""() => {
      addEventListener("pageshow", (event) => { window.came = event.persisted; });
      window.heard = [];
      document.querySelector("quart-chat").addEventListener("message", ({ detail }) => heard.push(detail.text));
    }""")

    async def heard(*texts: str) -> None:
        # Playwright does not find embeds again that were put aside, and in Firefox waits for the end of a load before
        # it looks for anything: the page around hears what is in them.
        found: list[str] = []
        async with asyncio.timeout(20):
            while found != list(texts):
                with suppress(Error):  # the page is being changed
                    found = await ana.page.evaluate("window.came === false ? ['anew'] : heard")
                await asyncio.sleep(0.05)

    await ana.page.get_by_text("here").click()  # a page that changes by itself
    await alice.post_message("before")
    await heard("before")
    await ana.page.get_by_text("away").click(delay=100)  # as long as a finger takes
    await expect(ana.page.get_by_text("Elsewhere")).to_be_visible()
    await alice.post_message("meanwhile")
    await ana.page.evaluate("history.back()")
    await heard("before", "meanwhile")
    assert await ana.page.evaluate("came")
    await alice.post_message("and after")
    await heard("before", "meanwhile", "and after")
    ana.complains_of()


async def test_embed_without_scripts_keeps_its_guest_by_a_cookie_of_this_page(
    engine: str, host: Host, tmp_path: Path, visit: OpenVisit
) -> None:
    """A partitioned one, which only a chat under HTTPS may set."""
    file = certificates.make().write(tmp_path).name
    (tmp_path / "hypercorn.toml").write_text(
        f'certfile = "{file}"\nkeyfile = "{file}"\nalpn_protocols = ["http/1.1"]\n'
    )
    async with serving(tmp_path, limits="off") as server:
        options = {"java_script_enabled": False, "ignore_https_errors": True}
        embed = FRAME if engine == "chromium" else FRAME.replace("allow-scripts ", "")  # which its driver cannot stop
        ana = await visit(host.put("/", page(server, "lobby", embed)), **options)
        await ana.room().introduce("Ana")
        for text in ("one", "two"):
            await ana.room().frame.get_by_label("Message", exact=True).fill(text)
            await ana.room().frame.get_by_role("button", name="Send").click()
            await expect(ana.room().frame.locator("#messages .message-text").last).to_have_text(text)
            await ana.room().is_known_as("Ana")
        (cookie,) = await ana.page.context.cookies()
        assert cookie["name"].startswith("__Host-quart_chat_frame_")
        # Firefox does not tell whose it is: below, the room outside of the embed does not know her.
        assert cookie.get("partitionKey", "http://localhost") == "http://localhost"
        await ana.page.goto(f"{server.url}/rooms/lobby")
        await expect(ana.page.get_by_label("Your name")).to_be_visible()
        ana.complains_of()


@pytest.mark.long
async def test_embed_behind_a_password_writes_more_than_once(
    host: Host, server: Server, room: str, visit: OpenVisit
) -> None:
    """A proxy asks everybody for one, and browsers send it in `Authorization`."""
    need("nginx")
    proxy = nginx_with_password(server.bind, "ana", "s3cret")
    async with started(proxy):
        behind = Server(server.folder, bind=f"127.0.0.1:{proxy.port}")
        password = {"username": "ana", "password": "s3cret"}
        # Of the same machine's address: in embeds of farther sites this browser asks nobody for a password.
        url = host.put("/", page(behind, room, FRAME)).replace("localhost", "127.0.0.1")
        ana = await visit(url, http_credentials=password)
        await ana.room().is_live()
        await ana.room().introduce("Ana")
        for text in ("one", "two", "three"):
            await ana.room().send(text)
        await ana.room().shows("one", "two", "three")
        await ana.page.reload()
        await ana.room().is_live()
        await ana.room().is_known_as("Ana")
        ana.complains_of()


async def test_deleting_in_an_embed_is_confirmed_on_a_page_of_its_own(
    host: Host, server: Server, room: str, visit: OpenVisit
) -> None:
    ana = await visit(host.put("/", page(server, room)))
    await ana.room().is_live()
    await ana.room().introduce("Ana")
    await ana.room().send("a slip")
    await ana.room().shows("a slip")
    await ana.room().frame.locator("#messages").get_by_text("a slip").hover()
    async with ana.page.context.expect_page() as opening:
        await ana.room().frame.get_by_role("toolbar").get_by_role("button", name="Delete").click()
    asks = await opening.value
    await ana.room().shows("a slip")
    await expect(asks.get_by_text("a slip")).to_be_visible()
    assert asks.url == f"{server.url}/rooms/{room}/messages/{asks.url.split('/')[-2]}/confirmation"
    assert await asks.evaluate("opener") is None
    await asks.get_by_role("button", name="Delete").click()
    await expect(asks.get_by_role("heading")).to_have_text("The message is deleted")
    await ana.room().shows()
    ana.complains_of()


STAND = "[...document.querySelectorAll('p')].map((words) => words.offsetTop).join()"


async def test_embed_moves_nothing_and_holds_nothing_up(
    engine: str, host: Host, server: Server, room: str, visit: OpenVisit
) -> None:
    """By where the page's words stand, and by what Chromium measures: layout shifts, and what keeps a page from being
    shown."""
    text = "<p>text</p>" * 5
    ana = await visit(host.put("/", ""), own=True)
    await ana.page.context.add_init_script(
        f"addEventListener('DOMContentLoaded', () => {{ window.stood = {STAND}; }});"
        "window.shifts = [];"
        "new PerformanceObserver((list) => shifts.push(...list.getEntries().map(({ value }) => value)))"
        ".observe({ type: 'layout-shift', buffered: true });"
    )
    bubble = page(server, room, '<quart-chat room="{room}" bubble></quart-chat>')
    await ana.page.goto(host.put("/page", text + page(server, room) + text + bubble))
    await ana.room().is_live()
    await ana.room(1).is_live()
    await ana.page.locator("quart-chat").nth(1).evaluate("bubble => bubble.open()")
    assert await ana.page.evaluate(STAND) == await ana.page.evaluate("stood"), "words of the page"
    if engine != "chromium":
        return  # which alone measures the rest
    assert await ana.page.evaluate("window.shifts") == []
    found = (
        "performance.getEntriesByType('resource').map(({ name, renderBlockingStatus }) => [name, renderBlockingStatus])"
    )
    assert dict(await ana.page.evaluate(found))[f"{server.url}/embed.js"] == "non-blocking"
    ana.complains_of()


async def test_chat_that_hangs_does_not_hold_the_page_up(host: Host, room: str, visit: OpenVisit) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with accepting(hang) as port:
        chat = f"http://127.0.0.1:{port}"
        ana = await visit("about:blank")
        html = LINE.format(chat=chat, room=room) + FRAME.replace("<iframe", '<iframe loading="lazy"').format(
            chat=chat, room=room
        )
        await ana.page.goto(host.put("/", html + "<p>text"), wait_until="domcontentloaded")
        await expect(ana.page.get_by_text("text")).to_be_visible()
        await ana.page.goto("about:blank")
