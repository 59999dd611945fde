"""Rows of the log that cannot be shown are positions without content: nobody who reads stops there, or skips others."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from quart_chat.streaming import feed as feed_module
from quart_chat.streaming.forms import HTML, JSON
from tests.gaps import add_unknown, lose_subject
from tests.people import Person
from tests.streaming.engine import ANYBODY, engine, html
from tests.streaming.servers import hosted
from tests.streaming.test_heartbeats import join


@pytest.mark.parametrize("refill", [0, 50], ids=["from the store", "from the ring"])
async def test_replay_has_a_position_for_each_row(tmp_path: Path, refill: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "REFILL", refill)
    async with engine(tmp_path, encode=html) as running, asyncio.timeout(10):
        for number in range(6):
            await running.post(f"text {number}")
        for cursor in (1, 3, 4):
            lose_subject(tmp_path / "chat.db", "lobby", cursor)
        add_unknown(tmp_path / "chat.db", "lobby")
        await running.post("the end")
        for after in range(8):
            events = await running.replay(after)
            assert [event.last_event_id for event in events] == [str(running.at(n)) for n in range(after + 1, 9)]
            blank = [int(event.last_event_id.split(".")[1]) for event in events if not event.data]
            assert blank == [n for n in (1, 3, 4, 7) if n > after]
        feed = await running.feed()
        (erased, *_) = await feed.entries_after(0, HTML)
        assert feed.frames([erased], HTML) == f"id: {running.at(1)}\ndata: \n\n".encode()
        assert json.loads(feed.fragments([erased], JSON)) == {"type": "erased", "cursor": 1}


async def test_reader_who_is_there_gets_what_is_around_an_unknown_row(tmp_path: Path) -> None:
    async with engine(tmp_path) as running, asyncio.timeout(10):
        feed = await running.feed()
        readers = [*join(feed, 1), *join(feed, 1, viewer=replace(ANYBODY, form=JSON))]
        await running.post("before")
        add_unknown(tmp_path / "chat.db", "lobby")
        await running.post("after")
        for reader in readers:
            while len(reader.events) < 3:
                await asyncio.sleep(0)
            assert [event.last_event_id for event in reader.events] == [str(running.at(n)) for n in (1, 2, 3)]


async def test_poll_goes_on_behind_what_it_cannot_show(tmp_path: Path) -> None:
    async with hosted(tmp_path) as host, Person("Alice", host.url) as alice:
        await alice.post_message("before")
        feed = await host.feed()
        add_unknown(tmp_path / "chat.db", "lobby")
        await alice.post_message("after")
        await feed.wait_beyond(2, 10)
        for after, texts in ((0, ("before", "after")), (1, ("after",)), (2, ("after",))):
            answer = await alice.client.get(f"/rooms/lobby/poll?after={feed.cursor(after)}")
            assert answer.headers["Chat-Cursor"] == str(feed.cursor(3))
            assert [text for text in ("before", "after") if text in answer.text] == [*texts]
