"""What people are called, on all that they have written."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from quart_chat import assets
from quart_chat.events import MemberChanged
from quart_chat.models import Author, Kind, Member, Rank, Standing
from quart_chat.view.templates import Templates
from tests.browser.conftest import OpenVisit, OpenWindow
from tests.browser.host import Host
from tests.browser.visit import page
from tests.browser.window import Window, tap
from tests.people import Person
from tests.serving import Server

pytestmark = pytest.mark.browser

HAPPEN = """(text) =>
  htmx.swap({ text, sourceElement: document.getElementById("stream"), swap: "none swapEmpty:false" })"""
"""As the stream does."""


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates(Path(assets.folder("templates")))


def renamed(templates: Templates, person: int, name: str) -> str:
    author = Author.of(person, name, "k" * 22, None, None, Kind.GUEST)
    return templates.happened(MemberChanged(Member(1, author, Rank.MEMBER, Standing.IN, "", 0)))


async def names(window: Window) -> list[str]:
    return await window.page.locator("#messages .message .message-author").all_text_contents()


async def test_new_name_is_on_old_messages_and_on_those_that_come_in_as_they_were(
    window: OpenWindow, alice: Person, templates: Templates
) -> None:
    for text in ("one", "two"):
        await alice.post_message(text)
    bo = await window()
    await bo.is_live()
    number = int(await bo.page.locator(".message").first.get_attribute("data-author") or 0)
    await bo.page.evaluate(HAPPEN, renamed(templates, number, "Zoë <b>"))
    await expect(bo.page.locator(".message-author").first).to_have_text("Zoë <b>")
    assert await names(bo) == ["Zoë <b>"] * 2
    assert await bo.page.locator(".message-avatar").all_text_contents() == ["Z", "Z"]
    await alice.post_message("three, in an answer that was on its way")
    await bo.shows("one", "two", "three, in an answer that was on its way")
    assert await names(bo) == ["Zoë <b>"] * 3
    await bo.page.evaluate(HAPPEN, renamed(templates, number + 1, "Nobody here"))
    assert await names(bo) == ["Zoë <b>"] * 3


async def is_called(window: Window, name: str) -> None:
    await expect(window.page.locator(".identity-known bdi")).to_have_text(name, timeout=20_000)


async def test_new_name_from_the_composer_is_everywhere_at_once(
    window: OpenWindow, server: Server, alice: Person
) -> None:
    """Ana in two tabs of the room and one of a room in which she has not written, and Bo."""
    ana, bo = await window(trouble=True), await window()
    await ana.introduce("Ana")
    await ana.send("one")
    for person in (ana, bo):
        await person.shows("one")
    await alice.send("/rooms", name="Another", slug=f"{ana.room}-another")
    two, elsewhere = await ana.tab(), Window(await ana.context.new_page(), ana.url, f"{ana.room}-another")
    await elsewhere.open()
    for tab in (two, elsewhere):
        await is_called(tab, "Ana")

    # A name that is being written stays there, whatever another tab does.
    await two.page.get_by_text("Change").first.click()
    await two.page.get_by_label("New name").fill("Half writ")

    # By keyboard: what is refused says why and can be mended, and Escape leaves the name as it is.
    await ana.page.bring_to_front()
    await ana.write("a draft")
    await ana.page.locator("#text").press("Shift+Tab")
    await expect(ana.page.locator("summary.identity-known")).to_be_focused()
    await ana.page.keyboard.press("Enter")
    field = ana.page.get_by_label("New name")
    await expect(field).to_be_focused()
    await ana.page.keyboard.type("Ana ✓")
    await ana.page.keyboard.press("Escape")
    await expect(field).to_be_hidden()
    await expect(ana.page.locator("summary.identity-known")).to_be_focused()
    await ana.page.keyboard.press("Enter")
    await expect(field).to_have_value("Ana")
    await expect(field).to_be_focused()
    await ana.page.keyboard.type("Zoë ✓")
    await ana.page.keyboard.press("Enter")
    await expect(ana.page.get_by_role("alert")).to_contain_text("leave it out")
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("aria-invalid", "true")
    await field.fill("Zoë")
    await ana.page.keyboard.press("Enter")
    await expect(ana.page.locator("#announcement")).to_have_text("You are Zoë now.")
    await expect(ana.page.locator("#text")).to_be_focused()
    await expect(ana.page.locator("#text")).to_have_value("a draft")
    await expect(ana.page.get_by_role("alert")).to_have_count(0)
    for tab in (ana, two, elsewhere):
        await is_called(tab, "Zoë")
        assert not tab.complaints
    await expect(two.page.get_by_label("New name")).to_have_value("Half writ")

    for tab in (ana, two, bo):
        await expect(tab.page.locator(".message-author")).to_have_text("Zoë", timeout=20_000)
    await expect(bo.page.locator(".message-avatar")).to_have_text("Z")
    await bo.page.reload()
    await expect(bo.page.locator(".message-author")).to_have_text("Zoë")
    await ana.page.locator("#text").press("Enter")
    await bo.shows("one", "a draft")
    assert await names(bo) == ["Zoë", "Zoë"]


async def test_guest_of_an_embed_changes_its_name_there_by_touch(
    host: Host, server: Server, room: str, visit: OpenVisit
) -> None:
    vera = await visit(host.put("/", page(server, room)), has_touch=True, viewport={"width": 300, "height": 500})
    other = await visit(host.url)
    await vera.room().is_live()
    await vera.room().introduce("Vera")
    await vera.room().frame.get_by_label("Message", exact=True).fill("hello")
    await tap(vera.room().frame.get_by_role("button", name="Send"))
    await other.room().shows("hello")
    await vera.room().is_known_as("Vera")
    await tap(vera.room().frame.get_by_text("Change").first)
    await vera.room().frame.get_by_label("New name").fill("Wera")
    await tap(vera.room().frame.get_by_role("button", name="Change", exact=True))
    await vera.room().is_known_as("Wera")
    await expect(other.room().frame.locator(".message-author")).to_have_text("Wera", timeout=20_000)
    await vera.page.reload()
    await vera.room().is_known_as("Wera")
    vera.complains_of()
