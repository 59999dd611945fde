"""Two people, two windows."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenWindow
from tests.browser.window import Window
from tests.embeds import Visitor, site_of
from tests.people import Person
from tests.serving import Server, serving

pytestmark = pytest.mark.browser


async def together(window: OpenWindow, **options: object) -> tuple[Window, Window]:
    ana, bo = await window(**options), await window(**options)
    await ana.introduce("Ana")
    await bo.introduce("Bo")
    await ana.is_live()
    await bo.is_live()
    return ana, bo


async def test_two_people_chat_without_websockets(window: OpenWindow) -> None:
    ana, bo = await together(window, script="delete window.WebSocket")
    await ana.send("Hello, Bo")
    await bo.shows("Hello, Bo")
    await bo.send("Hello, Ana")
    await ana.shows("Hello, Bo", "Hello, Ana")
    await bo.shows("Hello, Bo", "Hello, Ana")
    assert await ana.page.evaluate("typeof WebSocket") == "undefined"


@pytest.mark.every_browser
async def test_edit_and_deletion_reach_the_other_window(window: OpenWindow) -> None:
    ana, bo = await together(window)
    await ana.send("teh plan")
    await ana.send("a slip")
    for person in (ana, bo):
        await person.shows("teh plan", "a slip")

    await ana.page.get_by_text("teh plan").hover()
    await ana.page.get_by_role("button", name="Edit").click()
    await ana.send("the plan")
    await bo.shows("the plan", "a slip")
    await expect(bo.page.locator(".message-edited")).to_have_count(1)

    await ana.page.get_by_text("a slip").hover()
    await ana.page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
    await ana.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await ana.shows("the plan")
    await bo.shows("the plan")


async def test_two_servers_on_one_host_and_two_ports_both_know_again_who_somebody_is(
    window: OpenWindow, tmp_path: Path
) -> None:
    here = await window()
    async with serving(tmp_path, limits="off") as other:
        there = Window(await here.context.new_page(), other.url, "lobby")
        there.watch()
        await there.open()
        for tab, name in ((here, "Ana"), (there, "Bea")):
            await tab.introduce(name)
            await tab.send("hello")
            await tab.shows("hello")
        for tab, name in ((here, "Ana"), (there, "Bea")):
            await tab.open()
            await expect(tab.page.locator(".identity-known bdi")).to_have_text(name)
            await tab.send("hello again")
            await tab.shows("hello", "hello again")
            authors = "new Set([...document.querySelectorAll('#messages .message')].map((m) => m.dataset.author)).size"
            assert await tab.page.evaluate(authors) == 1
        await there.page.close()
        assert not there.complaints + there.trouble


async def test_guest_whose_name_has_become_a_members_changes_a_message_under_another(
    window: OpenWindow, server: Server, room: str
) -> None:
    ana = await window(trouble=True)
    await ana.introduce("Ana")
    await ana.is_live()
    await ana.send("mine")
    await ana.shows("mine")
    site = await site_of(server, room)
    async with Visitor("", server.url, room, token=site.token(name="Ana")) as member:
        assert (await member.try_to_post("I am Ana")).status_code == 201
    await ana.shows("mine", "I am Ana")
    await ana.page.get_by_text("mine").hover()
    await ana.page.get_by_role("button", name="Edit").click()
    await ana.send("still mine")
    name = ana.page.get_by_label("Your name")
    await expect(name).to_be_focused()
    await expect(ana.page.get_by_role("alert")).to_contain_text("Please choose another")
    await name.fill("Ann")
    await ana.page.get_by_role("button", name="Save").click()
    await ana.shows("still mine", "I am Ana")
    await expect(name).to_be_hidden()
    await expect(ana.page.locator("#identity")).to_contain_text("You are Ann")


async def test_namesakes_can_be_told_apart(window: OpenWindow, alice: Person) -> None:
    one = await window()
    await one.introduce("Ana")
    await one.send("first")
    await one.shows("first")
    alice.name = "Ana"
    await alice.post_message("second")
    await one.shows("first", "second")
    tags = await one.page.locator("#messages .message-tag").all_inner_texts()
    assert len(tags) == len(set(tags)) == 2


async def test_messages_of_one_author_are_grouped_and_hostile_text_stays_text(window: OpenWindow) -> None:
    ana, bo = await together(window)
    await ana.send("one")
    await ana.send("two")
    await bo.shows("one", "two")
    await bo.send("three")
    await ana.shows("one", "two", "three")
    for person in (ana, bo):
        await expect(person.page.locator("#messages [data-continued] .message-text")).to_have_text(["two"])
    hostile = '<img src=x onerror=alert(1)><script>alert(2)</script><hx-partial hx-target="body">x</hx-partial>'
    await ana.send(hostile)
    for person in (ana, bo):
        await person.shows("one", "two", "three", hostile)
