"""Where one writes: which keys send, and changing what one has written."""

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import OpenWindow
from tests.browser.window import Window
from tests.people import Person
from tests.serving import Server

pytestmark = pytest.mark.browser

PRESS = """(field, keys) => field.dispatchEvent(
    new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...keys }))"""

HEAR = """() => {
    const region = document.getElementById("announcement");
    const { dataset } = document.body;
    const note = () => { dataset.heard = (dataset.heard ?? "") + region.textContent.trim(); };
    new MutationObserver(note).observe(region, { childList: true, characterData: true, subtree: true });
}"""


def field(window: Window) -> Locator:
    return window.page.locator("#text")


async def said(window: Window, words: str) -> None:
    """To those who do not see the page; nothing else since the last time."""
    await expect(window.page.locator("body")).to_have_attribute("data-heard", words)
    await window.page.evaluate("delete document.body.dataset.heard")


async def another_tab(one: Window) -> Window:
    tab = Window(await one.context.new_page(), one.url, one.room)
    tab.watch()
    await tab.open()
    return tab


async def test_enter_that_ends_a_composition_sends_nothing(window: OpenWindow) -> None:
    ana = await window()
    await ana.introduce("Ana")
    await ana.is_live()
    await ana.write("にほn")
    for keys in ({"key": "Enter", "isComposing": True}, {"key": "Enter", "keyCode": 229}):
        for modifiers in ({}, {"ctrlKey": True}, {"metaKey": True}):
            assert await field(ana).evaluate(PRESS, keys | modifiers), "the key is the input method's"
    await ana.write("")
    await field(ana).evaluate(PRESS, {"key": "ArrowUp", "keyCode": 229})
    await ana.write("日本")
    await field(ana).press("Enter")
    await ana.shows("日本")


async def test_a_modifier_with_enter_sends_where_enter_alone_makes_a_line(window: OpenWindow) -> None:
    ana = await window(is_mobile=True, has_touch=True)
    assert await ana.page.evaluate("matchMedia('(hover: none) and (pointer: coarse)').matches")
    await ana.introduce("Ana")
    await ana.is_live()
    texts = []
    for modifier in ("Control", "Meta"):
        await ana.write(modifier)
        await field(ana).press("Enter")
        await expect(field(ana)).to_have_value(f"{modifier}\n")
        await field(ana).press(f"{modifier}+Enter")
        texts.append(modifier)
        await ana.shows(*texts)


async def test_up_arrow_changes_the_last_message_and_what_is_not_saved_is_kept(
    window: OpenWindow, server: Server, alice: Person
) -> None:
    ana = await window()
    await ana.introduce("Ana")
    await ana.is_live()
    await field(ana).press("ArrowUp")
    assert await ana.page.locator("[data-editing]").count() == 0, "there is none of hers"
    for text in ("first", "secnod"):
        await ana.send(text)
    await ana.shows("first", "secnod")
    await alice.post_message("not hers")
    await ana.shows("first", "secnod", "not hers")
    await ana.page.locator("#announcement", has_text="not hers").wait_for(state="attached")
    await ana.page.evaluate(HEAR)
    await ana.write("a draft")
    await field(ana).press("ArrowUp")
    assert await ana.page.locator("[data-editing]").count() == 0, "something is written"
    await ana.write("")

    await field(ana).press("ArrowUp")
    await expect(field(ana)).to_have_value("secnod")
    await expect(field(ana)).to_be_focused()
    await expect(ana.page.get_by_label("Edit your message")).to_have_count(1)
    await said(ana, "Editing your message. Escape leaves it as it is.")
    await field(ana).press("Escape")
    await said(ana, "The message stays as it is.")
    await expect(field(ana)).to_have_value("")
    await ana.write("a draft")
    await ana.page.get_by_text("secnod").hover()
    await ana.page.get_by_role("button", name="Edit").click()
    await expect(field(ana)).to_have_value("secnod")
    await ana.write("second")

    await ana.page.reload()
    await ana.page.evaluate(HEAR)
    await expect(field(ana)).to_have_value("second")
    await expect(ana.page.get_by_label("Edit your message")).to_have_count(1)
    other = await another_tab(ana)
    await expect(field(other)).to_have_value("second")
    await field(other).press("Enter")
    await ana.shows("first", "second", "not hers")
    await said(ana, "No longer editing: that has ended in another tab.")
    for tab in (ana, other):
        await expect(tab.page.get_by_label("Message", exact=True)).to_have_value("a draft")
    await ana.page.reload()
    await ana.page.evaluate(HEAR)
    await expect(ana.page.get_by_label("Message", exact=True)).to_have_value("a draft")

    await ana.write("")
    await field(ana).press("ArrowUp")
    await said(ana, "Editing your message. Escape leaves it as it is.")
    await other.page.get_by_text("second").hover()
    await other.page.evaluate(HEAR)
    await other.page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
    await other.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await said(other, "Message deleted.")
    await ana.shows("first", "not hers")
    await expect(ana.page.get_by_label("Message", exact=True)).to_have_value("")
    await said(ana, "No longer editing: the message has been deleted.Message deleted.")
    await ana.page.reload()
    await expect(ana.page.get_by_label("Message", exact=True)).to_have_value("")

    # What was made of a message that goes is not lost with it.
    await ana.page.evaluate(HEAR)
    await field(ana).press("ArrowUp")
    await said(ana, "Editing your message. Escape leaves it as it is.")
    await ana.write("first of all")
    await other.page.get_by_text("first").hover()
    await other.page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
    await other.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await ana.shows("not hers")
    await expect(ana.page.get_by_label("Message", exact=True)).to_have_value("first of all")
    await ana.page.reload()
    await expect(ana.page.get_by_label("Message", exact=True)).to_have_value("first of all")


async def test_change_under_way_is_neither_lost_nor_in_conflict_with_itself(window: OpenWindow) -> None:
    ana = await window()
    await ana.introduce("Ana")
    await ana.is_live()
    await ana.send("one")
    await ana.shows("one")
    await field(ana).press("ArrowUp")
    await expect(field(ana)).to_have_value("one")
    await ana.write("two")
    await ana.page.locator(".message").hover()
    await ana.page.get_by_role("button", name="Edit").click()  # once more
    await expect(field(ana)).to_be_focused()
    await expect(field(ana)).to_have_value("two")
    release = await ana.hold("**/messages/*")
    await field(ana).press("Enter")
    await ana.send("three")
    release.set()
    await ana.shows("two")
    await expect(ana.page.get_by_role("button", name="Save")).to_be_visible()
    await expect(field(ana)).to_have_value("three")
    await expect(ana.page.locator("#composer-error")).to_be_empty()
    await field(ana).press("Enter")
    await ana.shows("three")
    await expect(field(ana)).to_have_value("")
