"""Who comes without a mouse, without eyes, or with a page enlarged four times has everything, named and in reach."""

import re

import pytest
from playwright.async_api import Page, expect

from quart_chat.view.colours import contrast
from tests.browser.conftest import OpenVisit, OpenWindow
from tests.browser.host import Host
from tests.browser.visit import page
from tests.people import Person
from tests.serving import Server

pytestmark = pytest.mark.browser

FOCUSED = "document.activeElement.id || document.activeElement.className || document.activeElement.tagName"


async def write(person: Person, count: int) -> None:
    for number in range(count):
        await person.post_message(f"message {number}")


async def test_field_is_few_keys_away_and_messages_are_one_stop(window: OpenWindow, alice: Person) -> None:
    await write(alice, 70)
    bo = await window(show=False, trouble=True, own=True)
    await bo.open("#top")  # an address that leads somewhere: the focus is left alone
    await bo.is_live()
    stops = []
    while "text" not in stops and len(stops) < 60:
        await bo.page.keyboard.press("Tab")
        stops.append(await bo.page.evaluate(FOCUSED))
    assert stops[0] == "skip"
    assert len(stops) <= 9, stops
    assert stops.count("message-link") == 1, stops
    await expect(bo.page.get_by_text("message 69")).to_be_in_viewport()
    assert len(await bo.texts()) == 50, "on the way to the field nothing is scrolled, and no history loaded"

    focused = "document.activeElement.closest('.message').querySelector('.message-text').textContent"
    await bo.page.locator(".message-link").nth(30).focus()
    seen = []
    for key in ("ArrowUp", "ArrowDown", "ArrowDown", "Home", "End"):
        await bo.page.keyboard.press(key)
        seen.append(await bo.page.evaluate(focused))
    assert seen == [f"message {number}" for number in (49, 50, 51, 20, 69)]
    assert await bo.page.locator("#messages .message-link:not([tabindex='-1'])").count() == 1

    await bo.page.locator(".skip").focus()
    await expect(bo.page.locator(".skip")).to_be_in_viewport(ratio=1)
    await bo.page.keyboard.press("Enter")
    await expect(bo.page.get_by_label("Message", exact=True)).to_be_focused()

    await bo.context.route("**/messages?before=*", lambda route: route.abort())
    await bo.open()
    await bo.is_live()
    await bo.page.locator("#scroller").focus()
    await bo.page.keyboard.press("Home")
    again = bo.page.get_by_role("link", name="Older messages could not be loaded. Try again")
    await again.focus()
    await bo.context.unroute_all()
    await bo.page.keyboard.press("Enter")
    await expect(bo.page.locator("#messages .message")).to_have_count(70)
    await expect(bo.page.locator("#scroller")).to_be_focused()  # the link is gone


async def test_focus_goes_to_the_first_new_message_in_sight(window: OpenWindow, alice: Person) -> None:
    await write(alice, 40)
    bo = await window()
    await bo.is_live()
    await bo.page.get_by_text("message 15", exact=True).evaluate("(message) => message.scrollIntoView()")
    await expect(bo.page.get_by_text("message 39")).not_to_be_in_viewport()
    for text in ("one", "two"):
        await alice.post_message(text)
    await bo.page.get_by_role("button", name="2 new messages").press("Enter")
    await expect(bo.page.locator(".message", has_text="one").locator(".message-link")).to_be_focused()
    await expect(bo.page.locator("#messages").get_by_text("two")).to_be_in_viewport()
    await expect(bo.page.locator("#newer")).to_be_hidden()


LISTEN = """() => {
  window.said = [];
  const regions = "[aria-live='polite'], [role='status'], [role='alert'], [role='log']:not([aria-live='off'])";
  new MutationObserver((records) => {
    for (const { target, addedNodes } of records) {
      const region = target.closest?.(regions);
      const words = [...addedNodes].map((node) => node.textContent).join("");
      if (region && region.id !== "status" && words.trim()) said.push(words);
    }
  }).observe(document.body, { childList: true, subtree: true });
}"""


async def test_what_comes_in_is_said_once_and_many_by_their_number(window: OpenWindow, alice: Person) -> None:
    await alice.post_message("from before")
    bo = await window(trouble=True, own=True)
    await bo.is_live()
    await bo.page.evaluate(LISTEN)
    said = bo.page.locator("#announcement")
    await alice.post_message("hello")
    await expect(said).to_have_text("Alice: hello")
    await bo.introduce("Bo")
    await bo.send("mine")
    await bo.shows("from before", "hello", "mine")

    await bo.context.set_offline(True)
    await bo.says("Offline")
    await write(alice, 61)
    await bo.context.set_offline(False)
    await expect(said).to_have_text("61 new messages", timeout=20_000)
    await bo.is_live()

    await bo.context.set_offline(True)
    await bo.says("Offline")
    await write(alice, 103)
    for way in ("stream", "poll"):
        await bo.context.route(f"**/{way}?*", lambda route: route.abort())
    await bo.context.set_offline(False)
    anew = "htmx.ajax('GET', location.pathname + '/messages', { source: '#messages', swap: 'none' })"
    await bo.page.evaluate(anew)  # as after a reset
    await expect(said).to_have_text("More than 50 new messages")
    heard = await bo.page.evaluate("said")
    assert heard == ["Alice: hello", "61 new messages", "More than 50 new messages"], heard


async def test_one_can_write_at_once_where_there_is_a_keyboard(
    window: OpenWindow, host: Host, server: Server, room: str, visit: OpenVisit
) -> None:
    bo = await window()
    await expect(bo.page.get_by_label("Message", exact=True)).to_be_focused()
    phone = await window(viewport={"width": 400, "height": 640}, has_touch=True, is_mobile=True)
    await phone.is_live()
    assert await phone.page.evaluate(FOCUSED) == "BODY"
    ana = await visit(host.put("/", f"<input id=theirs autofocus>{page(server, room)}"))
    await ana.room().is_live()
    assert await ana.page.evaluate("document.activeElement.id") == "theirs"


async def test_every_part_of_a_page_is_in_a_landmark_that_says_what_it_is(window: OpenWindow, alice: Person) -> None:
    await write(alice, 2)
    outside = """() => [...document.body.querySelectorAll("*")].filter((element) =>
      !element.closest("header, main, form, script, template, dialog, noscript, .skip")
      && [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
      .map((element) => element.outerHTML)"""
    unnamed = """() => [...document.querySelectorAll("pre, [tabindex='0']")].filter((element) =>
      element.matches("[aria-label]:not([role])")).map((element) => element.outerHTML)"""
    bo = await window()
    await bo.is_live()
    await expect(bo.page.get_by_role("banner")).to_have_count(1)
    for role, name in (("form", "Write a message"), ("group", "History"), ("log", "Messages")):
        await expect(bo.page.get_by_role(role, name=name, exact=True)).to_have_count(1)
    await expect(bo.page.get_by_role("main").get_by_role("form")).to_have_count(1)
    for path in ("", f"/embed/{bo.room}?compact=1", f"/rooms/{bo.room}/embed", "/diagnose", "/"):
        if path:
            await bo.page.goto(bo.url + path)
        await expect(bo.page.get_by_role("main")).to_have_count(1)
        await expect(bo.page.get_by_role("heading", level=1)).to_have_count(1)
        assert await bo.page.evaluate(outside) == [], path
        assert await bo.page.evaluate(unnamed) == [], path


async def test_borders_of_fields_can_be_seen(
    window: OpenWindow, host: Host, server: Server, room: str, visit: OpenVisit
) -> None:
    """https://www.w3.org/TR/WCAG22/#non-text-contrast"""
    found = {}
    for scheme in ("light", "dark"):
        bo = await window(show=False, color_scheme=scheme, trouble=True)  # a page is left as soon as it is there
        for path in (f"/rooms/{bo.room}", "/", f"/rooms/{bo.room}/embed"):
            await bo.page.goto(bo.url + path)
            found |= {(scheme, path, each): value for each, value in (await borders(bo.page)).items()}
    ana = await visit(host.put("/", ""))
    for colours in ("color:#222;background:#fdf6e3", "color:#ddd;background:#333", "color:#f3e4cf;background:#3a2417"):
        html = f"<style>body {{ {colours} }}</style>{page(server, room).replace('room=', 'theme=host room=')}"
        await ana.page.goto(host.put("/", html))
        await ana.room().is_live()
        await expect(ana.room().frame.locator("html")).to_have_attribute("style", re.compile("line-strong"))
        frame = ana.page.frames[1]
        found |= {("host", colours, each): value for each, value in (await borders(frame)).items()}
    assert found
    assert {place: value for place, value in found.items() if value < 3} == {}


async def borders(page: Page) -> dict[str, float]:
    """The least contrast of each field's border with what is inside and around it."""
    colours = await page.evaluate("""() => [...document.querySelectorAll("input, textarea, select, .button.quiet")]
      .filter((field) => field.checkVisibility() && !["hidden", "checkbox"].includes(field.type)).map((field) => {
        const { borderColor, backgroundColor } = getComputedStyle(field);
        let around = field.parentElement;
        while (/, 0\\)$/.test(getComputedStyle(around).backgroundColor)) around = around.parentElement;
        return [field.name || field.className, borderColor, backgroundColor, getComputedStyle(around).backgroundColor];
      })""")
    found = {}
    for name, border, *surfaces in colours:
        opaque = [digits(surface) for surface in surfaces if not surface.endswith(", 0)")]
        found[name] = min(contrast(digits(border), surface) for surface in opaque)
    return found


def digits(colour: str) -> str:
    return "".join(f"{int(part):02x}" for part in re.findall(r"\d+", colour)[:3])


async def test_enlarged_four_times_there_is_room_for_messages_and_for_every_action(
    window: OpenWindow, alice: Person
) -> None:
    await write(alice, 20)
    bo = await window(show=False, viewport={"width": 320, "height": 256})
    shares = {}
    for known in (False, True):
        for path in (f"/rooms/{bo.room}", f"/embed/{bo.room}"):
            await bo.page.goto(bo.url + path)
            await expect(bo.page.locator("#status")).to_have_text("Live", timeout=20_000)
            shares[known, path] = await bo.page.locator("#scroller").evaluate("(box) => box.clientHeight") / 256
        if not known:
            await bo.open()
            await bo.introduce("Bo")
            await bo.send("hello")
            await expect(bo.page.locator(".identity-known")).to_be_visible()
    assert {place: share for place, share in shares.items() if share < 0.4} == {}

    await bo.open()
    await bo.is_live()
    for width, height in ((280, 560), (320, 256), (400, 640)):
        await bo.page.set_viewport_size({"width": width, "height": height})
        for link in ("All rooms", "Embed"):
            await expect(bo.page.get_by_role("link", name=link, exact=True)).to_be_in_viewport(ratio=1)
        assert not await bo.page.evaluate("document.documentElement.scrollWidth > innerWidth")
