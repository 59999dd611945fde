"""Writing, scrolling, and getting about."""

import re
import zlib

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import OpenWindow
from tests.browser.window import Window, engine_of, tap
from tests.people import Person

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 400, "height": 640}, "has_touch": True, "is_mobile": True}


def box(window: Window):
    return window.page.locator("#text")


NEEDED = "Ế ḝ ầ Ǻ / שָׁלּוֹ / مُحَمَّدٌ / ที่ปี๊ป / ཧཱུྃ / किँ / Ӝ̄"
"""What scripts put above and below their letters."""

TOWER = """(element) => {
  const mark = element.appendChild(document.createElement("span"));
  Object.assign(mark.style, { display: "inline-block", inlineSize: "9px", blockSize: "1px" });
  mark.style.boxShadow = Array.from({ length: 20 }, (_, at) => `0 ${(at - 10) * 8}px 0 4px red`).join();
}"""

TOO_WIDE = (
    "[...document.querySelectorAll('html, .scroller')].some((element) => element.scrollWidth > element.clientWidth)"
)


async def test_towers_of_marks_stay_in_their_message(window: OpenWindow, alice: Person, room: str) -> None:
    towers = ["न" + "\u093f\u0902" * 900, "க" + "\u0bbe" * 1800, "x" + "\u20dd" * 1800, "👩" + "\u200d👩" * 900, NEEDED]
    alice.name = "Z" + "\u0301\u0323" * 2
    above = await alice.post_message("above", room=room)
    message = await alice.post_message("plain", room=room)
    below = await alice.post_message("below", room=room)
    bo = await window(own=True, viewport={"width": 500, "height": 700})
    await bo.is_live()
    neighbours = [bo.page.locator(f"#message-{one.message_id} .message-text") for one in (above, below)]
    text = bo.page.locator(f"#message-{message.message_id} .message-text")
    plain = [await words_of(one) for one in neighbours]
    wrong = []
    for version, tower in enumerate(towers, 2):
        answer = await alice.edit_message(message.message_id, tower, room=room)
        assert answer.status_code == 200, (ascii(tower[:3]), answer.text)
        await expect(bo.page.locator(f"#message-{message.message_id}[data-version='{version}']")).to_be_visible()
        await text.evaluate("(text) => text.scrollIntoView({ block: 'center' })")
        if await bo.page.evaluate(TOO_WIDE):
            wrong.append(("wide", ascii(tower[:3])))
    assert not wrong
    clipped = await text.screenshot(caret="initial")
    await text.evaluate("(text) => { text.style.overflow = 'visible'; }")
    assert await text.screenshot(caret="initial") == clipped, "what scripts need is not cut off"
    await text.evaluate("(text) => { text.style.overflow = ''; }")
    # The fonts of this machine build no towers: a shadow is painted where marks would be.
    for part in (text, bo.page.locator(f"#message-{above.message_id} .message-header")):
        await part.evaluate(TOWER)
    assert [await words_of(one) for one in neighbours] == plain, "nothing is painted over others"


async def words_of(text: Locator) -> bytes:
    """How it looks, without the edges in which a neighbour's marks may still be."""
    await text.evaluate("(text) => text.scrollIntoView({ block: 'center' })")
    box = await text.bounding_box()
    assert box
    x, y, width, height = (round(box[side]) for side in ("x", "y", "width", "height"))
    return await text.page.screenshot(caret="initial", clip={"x": x, "y": y + 9, "width": width, "height": height - 18})


@pytest.mark.every_browser
async def test_reload_keeps_the_draft(window: OpenWindow) -> None:
    ana = await window()
    await ana.write("not finished")
    await ana.page.reload()
    await expect(box(ana)).to_have_value("not finished")
    await ana.open()
    await expect(box(ana)).to_have_value("not finished")


async def test_enter_sends_and_shift_enter_breaks_the_line(window: OpenWindow) -> None:
    ana = await window()
    await ana.introduce("Ana")
    await box(ana).press_sequentially("one")
    await box(ana).press("Shift+Enter")
    await box(ana).press_sequentially("two")
    height = await box(ana).evaluate("(box) => box.offsetHeight")
    await box(ana).press("Enter")
    await ana.shows("one\ntwo")
    assert await box(ana).evaluate("(box) => box.offsetHeight") < height


async def test_enter_breaks_the_line_on_a_touch_keyboard(window: OpenWindow) -> None:
    ana = await window(**PHONE)
    await ana.introduce("Ana")
    await box(ana).press_sequentially("one")
    await box(ana).press("Enter")
    await expect(box(ana)).to_have_value("one\n")
    await tap(ana.page.get_by_role("button", name="Send"))
    await ana.shows("one")


async def test_what_is_refused_comes_back_with_a_reason_and_can_be_mended(window: OpenWindow) -> None:
    ana = await window(trouble=True)
    await ana.introduce("A" * 41)
    await ana.send("hello")
    await expect(ana.page.get_by_role("alert")).to_contain_text("too long")
    await ana.introduce("Ana")
    await box(ana).press("Enter")
    await ana.shows("hello")
    await expect(ana.page.get_by_role("alert")).to_have_count(0)
    await ana.send("x" * 8001)
    await expect(ana.page.get_by_role("alert")).to_contain_text("too long: 8,001 characters")
    await expect(box(ana)).to_have_value("x" * 8001)
    await ana.shows("hello")


async def test_older_messages_load_without_a_jump(window: OpenWindow, alice: Person) -> None:
    for number in range(120):
        await alice.post_message(f"message {number}")
    bo = await window()
    await expect(bo.page.get_by_text("message 119")).to_be_in_viewport()
    assert len(await bo.texts()) == 50

    seen = bo.page.get_by_text("message 85", exact=True)
    await bo.page.locator("#scroller").evaluate("(scroller) => { scroller.scrollTop = 500; }")
    before = await seen.bounding_box()
    await expect(bo.page.locator("#messages .message")).to_have_count(100)
    after = await seen.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 2

    for _ in range(3):
        await bo.page.locator("#scroller").evaluate("(scroller) => { scroller.scrollTop = 0; }")
    await expect(bo.page.locator("#messages .message")).to_have_count(120)
    assert await bo.texts() == [f"message {number}" for number in range(120)]
    await expect(bo.page.locator("#older")).to_be_hidden()


@pytest.mark.every_browser
async def test_reader_who_scrolled_up_stays_there_and_is_told(window: OpenWindow, alice: Person) -> None:
    messages = [await alice.post_message(f"message {number}") for number in range(40)]
    bo = await window()
    await bo.is_live()
    await expect(bo.page.get_by_text("message 39")).to_be_in_viewport()
    await alice.post_message("followed")
    await expect(bo.page.get_by_text("followed", exact=True)).to_be_in_viewport()

    seen = bo.page.get_by_text("message 15", exact=True)
    await seen.evaluate("(message) => message.scrollIntoView()")
    await expect(bo.page.get_by_text("followed", exact=True)).not_to_be_in_viewport()
    before = await seen.bounding_box()
    for number in range(3):
        await alice.post_message(f"new {number}")
    await alice.edit_message(messages[10].message_id, "edited\nto be\nmuch\nlonger")
    await alice.delete_message(messages[12].message_id)
    button = bo.page.get_by_role("button", name="3 new messages")
    await expect(button).to_be_visible()
    await expect(bo.page.get_by_text("message 12", exact=True)).to_have_count(0)
    after = await seen.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 2
    await button.click()
    await expect(bo.page.get_by_text("new 2", exact=True)).to_be_in_viewport()
    await expect(button).to_be_hidden()


async def test_times_and_days_are_the_readers(window: OpenWindow, alice: Person) -> None:
    await alice.post_message("hello")
    here = await window(timezone_id="Pacific/Auckland", locale="en-GB")
    there = await window(timezone_id="America/Los_Angeles", locale="en-GB")
    shown = [await place.page.locator(".message time").inner_text() for place in (here, there)]
    assert shown[0] != shown[1]
    await expect(here.page.locator(".day")).to_have_text(["Today"])


async def test_everything_is_reached_with_the_keyboard(window: OpenWindow) -> None:
    ana = await window()
    await ana.introduce("Ana")
    await ana.send("tpyo")
    await ana.shows("tpyo")
    await ana.page.locator(".message-link").focus()
    await ana.page.keyboard.press("Tab")
    await expect(ana.page.get_by_role("button", name="Edit")).to_be_focused()
    await ana.page.keyboard.press("Enter")
    await expect(box(ana)).to_be_focused()
    await expect(box(ana)).to_have_value("tpyo")
    await ana.send("typo")
    await ana.shows("typo")
    await ana.page.locator(".message-link").focus()
    await ana.page.keyboard.press("Tab")
    await ana.page.keyboard.press("Tab")
    await ana.page.keyboard.press("Enter")
    await expect(ana.page.get_by_role("dialog", name="Delete this message?")).to_be_visible()
    await ana.page.keyboard.press("Escape")
    await ana.shows("typo")


async def test_page_names_its_parts(window: OpenWindow) -> None:
    ana = await window()
    await ana.is_live()
    named = ("textbox", "Your name up to 40 characters")
    for role, name in (("log", "Messages"), ("textbox", "Message"), named, ("link", "All rooms")):
        await expect(ana.page.get_by_role(role, name=name, exact=True)).to_have_count(1)
    await expect(ana.page.get_by_role("status").first).to_have_text("Live")
    # What is said of messages is in a region of its own: see test_reach.py.
    assert await ana.page.get_by_role("log").get_attribute("aria-live") == "off"


async def test_nothing_is_wider_than_the_window(window: OpenWindow, alice: Person) -> None:
    await alice.post_message("w" * 500 + " https://example.org/" + "a" * 300)
    bo = await window()
    await bo.is_live()
    await bo.introduce("W" * 40)
    await bo.send("hello")
    await expect(bo.page.locator(".identity-known")).to_be_visible()
    wide = "document.documentElement.scrollWidth > innerWidth"
    found = []
    for width in (1280, 400, 280):
        await bo.page.set_viewport_size({"width": width, "height": 640})
        await expect(bo.page.locator(".identity-known")).to_be_visible()
        send = await bo.page.get_by_role("button", name="Send").bounding_box()
        assert send is not None
        within = send["x"] + send["width"] <= width
        found.append((width, within, await bo.page.evaluate(f"{wide} || scroller.scrollWidth > scroller.clientWidth")))
    assert found == [(width, True, False) for width in (1280, 400, 280)]
    await bo.page.goto(bo.url)
    for width in (280, 400, 1280):
        await bo.page.set_viewport_size({"width": width, "height": 640})
        assert not await bo.page.evaluate(wide), width


COPIED = """async ([from, to]) => {
    window.copied = null;
    addEventListener("copy", ({ defaultPrevented, clipboardData }) => {
        window.copied = [defaultPrevented, clipboardData.getData("text/plain"), clipboardData.getData("text/html")];
    }, { once: true });
    const texts = document.querySelectorAll("#messages .message-text");
    if (from === null) getSelection().selectAllChildren(document.querySelector("#messages"));
    else getSelection().setBaseAndExtent(texts[from[0]].firstChild, from[1], texts[to[0]].lastChild, to[1]);
    document.getElementById("scroller").focus();
}"""
"""Selects from one character of a message to one of another, or everything, and listens to what is copied."""


async def test_conversation_is_copied_in_lines_that_can_be_read(window: OpenWindow, alice: Person) -> None:
    await alice.post_message("see https://example.org/a?b=1&c=2")
    await alice.post_message("two\n  lines")
    async with Person("שרה", alice.url, alice.room) as sarah:
        await sarah.post_message("<b>שלום</b>")
    bo = await window(locale="en-US", timezone_id="Europe/Berlin")
    await expect(bo.page.locator(".message")).to_have_count(3)
    tags = await bo.page.locator(".message-tag").all_text_contents()
    times = await bo.page.locator("#messages time").all_text_contents()
    lines = [
        f"Alice ({tags[0]}) {times[0]}: see https://example.org/a?b=1&c=2",
        f"Alice ({tags[1]}) {times[1]}: two\n  lines",
        f"שרה ({tags[2]}) {times[2]}: <b>שלום</b>",
    ]

    async def copied(begin: list[int] | None = None, end: list[int] | None = None) -> list[object]:
        await bo.page.evaluate(COPIED, [begin, end])
        await bo.page.keyboard.press("Control+c")
        return await bo.page.evaluate("window.copied")

    handled, text, html = await copied()
    assert (handled, text) == (True, "\n".join(["Today", *lines]))
    assert '<a href="https://example.org/a?b=1&amp;c=2"' in html
    assert "&lt;b&gt;שלום&lt;/b&gt;" in html
    assert "two<br>  lines</p>" in html
    assert f"<b>Alice</b> ({tags[0]}) {times[0]}: see " in html
    assert (await copied([1, 4], [2, 4]))[:2] == [
        True,
        f"Alice ({tags[1]}) {times[1]}:   lines\nשרה ({tags[2]}) {times[2]}: <b>ש",
    ]
    assert (await copied([1, 4], [1, 9]))[0] is False, "within one message the browser copies what is selected"
    if engine_of(bo.page) == "chromium":  # however often Firefox's driver clicks, nothing is selected, on any page
        await bo.page.locator(".message-text").nth(0).click(click_count=3, position={"x": 4, "y": 8})
        assert await bo.page.evaluate("getSelection().toString().trim()") == "see https://example.org/a?b=1&c=2"
    avatar = bo.page.locator(".message-avatar").first
    assert await avatar.evaluate("(avatar) => getComputedStyle(avatar).userSelect") == "none"


SIDES = """() => [...document.querySelectorAll("#messages .message-text")].map((text) => {
    const range = document.createRange();
    return text.textContent.split("\\n").map((line, index, lines) => {
        const start = lines.slice(0, index).join("\\n").length + (index > 0);
        range.setStart(text.firstChild, start);
        range.setEnd(text.firstChild, start + line.length);
        const { left, right } = range.getBoundingClientRect();
        const around = text.getBoundingClientRect();
        const edge = around.right - parseFloat(getComputedStyle(text).paddingRight);
        return right - left < around.width && Math.abs(edge - right) < 2 ? "right" : "left";
    });
})"""


LEFT_OF = """(link) => {
    const range = document.createRange();
    range.selectNode(link.nextSibling);
    return range.getBoundingClientRect().right <= link.getBoundingClientRect().left + 1;
}"""


async def test_each_paragraph_runs_as_its_first_letter_says(window: OpenWindow, alice: Person) -> None:
    await alice.post_message("hello\nשלום abc!\nagain\nمرحبا")
    bo = await window()
    assert await bo.page.evaluate(SIDES) == [["left", "right", "left", "right"]]
    # An address at its beginning does not count, and is read from the left: here the words are left of it.
    await alice.post_message("https://example.org/שלום/a?b ועוד")
    link = bo.page.locator(".message-text a")
    assert await link.evaluate("(link) => getComputedStyle(link).direction") == "ltr"
    assert await link.evaluate(LEFT_OF)
    await box(bo).fill("שלום")
    assert await box(bo).evaluate("(box) => [getComputedStyle(box).direction, box.matches(':dir(rtl)')]") == [
        "rtl",
        True,
    ]
    await box(bo).fill("hello")
    assert await box(bo).evaluate("(box) => getComputedStyle(box).direction") == "ltr"


UNPRINTED = ".composer, .status, .toolbar, .room-back, .room-action, .newer, .outbox, .skip"
PAPER = """() => {
    const scroller = document.getElementById("scroller");
    const end = document.scrollingElement.scrollHeight;
    const inside = ({ top, bottom }) => bottom > top && top + scrollY >= 0 && bottom + scrollY <= end;
    const texts = [...document.querySelectorAll("#messages .message-text")];
    const style = (name) => getComputedStyle(document.querySelector(name));
    return {
        inside: texts.filter((text) => inside(text.getBoundingClientRect())).length,
        clipped: scroller.scrollHeight - scroller.clientHeight,
        colours: [style("body").color, style(".room").backgroundColor],
    };
}"""


def pages_of(pdf: bytes) -> int:
    """How many it has, also where they are described in what is compressed."""
    packed = re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL)
    plain = b"".join(zlib.decompressobj().decompress(each) for each in packed if each[:1] == b"x")
    return len(re.findall(rb"/Type\s*/Page\b", pdf + plain))


async def test_paper_has_all_messages_and_no_composer(window: OpenWindow, alice: Person) -> None:
    for number in range(30):
        await alice.post_message(f"message {number}")
    await alice.post_message("\n".join(f"line {number}" for number in range(300)))
    bo = await window(color_scheme="dark")
    await bo.is_live()
    assert pages_of(await bo.page.pdf(format="A4")) >= 6, "330 lines of 11 pt"
    if engine_of(bo.page) != "chromium":
        return  # no other driver shows a page as it is printed
    await bo.page.emulate_media(media="print", color_scheme="dark")
    found = await bo.page.evaluate(PAPER)
    assert found == {"inside": 31, "clipped": 0, "colours": ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]}
    for element in await bo.page.locator(UNPRINTED).all():
        await expect(element).to_be_hidden()
    assert await bo.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "or it is printed smaller"
    await bo.page.emulate_media(media="screen")
    await expect(box(bo)).to_be_visible()

    for number in range(30):
        await alice.post_message(f"more {number}")
    release = await bo.hold("**/messages?before=*")  # which the driver's paper, unlike a printer's, would load
    await bo.open()
    await bo.is_live()
    await bo.page.emulate_media(media="print")
    await expect(bo.page.locator("#older")).to_be_visible()
    said = "getComputedStyle(document.getElementById('older'), '::after').content"
    assert "older messages" in await bo.page.evaluate(said), "paper says that it does not have them all"
    release.set()


async def test_room_is_created_from_the_front_page(window: OpenWindow) -> None:
    ana = await window(show=False, trouble=True)
    await ana.page.goto(ana.url)
    name = ana.page.get_by_role("textbox", name="Name up to 40 characters", exact=True)
    await name.fill("Tea & Biscuits")
    await ana.page.get_by_label("Your name").fill("Ana")
    await ana.page.get_by_role("button", name="Create room").click()
    await expect(ana.page.get_by_role("heading", name="Tea & Biscuits")).to_be_visible()
    await ana.is_live()
    await ana.page.goto(ana.url)
    await name.fill("Tea biscuits")
    await ana.page.get_by_label("Address").fill("tea-biscuits")
    await ana.page.get_by_role("button", name="Create room").click()
    await expect(ana.page.get_by_role("alert")).to_contain_text("There is a room at “tea-biscuits” already")
    await expect(name).to_have_value("Tea biscuits")


async def test_refused_text_does_not_get_into_an_edit(window: OpenWindow) -> None:
    ana = await window(trouble=True)
    await ana.introduce("Ana")
    await ana.send("original")
    await ana.shows("original")
    release = await ana.hold("**/messages")
    await ana.send("x" * 8001)
    await ana.page.get_by_text("original").hover()
    await ana.page.get_by_role("button", name="Edit").click()
    release.set()
    await expect(ana.page.get_by_role("alert")).to_contain_text("too long")
    await expect(box(ana)).to_have_value("original")
    await box(ana).press("Escape")
    await expect(box(ana)).to_have_value("x" * 8001)


async def test_translated_page_edits_what_was_written(window: OpenWindow, alice: Person) -> None:
    ana = await window(trouble=True, own=True)
    await ana.introduce("Ana")
    await ana.send("two\nwords")
    await ana.shows("two\nwords")
    # What a browser's translator does: the text is another's, in elements of its own.
    await ana.page.evaluate("""document.querySelectorAll(".message-text").forEach((text) => {
        text.innerHTML = "<font><font>zwei Wörter</font></font>"; })""")
    edit = ana.page.get_by_role("button", name="Edit")
    await ana.page.get_by_text("zwei Wörter").hover()
    await ana.context.set_offline(True)
    await edit.click()
    await expect(ana.page.get_by_role("alert")).to_contain_text("could not be opened for editing")
    await expect(box(ana)).to_have_value("")
    await ana.context.set_offline(False)
    await edit.click()
    await expect(box(ana)).to_have_value("two\nwords")
    await expect(ana.page.get_by_role("alert")).to_have_count(0)

    # Meanwhile it is changed in another tab.
    changed = (
        """async (url) => (await fetch(url, { method: "POST", body: new URLSearchParams({ text: "three" }) })).status"""
    )
    message = await ana.page.locator("#messages .message").get_attribute("id") or ""
    url = f"{ana.url}/rooms/{ana.room}/messages/{message.removeprefix('message-')}"
    assert await ana.page.evaluate(changed, url) == 200
    await ana.send("two\nmore words")
    await expect(ana.page.get_by_role("alert")).to_contain_text("changed elsewhere")
    await expect(box(ana)).to_have_value("two\nmore words")
    await ana.shows("three")
    await box(ana).press("Enter")
    await ana.shows("two\nmore words")
    await expect(box(ana)).to_have_value("")


async def test_text_changed_again_while_it_is_being_saved_stays(window: OpenWindow) -> None:
    ana = await window()
    await ana.introduce("Ana")
    await ana.send("original")
    await ana.shows("original")
    release = await ana.hold("**/messages/*")
    await ana.page.get_by_text("original").hover()
    await ana.page.get_by_role("button", name="Edit").click()
    await ana.send("changed")
    await box(ana).press_sequentially(" and more")
    release.set()
    await ana.shows("changed")
    await expect(box(ana)).to_have_value("changed and more")
    await box(ana).press("Enter")
    await ana.shows("changed and more")
    await expect(box(ana)).to_have_value("")


async def test_page_of_older_messages_shows_no_newer_ones(window: OpenWindow, alice: Person) -> None:
    messages = [await alice.post_message(f"message {number}") for number in range(60)]
    bo = await window(show=False)
    await bo.open(f"?before={messages[5].position}")
    await expect(bo.page.locator("#messages .message-text")).to_have_text([f"message {n}" for n in range(5)])
    await expect(bo.page.locator("#composer")).to_have_count(0)
    await bo.page.get_by_role("link", name="Newest messages").click()
    await bo.is_live()
