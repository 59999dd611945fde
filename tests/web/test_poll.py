"""Long polling: the stream's fragments, as ordinary answers."""

import asyncio

import pytest

from tests.people import Person
from tests.web.page import Page


async def start(person: Person, room: str) -> str:
    """The cursor of a room's beginning."""
    answer = await person.client.get(f"/rooms/{room}/poll")
    return str(answer.headers["Chat-Cursor"]).split(".")[0] + ".0"


async def test_what_was_missed_comes_at_once(alice: Person, room: str) -> None:
    after = await start(alice, room)
    await alice.post_message("one", room=room)
    await alice.post_message("two", room=room)
    answer = await alice.client.get(f"/rooms/{room}/poll", params={"after": after, "wait": 25})
    assert Page(answer.text).texts == ["one", "two"]
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert answer.headers["Chat-Cursor"] == after.replace(".0", ".2")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Chat-Reset" not in answer.headers


async def test_header_says_where_to_go_on_too(alice: Person, room: str) -> None:
    after = await start(alice, room)
    await alice.post_message("one", room=room)
    await alice.post_message("two", room=room)
    headers = {"Last-Event-ID": after.replace(".0", ".1")}
    answer = await alice.client.get(f"/rooms/{room}/poll", params={"after": after}, headers=headers)
    assert Page(answer.text).texts == ["two"]


async def test_poll_waits_until_something_happens(alice: Person, bob: Person, room: str) -> None:
    after = await start(bob, room)
    poll = asyncio.create_task(bob.client.get(f"/rooms/{room}/poll", params={"after": after, "wait": 25}))
    await bob.client.get("/healthz")
    assert not poll.done()
    await alice.post_message("hello", room=room)
    assert Page((await poll).text).texts == ["hello"]


async def test_poll_ends_empty_when_the_time_is_up(bob: Person, room: str) -> None:
    after = await start(bob, room)
    answer = await bob.client.get(f"/rooms/{room}/poll", params={"after": after, "wait": "0.05"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == "0"
    assert answer.headers["Chat-Cursor"] == after


@pytest.mark.parametrize("wait", ["", "0", "-1", "nonsense", "nan", "-inf"])
async def test_poll_without_a_sensible_time_does_not_wait(bob: Person, room: str, wait: str) -> None:
    after = await start(bob, room)
    answer = await bob.client.get(f"/rooms/{room}/poll", params={"after": after, "wait": wait}, timeout=5)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("after", ["elsewhere.1", "{epoch}.999999", "nonsense"], ids=["foreign", "future", "no cursor"])
async def test_cursor_that_cannot_be_continued_is_reset_at_once(alice: Person, room: str, after: str) -> None:
    await alice.post_message("hello", room=room)
    epoch = (await start(alice, room)).split(".")[0]
    query = {"after": after.format(epoch=epoch), "wait": "25"}
    answer = await alice.client.get(f"/rooms/{room}/poll", params=query)
    assert answer.headers["Chat-Reset"] == "true"
    assert answer.headers["Chat-Cursor"] == f"{epoch}.1"
    assert answer.content == b""


async def test_polling_on_and_on_misses_nothing(alice: Person, bob: Person, room: str) -> None:
    cursor = await start(bob, room)
    await alice.post_message("0", room=room)
    posts = asyncio.gather(*(alice.post_message(str(number), room=room) for number in range(1, 30)))
    seen: list[str] = []
    while len(seen) < 30:
        answer = await bob.client.get(f"/rooms/{room}/poll", params={"after": cursor, "wait": "10"})
        cursor = answer.headers["Chat-Cursor"]
        seen += Page(answer.text).texts
    await posts
    assert sorted(map(int, seen)) == list(range(30))


async def test_edits_and_deletions_are_polled(alice: Person, room: str) -> None:
    after = await start(alice, room)
    posted = await alice.post_message("frist", room=room)
    await alice.edit_message(posted.message_id, "first", room=room)
    await alice.delete_message(posted.message_id, room=room)
    answer = await alice.client.get(f"/rooms/{room}/poll", params={"after": after})
    assert answer.headers["Chat-Cursor"] == after.replace(".0", ".3")
    assert Page(answer.text).texts == []
    assert "frist" not in answer.text
    assert f"#message-{posted.message_id}" in answer.text
