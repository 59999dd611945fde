"""What people are called, on all that they have written."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from quart_chat import assets
from quart_chat.events import MemberChanged
from quart_chat.models import Author, Kind, Member, Rank, Standing
from quart_chat.view.templates import Templates
from tests.browser.conftest import OpenWindow
from tests.browser.window import Window
from tests.people import Person

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
