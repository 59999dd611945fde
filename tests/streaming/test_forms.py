"""An event in its forms: HTML for pages, JSON for programs; each made once, for whoever needs it first."""

import asyncio
import json
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from quart_chat.events import Event
from quart_chat.streaming import ring as ring_module
from quart_chat.streaming.forms import HTML, JSON, Encoder, Form, event_as_json
from tests.people import key_of
from tests.sse import Parser, SSEvent
from tests.streaming.engine import ANYBODY, Engine, engine, waved
from tests.streaming.test_feed import handed_out, kept
from tests.streaming.test_heartbeats import Recorder, join

PROGRAM = replace(ANYBODY, form=JSON)


async def replayed(running: Engine, last: int) -> list[SSEvent]:
    """What a program gets that has missed everything."""
    feed, parser, found = await running.feed(), Parser(), []
    async with aclosing(running.stream(feed, running.at(0), viewer=PROGRAM)) as body:
        async for chunk in body:
            found += [event for event in parser.feed(chunk) if event.type == "message"]
            if len(found) == last:
                break
    return found


async def heard(reader: Recorder, count: int) -> list[SSEvent]:
    while len(found := [event for event in reader.events if event.type == "message"]) < count:
        await asyncio.sleep(0)
    return found


async def test_each_reader_gets_its_form_and_all_of_one_form_the_same_bytes(tmp_path: Path) -> None:
    made: list[str] = []

    def shown(event: Event) -> str:
        made.append(f"html {event.cursor}")
        return f"<p>{event.act.message.text}</p>"

    def said(event: Event) -> str:
        made.append(f"json {event.cursor}")
        return event_as_json(event)

    async with engine(tmp_path) as running, asyncio.timeout(10):
        running.feeds._forms = {HTML: Encoder(shown, waved), JSON: Encoder(said, waved)}
        feed = await running.feed()
        pages, programs = join(feed, 2), join(feed, 2, viewer=PROGRAM)
        message = await running.post("é <b>")
        await running.delete(message)
        for reader in pages:
            assert [event.data for event in await heard(reader, 2)] == ["<p>é <b></p>", "<p></p>"]
        for reader in programs:
            first, second = [json.loads(event.data) for event in await heard(reader, 2)]
            assert (first["type"], first["cursor"], first["message"]["text"]) == ("message_posted", 1, "é <b>")
            assert (second["type"], second["cursor"], second["message"]["text"]) == ("message_deleted", 2, "")
        for readers in (pages, programs):
            assert all(reader.bursts[0] is readers[0].bursts[0] for reader in readers)
        ids = [[event.last_event_id for event in reader.events] for reader in (*pages, *programs)]
        assert ids == [[str(running.at(1)), str(running.at(2))]] * 4, "a cursor counts in every form"
        assert sorted(made) == ["html 1", "html 2", "json 1", "json 2"]


async def test_form_that_nobody_needs_is_not_made_and_one_that_is_needed_later_is_bounded(tmp_path: Path) -> None:
    async with engine(tmp_path) as running, asyncio.timeout(10):
        feed = await running.feed()
        for number in range(3):
            await running.post(f"text {number}")
        await handed_out(running, 3)
        assert [entry.encoded for entry in kept(feed)] == [{}, {}, {}]
        (page,) = join(feed, 1)
        await running.post("with a reader")
        await heard(page, 1)
        assert [list(entry.encoded) for entry in kept(feed)] == [[], [], [], [HTML]]
        assert [json.loads(event.data)["cursor"] for event in await replayed(running, 4)] == [1, 2, 3, 4]
        assert [list(entry.encoded) for entry in kept(feed)] == [[JSON], [JSON], [JSON], [HTML, JSON]]
        feed.leave(page)
        assert feed.idle_since is not None
        bound = feed._ring.size
        ring_module.RING_BYTES, before = bound, ring_module.RING_BYTES
        try:
            entries = await feed.entries_after(0, HTML)
            assert [entry.cursor for entry in entries] == [1, 2, 3, 4], "more of them than there is room for"
            assert kept(feed)[-1].cursor == 4
            assert feed._ring.size <= bound
        finally:
            ring_module.RING_BYTES = before


async def test_json_has_what_anybody_may_know_and_no_key(tmp_path: Path) -> None:
    async with engine(tmp_path) as running, asyncio.timeout(10):
        message = await running.post("hello\nyou \u2028 </script>")
        await running.edit(message, "hello again")
        await running.feed()
        posted, edited = [json.loads(event.data) for event in await replayed(running, 2)]
        assert (posted["type"], edited["type"]) == ("message_posted", "message_changed")
        assert posted["message"] == edited["message"], "as it is now"
        assert edited["message"].keys() == {
            "id", "position", "author", "text", "created_at", "edited_at", "deleted_at", "version"
        }  # fmt: skip
        assert posted["message"]["author"] == {
            "id": message.author.id, "name": "Ana", "tag": message.author.tag, "verified": False
        }  # fmt: skip
        assert await key_of(running.chat, message.author.id) not in json.dumps([posted, edited])
        assert message.key not in json.dumps([posted, edited])


def test_languages_are_forms_of_their_own() -> None:
    assert len({HTML, Form("html", "en"), Form("html", "ar"), JSON}) == 3
