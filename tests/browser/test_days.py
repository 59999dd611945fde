"""Days as the reader's calendar has them, on a page that stays open."""

import sqlite3
from contextlib import closing
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenWindow
from tests.people import Person
from tests.serving import Server

pytestmark = pytest.mark.browser

BERLIN = ZoneInfo("Europe/Berlin")
SENT = """
2025-03-29 12:00
2025-03-30 12:00
2025-03-31 00:10
2025-10-25 12:00
2025-10-25 23:58
2025-10-26 00:01
2025-10-26 00:02
"""
"""The day of 23 hours and the one of 25 are among them. Two minutes around midnight are of one day in UTC."""


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


async def test_days_are_the_readers_also_where_clocks_change_and_a_page_stays_open(
    engine: str, window: OpenWindow, server: Server, alice: Person
) -> None:
    times = [berlin(line) for line in SENT.split("\n") if line]
    posted = [await alice.post_message(f"at {time:%d %H:%M}") for time in times]
    with closing(sqlite3.connect(server.folder / "quart_chat.db")) as connection, connection:
        for message, time in zip(posted, times, strict=True):
            connection.execute(
                "UPDATE messages SET created_at = ? WHERE id = ?", (int(time.timestamp() * 1000), message.message_id)
            )
    # Chromium travels below, and may not with a time zone that its context has.
    place = {} if engine == "chromium" else {"timezone_id": "Europe/Berlin"}
    bo = await window(show=False, own=True, trouble=True, locale="de", **place)
    if engine == "chromium":
        browser = await bo.context.new_cdp_session(bo.page)
        await browser.send("Emulation.setTimezoneOverride", {"timezoneId": "Europe/Berlin"})
    await bo.page.clock.install(time=berlin("2025-03-31 00:30"))
    await bo.open()
    days = bo.page.locator(".day")
    autumn = ["Samstag, 25. Oktober 2025", "Sonntag, 26. Oktober 2025"]
    await expect(days).to_have_text(["Samstag, 29. März 2025", "Gestern", "Heute", *autumn])
    continued = bo.page.locator(".message[data-continued] .message-text")
    await expect(continued).to_have_text(["at 26 00:02"])

    # A translator has been at it; that changes nothing, and it is told to leave that be.
    await days.first.evaluate("(day) => { day.innerHTML = '<font>Sabato</font>'; }")
    spring = ["Sabato", "Sonntag, 30. März 2025", "Montag, 31. März 2025"]
    assert await days.first.get_attribute("translate") == "no"
    assert await days.first.get_attribute("lang") == "de"

    # A machine that slept: time has jumped, and the page finds out by itself.
    await bo.page.clock.pause_at(berlin("2025-10-26 23:30"))
    await expect(days).to_have_text([*spring, "Gestern", "Heute"])
    await bo.page.clock.pause_at(berlin("2025-10-26 23:59"))
    await expect(days).to_have_text([*spring, "Gestern", "Heute"])
    await bo.page.clock.run_for(61_000)
    await expect(days).to_have_text([*spring, autumn[0], "Gestern"])

    if engine != "chromium":
        return  # no other driver moves a page that is open to another time zone
    # Somebody travels, or sets the clock.
    await browser.send("Emulation.setTimezoneOverride", {"timezoneId": "America/New_York"})
    await bo.page.clock.run_for(61_000)
    await expect(days).to_have_text([*spring[:2], "Gestern"])
    await expect(continued).to_have_text(["at 26 00:01", "at 26 00:02"])
    await expect(bo.page.locator("#messages time").last).to_have_text("18:02")
