"""Draws the pictures by which phones and other sites show the chat, from static/icon.svg: `python scripts/icons.py`.

They are in the repository: whoever installs the chat needs no browser. The drawing stays within the circle that devices
may cut out (https://www.w3.org/TR/appmanifest/#icon-masks), on a ground that hides what is behind.
"""

import asyncio
import base64
import sys
from pathlib import Path

from playwright.async_api import async_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.chromium import FLAGS, MISSING, find_chromium  # noqa: E402

SIZES = (180, 192, 512)
"""Pixels: what iOS takes, and the two that a manifest should have."""

PAGE = """<style>
  html, body {{ margin: 0; block-size: 100% }}
  body {{ display: grid; place-items: center; background: #fff }}
  img {{ inline-size: 62%; block-size: 62% }}
</style><img src="data:image/svg+xml;base64,{icon}">"""


async def main() -> None:
    if (chromium := find_chromium()) is None:
        sys.exit(MISSING)
    icon = base64.b64encode((ROOT / "static" / "icon.svg").read_bytes()).decode()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for size in SIZES:
            page = await browser.new_page(viewport={"width": size, "height": size})
            await page.set_content(PAGE.format(icon=icon))
            path = ROOT / "static" / "icons" / f"{size}.png"
            await page.screenshot(path=path)
            print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


asyncio.run(main())
