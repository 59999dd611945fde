"""Giving the address of a room on."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenWindow
from tests.browser.contexts import allow_clipboard
from tests.people import Person

pytestmark = pytest.mark.browser

SENDS = """(how) => {
  async function share(what) {
    window.shared = what;
    if (how === "changes their mind") throw new DOMException("", "AbortError");
  }
  Object.defineProperty(navigator, "share", { configurable: true, value: how === "none" ? undefined : share });
}"""


async def test_share_copies_the_link_and_shows_a_code(window: OpenWindow, alice: Person) -> None:
    bo = await window()
    url = f"{bo.url}/rooms/{bo.room}"
    await bo.is_live()
    asked: list[str] = []
    bo.page.on("request", lambda request: asked.append(request.url))
    dialog = bo.page.get_by_role("dialog", name="Share this room")
    link = bo.page.get_by_role("link", name="Share", exact=True)
    await bo.page.evaluate(SENDS, "none")
    await allow_clipboard(bo.context)
    await link.click()
    await expect(dialog.get_by_role("status")).to_have_text("The link is copied.")
    assert await bo.page.evaluate("navigator.clipboard.readText()") == url
    picture = dialog.get_by_role("img", name="QR code")
    await expect(picture).to_be_in_viewport(ratio=1)
    assert await picture.evaluate("(image) => image.decode().then(() => image.naturalWidth > 20)")
    await alice.post_message("seen behind it")
    await bo.shows("seen behind it")
    assert asked == [f"{url}/qr.svg"], "and the page stays in touch"
    await bo.page.keyboard.press("Escape")
    await expect(link).to_be_focused()

    await bo.context.clear_permissions()
    await bo.page.evaluate("Object.defineProperty(navigator, 'clipboard', { configurable: true, value: undefined })")
    await link.click()
    await expect(dialog.get_by_role("status")).to_have_text("The link is selected: copy it.")
    assert await bo.page.evaluate("getSelection().toString() || document.activeElement.value") == url
    await dialog.get_by_role("button", name="Close").click()

    for how in ("sends", "changes their mind"):
        await bo.page.evaluate(SENDS, how)
        await link.click()
        assert await bo.page.evaluate("shared.url") == url
        await expect(dialog.get_by_role("status")).to_be_empty()
        await dialog.get_by_role("button", name="Close").click()

    await bo.page.goto(f"{url}/share")
    await bo.page.evaluate("Object.defineProperty(navigator, 'clipboard', { configurable: true, value: undefined })")
    await bo.page.get_by_role("button", name="Copy link").click()
    await expect(bo.page.get_by_role("status")).to_have_text("The link is selected: copy it.")


async def test_actions_of_a_room_say_what_they_are_at_every_width(window: OpenWindow) -> None:
    bo = await window(show=False)
    await bo.open()
    await bo.is_live()
    for width in (1280, 400, 320, 280):
        await bo.page.set_viewport_size({"width": width, "height": 600})
        for words in ("Share", "Embed"):
            link = bo.page.get_by_role("link", name=words, exact=True)
            await expect(link).to_be_in_viewport(ratio=1)
            await expect(link).to_have_text(words)
        assert not await bo.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        await expect(bo.page.get_by_role("heading", level=1)).to_be_in_viewport()
        title = await bo.page.get_by_role("heading", level=1).bounding_box()
        assert title
        assert title["width"] > 60
