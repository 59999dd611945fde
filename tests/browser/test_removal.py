"""Somebody is removed from a room by whoever looks after it, and what their pages are from then on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from playwright.async_api import Error, Locator, expect

from tests.browser.conftest import OpenVisit, OpenWindow
from tests.browser.host import Host
from tests.browser.visit import page
from tests.browser.window import Window, tap
from tests.people import Person, only_cookie
from tests.serving import Server

pytestmark = pytest.mark.browser

OUT = "You cannot read here any more"

PHONE = {"viewport": {"width": 280, "height": 640}, "has_touch": True, "is_mobile": True}

HELD = "document.activeElement.closest('dialog') !== null || document.activeElement === document.body"
"""The focus is in the dialog, or on its way through what the browser itself has."""

BEYOND = """() => [".room-action", ".toolbar", ".dialog[open]", ".dialog[open] :is(button, input, a, span)"]
  .flatMap((which) => [...document.querySelectorAll(which)])
  .filter((each) => each.checkVisibility() && each.offsetParent !== null)
  .filter((each) => { const { left, right } = each.getBoundingClientRect(); return left < 0 || right > innerWidth; })
  .map((each) => each.outerHTML.slice(0, 80))"""
"""What cannot be seen as a whole."""


@pytest.fixture
async def olga(server: Server, room: str) -> AsyncIterator[Person]:
    """Who owns another room than `room`, and looks after it."""
    async with Person("Olga", server.url, f"{room}-hers") as owner:
        await owner.send("/rooms", name="Hers", slug=owner.room, owner="Olga", key="k" * 24)
        yield owner


class Owner:
    """Olga at her page."""

    def __init__(self, window: Window) -> None:
        self.window, self.page = window, window.page
        self.toolbar = window.page.get_by_role("toolbar")
        self.remove = self.toolbar.get_by_role("button", name="Remove this person")
        self.dialog = window.page.get_by_role("dialog")

    def message(self, text: str) -> Locator:
        return self.page.locator("#messages .message", has_text=text)

    async def confirm(self, reason: str = "", *, ban: bool = False) -> None:
        if ban:
            await self.dialog.get_by_label("Remove and ban").check()
        if reason:
            await self.dialog.get_by_label("Reason").fill(reason)
        await self.dialog.get_by_role("button", name="Remove").click()
        await expect(self.page.locator("#removed")).to_be_visible()


async def owner_of(window: OpenWindow, olga: Person, **options: object) -> Owner:
    opened = await window(show=False, **options)
    name, value = only_cookie(olga.client.cookies)
    await opened.context.add_cookies([{"name": name, "value": value, "url": olga.url}])
    opened.room = olga.room
    await opened.open()
    await opened.is_live()
    return Owner(opened)


async def guest_of(window: OpenWindow, room: str, name: str, text: str, url: str = "") -> Window:
    """A guest who has written something first, and goes on writing."""
    guest = await window(show=False, trouble=True)
    guest.room, guest.url = room, url or guest.url
    await guest.open()
    await guest.introduce(name)
    await guest.is_live()
    await guest.send(text)
    await guest.shows(text)
    await guest.write("half a sentence")
    return guest


async def test_removed_person_reads_why_and_nothing_else_in_all_tabs(window: OpenWindow, olga: Person) -> None:
    mallory = await guest_of(window, olga.room, "Mallory", "spam")
    other = await mallory.tab()
    await other.is_live()
    left = await mallory.tab()
    await left.is_live()
    # By the end of the stream that was opened when the first message had made her somebody, and by nothing else.
    await mallory.context.route("**/identity", lambda route: route.abort())
    await left.page.goto(f"{left.url}/robots.txt")  # the room's page waits to be gone back to
    for tab in (other, left):
        # They hear it from the first tab, and not each from the server.
        await tab.page.route("**/{stream,poll}?*", lambda route: route.abort())
    owner = await owner_of(window, olga)
    await owner.message("spam").hover()
    await owner.remove.click()
    await expect(owner.dialog).to_contain_text("Remove Mallory from this room?")
    await owner.confirm("Advertising.")
    await olga.post_message("after that")
    for tab in (mallory, other):
        await tab.says_nothing_but(OUT, "Advertising.")
    await left.page.evaluate("history.back()")
    found = ""
    async with asyncio.timeout(20):
        while "Advertising." not in found:  # Firefox's driver waits for the end of a load before it looks for anything
            with suppress(Error):
                found = await left.page.evaluate("document.body.innerText")
    assert found.startswith(OUT)
    assert await left.page.evaluate("document.querySelectorAll('.message').length") == 0
    for tab in (mallory, other, left):
        assert "after that" not in await tab.page.evaluate("document.documentElement.outerHTML")

    await other.open()
    await expect(other.page.get_by_role("alert")).to_contain_text("Advertising.")
    assert "spam" not in await other.page.content()

    number = await owner.message("spam").get_attribute("data-author")
    await olga.send(f"/rooms/{olga.room}/members/{number}/return")
    await mallory.page.get_by_role("link", name="Look again").click()
    await mallory.is_live()
    await mallory.shows("spam", "after that")
    await expect(mallory.page.locator("#text")).to_have_value("half a sentence")


TAKE_BACK = """async () => {
  const number = document.querySelector(".message[data-own]").id.slice("message-".length);
  await fetch(`${location.pathname}/messages/${number}/deletion`, { method: "POST", body: new URLSearchParams() });
}"""


async def test_removal_by_keyboard_with_a_dialog_that_holds_the_focus(
    engine: str, window: OpenWindow, olga: Person
) -> None:
    mallory = await guest_of(window, olga.room, "Mallory", "spam")
    owner = await owner_of(window, olga)
    press = owner.page.keyboard.press

    async def ask() -> None:
        await owner.message("spam").locator(".message-link").focus()
        for key in ("Tab", "ArrowRight", "Enter"):
            await press(key)
        await expect(owner.dialog).to_be_visible()

    await ask()
    # Where it leaves the dialog it goes to what the browser itself has; from there Firefox's driver does not come back.
    for _ in range(8 if engine == "chromium" else 4):
        await press("Tab")
        assert await owner.page.evaluate(HELD)
    await press("Escape")
    await expect(owner.dialog).to_be_hidden()
    await expect(owner.remove).to_be_focused()
    await mallory.is_live()

    await press("Enter")
    await expect(owner.dialog).to_be_visible()
    await mallory.page.evaluate(TAKE_BACK)
    await expect(owner.message("spam")).to_have_count(0)
    await press("Escape")
    await expect(owner.page.locator("#text")).to_be_focused()  # the button has gone with its message
    await mallory.send("spam")
    await ask()
    await owner.dialog.get_by_label("Remove", exact=True).focus()
    await press("ArrowDown")
    await owner.dialog.get_by_label("Reason").focus()
    await owner.page.keyboard.type("Enough.")
    await press("Enter")
    await mallory.says_nothing_but(OUT, "Enough.")

    again = await window(show=False, trouble=True)  # somebody else, and the same network
    again.room = olga.room
    await again.open()
    await expect(again.page.get_by_role("heading", name=OUT)).to_be_visible()


async def test_removal_by_touch_where_it_is_narrow_in_both_directions(window: OpenWindow, olga: Person) -> None:
    async with Person("Mallory with a name that goes on and on", olga.url, olga.room) as mallory:
        await mallory.post_message("spam")
        owner = await owner_of(window, olga, **PHONE)
        await expect(owner.page.get_by_role("link", name="People")).to_be_visible()
        for direction in ("rtl", "ltr"):
            await owner.page.evaluate("(direction) => { document.documentElement.dir = direction; }", direction)
            await tap(owner.page.locator(".room-title"))
            await tap(owner.message("spam").locator(".message-text"))
            await expect(owner.remove).to_be_visible()
            assert await owner.page.evaluate(BEYOND) == [], direction
            await tap(owner.remove)
            await expect(owner.dialog).to_be_visible()
            assert await owner.page.evaluate(BEYOND) == [], direction
            await tap(owner.dialog.get_by_role("button", name="Cancel"))
        await mallory.post_message("nobody was removed")
    await tap(owner.remove)
    await tap(owner.dialog.get_by_role("button", name="Remove"))
    await expect(owner.page.locator("#removed")).to_be_visible()


async def test_removed_person_hears_it_by_polls_and_by_what_they_send(window: OpenWindow, olga: Person) -> None:
    by_polls = await window(show=False, trouble=True)
    by_polls.room = olga.room
    await by_polls.context.route("**/stream?*", lambda route: route.abort())
    await by_polls.open()
    await by_polls.introduce("Mallory")
    await by_polls.send("spam")
    await by_polls.shows("spam")
    cut_off = await window(show=False, trouble=True)
    await cut_off.context.route("**/{stream,poll}?*", lambda route: route.abort())
    cut_off.room = olga.room
    await cut_off.open()
    await cut_off.introduce("Moe")
    await cut_off.send("spam, too")
    await cut_off.shows("spam", "spam, too")
    async with Person("Olga", olga.url, olga.room) as nobody:
        assert (await nobody.send(f"/rooms/{olga.room}/members/1/removal")).status_code == 403
    for guest, reason in ((by_polls, "Advertising."), (cut_off, "As well.")):
        number = await guest.page.locator("#identity").get_attribute("data-user")
        await olga.send(f"/rooms/{olga.room}/members/{number}/removal", reason=reason)
    await olga.post_message("after that")
    await by_polls.says_nothing_but(OUT, "Advertising.")
    await cut_off.send("and on it goes")
    await expect(cut_off.page.get_by_role("heading", name=OUT)).to_be_visible()
    for guest in (by_polls, cut_off):
        assert "after that" not in await guest.page.content()


async def test_removed_guest_of_an_embed_reads_so_in_the_embed(
    host: Host, server: Server, olga: Person, visit: OpenVisit
) -> None:
    embed = await visit(host.put("/", page(server, olga.room)))
    mallory = embed.room()
    await mallory.is_live()
    await mallory.introduce("Mallory")
    await mallory.send("spam")
    await mallory.shows("spam")
    number = await mallory.frame.locator("#identity").get_attribute("data-user")
    await olga.send(f"/rooms/{olga.room}/members/{number}/removal", reason="Advertising.")
    told = mallory.frame.get_by_role("alert").filter(has_text=OUT)
    await expect(told).to_contain_text("Advertising.")
    await embed.page.reload()
    await expect(mallory.frame.get_by_role("alert").filter(has_text=OUT)).to_contain_text("Advertising.")
    await expect(mallory.frame.locator("#messages .message")).to_have_count(0)


async def test_who_is_appointed_looks_after_the_room_without_loading_it_again(window: OpenWindow, olga: Person) -> None:
    ana = await guest_of(window, olga.room, "Ana", "hello")
    async with Person("Mallory", olga.url, olga.room) as mallory:
        await mallory.post_message("spam")
        await mallory.post_message("more spam")
    spam = ana.page.locator("#messages").get_by_text("spam", exact=True)
    toolbar = ana.page.get_by_role("toolbar")
    await spam.hover()
    await expect(toolbar).to_be_hidden()
    owner = await owner_of(window, olga)
    await owner.message("hello").hover()
    await owner.toolbar.get_by_role("button", name="Role").click()
    await expect(owner.page.get_by_role("heading", name="Make Ana")).to_be_visible()
    await owner.page.get_by_role("button", name="Make moderator").click()
    await expect(owner.page.get_by_role("listitem").filter(has_text="Ana")).to_contain_text("moderator")
    await toolbar.get_by_role("button", name="Delete").click()
    await ana.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await ana.shows("hello", "more spam")
    await ana.page.locator("#messages").get_by_text("more spam").hover()
    await toolbar.get_by_role("button", name="Remove this person").click()
    await expect(ana.page.get_by_role("heading", name="Remove Mallory")).to_be_visible()
    await ana.page.get_by_role("button", name="Remove").click()
    await expect(ana.page.get_by_role("listitem").filter(has_text="Mallory")).to_contain_text("removed")
