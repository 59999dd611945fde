"""The toolbar of a message: where it stands, whose it is, and what it is like without a mouse."""

import pytest
from playwright.async_api import Locator, Route, expect

from tests.browser.conftest import OpenWindow
from tests.browser.window import Window
from tests.people import Person

pytestmark = pytest.mark.browser

ELSEWHERE = """async ([number, what, text]) => {
  const { room } = document.querySelector("[data-room]").dataset;
  await fetch(`/rooms/${room}/messages/${number}${what}`, { method: "POST", body: new URLSearchParams({ text }) });
}"""
"""The same person in another tab: this page hears of it by its stream."""

ARRIVES = """() => {
  const key = document.querySelector("#outbox .message").id.slice("pending-".length);
  const body = new URLSearchParams({ key, text: document.querySelector("#outbox .message-text").textContent });
  return fetch(`${location.pathname}/messages?again`, { method: "POST", body });
}"""
"""What waits gets to the server after all, and the page hears of it by its stream alone."""

OFFSET = """() => document.getElementById("toolbar").getBoundingClientRect().top
  - document.querySelector("[data-chosen]").getBoundingClientRect().top"""


class Owner:
    """Ana at her page, with one message of hers between others, and its toolbar."""

    def __init__(self, window: Window) -> None:
        self.window, self.page = window, window.page
        self.toolbar = window.page.get_by_role("toolbar")
        self.edit = self.toolbar.get_by_role("button", name="Edit")
        self.delete = self.toolbar.get_by_role("button", name="Delete")

    def message(self, text: str) -> Locator:
        return self.page.locator("#messages .message", has_text=text)

    async def number(self, text: str) -> str:
        return (await self.message(text).get_attribute("id") or "").removeprefix("message-")


async def owner_of(window: Window, text: str) -> Owner:
    await window.introduce("Ana")
    await window.is_live()
    await window.write(text)
    await window.page.get_by_role("button", name="Send").click()  # Enter is another line on a phone
    await window.page.locator(".message[data-own]").wait_for()
    return Owner(window)


@pytest.mark.every_browser
async def test_what_has_the_focus_keeps_it_while_its_message_is_replaced(window: OpenWindow, alice: Person) -> None:
    first = await alice.post_message("first")
    ana = await owner_of(await window(), "mine")
    number = await ana.number("mine")
    await ana.message("mine").locator(".message-link").focus()
    await expect(ana.toolbar).to_be_visible()
    await ana.edit.focus()
    await ana.page.evaluate(ELSEWHERE, [number, "", "mine, changed"])
    await ana.window.shows("first", "mine, changed")
    await expect(ana.edit).to_be_focused()
    stood = await ana.page.evaluate(OFFSET)
    await alice.edit_message(first.message_id, "first\n" * 3)
    await expect(ana.message("first").locator(".message-edited")).to_be_visible()
    assert abs(await ana.page.evaluate(OFFSET) - stood) <= 1, "and it stays at its message, wherever that goes"

    link = ana.message("mine").locator(".message-link")
    await link.focus()
    await ana.page.evaluate(ELSEWHERE, [number, "", "mine, again"])
    await expect(ana.message("again").locator(".message-link")).to_be_focused()
    await expect(ana.toolbar).to_be_visible()

    await ana.edit.focus()
    await ana.page.evaluate(ELSEWHERE, [number, "/deletion", ""])
    await expect(ana.message("mine")).to_have_count(0)
    await expect(ana.toolbar).to_be_hidden()
    await expect(ana.page.locator("#text")).to_be_focused()


@pytest.mark.every_browser
async def test_focus_is_handed_on_when_what_has_it_goes(window: OpenWindow, alice: Person) -> None:
    hers = [await alice.post_message(text) for text in ("one", "two", "three")]
    ana = await owner_of(await window(trouble=True), "mine")
    writes = ana.page.locator("#text")

    def link(text: str) -> Locator:
        return ana.message(text).locator(".message-link")

    await link("one").focus()
    await alice.delete_message(hers[0].message_id)
    await expect(link("two")).to_be_focused()
    anew = "htmx.ajax('GET', location.pathname + '/messages', { source: '#messages', swap: 'none' })"
    await ana.page.evaluate(anew)  # as after a reset
    await expect(link("two")).to_be_focused()
    await alice.delete_message(hers[1].message_id)
    await expect(link("three")).to_be_focused()

    number = await ana.number("mine")
    await link("mine").focus()
    await ana.delete.press("Enter")
    await expect(ana.page.get_by_role("dialog")).to_be_visible()
    await ana.page.evaluate(ELSEWHERE, [number, "/deletion", ""])
    await expect(ana.page.get_by_role("dialog")).to_be_hidden()  # there is nothing left to ask
    await expect(writes).to_be_focused()

    await link("three").focus()
    await alice.delete_message(hers[2].message_id)
    await expect(ana.message("three")).to_have_count(0)
    await expect(writes).to_be_focused()

    async def lose(route: Route) -> None:
        await (route.abort() if route.request.method == "POST" else route.continue_())

    await ana.page.route("**/messages", lose)
    await ana.window.write("late")
    await ana.page.get_by_role("button", name="Send").click()
    stop = ana.page.get_by_role("button", name="Stop trying")
    await stop.focus()
    await ana.page.evaluate(ARRIVES)
    await expect(ana.message("late")).to_be_visible()
    await expect(writes).to_be_focused()


async def test_toolbar_comes_after_its_message_for_the_keyboard(window: OpenWindow, alice: Person) -> None:
    ana = await owner_of(await window(), "mine https://one.test/")
    await alice.post_message("hers https://two.test/")
    await expect(ana.message("hers")).to_be_visible()
    link = ana.message("mine").locator(".message-link")
    await link.focus()
    press = ana.page.keyboard.press
    for key, where in (
        ("Tab", ana.page.get_by_role("link", name="https://one.test/")),
        ("Tab", ana.edit),
        ("ArrowRight", ana.delete),
        ("ArrowRight", ana.edit),
        ("End", ana.delete),
        ("Tab", ana.page.get_by_role("link", name="https://two.test/")),
    ):
        await press(key)
        await expect(where).to_be_focused()
    await link.focus()
    for key, where in (
        ("Tab", ana.page.get_by_role("link", name="https://one.test/")),
        ("Tab", ana.edit),
        ("Shift+Tab", ana.page.get_by_role("link", name="https://one.test/")),
        ("Tab", ana.edit),
        ("End", ana.delete),
    ):
        await press(key)
        await expect(where).to_be_focused()
    await press("Enter")
    await ana.page.get_by_role("dialog").get_by_role("button", name="Keep it").press("Enter")
    await expect(ana.delete).to_be_focused()
    await press("Home")
    await press("Enter")
    await expect(ana.page.locator("#text")).to_have_value("mine https://one.test/")
    await expect(ana.toolbar).to_be_hidden()


async def test_toolbar_is_called_and_used_by_touch(window: OpenWindow, engine: str) -> None:
    if engine == "firefox":
        return  # its driver has no fingers
    ana = await owner_of(await window(viewport={"width": 400, "height": 640}, has_touch=True, is_mobile=True), "mine")
    place = await ana.message("mine").bounding_box()
    assert place
    for share in (0.65, 0.75, 0.85, 0.95):
        await ana.page.locator(".room-title").tap()
        await ana.message("mine").tap(position={"x": share * place["width"], "y": 4})
        await expect(ana.toolbar).to_be_visible()
        await expect(ana.page.get_by_text("Editing your message")).to_be_hidden()
        await expect(ana.page.get_by_role("dialog")).to_be_hidden()
        await ana.page.locator("#toolbar").evaluate("(element) => { element.hidden = true; }")
    await ana.message("mine").locator(".message-text").tap()
    await ana.edit.tap()
    await expect(ana.page.locator("#text")).to_have_value("mine")


async def test_toolbar_offers_what_one_may_do_and_nothing_else(window: OpenWindow, alice: Person) -> None:
    ana = await owner_of(await window(), "mine")
    await alice.post_message("hers")
    await expect(ana.message("hers")).to_be_visible()
    found = {}
    for rank in ("2", "3"):
        await ana.page.locator("#identity").evaluate("(element, rank) => { element.dataset.rank = rank; }", rank)
        for text in ("mine", "hers"):
            await ana.message(text).hover()
            found[rank, text] = await ana.toolbar.get_by_role("button").all_inner_texts()
    own, others = ["Edit", "Delete"], ["Delete", "Remove this person"]
    assert found == {("2", "mine"): own, ("2", "hers"): [], ("3", "mine"): own, ("3", "hers"): others}
