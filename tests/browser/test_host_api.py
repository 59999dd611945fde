"""What the page around a room can say to it, and hears of it."""

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route, expect

from quart_chat.domain import embed_keys
from quart_chat.domain.actors import CONSOLE
from quart_chat.view.colours import contrast
from tests.browser.conftest import OpenVisit, OpenWindow
from tests.browser.host import Host
from tests.browser.visit import LINE, REFUSED, Visit, page
from tests.browser.window import tap
from tests.embeds import Site, beside, site_of
from tests.people import Person
from tests.serving import Server

pytestmark = pytest.mark.browser

LISTEN = """() => {
  window.chat = document.querySelector("quart-chat");
  window.heard = { ready: [], message: [], unread: [], resize: [], error: [] };
  for (const type of Object.keys(heard)) chat.addEventListener(type, ({ detail }) => heard[type].push(detail));
}"""


@pytest.fixture
async def site(server: Server, room: str) -> Site:
    """Whose page is around the room, and which signs who its people are."""
    return await site_of(server, room)


async def listening(visit: OpenVisit, host: Host, server: Server, room: str, html: str = LINE) -> Visit:
    """A page that hears everything, from before the room speaks."""
    ana = await visit(
        host.put("/", f"<script>addEventListener('DOMContentLoaded', {LISTEN})</script>" + page(server, room, html))
    )
    await ana.room().is_live()
    return ana


def digits(colour: str) -> str:
    """Of `rgb(…)` as browsers compute it, without transparency."""
    return "".join(f"{int(part):02x}" for part in re.findall(r"\d+", colour)[:3])


async def heard(ana: Visit, kind: str, count: int) -> list[dict[str, Any]]:
    """What was heard of this kind, once there is so much."""
    await ana.page.wait_for_function(f"heard.{kind}.length >= {count}")
    found: list[dict[str, Any]] = await ana.page.evaluate(f"heard.{kind}")
    return found


async def test_page_around_hears_what_happens(
    host: Host, server: Server, room: str, alice: Person, visit: OpenVisit
) -> None:
    old = await alice.post_message("from before")
    ana = await listening(visit, host, server, room)
    assert await heard(ana, "ready", 1) == [{"room": room}]
    await ana.room().introduce("Ana")
    await ana.room().send("mine")
    await ana.room().shows("from before", "mine")
    await alice.edit_message(old.message_id, "from before, edited")
    hers = await alice.post_message("hers")
    mine = await ana.room().frame.locator("#messages [data-own]").get_attribute("id")
    assert mine is not None
    assert await heard(ana, "message", 2) == [
        {"id": int(mine.removeprefix("message-")), "author": "Ana", "text": "mine", "own": True, "verified": False},
        {"id": hers.message_id, "author": "Alice", "text": "hers", "own": False, "verified": False},
    ]
    size = (await heard(ana, "resize", 1))[-1]
    assert size["width"] == 900 - 16
    assert size["height"] > 150
    ana.complains_of()


async def test_signed_in_person_is_verified_and_stays_so_with_one_stream(
    host: Host, server: Server, room: str, site: Site, alice: Person, visit: OpenVisit
) -> None:
    ana = await listening(visit, host, server, room)
    streams: list[str] = []
    ana.page.context.on("request", lambda request: streams.append(request.url) if "/stream?" in request.url else None)
    given: list[str] = []

    def give() -> str:
        given.append(site.token(name="Ana Vega", exp=int(time.time()) + (3 if not given else 600)))
        return given[-1]

    await ana.page.expose_function("giveToken", give)
    await ana.page.evaluate("chat.identify(giveToken)")
    await ana.room().is_known_as("Ana Vega")
    await ana.room().send("one")
    await expect(ana.room().frame.locator("#messages .verified")).to_have_count(1)
    assert (await heard(ana, "message", 1))[0]["verified"]
    async with asyncio.timeout(20):
        while len(given) < 2:  # the page is asked for another token before the first one ends
            await asyncio.sleep(0.05)
    await ana.room().send("two")
    await ana.room().shows("one", "two")
    assert len(streams) == 1, "opened as who is signed in, and not again with their next token"
    guest = await alice.send(f"/rooms/{room}/messages", text="I am Ana Vega", name="ANA VEGA", key="k" * 24)
    assert guest.headers["Chat-Error"] == "name_reserved"

    await ana.page.evaluate("chat.identify(null)")
    await expect(ana.room().frame.get_by_label("Your name")).to_be_visible()
    for sent in given:
        assert sent not in server.log
    assert not await ana.page.evaluate("Object.keys(localStorage).length")
    ana.complains_of()


AT_FIRST_AND_LATER = """(button) => {
  button.classList.remove("late");
  const { left, top } = button.getBoundingClientRect();
  button.classList.add("late");
  const [comes] = button.getAnimations();
  const isMet = (then) => { then(); return document.elementFromPoint(left + 5, top + 5) === button; };
  comes.pause();
  return [isMet(() => { comes.currentTime = 500; }), isMet(() => comes.finish())];
}"""
"""Whether a press meets the button while its page is new, and when it has been looked at."""


async def test_moderator_whom_a_site_has_signed_in_removes_somebody_on_a_page_of_the_chat(
    host: Host, server: Server, room: str, site: Site, window: OpenWindow, visit: OpenVisit
) -> None:
    mallory = await window(trouble=True)
    await mallory.introduce("Mallory")
    await mallory.is_live()
    await mallory.send("spam")
    await mallory.shows("spam")
    ana = await listening(visit, host, server, room)
    await ana.room().shows("spam")
    toolbar = ana.room().frame.get_by_role("toolbar")
    await ana.room().frame.locator("#messages").get_by_text("spam").hover()
    await expect(toolbar).to_be_hidden()
    await ana.page.evaluate("token => chat.identify(token)", site.token(name="Ana Vega", role="moderator"))
    await ana.room().is_known_as("Ana Vega")
    async with ana.page.context.expect_page() as opening:
        await toolbar.get_by_role("button", name="Remove this person").click()
    asks = await opening.value
    await expect(asks.get_by_role("heading")).to_contain_text("Remove Mallory")
    assert await asks.get_by_role("button", name="Remove").evaluate(AT_FIRST_AND_LATER) == [False, True]
    await asks.get_by_label("Reason").fill("Advertising.")
    await asks.get_by_role("button", name="Remove").click()
    await expect(asks.get_by_role("heading")).to_contain_text("is removed")
    await mallory.says_nothing_but("You cannot read here any more", "Advertising.")
    await ana.room().shows("spam")
    ana.complains_of()


async def test_site_is_told_why_its_token_is_refused(
    host: Host, server: Server, room: str, site: Site, visit: OpenVisit
) -> None:
    ana = await listening(visit, host, server, room)
    await ana.page.evaluate("text => chat.identify(text)", site.token(room="lobby"))
    (error,) = await heard(ana, "error", 1)
    assert error["code"] == "identity_refused"
    assert f"claim room must be “{room}”, found 'lobby'" in error["message"]
    await expect(ana.room().frame.get_by_label("Your name")).to_be_visible()
    await ana.page.evaluate("text => chat.identify(text)", site.token(exp=int(time.time()) - 60))
    assert (await heard(ana, "error", 2))[1]["code"] == "identity_expired"
    ana.complains_of(f"{REFUSED} 401")


async def test_person_stays_signed_in_as_long_as_the_last_good_token_counts(
    host: Host, server: Server, room: str, site: Site, visit: OpenVisit
) -> None:
    ana = await listening(visit, host, server, room)
    await ana.page.evaluate("text => chat.identify(text)", site.token(name="Ana"))
    await ana.room().is_known_as("Ana")
    await ana.page.evaluate("text => chat.identify(text)", site.token(name="Ana", room="lobby"))
    await heard(ana, "error", 1)
    await ana.room().send("still here")
    await ana.room().shows("still here")
    await expect(ana.room().frame.locator("#messages .verified")).to_have_count(1)
    await ana.page.evaluate("text => chat.identify(text)", site.token(sub="Bo", name="Bo", room="lobby"))
    await heard(ana, "error", 2)
    await expect(ana.room().frame.get_by_label("Your name")).to_be_visible()  # Ana has left, as far as the page says
    ana.complains_of(f"{REFUSED} 401")


async def test_page_that_had_no_token_in_time_is_asked_again(
    host: Host, server: Server, room: str, site: Site, visit: OpenVisit
) -> None:
    ana = await listening(visit, host, server, room)
    given: list[str] = []

    def give() -> str:
        given.append("")
        if len(given) == 2:
            raise RuntimeError("the site is restarting")
        return site.token(name="Ana", exp=int(time.time()) + (600 if len(given) > 2 else 5))

    await ana.page.expose_function("giveToken", give)
    await ana.page.evaluate("chat.identify(giveToken)")
    await ana.room().is_known_as("Ana")
    async with asyncio.timeout(20):
        while len(given) < 3:
            await asyncio.sleep(0.05)
    assert "the site is restarting" in (await heard(ana, "error", 1))[0]["message"]


async def test_message_waits_for_the_next_token(
    host: Host, server: Server, room: str, site: Site, visit: OpenVisit
) -> None:
    """The machine has slept, or the page around does not give another one in time."""
    ana = await listening(visit, host, server, room)
    given: list[str] = []

    def give() -> str:
        # The first one, made when it is asked for, ends within seconds: 30 are added to what it says.
        given.append(site.token(name="Ana", exp=int(time.time()) + (600 if given else -26)))
        return given[-1]

    await ana.page.expose_function("giveToken", give)
    await ana.page.evaluate("chat.identify(giveToken)")
    await ana.room().is_known_as("Ana")
    await ana.room().send("not lost")
    await ana.room().shows("not lost")
    await expect(ana.room().frame.locator("#messages .verified")).to_have_count(1)


async def test_half_written_text_is_its_authors(
    host: Host, server: Server, room: str, site: Site, visit: OpenVisit
) -> None:
    ana = await listening(visit, host, server, room)
    box = ana.room().frame.get_by_label("Message", exact=True)
    await box.fill("begun as a guest")
    signed = {name: site.token(sub=name, name=name) for name in ("Ana", "Bo")}
    await ana.page.evaluate("text => chat.identify(text)", signed["Ana"])
    await ana.room().is_known_as("Ana")
    await expect(box).to_have_value("begun as a guest")
    await ana.page.evaluate("text => chat.identify(text)", signed["Bo"])
    await ana.room().is_known_as("Bo")
    await expect(box).to_have_value("")
    await ana.page.evaluate("chat.identify(null)")
    await expect(box).to_have_value("")
    await ana.page.evaluate("text => chat.identify(text)", signed["Ana"])
    await expect(box).to_have_value("begun as a guest")


async def test_edit_asks_for_another_token_and_shows_writers_no_words_for_developers(
    host: Host, server: Server, room: str, site: Site, visit: OpenVisit
) -> None:
    ana = await listening(visit, host, server, room)
    given: list[str] = []
    await ana.page.expose_function("giveToken", lambda: given.append("") or site.token(name="Ana"))
    await ana.page.evaluate("chat.identify(giveToken)")
    await ana.room().is_known_as("Ana")
    await ana.room().send("teh plan")
    await ana.room().shows("teh plan")

    async def change_key() -> None:
        async with beside(server) as chat:
            await embed_keys.revoke(chat, room, CONSOLE, site.key.key.id)
            site.key = await embed_keys.create(chat, room, CONSOLE, "HS256")

    async def was_asked(times: int) -> None:
        async with asyncio.timeout(20):
            while len(given) < times:
                await asyncio.sleep(0.05)
        await expect(ana.room().frame.locator("#composer-error")).to_be_empty()

    await change_key()
    await ana.room().frame.locator("#messages").get_by_text("teh plan").hover()
    await ana.room().frame.get_by_role("button", name="Edit").click()
    await was_asked(2)
    await expect(ana.room().frame.get_by_role("textbox", name="Edit your message")).to_have_value("teh plan")
    await change_key()
    await ana.room().frame.get_by_role("textbox", name="Edit your message").fill("the plan")
    await ana.room().frame.get_by_role("textbox", name="Edit your message").press("Enter")
    await was_asked(3)
    await ana.room().frame.get_by_role("textbox", name="Edit your message").press("Enter")
    await ana.room().shows("the plan")
    assert "signature" not in await ana.room().frame.locator("body").inner_text()


async def test_message_that_waits_goes_out_in_its_authors_name_alone(
    host: Host, server: Server, room: str, site: Site, visit: OpenVisit
) -> None:
    ana = await listening(visit, host, server, room)
    token = site.token(name="Ana")
    await ana.page.evaluate("text => chat.identify(text)", token)
    await ana.room().is_known_as("Ana")
    await ana.page.context.route("**/messages", lambda route: route.abort())
    await ana.room().send("from Ana")
    await expect(ana.room().frame.locator("#outbox")).to_contain_text("Not confirmed")
    await ana.page.evaluate("chat.identify(null)")
    await expect(ana.room().frame.get_by_label("Your name")).to_be_visible()
    await ana.page.context.unroute("**/messages")
    await ana.room().introduce("Bo")
    await ana.room().send("from Bo")
    await expect(ana.room().frame.locator("#messages .message-text")).to_have_text(["from Bo"])
    await expect(ana.room().frame.locator("#outbox")).to_contain_text("until whoever wrote it is back")
    await ana.page.evaluate("text => chat.identify(text)", token)
    await ana.room().shows("from Bo", "from Ana")
    await expect(ana.room().frame.locator("#messages .verified")).to_have_count(1)


async def test_what_is_no_token_changes_nothing(host: Host, server: Server, room: str, visit: OpenVisit) -> None:
    ana = await listening(visit, host, server, room)
    for count, given in enumerate(("<html>a login page\n</html>", 7, "a.b"), 1):
        await ana.page.evaluate("given => chat.identify(given)", given)
        assert (await heard(ana, "error", count))[-1]["code"] == "identity_refused", given
        if count == 1:
            await ana.room().introduce("Ana")
        await ana.room().send(f"still a guest after {given}")
        await expect(ana.room().frame.locator("#messages .message")).to_have_count(count)
    await expect(ana.room().frame.locator("#messages .message-tag")).to_have_count(3)  # which guests alone have
    ana.complains_of()


async def test_theme_and_locale_follow_the_page(
    host: Host, server: Server, room: str, alice: Person, visit: OpenVisit
) -> None:
    await alice.post_message("hello")
    ana = await listening(visit, host, server, room)
    frame = ana.room().frame
    surface = "element => getComputedStyle(element).backgroundColor"
    await expect(frame.locator(".day")).to_have_text("Today")
    await ana.page.evaluate("chat.setTheme('dark'); chat.setLocale('de')")
    await expect(frame.locator(".day")).to_have_text("Heute")
    assert await frame.locator(".room").evaluate(surface) == "rgb(26, 29, 32)"
    await ana.page.evaluate(
        "chat.setTheme('light'); chat.setLocale('no such locale!');"
        "document.body.style.cssText = 'background: rgb(58, 36, 23); color: rgb(243, 228, 207)'"
    )
    await expect(frame.locator(".day")).to_have_text("Today")
    assert await frame.locator(".room").evaluate(surface) == "rgb(255, 255, 255)"
    await ana.page.evaluate("chat.setTheme('host')")
    await expect(frame.locator(".room")).to_have_css("background-color", "rgb(58, 36, 23)")
    await expect(frame.locator(".message-text")).to_have_css("color", "rgb(243, 228, 207)")
    await ana.page.evaluate("document.body.style.cssText = 'background: #777; color: #888'; chat.setTheme('host')")
    await expect(frame.locator(".message-text")).not_to_have_css("color", "rgb(136, 136, 136)")
    for own, background in (("#fff", "rgb(85, 85, 85)"), ("#fff", "rgb(107, 107, 107)"), ("#000", "rgb(243, 228, 0)")):
        style = f"color: {own}; background: {background}"
        await ana.page.evaluate(f"document.body.style.cssText = '{style}'; chat.setTheme('host')")
        await expect(frame.locator(".room")).to_have_css("background-color", background)
        for part in (".message-author", ".message-tag", ".composer-send"):
            text = await frame.locator(part).evaluate("each => getComputedStyle(each).color")
            behind = await frame.locator(part).evaluate(
                "each => getComputedStyle(each.closest('.button, .room')).backgroundColor"
            )
            assert contrast(digits(text), digits(behind)) >= 4.5, (part, style)
    ana.complains_of()


async def test_bubble_counts_what_is_unread_and_gives_the_focus_back(
    host: Host, server: Server, room: str, alice: Person, visit: OpenVisit
) -> None:
    ana = await listening(visit, host, server, room, LINE.replace("style", "bubble style"))
    button = ana.page.get_by_role("button", name=f"Chat: {room}")
    await expect(button).to_have_attribute("aria-expanded", "false")
    await alice.post_message("one")
    await alice.post_message("two")
    await expect(button).to_have_accessible_name(f"Chat: {room}, 2 unread")
    assert await heard(ana, "unread", 2) == [{"count": 1}, {"count": 2}]
    box = ana.room().frame.get_by_label("Message", exact=True)
    await button.click()
    await expect(ana.room().frame.locator("#messages").get_by_text("two")).to_be_in_viewport()
    await expect(button).to_have_accessible_name(f"Chat: {room}")
    await expect(box).to_be_focused()
    await box.dispatch_event("keydown", {"key": "Escape", "isComposing": True})  # of an input method
    await alice.post_message("three")
    await heard(ana, "message", 3)
    await expect(button).to_have_attribute("aria-expanded", "true")
    await ana.page.keyboard.press("Escape")
    await expect(button).to_have_attribute("aria-expanded", "false")
    await expect(button).to_be_focused()
    await ana.page.evaluate("chat.open()")
    await expect(button).to_have_attribute("aria-expanded", "true")
    await ana.page.evaluate("chat.close()")
    await expect(button).to_have_attribute("aria-expanded", "false")
    await alice.post_message("four")
    await expect(button).to_have_accessible_name(f"Chat: {room}, 1 unread")
    await ana.room().frame.locator("body").evaluate("() => location.reload()")
    await expect(button).to_have_accessible_name(f"Chat: {room}")
    await ana.room().is_live()  # a frame that goes while it opens its stream has it logged as a failure

    opened = asyncio.Event()

    async def slowly(route: Route) -> None:
        await opened.wait()
        await route.continue_()

    await ana.page.context.route("**/embed/*", slowly)
    await ana.page.evaluate(
        "document.body.appendChild(document.createElement('div')).attachShadow({ mode: 'open' }).append(chat)"
    )
    await button.click()  # before the frame is there
    opened.set()
    await expect(box).to_be_focused()
    await ana.page.keyboard.press("Escape")
    await expect(button).to_be_focused()
    ana.complains_of()


async def test_console_names_the_directive_that_is_missing(
    host: Host, server: Server, room: str, visit: OpenVisit
) -> None:
    policy = f"default-src 'none'; img-src 'self'; script-src 'unsafe-inline' {server.url}; style-src 'unsafe-inline'"
    ana = await visit(host.put("/", page(server, room), content_security_policy=policy))
    await expect(ana.page.get_by_role("link", name="Open it in a new tab")).to_have_attribute(
        "href", f"{server.url}/rooms/{room}"
    )
    ana.complains_of(
        f'quart-chat: add "frame-src {server.url}" to this page',
        "violates the following (Content Security Policy )?directive|appears in neither the frame-src directive",
    )


async def test_words_of_strangers_are_not_heard(
    host: Host, server: Server, room: str, site: Site, visit: OpenVisit
) -> None:
    """Of a frame beside, in the page of the same site or of another, and of the page around in another's name."""
    stranger = host.put(
        "/stranger",
        """<script>
      const words = { quartChat: 1, type: "identify", token: new URL(location).hash.slice(1) };
      parent.frames[0].postMessage(words, "*");
      parent.postMessage({ quartChat: 1, type: "message", text: "forged" }, "*");
      parent.postMessage({ quartChat: 1, type: "escape" }, "*");
    </script>""",
    )
    ana = await listening(visit, host, server, room)
    signed = site.token()
    for address in (stranger, stranger.replace("localhost", "127.0.0.1")):
        await ana.page.evaluate(
            """(src) => new Promise((resolve) => {
                 document.body.append(Object.assign(document.createElement("iframe"), { src, onload: resolve }));
               })""",
            f"{address}#{signed}",
        )
    for words in (
        "{type: 'identify'}",
        "{quartChat: 1, type: 'identify', token: 7}",
        "{quartChat: 1, type: '__proto__'}",
        "null",
    ):
        await ana.page.evaluate(
            f"chat.shadowRoot.querySelector('iframe').contentWindow.postMessage({words}, '{server.url}')"
        )
    frames = await ana.page.locator("iframe").count()
    await ana.room(frames - 1).introduce("Ana")
    await ana.room(frames - 1).send("still a guest")
    await ana.room(frames - 1).shows("still a guest")
    await expect(ana.room(frames - 1).frame.locator(".verified")).to_have_count(0)
    assert [said["text"] for said in await heard(ana, "message", 1)] == ["still a guest"]
    ana.complains_of()


async def test_bubble_on_a_phone_covers_the_page_and_is_closed_by_its_bar(
    host: Host, server: Server, room: str, visit: OpenVisit
) -> None:
    phone = {
        "viewport": {"width": 400, "height": 640},
        "has_touch": True,
        "is_mobile": True,
        "reduced_motion": "reduce",
    }
    head = '<meta name="viewport" content="width=device-width"><h1>A site</h1>'
    html = page(server, room, LINE.replace("style", "bubble style"))
    ana = await visit(host.put("/", head + html), **phone)
    await ana.room().is_live()
    launcher = ana.page.get_by_role("button", name=f"Chat: {room}")
    close = ana.page.get_by_role("button", name="Close")
    await expect(close).to_be_hidden()
    for width, height in ((400, 640), (280, 560), (640, 360)):
        await ana.page.set_viewport_size({"width": width, "height": height})
        await tap(launcher)
        assert await place(ana, "#panel") == (0, 0, width, height)
        await expect(ana.page.get_by_text(f"Chat: {room}", exact=True)).to_be_in_viewport(ratio=1)
        await expect(close).to_be_in_viewport(ratio=1)
        await expect(launcher).to_be_hidden()
        frame = await place(ana, "iframe")
        assert (frame[0], frame[1] + frame[3], frame[2]) == (0, height, width)
        await expect(ana.room().frame.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)
        seen = """(height) => {
          if (height) Object.defineProperty(visualViewport, "height", { configurable: true, value: height });
          else delete visualViewport.height;
          visualViewport.dispatchEvent(new Event("resize"));
        }"""
        await ana.page.evaluate(seen, height - 100)  # a keyboard opens
        assert await place(ana, "#panel") == (0, 0, width, height - 100)
        await ana.page.evaluate(seen, 0)
        await tap(close)
        await expect(launcher).to_be_focused()
        await expect(ana.page.locator("#panel")).to_be_hidden()
    await ana.page.set_viewport_size({"width": 900, "height": 700})
    await tap(launcher)
    await expect(ana.page.locator("iframe")).to_be_visible()
    await expect(close).to_be_hidden()
    await tap(launcher)
    ana.complains_of()


async def place(ana: Visit, part: str) -> tuple[int, ...]:
    """Where it is, and its size, in whole pixels."""
    box = await ana.page.locator(part).bounding_box()
    assert box
    return tuple(round(box[each]) for each in ("x", "y", "width", "height"))


DOCUMENT = Path(__file__).parents[2] / "docs" / "embedding.md"


def sample(section: int, chat: str) -> str:
    """The first block of HTML in a section of the guide, for a chat at this address."""
    text = DOCUMENT.read_text("utf-8").split(f"## {section}. ")[1]
    return text.split("```html\n")[1].split("```")[0].replace("https://chat.example.org", chat)


async def test_samples_of_the_guide_work_as_they_are_pasted(host: Host, server: Server, visit: OpenVisit) -> None:
    ana = await visit(host.put("/empty", ""))
    release = asyncio.Event()

    async def later(route: Route) -> None:
        await release.wait()
        await route.continue_()

    await ana.page.context.route("**/embed.js", later)
    html = "".join(sample(section, server.url) for section in (1, 4, 5))
    await ana.page.goto(host.put("/", html), wait_until="commit")
    await ana.page.wait_for_selector("quart-chat", state="attached")
    async with ana.page.expect_response("**/chat-token"):  # which this site has not
        release.set()  # after the page's own scripts
        await ana.room().is_live()
        await expect(ana.room().frame.locator("html")).to_have_attribute("data-theme", "dark")
    unread = "new CustomEvent('unread', { detail: { count: 2 } })"
    await ana.page.evaluate(f"document.querySelector('quart-chat').dispatchEvent({unread})")
    await expect(ana.page).to_have_title("(2) Shop")
    ana.complains_of(f"{REFUSED} 404")
