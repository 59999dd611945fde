"""The link of a message opens the room there, and leads on in both directions, to the newest and to being live."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenWindow
from tests.browser.window import Window
from tests.people import Fragment, Person

pytestmark = pytest.mark.browser

BEHIND = "Older messages"


async def write(person: Person, count: int) -> list[Fragment]:
    return [await person.post_message(f"message {number}") for number in range(count)]


async def is_marked(window: Window, text: str) -> None:
    """The message is in sight and stands out."""
    message = window.page.locator(".message", has=window.page.get_by_text(text, exact=True))
    await expect(message).to_be_in_viewport(ratio=0.9)
    assert await message.evaluate("(message) => getComputedStyle(message).boxShadow") != "none"


async def test_link_opens_the_room_at_its_message_and_reads_on_in_both_directions(
    window: OpenWindow, alice: Person
) -> None:
    posted = await write(alice, 160)
    bo = await window(show=False)
    await bo.open(f"?message={posted[60].message_id}")
    await is_marked(bo, "message 60")
    await bo.says(BEHIND)
    await expect(bo.page.get_by_role("button", name="Go to newest")).to_be_visible()
    await expect(bo.page.locator("#messages .message")).not_to_have_count(50)  # more came, above and below
    place = await bo.page.get_by_text("message 60", exact=True).bounding_box()
    history = await bo.page.locator("#scroller").bounding_box()
    assert place
    assert history
    middle = history["y"] + history["height"] / 2
    assert abs(place["y"] + place["height"] / 2 - middle) < 40, "and it stays where it is"
    await expect(bo.page.locator(f"#message-{posted[60].message_id} .message-link")).to_be_focused()
    await expect(bo.page).to_have_title(f"{bo.room} · quart-chat")
    changed = await alice.edit_message(posted[70].message_id, "changed meanwhile")
    assert changed.status_code == 200
    await alice.delete_message(posted[71].message_id)

    scroll = "(scroller, end) => { scroller.scrollTop = end ? scroller.scrollHeight : 0; }"
    seen = bo.page.get_by_text("message 60", exact=True)
    while "message 0" not in await bo.texts():
        await bo.page.locator("#scroller").evaluate(scroll, False)
    while "message 159" not in (texts := await bo.texts()):
        assert await bo.page.locator("#newer").inner_text() == "Go to newest"
        await bo.page.locator("#scroller").evaluate(scroll, True)
        await expect(bo.page.locator("#messages .message")).not_to_have_count(len(texts))
        last = bo.page.get_by_text(texts[-1], exact=True)
        await expect(last).to_be_in_viewport()  # what comes in below moves nothing
    await bo.is_live()
    await expect(bo.page.locator("#newer")).to_be_hidden()
    await alice.post_message("and after that")
    expected = [f"message {number}" for number in range(160)]
    expected[70] = "changed meanwhile"
    await bo.shows(*expected[:71], *expected[72:], "and after that")
    await seen.evaluate("(message) => message.scrollIntoView({ block: 'center' })")
    await is_marked(bo, "message 60")
    assert f"message={posted[60].message_id}" in bo.page.url


async def test_going_to_the_newest_messages_makes_the_page_live(window: OpenWindow, alice: Person) -> None:
    posted = await write(alice, 120)
    bo = await window(show=False)
    await bo.open(f"?message={posted[20].message_id}")
    await bo.says(BEHIND)
    release = await bo.hold("**/messages?after=*")
    await bo.page.locator("#scroller").evaluate("(scroller) => { scroller.scrollTop = scroller.scrollHeight; }")
    await bo.page.get_by_role("button", name="Go to newest").click()
    release.set()  # what was on its way comes after the newest, and is nothing any more
    await bo.is_live()
    await expect(bo.page.locator("#messages").get_by_text("message 119")).to_be_in_viewport()
    await alice.post_message("message 120")
    await expect(bo.page.locator("#messages").get_by_text("message 120")).to_be_in_viewport()
    texts = await bo.texts()
    assert texts == [f"message {number}" for number in range(121 - len(texts), 121)]
    assert bo.page.url == f"{bo.url}/rooms/{bo.room}"

    await bo.open(f"?message={posted[20].message_id}#message-{posted[20].message_id}")
    await is_marked(bo, "message 20")
    await bo.introduce("Bo")
    await bo.send("an answer")
    await expect(bo.page.locator("#messages").get_by_text("an answer")).to_be_in_viewport()
    await bo.is_live()
    assert (await bo.texts())[-2:] == ["message 120", "an answer"]
    await expect(bo.page.locator("#outbox .message")).to_have_count(0)

    await alice.post_message("the last one")
    link = bo.page.locator(".message", has_text="the last one").locator(".message-link")
    await link.click()
    await is_marked(bo, "the last one")
    await bo.is_live()
    await alice.post_message("even later")
    await expect(bo.page.locator("#messages").get_by_text("even later")).to_be_in_viewport()

    await bo.open(f"?message={posted[100].message_id}")
    await is_marked(bo, "message 100")
    await bo.is_live()
    newer = bo.page.locator("#newer")
    await expect(newer).to_be_hidden()  # what is below is not new
    await alice.post_message("this is")
    await expect(newer).to_have_text("1 new message")


async def test_change_that_is_not_saved_survives_a_look_at_what_was_before(window: OpenWindow, alice: Person) -> None:
    posted = await write(alice, 120)
    bo = await window(show=False)
    await bo.open()
    await bo.introduce("Bo")
    await bo.is_live()
    await bo.send("mine")
    field = bo.page.locator("#text")
    mine = bo.page.locator("#messages .message[data-own]", has_text="mine")
    await expect(mine).to_be_visible()
    await field.press("ArrowUp")
    await expect(field).to_have_value("mine")
    await bo.write("still mine")
    await bo.open(f"?message={posted[20].message_id}")
    await bo.says(BEHIND)
    await expect(field).to_have_value("still mine")
    await field.press("Enter")
    await expect(bo.page.get_by_label("Message", exact=True)).to_have_value("")
    await bo.page.get_by_role("button", name="Go to newest").click()
    await expect(bo.page.locator("#messages .message-text").last).to_have_text("still mine")


async def test_link_works_without_javascript_in_both_directions(window: OpenWindow, alice: Person) -> None:
    posted = await write(alice, 130)
    bo = await window(show=False, java_script_enabled=False, viewport={"width": 400, "height": 640})
    await bo.open(f"?message={posted[60].message_id}#message-{posted[60].message_id}")
    await is_marked(bo, "message 60")
    await expect(bo.page.locator("#messages .message-text")).to_have_text(
        [f"message {number}" for number in range(35, 85)]
    )
    await bo.page.get_by_role("link", name="Newer messages").click()
    await expect(bo.page.locator("#messages .message-text")).to_have_text(
        [f"message {number}" for number in range(85, 130)]
    )
    await expect(bo.page.get_by_role("link", name="Newer messages")).to_have_count(0)
    await bo.page.get_by_role("link", name="Older messages").click()
    await expect(bo.page.locator("#messages .message-text")).to_have_text(
        [f"message {number}" for number in range(35, 85)]
    )
    await bo.page.get_by_role("link", name="Newest messages").click()
    await expect(bo.page.locator("#messages .message-text").last).to_have_text("message 129")


async def test_pages_of_older_messages_have_the_readers_days(window: OpenWindow, alice: Person) -> None:
    posted = await write(alice, 4)
    bo = await window(show=False, timezone_id="Pacific/Auckland", locale="en-GB")
    await bo.open(f"?before={posted[3].position}")
    await expect(bo.page.locator(".day")).to_have_text(["Today"])
    assert await bo.page.locator("#composer").count() == 0
