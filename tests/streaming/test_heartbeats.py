"""Heartbeats as a feed gives them: spread over their period, one to each reader, one frame for all."""

import asyncio
import math
import time
from collections import Counter
from pathlib import Path

from quart_chat.streaming.feed import TURNS, Feed
from quart_chat.streaming.reader import Burst, Reason, Viewer
from tests.sse import Parser, SSEvent
from tests.streaming.engine import ANYBODY, engine

READERS = 150
FAIR = READERS // TURNS


class Recorder:
    """A reader that keeps what it gets."""

    def __init__(self, deadline: float = math.inf, viewer: Viewer = ANYBODY) -> None:
        self.deadline = deadline
        self.viewer = viewer
        self.is_behind = False
        self.bursts: list[Burst] = []
        self.ended: Reason | None = None

    def write(self, burst: Burst) -> None:
        if self.ended is None:
            self.bursts.append(burst)

    def close(self, reason: Reason) -> None:
        self.ended = self.ended or reason

    @property
    def events(self) -> list[SSEvent]:
        return [event for burst in self.bursts for event in Parser().feed(burst.data)]


def join(feed: Feed, count: int, deadline: float = math.inf, viewer: Viewer = ANYBODY) -> list[Recorder]:
    readers = [Recorder(deadline, viewer) for _ in range(count)]
    for reader in readers:
        feed.admit(reader)
        feed.join(reader)
    return readers


async def turns(feed: Feed, readers: list[Recorder], count: int = TURNS) -> list[list[Burst]]:
    """What the readers got in each of the next turns."""
    heard = []
    for _ in range(count):
        before = [len(reader.bursts) for reader in readers]
        await feed._beat()
        heard.append([burst for reader, old in zip(readers, before, strict=True) for burst in reader.bursts[old:]])
    return heard


async def test_few_readers_hear_at_a_time(tmp_path: Path) -> None:
    async with engine(tmp_path) as running:
        feed = await running.feed()
        readers = join(feed, READERS)
        heard = [len(bursts) for bursts in await turns(feed, readers)]
        assert FAIR - 1 <= min(heard) <= max(heard) <= FAIR + 1


async def test_every_reader_hears_once_in_each_round(tmp_path: Path) -> None:
    async with engine(tmp_path) as running:
        feed = await running.feed()
        readers = join(feed, READERS)
        for number in (1, 2, 3):
            await turns(feed, readers)
            assert {len(reader.bursts) for reader in readers} == {number}


async def test_reader_that_joins_between_two_turns_hears_within_a_round(tmp_path: Path) -> None:
    async with engine(tmp_path) as running:
        feed = await running.feed()
        join(feed, 7)
        await turns(feed, [], 4)
        late = join(feed, 20)
        await turns(feed, late)
        assert {len(reader.bursts) for reader in late} == {1}


async def test_heartbeat_is_named_and_carries_the_head(tmp_path: Path) -> None:
    async with engine(tmp_path) as running, asyncio.timeout(10):
        feed = await running.feed()
        (reader,) = join(feed, 1)
        await turns(feed, [reader])
        await running.post("hello")
        await feed.wait_beyond(0, 10)
        await turns(feed, [reader])
        beats = [(event.type, event.data) for event in reader.events if event.type != "message"]
        assert beats == [("heartbeat", str(running.at(position))) for position in (0, 1)]


async def test_readers_of_a_turn_share_one_frame(tmp_path: Path) -> None:
    async with engine(tmp_path) as running:
        feed = await running.feed()
        for bursts in await turns(feed, join(feed, READERS)):
            assert len(bursts) > 1
            assert all(burst is bursts[0] for burst in bursts)


async def test_old_readers_end_in_their_turn(tmp_path: Path) -> None:
    async with engine(tmp_path) as running:
        feed = await running.feed()
        young, old = join(feed, READERS), join(feed, READERS, time.monotonic() - 1)
        ended: Counter[int] = Counter()
        for _ in range(TURNS):
            before = sum(reader.ended is not None for reader in old)
            await feed._beat()
            ended[sum(reader.ended is not None for reader in old) - before] += 1
        assert ended == {FAIR: TURNS}, "spread, so that they do not come back together"
        assert {reader.ended for reader in old} == {Reason.AGE}
        assert {reader.ended for reader in young} == {None}
        assert not [reader for reader in old if reader.bursts], "the farewell is their last event"


async def test_old_replay_ends_without_waiting_for_a_turn(tmp_path: Path) -> None:
    async with engine(tmp_path) as running:
        feed = await running.feed()
        replaying = Recorder(time.monotonic() - 1)
        feed.admit(replaying)
        await feed._beat()
        assert (replaying.ended, replaying.bursts) == (Reason.AGE, [])


async def test_nobody_hears_of_a_head_that_may_be_wrong(tmp_path: Path) -> None:
    async with engine(tmp_path) as running:
        feed = await running.feed()
        readers, old = join(feed, READERS), join(feed, READERS, time.monotonic() - 1)
        await turns(feed, [], TURNS - 1)
        heard = sum(len(reader.bursts) for reader in readers)
        await running.chat.database.close()
        assert await turns(feed, readers) == [[]] * TURNS
        assert {reader.ended for reader in old} == {Reason.AGE}, "age needs no store"
        await running.chat.database.open()
        again = [len(bursts) for bursts in await turns(feed, readers)]
        assert heard == READERS - FAIR
        assert again == [FAIR] * TURNS


async def test_heartbeats_go_on_by_themselves(tmp_path: Path) -> None:
    async with engine(tmp_path, heartbeat=0.15) as running, asyncio.timeout(20):
        readers = join(await running.feed(), READERS)
        while min(len(reader.bursts) for reader in readers) < 3:
            await asyncio.sleep(0.01)
        assert max(len(reader.bursts) for reader in readers) <= 4, "nobody is a round ahead"
        assert len({id(burst) for reader in readers for burst in reader.bursts}) >= 3 * TURNS


async def test_room_in_which_little_goes_on_is_left_alone(tmp_path: Path) -> None:
    """A thousand of them cost less than one in which much goes on: each is looked at when somebody is to hear."""
    async with engine(tmp_path) as running:
        feed = await running.feed()
        assert feed._coming() == TURNS, "once in a round, to ask the store for the head"
        (first,) = join(feed, 1)
        assert feed._coming() == TURNS, "it has its turn then"
        (second,) = join(feed, 1)
        assert feed._coming() == 1
        await feed._beat()
        assert (feed._coming(), len(second.bursts), len(first.bursts)) == (TURNS, 1, 0)
        feed.leave(second)
        await turns(feed, [first], TURNS - 1)
        assert (feed._coming(), len(first.bursts)) == (2 * TURNS, 1)
