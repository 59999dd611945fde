"""The script for other sites' pages, however it is loaded: it works, or says what is missing."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenVisit
from tests.browser.host import Host
from tests.browser.visit import page
from tests.serving import Server

pytestmark = pytest.mark.browser

TAG = '<script src="{chat}/embed.js" data-room="{room}" async></script>'
MODULE = '<script type="module" src="{chat}/embed.js" data-room="{room}"></script>'

WAYS = {
    "a module": (MODULE, 1),
    "a module in the head": (f"<head>{MODULE}</head><p>text", 1),
    "a module that does not wait, before the others": (MODULE.replace("module", 'module" async="') + "<p>text", 1),
    "two modules of one address": (MODULE + MODULE.replace("data-room", "data-compact data-room"), 2),
    "a module for an element": (
        '<quart-chat room="{room}"></quart-chat><script type="module" src="{chat}/embed.js"></script>',
        1,
    ),
    "twice": (TAG + "<p>text</p>" + TAG, 1),
    "twice in the head": (f"<head>{TAG}{TAG}</head><p>text", 1),
    "both ways": (TAG + MODULE, 1),
    "two of one room that look different": (TAG + TAG.replace("data-room", "data-compact data-room"), 2),
    "by a script": (
        '<p>text<script>const script = document.createElement("script");'
        'document.head.append(Object.assign(script, {{ src: "{chat}/embed.js" }}));'
        'document.currentScript.after(document.createElement("quart-chat"));'
        'document.querySelector("quart-chat").setAttribute("room", "{room}")</script>',
        1,
    ),
    "by another module": (
        '<quart-chat room="{room}"></quart-chat><script type="module">import "{chat}/embed.js";</script>',
        1,
    ),
}
"""How a page loads it, and how many rooms it then shows."""

MISSING = {
    "a script alone": ('<script src="{chat}/embed.js"></script>', "info: quart-chat: nothing to show: add data-room"),
    "a module alone": (
        '<script type="module" src="{chat}/embed.js"></script>',
        "info: quart-chat: nothing to show: add data-room",
    ),
    "an element without a room": (
        '<quart-chat><script src="{chat}/embed.js"></script></quart-chat>', 'warning: quart-chat: add room="…"'
    ),
    "a copy that is not the chat's": (
        '<script>fetch("{chat}/embed.js").then((answer) => answer.text()).then((text) => eval(text))</script>',
        "error: quart-chat: this script must come from the chat itself",
    ),
}  # fmt: skip


async def test_script_works_however_it_is_loaded_or_says_what_is_missing(
    host: Host, server: Server, room: str, visit: OpenVisit
) -> None:
    ana = await visit(host.put("/empty", ""))
    heard: list[str] = []
    ana.page.on("console", lambda said: heard.append(f"{said.type}: {said.text}"))
    wrong: list[str] = []
    for number, (way, (html, rooms)) in enumerate(WAYS.items()):
        await ana.page.goto(host.put(f"/{number}", page(server, room, html)))
        frames = ana.page.locator("quart-chat iframe")
        try:
            await expect(frames).to_have_count(rooms)
            for index in range(rooms):
                await expect(frames.nth(index).content_frame.locator("#messages")).to_have_count(1)
            await expect(frames).to_have_count(rooms)
        except AssertionError:
            wrong.append(f"{way}: {await frames.count()} rooms")
        wrong += [f"{way}: {said}" for said in heard if "quart-chat" in said]
        heard.clear()
    for number, (way, (html, words)) in enumerate(MISSING.items()):
        async with ana.page.expect_console_message(lambda said: "quart-chat" in said.text):
            await ana.page.goto(host.put(f"/missing-{number}", page(server, room, html)))
        if not any(said.startswith(words) for said in heard):
            wrong.append(f"{way}: {heard}")
        heard.clear()
    assert not wrong
