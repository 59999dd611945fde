"""Where things stand: nothing paints over anything else, moves by itself, or vanishes where it is narrow."""

import asyncio
import itertools
import secrets

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import OpenWindow
from tests.browser.window import engine_of
from tests.people import Person
from tests.serving import Server

pytestmark = pytest.mark.browser

WORDS = "words that fill the line from one end to the other, whatever its width is, and go on after that"

COVERED = """() => {
  const found = [];
  for (const message of document.querySelectorAll("#messages .message")) {
    message.scrollIntoView({ block: "center" });
    const text = message.querySelector(".message-text");
    const lines = document.createRange();
    lines.selectNodeContents(text);
    const time = message.querySelector(".message-link").getBoundingClientRect();
    for (const line of lines.getClientRects()) {
      const apart = time.right <= line.left + 0.5 || time.left >= line.right - 0.5
        || time.bottom <= line.top + 2 || time.top >= line.bottom - 2;
      if (!apart) found.push(`${message.id}: the time lies on the words`);
      for (let x = line.left + 1; x < line.right; x += 20) {
        const there = document.elementFromPoint(x, (line.top + line.bottom) / 2);
        if (!text.contains(there)) found.push(`${message.id}: ${there?.className} is hit at ${x}`);
      }
    }
    if (message.scrollWidth > message.clientWidth) found.push(`${message.id} is wider than its place`);
  }
  return found;
}"""
"""Everything that is in the way of words."""


async def test_time_of_a_message_is_never_on_its_words(
    window: OpenWindow, alice: Person, server: Server, room: str
) -> None:
    for text in ("first", WORDS, "second", f"third: {WORDS}"):
        await alice.post_message(text)
    async with Person("Bob", server.url, room) as bob:
        await bob.post_message(WORDS)
    found = []
    for widths, options in (
        ((1280,), {}),
        ((400, 280), {"has_touch": True, "is_mobile": True}),
        ((900,), {"forced_colors": "active"}),
        ((280,), {"forced_colors": "active", "locale": "ko-KR"}),
    ):
        bo = await window(show=False, **options)
        for path in ("rooms/{}", "embed/{}?compact=1"):
            await bo.page.goto(f"{bo.url}/{path.format(bo.room)}")
            await expect(bo.page.locator("#messages [data-continued]")).to_have_count(3)
            for width, direction in itertools.product(widths, ("ltr", "rtl")):
                await bo.page.set_viewport_size({"width": width, "height": 640})
                await bo.page.evaluate("(direction) => { document.documentElement.dir = direction; }", direction)
                for number in range(2):
                    link = bo.page.locator("#messages [data-continued] .message-link").nth(number)
                    await link.focus()  # shows the time, as hovering does
                    for trouble in await bo.page.evaluate(COVERED):
                        found.append((width, path, direction, trouble))
    assert not found


async def test_touch_meets_words_and_times_where_they_are_seen(window: OpenWindow, alice: Person) -> None:
    for text in ("first", "second"):
        await alice.post_message(text)
    bo = await window(viewport={"width": 400, "height": 640}, has_touch=True, is_mobile=True)
    await bo.is_live()
    place = await bo.page.get_by_text("second").bounding_box()
    assert place
    for x in range(int(place["x"]) + 2, int(place["x"]) + 80, 12):
        # Firefox's driver has no fingers: see `tap`.
        touch = bo.page.touchscreen.tap if engine_of(bo.page) == "chromium" else bo.page.mouse.click
        await touch(x, place["y"] + place["height"] / 2)
    assert bo.page.url == f"{bo.url}/rooms/{bo.room}"
    await expect(bo.page.locator("[data-continued] .message-link")).to_have_css("opacity", "1")


SHIFTS = """() => {
  window.shifted = 0;
  new PerformanceObserver((list) => { for (const each of list.getEntries()) shifted += each.value; })
    .observe({ type: "layout-shift", buffered: true });
}"""

SHOWN = """new Promise((resolve) => {
  new PerformanceObserver(resolve).observe({ type: "paint", buffered: true });
})"""

STANDS = """[...document.querySelectorAll(".message, .room-card, .composer")].map((each) => {
  const { x, y, width, height } = each.getBoundingClientRect();
  return [x, y, width, height];
})"""
"""Where the parts of a page stand in its window."""

PAINTED = "new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))"


async def moved(page: Page, url: str) -> float:
    """How much of a page moved by itself (https://web.dev/articles/cls): its scripts come when it has been painted."""
    release = asyncio.Event()

    async def wait(route: Route) -> None:
        await release.wait()
        await route.continue_()

    await page.route("**/*.js", wait)
    await page.goto(url, wait_until="commit")
    await page.wait_for_selector(".message, .room-card")
    await page.evaluate(SHOWN)
    stood = await page.evaluate(STANDS)
    release.set()
    await expect(page.locator("time[title]").first).to_be_attached()
    if await page.locator("#status").count():
        await expect(page.locator("#status")).to_have_text("Live", timeout=20_000)
    await page.evaluate(PAINTED)
    await page.unroute("**/*.js")
    if engine_of(page) == "chromium":
        return float(await page.evaluate("shifted"))
    # No other engine measures it: how many of those that are seen are elsewhere by more than a pixel.
    stand = await page.evaluate(STANDS)
    return sum(
        then[1] + then[3] > 0 and any(abs(a - b) > 1 for a, b in zip(then, now, strict=True))
        for then, now in zip(stood, stand, strict=True)
    )


async def test_nothing_moves_when_times_become_the_readers(window: OpenWindow, alice: Person) -> None:
    for number in range(50):
        await alice.post_message(f"message {number}: " + WORDS[: 7 * number])
    for number in range(12):
        made = await alice.send("/rooms", name=f"{secrets.token_hex(4)} {'words ' * (number % 4)}")
        await alice.post_message("hello", room=made.headers["Location"].removeprefix("/rooms/"))
    found = {}
    for width, locale, zone in (
        (1280, "de-DE", "Europe/Berlin"),
        (400, "en-US", "America/New_York"),
        (280, "ko-KR", "Asia/Seoul"),
    ):
        size = {"width": width, "height": 640}
        bo = await window(show=False, script=f"({SHIFTS})()", locale=locale, timezone_id=zone, viewport=size)
        for path in (f"/rooms/{bo.room}", "/"):
            found[width, locale, path] = await moved(bo.page, bo.url + path)
    assert {place: value for place, value in found.items() if value >= 0.01} == {}
