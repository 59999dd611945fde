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
from tests.people import Person  # noqa: E402
from tests.serving import serving  # noqa: E402

PICTURES = ROOT / "docs" / "screenshots"

SHOTS = (("light", 1280, 720), ("dark", 1280, 720), ("dark", 400, 720), ("light", 280, 560))

SECRET = "only for pictures, where tags and colours should stay the same"  # noqa: S105

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


asyncio.run(main())
