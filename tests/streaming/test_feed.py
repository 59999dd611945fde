"""A room's feed: what its ring holds, where a reader goes on, how its streams end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from random import Random

import pytest

from quart_chat.errors import Draining, StoreUnavailable
from quart_chat.events import Event
from quart_chat.models import Cursor
from quart_chat.streaming import feed as feed_module
from quart_chat.streaming import ring as ring_module
from quart_chat.streaming.feeds import Feeds
from quart_chat.streaming.forms import HTML, Encoder
from quart_chat.streaming.ring import Entry
from tests.people import Fragment
from tests.sse import Parser
from tests.streaming.engine import Engine, HoldingBroker, LossyBroker, engine, html, shown, waved

FOREIGN = Cursor("elsewhere", 1)


def kept(feed: feed_module.Feed) -> list[Entry]:
    """What its ring holds, which is no more than it believes."""
    entries = sorted(feed._ring._entries.values(), key=lambda entry: entry.cursor)
    assert sum(entry.size for entry in entries) == feed._ring.size <= ring_module.RING_BYTES
    return entries


def told(entry: Entry) -> bytes:
    """All that an entry could say, in any form."""
    return entry.event.act.message.text.encode() + b"".join(part for parts in entry.encoded.values() for part in parts)


async def handed_out(running: Engine, position: int) -> feed_module.Feed:
    """The feed, once it has handed out the event at `position`."""
    feed = await running.feed()
    await feed.wait_beyond(position - 1, 10)
    assert feed.head >= position
    return feed


async def ending(running: Engine, **options: float) -> list[str]:
    """The types of the events of a new stream, to its end."""
    parser = Parser()
    async with aclosing(running.stream(await running.feed(), None, **options)) as body, asyncio.timeout(10):
        return [event.type async for chunk in body for event in parser.feed(chunk)]


async def test_ring_is_bounded_in_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_module, "RING_EVENTS", 5)
    async with engine(tmp_path) as running:
        await running.feed()
        for number in range(12):
            await running.post(f"text {number}")
        feed = await handed_out(running, 12)
        assert [entry.cursor for entry in kept(feed)] == [8, 9, 10, 11, 12]
        assert [entry.cursor for entry in await feed.entries_after(0, HTML)] == list(range(1, 13)), "from the store"
        assert [entry.cursor for entry in await feed.entries_after(9, HTML)] == [10, 11, 12]


async def test_ring_is_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_module, "RING_BYTES", 5000)
    async with engine(tmp_path) as running:
        await running.feed()
        for _ in range(10):
            await running.post("x" * 500)
        feed = await handed_out(running, 10)
        assert kept(feed)
        assert len(await feed.entries_after(0, HTML)) == 10


async def test_edits_that_grow_a_message_stay_within_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_module, "RING_BYTES", 50_000)
    async with engine(tmp_path) as running:
        await running.feed()
        message = await running.post("x")
        for number in range(20):
            await running.edit(message, f"{number}" * 1000)
        feed = await handed_out(running, 21)
        assert [entry.cursor for entry in kept(feed)] == [21]
        assert len(await running.replay()) == 21


async def test_ring_answers_without_the_store(tmp_path: Path) -> None:
    async with engine(tmp_path) as running:
        await running.feed()
        await running.post("one")
        await running.post("two")
        feed = await handed_out(running, 2)
        with pytest.raises(StopIteration) as finished:
            feed.entries_after(0, HTML).send(None)
        assert [entry.cursor for entry in finished.value.value] == [1, 2], "without giving up control"


async def test_new_feed_knows_the_newest_events_as_they_are_now(tmp_path: Path) -> None:
    """As after a restart: readers who come back find what they missed without asking the store."""
    async with engine(tmp_path) as running:
        await running.post("kept")
        await running.delete(await running.post("gone"))
        feed = await running.feed()
        with pytest.raises(StopIteration) as finished:
            feed.entries_after(0, HTML).send(None)
        entries = finished.value.value
        assert [entry.cursor for entry in entries] == [1, 2, 3]
        assert b"kept" in entries[0].encoded[HTML].frame
        assert all(b"gone" not in entry.encoded[HTML].frame for entry in entries)


@pytest.mark.parametrize("read_before", [True, False], ids=["from the ring", "from the store"])
async def test_replay_comes_in_portions(tmp_path: Path, read_before: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "REFILL", 0)
    async with engine(tmp_path) as running:
        if read_before:
            await running.feed()
        for _ in range(30):
            await running.post("x" * 8000)
        feed = await handed_out(running, 30)
        assert len(kept(feed)) == (30 if read_before else 0)
        async with aclosing(running.stream(feed, running.at(0))) as body:
            portions = [await anext(body)]
            while b"\nid: " + str(running.at(30)).encode() not in portions[-1]:
                portions.append(await anext(body))
        _hello, _heartbeat, *replay = portions
        sizes = [len(portion) for portion in replay]
        assert feed_module.PORTION // 2 < min(sizes[:-1]) <= max(sizes) <= feed_module.PORTION


async def test_event_larger_than_a_portion_is_one_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "PORTION", 100)
    async with engine(tmp_path) as running:
        for _ in range(3):
            await running.post("x" * 500)
        feed = await running.feed()
        assert [entry.cursor for entry in await feed.entries_after(1, HTML)] == [2]
        assert len(await running.replay()) == 3


async def test_replay_comes_in_steps(tmp_path: Path) -> None:
    async with engine(tmp_path) as running:
        for number in range(5):
            await running.post(f"text {number}")
        feed = await running.feed()
        assert [entry.cursor for entry in await feed.entries_after(1, HTML, 2)] == [2, 3]


@pytest.mark.parametrize(
    ("after", "limit", "expected"),
    [
        (None, 1000, (5, False)),
        (0, 1000, (0, False)),
        (3, 1000, (3, False)),
        (5, 1000, (5, False)),
        (6, 1000, (5, True)),
        (10**17, 1000, (5, True)),
        (2, 3, (2, False)),
        (1, 3, (5, True)),
        (FOREIGN, 1000, (5, True)),
        (Cursor("", 0), 1000, (5, True)),
    ],
    ids=["none", "start", "middle", "head", "future", "far", "at the limit", "expired", "foreign", "no cursor"],
)
async def test_reader_goes_on(
    tmp_path: Path, after: Cursor | int | None, limit: int, expected: tuple[int, bool]
) -> None:
    async with engine(tmp_path) as running:
        for number in range(5):
            await running.post(f"text {number}")
        feed = await running.feed()
        cursor = running.at(after) if isinstance(after, int) else after
        assert await feed.resume(cursor, limit, 2**40, HTML) == expected


@pytest.mark.parametrize("kept", [True, False], ids=["from the ring", "from the store"])
async def test_reader_that_has_missed_too_many_bytes_begins_anew(
    tmp_path: Path, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quart_chat.streaming.feed.REFILL", 50 if kept else 1)
    async with engine(tmp_path) as running:
        for _ in range(30):
            await running.post("x" * 1000)
        feed = await running.feed()
        assert await feed.resume(running.at(0), 1000, 100_000, HTML) == (0, False)
        assert await feed.resume(running.at(0), 1000, 25_000, HTML) == (30, True)
        assert await feed.resume(running.at(15), 1000, 1, HTML) == (15, False), "few are not even counted"


async def test_cursor_that_is_committed_but_not_handed_out_is_no_future(tmp_path: Path) -> None:
    broker = HoldingBroker()
    async with engine(tmp_path, broker=broker) as running, asyncio.timeout(10):
        feed = await running.feed()
        await running.post("its author has the answer already")
        resumed = asyncio.create_task(feed.resume(running.at(1), 1000, 2**40, HTML))
        while not broker.held or feed.head:
            await asyncio.sleep(0)
        broker.release()
        assert await resumed == (1, False)


async def test_cursor_that_is_never_handed_out_is_reset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "STORE_PAUSE", 0.05)
    async with engine(tmp_path, broker=HoldingBroker()) as running, asyncio.timeout(10):
        feed = await running.feed()
        await running.post("held back")
        assert await feed.resume(running.at(1), 1000, 2**40, HTML) == (0, True)


async def test_old_stream_ends_with_a_farewell_at_a_heartbeat(tmp_path: Path) -> None:
    async with engine(tmp_path, heartbeat=0.05) as running:
        assert await ending(running, age=0.0) == ["hello", "heartbeat", "farewell"]


async def test_stream_that_replays_is_no_idle_one(tmp_path: Path) -> None:
    async with engine(tmp_path) as running:
        await running.post("missed")
        feed = await running.feed()
        async with aclosing(running.stream(feed, running.at(0))) as body:
            for _ in range(3):
                await anext(body)
                assert feed.idle_since is None
        assert feed.idle_since is not None


async def test_draining_ends_streams_and_accepts_no_new_ones(tmp_path: Path) -> None:
    async with engine(tmp_path) as running:
        stream = asyncio.create_task(ending(running))
        while not running.feeds.open_streams:
            await asyncio.sleep(0)
        await running.feeds.drain()
        assert await stream == ["hello", "heartbeat", "farewell"]
        assert running.feeds.open_streams == 0
        with pytest.raises(Draining):
            await running.feed()


async def test_stream_that_was_opening_when_draining_began_ends_too(tmp_path: Path) -> None:
    async with engine(tmp_path) as running:
        opening = asyncio.create_task(running.feed())
        await asyncio.sleep(0)
        await running.feeds.drain()
        with pytest.raises(Draining):
            await opening


async def test_feed_that_nobody_reads_is_let_go_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quart_chat.streaming.feeds.IDLE", 0.0)
    async with engine(tmp_path, heartbeat=0.02) as running, asyncio.timeout(10):
        first = await running.feed()
        while not first.closed:
            await asyncio.sleep(0.01)
        await running.post("while nobody read")
        while (second := await running.feed()) is first:
            await asyncio.sleep(0)
        assert second.head == 1


async def test_failure_to_open_leaves_room_for_the_next_attempt(tmp_path: Path) -> None:
    async with engine(tmp_path) as running:
        chat = running.chat
        await chat.database.close()
        feeds = Feeds(chat, {HTML: Encoder(html, waved)}, 60)
        failed = await asyncio.gather(*(feeds.get(running.room) for _ in range(3)), return_exceptions=True)
        assert {type(error).__name__ for error in failed} == {"StoreUnavailable"}
        await chat.database.open()
        feed, again = await feeds.get(running.room), await feeds.get(running.room)
        assert feed is again
        await feeds.close()


async def test_deleted_text_is_in_no_ring_and_in_no_replay(tmp_path: Path) -> None:
    async with engine(tmp_path, encode=html) as running:
        feed = await running.feed()
        message = await running.post("the secret word is plover")
        await running.edit(message, "forget that plover")
        await running.delete(message)
        await handed_out(running, 3)
        assert [entry.cursor for entry in kept(feed)] == [3]
        assert not [entry for entry in kept(feed) if b"plover" in told(entry)]
        assert not [event for event in await running.replay() if "plover" in event.data]


async def test_what_is_forgotten_is_read_once_and_kept_until_it_changes_again(tmp_path: Path) -> None:
    encoded: list[Event] = []

    def counted(event: Event) -> str:
        encoded.append(event)
        return shown(event)

    async with engine(tmp_path, encode=counted) as running:
        feed = await running.feed()
        message = await running.post("0")
        await running.post("between")
        for number in range(1, 21):
            await running.edit(message, str(number))
        await handed_out(running, 22)
        assert [entry.cursor for entry in kept(feed)] == [2, 22]
        assert [event.last_event_id for event in await running.replay()] == [str(running.at(n)) for n in range(1, 23)]
        assert [entry.cursor for entry in kept(feed)] == list(range(1, 23)), "the next reader finds them"
        assert len(encoded) == 22
        assert await running.replay()
        assert len(encoded) == 22, "in each form once"
        texts = [entry.encoded[HTML].fragment.decode().rpartition(": ")[2] for entry in kept(feed)]
        assert texts == ["20", "between", *["20"] * 20]
        await running.delete(message)
        await handed_out(running, 23)
        assert [entry.cursor for entry in kept(feed)] == [2, 23]


class Interrupted:
    """A room's log in the store, in which something happens after it was read and before the reader has it."""

    def __init__(self, log: feed_module.Log, happens: Callable[[], Awaitable[object]]) -> None:
        self._log = log
        self._happens: Callable[[], Awaitable[object]] | None = happens
        self.head = log.head
        self.size_after = log.size_after

    async def after(self, cursor: int, limit: int) -> tuple[Sequence[Event], int]:
        found = await self._log.after(cursor, limit)
        happens, self._happens = self._happens, None
        if happens is not None:
            await happens()
        return found


class Slow:
    """A room's log in the store, which answers the feed, and readers when it is let."""

    def __init__(self, log: feed_module.Log) -> None:
        self._log = log
        self.asking = 0
        self.free = asyncio.Event()
        self.head = log.head
        self.size_after = log.size_after

    async def after(self, cursor: int, limit: int) -> tuple[Sequence[Event], int]:
        if limit < feed_module.STEP:
            self.asking += 1
            await self.free.wait()
            self.asking -= 1
        return await self._log.after(cursor, limit)


async def test_readers_who_all_missed_much_ask_the_store_in_turn_and_keep_the_feed_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "REFILL", 0)
    broker = LossyBroker(Random(1), 0)
    async with engine(tmp_path, broker=broker) as running, asyncio.timeout(20):
        for number in range(30):
            await running.post(f"text {number}")
        feed = await running.feed()
        slow = feed._stored = Slow(feed._stored)
        readers = [asyncio.create_task(running.replay()) for _ in range(200)]
        leaving = [asyncio.create_task(running.replay()) for _ in range(20)]
        while len(feed._replaying) < 220 or slow.asking < feed_module.READING:
            await asyncio.sleep(0)
        broker.mute = True
        await running.post("lost")
        broker.mute = False
        await running.post("by which the feed sees it")
        while feed.head < 32:
            await asyncio.sleep(0)
        assert slow.asking == feed_module.READING
        for reader in leaving:
            reader.cancel()
        slow.free.set()
        for found in await asyncio.gather(*readers):
            assert [event.last_event_id for event in found] == [str(running.at(n)) for n in range(1, 33)]


async def test_reader_of_a_feed_that_falls_behind_the_store_is_told_to_come_back_and_then_gets_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not held for longer than a page waits for a poll, and shown nothing meanwhile."""
    monkeypatch.setattr(feed_module, "REFILL", 0)
    monkeypatch.setattr(feed_module, "BEHIND", 0.05)
    monkeypatch.setattr(feed_module, "STORE_PAUSE", 0.01)
    broker = HoldingBroker()
    async with engine(tmp_path, broker=broker) as running, asyncio.timeout(10):
        await running.post("first")
        feed = await running.feed()
        await running.post("second")
        broker.held.clear()

        class Failing(Slow):
            async def after(self, cursor: int, limit: int) -> tuple[Sequence[Event], int]:
                if limit == feed_module.STEP:
                    raise StoreUnavailable
                return await self._log.after(cursor, limit)

        stored, feed._stored = feed._stored, Failing(feed._stored)
        parser = Parser()
        async with aclosing(running.stream(feed, running.at(0))) as body:
            events = [event async for chunk in body for event in parser.feed(chunk)]
        assert [event.type for event in events] == ["hello", "heartbeat", "farewell"]
        assert '"reason": "unavailable"' in events[-1].data
        assert not running.feeds.open_streams
        with pytest.raises(StoreUnavailable):  # what a poll is answered with
            await feed.entries_after(0, HTML)
        feed._stored = stored
        monkeypatch.setattr(feed_module, "BEHIND", 600.0)
        found = await running.replay()
        assert [event.last_event_id for event in found] == [str(running.at(n)) for n in (1, 2)]


@pytest.mark.parametrize("more", [0, 5], ids=["alone", "before more than is remembered"])
async def test_text_that_is_deleted_while_the_store_is_read_is_not_what_the_reader_gets(
    tmp_path: Path, more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with engine(tmp_path, encode=html) as running, asyncio.timeout(10):
        feed = await running.feed()
        first = await running.post("first")
        secret = await running.post("the secret word is plover")
        await running.edit(first, "first again")
        await running.edit(secret, "forget that plover")
        await handed_out(running, 4)

        async def deletes() -> None:
            await running.delete(secret)
            for number in range(more):
                monkeypatch.setattr(ring_module, "RING_EVENTS", 2)
                await running.edit(await running.post("other"), f"{number}")
            await handed_out(running, 5 + 2 * more)

        feed._stored = Interrupted(feed._stored, deletes)
        entries = await feed.entries_after(0, HTML)
        if not more:
            assert [entry.cursor for entry in entries] == [1], "up to what has changed"
            entries += await feed.entries_after(1, HTML)
        assert [entry.cursor for entry in entries] == list(range(1, 6 + 2 * more))
        assert not [entry for entry in [*entries, *kept(feed)] if b"plover" in told(entry)]


async def test_deleted_text_is_not_replayed_from_the_store(tmp_path: Path) -> None:
    async with engine(tmp_path, encode=html) as running:
        message = await running.post("the secret word is plover")
        await running.delete(message)
        replayed = await running.replay()
        assert len(replayed) == 2
        assert not [event for event in replayed if "plover" in event.data]


@pytest.mark.parametrize("read_before", [True, False], ids=["from the ring", "from the store"])
async def test_replay_shows_the_text_as_it_is_now(tmp_path: Path, read_before: bool) -> None:
    async with engine(tmp_path, encode=html) as running:
        if read_before:
            await running.feed()
        message = await running.post("frist")
        await running.edit(message, "first")
        await handed_out(running, 2)
        posted, edited = await running.replay()
        assert [Fragment(event.data).text for event in (posted, edited)] == ["first", "first"]


async def test_late_event_does_not_bring_back_an_older_text(tmp_path: Path) -> None:
    broker = HoldingBroker()
    async with engine(tmp_path, broker=broker, encode=html) as running:
        feed = await running.feed()
        message = await running.post("one")
        await running.edit(message, "two plover")
        await running.delete(message)
        # The first event is lost: the feed reads the log, in which the message is gone; then come the other two.
        del broker.held[0]
        broker.release()
        await handed_out(running, 3)
        assert not [entry for entry in kept(feed) if b"plover" in told(entry)]
