"""Looking back: pages of messages, each message on one of them."""

import asyncio
import re

import pytest

from quart_chat.domain.messages import PAGE_BYTES
from quart_chat.text import TEXT_LENGTH
from tests.people import Person
from tests.web.page import Page

PAGE = 50


async def write(person: Person, room: str, count: int) -> None:
    await person.post_message("0", room=room)
    for start in range(1, count, 20):
        numbers = range(start, min(start + 20, count))
        await asyncio.gather(*(person.post_message(str(number), room=room) for number in numbers))


def ids(page: Page) -> list[int]:
    return [int((element.attributes["id"] or "").removeprefix("message-")) for element in page.all("article")]


def positions(page: Page) -> list[int]:
    return [int(article.attributes["data-position"] or 0) for article in page.all("article")]


@pytest.mark.parametrize("path", ["/rooms/{room}", "/rooms/{room}/messages"], ids=["pages", "fragments"])
async def test_looking_back_shows_every_message_once(alice: Person, room: str, path: str) -> None:
    await write(alice, room, 2 * PAGE + 7)
    found: list[int] = []
    counts = []
    query = ""
    while True:
        page = Page((await alice.client.get(path.format(room=room) + query)).text)
        counts.append(len(page.texts))
        found = positions(page) + found
        older = page.by_id("older")
        if "hidden" in older.attributes:
            break
        query = older.attributes["href"] or ""
        assert re.fullmatch(r"\?before=[0-9]+", query)
    assert counts == [PAGE, PAGE, 7]
    assert found == [*range(1, 2 * PAGE + 8)]


@pytest.mark.parametrize("path", ["/rooms/{room}", "/rooms/{room}/messages"], ids=["pages", "fragments"])
async def test_page_of_long_messages_is_bounded_and_leads_to_the_others(alice: Person, room: str, path: str) -> None:
    longest = [await alice.post_message("&" * TEXT_LENGTH, room=room) for _ in range(20)]
    widest = await alice.post_message("😀" * TEXT_LENGTH, room=room)
    found: list[int] = []
    query = ""
    while True:
        answer = await alice.client.get(path.format(room=room) + query)
        assert len(answer.content) < 6 * PAGE_BYTES + 50_000
        page = Page(answer.text)
        found = ids(page) + found
        older = page.by_id("older")
        if "hidden" in older.attributes:
            break
        query = older.attributes["href"] or ""
    assert found == [message.message_id for message in (*longest, widest)]


async def test_full_page_without_more_offers_no_older_ones(alice: Person, room: str) -> None:
    await write(alice, room, PAGE)
    page = Page((await alice.client.get(f"/rooms/{room}")).text)
    assert len(page.texts) == PAGE
    assert "hidden" in page.by_id("older").attributes


async def test_deleted_messages_are_absent(alice: Person, room: str) -> None:
    kept = await alice.post_message("kept", room=room)
    deleted = await alice.post_message("plover", room=room)
    await alice.delete_message(deleted.message_id, room=room)
    for path in (f"/rooms/{room}", f"/rooms/{room}/messages"):
        answer = await alice.client.get(path)
        assert ids(Page(answer.text)) == [kept.message_id]
        assert "plover" not in answer.text


async def test_page_and_cursor_are_of_one_moment(alice: Person, room: str) -> None:
    """Whoever streams from a page's cursor gets exactly what the page does not show."""
    await alice.post_message("on the page", room=room)
    answer = await alice.client.get(f"/rooms/{room}/messages")
    await alice.post_message("on the stream", room=room)
    async with alice.listen(room=room, after=answer.headers["Chat-Cursor"]) as stream:
        assert "on the stream" in (await stream.next("message")).data


@pytest.mark.parametrize("before", ["", "0", "nonsense", "-1", "1e3", "²", "9" * 30, "9" * 5000], ids=lambda b: b[:9])
@pytest.mark.parametrize("path", ["/rooms/{room}", "/rooms/{room}/messages"], ids=["page", "fragment"])
async def test_senseless_place_shows_the_newest(alice: Person, room: str, path: str, before: str) -> None:
    await alice.post_message("hello", room=room)
    answer = await alice.client.get(path.format(room=room), params={"before": before})
    assert answer.status_code == 200
    assert Page(answer.text).texts == ["hello"]


async def test_days_and_groups_are_marked(alice: Person, bob: Person, room: str) -> None:
    for person in (alice, alice, bob):
        await person.post_message("hello", room=room)
    page = Page((await bob.client.get(f"/rooms/{room}")).text)
    assert len(page.by_class("day")) in (1, 2), "two when midnight has just passed"
    assert "data-continued" not in page.all("article")[0].attributes
    assert "data-continued" not in page.all("article")[2].attributes
