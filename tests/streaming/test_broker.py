"""What the broker carries, and what a feed makes of it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from quart_chat.broker import memory
from quart_chat.broker.broker import Broker, Position, Topic
from quart_chat.broker.memory import MemoryBroker
from quart_chat.events import Erased, Event
from quart_chat.streaming.feed import BATCH
from tests.streaming.engine import Engine, HoldingBroker, engine
from tests.streaming.test_heartbeats import Recorder, join


@dataclass(frozen=True)
class Waving:
    """A signal for tests."""

    user_id: int
    kind = "waving"


async def everything(running: Engine, reader: Recorder, position: int) -> list[str]:
    """The ids of the messages that a reader has, once it has the one at `position`."""
    while not reader.events or reader.events[-1].last_event_id != str(running.at(position)):
        await asyncio.sleep(0)
    return [event.last_event_id for event in reader.events if event.type == "message"]


async def test_signal_reaches_whoever_hears_of_its_topic_and_is_kept_by_nobody() -> None:
    broker: Broker = MemoryBroker()
    room, user = Topic.room(1), Topic.user(1)
    with broker.subscribe(room) as inbox, broker.subscribe(room) as second, broker.subscribe(user) as other:
        broker.signal(room, Waving(5))
        assert (inbox.get_nowait(), second.get_nowait(), other.empty()) == (Waving(5), Waving(5), True)
        broker.signal(user, Waving(6))
        assert (inbox.empty(), other.get_nowait()) == (True, Waving(6))
    broker.signal(room, Waving(5))
    with broker.subscribe(room) as inbox:
        assert inbox.empty()
    assert (str(room), str(user)) == ("room:1", "user:1")


async def test_whoever_watches_hears_in_which_rooms_something_was_committed_until_they_stop() -> None:
    broker: Broker = MemoryBroker()
    heard: list[int] = []
    with broker.watch(heard.append):
        broker.publish([Event(room_id, 1, 0, None, Erased()) for room_id in (3, 1, 3)])
    broker.publish([Event(4, 1, 0, None, Erased())])
    assert heard == [3, 1, 3]


async def test_inbox_that_is_full_loses_what_comes_and_signals_push_no_event_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "INBOX", 5)
    monkeypatch.setattr(memory, "SIGNALS", 2)
    broker = HoldingBroker()
    async with engine(tmp_path, broker=broker) as running:
        for number in range(9):
            await running.post(f"text {number}")
        topic = Topic.room(running.room.id)
        with broker.subscribe(topic) as inbox:
            for user in range(9):
                broker.signal(topic, Waving(user))
            broker.release()
            broker.signal(topic, Waving(9))
            found = [inbox.get_nowait() for _ in range(inbox.qsize())]
        assert found[:2] == [Waving(0), Waving(1)]
        assert [event.cursor for event in found[2:] if isinstance(event, Event)] == [1, 2, 3]


async def test_position_ahead_of_the_head_is_a_gap_that_the_store_fills(tmp_path: Path) -> None:
    """As another process tells of what it has committed: late, twice, and not in order."""
    async with engine(tmp_path, broker=HoldingBroker()) as running, asyncio.timeout(10):
        feed = await running.feed()
        (reader,) = join(feed, 1)
        for number in range(5):
            await running.post(f"text {number}")
        for cursor in (2, 1, 2):
            feed._inbox.put_nowait(Position(cursor))
        feed._inbox.put_nowait(Waving(1))
        feed._inbox.put_nowait(Position(5))
        assert await everything(running, reader, 5) == [str(running.at(position)) for position in range(1, 6)]


async def test_what_never_ends_keeps_no_heartbeat_back(tmp_path: Path) -> None:
    async with engine(tmp_path, heartbeat=0.15) as running, asyncio.timeout(20):
        feed = await running.feed()
        (reader,) = join(feed, 1)
        while not any(event.type == "heartbeat" for event in reader.events):
            for _ in range(BATCH):
                running.chat.broker.signal(Topic.room(running.room.id), Waving(1))
            await asyncio.sleep(0)
