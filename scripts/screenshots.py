"""Takes the pictures of the README from the real page: `make screenshots`.

Starts a server with a database of its own, lets four people talk, and photographs a window in light and dark.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, async_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.cdn import answer_as_cdn  # noqa: E402
from tests.browser.chromium import FLAGS, MISSING, find_chromium  # noqa: E402
from tests.browser.host import hosting  # noqa: E402
from tests.embeds import site_of  # noqa: E402
from tests.people import Person  # noqa: E402
from tests.serving import Server, serving  # noqa: E402

PICTURES = ROOT / "docs" / "screenshots"

SHOTS = (("light", 1280, 720), ("dark", 1280, 720), ("dark", 400, 720), ("light", 280, 560))

SECRET = "only for pictures, where tags and colours should stay the same"  # noqa: S105

EMBEDDING = """<style>
  body {{ margin: 0; padding: 1.5rem 3rem; font: 1.05rem/1.6 Georgia, serif; color: #f3e4cf; background: #3a2417; }}
  h1 {{ margin: 0 0 0.5rem; font-size: 1.5rem; }}
  quart-chat {{ display: block; height: 25rem; border: 1px solid #5d4030; border-radius: 0.75rem; overflow: hidden; }}
</style>
<h1>Wednesday’s meeting</h1>
<p>At ten, upstairs. Whoever cannot come is here:</p>
<quart-chat room="lobby" theme="host"><script src="{chat}/embed.js"></script></quart-chat>
<script>document.querySelector("quart-chat").identify("{token}")</script>"""

TALK = (
    ("Ana", "Morning! The hotel network still blocks WebSockets, so I am here through plain HTTP."),
    ("Bo", "Works fine from the train as well. It dropped out in the tunnel and caught up by itself."),
    ("Bo", "Even your edit from this morning came through."),
    ("Chidi", "Agenda for today:\n1. the new bench numbers\n2. who takes the embed"),
    ("Ana", "I can take 2. Background: https://html.spec.whatwg.org/multipage/server-sent-events.html"),
    ("Dora", "Then I do the numbers. Ten minutes?"),
    ("Chidi", "Ten minutes."),
)


async def main() -> None:
    chromium = find_chromium()
    if chromium is None:
        sys.exit(MISSING)
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with serving(Path(folder), limits="off", secret_key=SECRET) as server, async_playwright() as playwright:
            cast = {name: Person(name, server.url) for name, _ in TALK}
            for number, (name, text) in enumerate(TALK):
                await cast[name].post_message(text, key=f"the-same-tags-and-colours-every-time-{number}")
            browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            for scheme, width, height in SHOTS:
                await _photograph(browser, server.url, cast["Ana"], scheme, width, height)
            await _photograph_embedded(browser, server)
            for person in cast.values():
                await person.client.aclose()


async def _photograph(browser: Browser, url: str, viewer: Person, scheme: str, width: int, height: int) -> None:
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, locale="en-GB", timezone_id="Europe/London"
    )
    await context.add_cookies([{"name": n, "value": v, "url": url} for n, v in viewer.client.cookies.items()])
    await context.route("https://cdn.jsdelivr.net/**", answer_as_cdn)
    page = await context.new_page()
    await page.goto(f"{url}/rooms/lobby")
    await page.wait_for_selector("#status[data-state=live]")
    path = PICTURES / f"room-{scheme}-{width}.png"
    await page.screenshot(path=path)
    print(path.relative_to(ROOT))
    await context.close()


async def _photograph_embedded(browser: Browser, server: Server) -> None:
    """The room in a page of another site, which has signed somebody in."""
    site = await site_of(server, "lobby")
    async with hosting() as host:
        html = EMBEDDING.format(chat=server.url, token=site.token(name="Edda Lind"))
        context = await browser.new_context(viewport={"width": 820, "height": 620}, locale="en-GB")
        await context.route("https://cdn.jsdelivr.net/**", answer_as_cdn)
        page = await context.new_page()
        await page.goto(host.put("/", html))
        room = page.frame_locator("quart-chat iframe")
        await room.locator("#identity[data-verified]").wait_for()
        await room.get_by_label("Message", exact=True).fill("I have the keys.")
        await room.get_by_label("Message", exact=True).press("Enter")
        await room.locator("#messages .verified").wait_for()
        path = PICTURES / "embedded-820.png"
        await page.screenshot(path=path)
        print(path.relative_to(ROOT))
        await context.close()


asyncio.run(main())
