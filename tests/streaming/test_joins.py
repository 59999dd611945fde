"""Replay meets live: whoever reads, from wherever and however badly connected, gets every event once and in order."""

import asyncio
import random as randoms
from contextlib import aclosing
from pathlib import Path

import pytest

from quart_chat.models import Message
from quart_chat.streaming import feed as feed_module
from quart_chat.streaming import queue_reader as reader_module
from quart_chat.streaming import ring as ring_module
from tests.sse import Parser
from tests.streaming.engine import Engine, LossyBroker, engine

WRITERS = 3
READERS = 8
ACTIONS = 40

OPENING = ("hello", "heartbeat")
"""What a stream begins with, each in a piece of its own."""


@pytest.fixture(autouse=True)
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ring, store and overflow all take part in a short test."""
    monkeypatch.setattr(ring_module, "RING_EVENTS", 16)
    monkeypatch.setattr(feed_module, "STEP", 7)
    monkeypatch.setattr(feed_module, "SLICE", 2)
    monkeypatch.setattr(reader_module, "WAITING_BYTES", 1500)


@pytest.mark.parametrize("seed", range(8))
async def test_every_reader_gets_every_event_once_and_in_order(tmp_path: Path, seed: int) -> None:
    random = randoms.Random(seed)
    async with engine(tmp_path, broker=LossyBroker(random), heartbeat=0.05) as running, asyncio.timeout(30):
        final: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        readers = [asyncio.create_task(read(running, final, random)) for _ in range(READERS)]
        await asyncio.gather(*(write(running, random) for _ in range(WRITERS)))
        final.set_result(await running.head())
        for start, seen in await asyncio.gather(*readers):
            assert seen == list(range(start + 1, final.result() + 1))


async def test_gap_is_filled_as_soon_as_the_next_event_shows_it(tmp_path: Path) -> None:
    broker = LossyBroker(randoms.Random(0), loss=0.0)
    async with engine(tmp_path, broker=broker, heartbeat=60) as running, asyncio.timeout(10):
        feed = await running.feed()
        parser = Parser()
        async with aclosing(running.stream(feed, None)) as body:
            for _ in OPENING:
                await anext(body)
            broker.mute = True
            for text in ("nobody", "was told", "of these"):
                await running.post(text)
            broker.mute = False
            await running.post("but of this one")
            arrived = []
            while len(arrived) < 4:
                arrived += parser.feed(await anext(body))
        assert [event.last_event_id for event in arrived] == [str(running.at(position)) for position in (1, 2, 3, 4)]


async def test_events_lost_at_the_end_arrive_with_the_next_heartbeat(tmp_path: Path) -> None:
    broker = LossyBroker(randoms.Random(0))
    broker.mute = True
    async with engine(tmp_path, broker=broker, heartbeat=0.05) as running, asyncio.timeout(10):
        feed = await running.feed()
        parser = Parser()
        async with aclosing(running.stream(feed, None)) as body:
            for _ in OPENING:
                await anext(body)
            await running.post("nobody was told of this")
            arrived = []
            while not arrived or arrived[-1].data != str(running.at(1)):
                arrived += parser.feed(await anext(body))
        assert [event.last_event_id for event in arrived if event.type == "message"] == [str(running.at(1))]


async def write(running: Engine, random: randoms.Random) -> None:
    own: list[Message] = []
    for number in range(ACTIONS):
        await pause(random)
        action = random.random()
        if own and action < 0.2:
            own.append(await running.edit(own.pop(random.randrange(len(own))), f"edited {number}"))
        elif own and action < 0.35:
            await running.delete(own.pop(random.randrange(len(own))))
        else:
            own.append(await running.post(f"text {number}", own[-1] if own else None))


async def read(running: Engine, final: asyncio.Future[int], random: randoms.Random) -> tuple[int, list[int]]:
    """Where a reader began, and the positions it got until it had everything. It may join at any time."""
    await pause(random, most=400)
    cursor = random.choice((None, running.at(random.randint(0, await running.head()))))
    start = cursor.position if cursor else None
    slow = random.choice((1, 1, 200))
    seen: list[int] = []
    while not final.done() or start is None or (seen[-1] if seen else start) < final.result():
        parser = Parser()
        patience = random.randint(1, 30)
        async with aclosing(running.stream(await running.feed(), cursor)) as body:
            async for chunk in body:
                # A connection breaks anywhere, in the middle of an event too; what came before it counts.
                patience -= 1
                end = len(chunk) if patience else random.randrange(len(chunk))
                for event in parser.feed(chunk[:end]):
                    assert event.type != "reset"
                    cursor = running.at(int(event.last_event_id.split(".")[1]))
                    start = cursor.position if start is None else start
                    if event.type == "message":
                        seen.append(cursor.position)
                if not patience or (final.done() and cursor is not None and cursor.position >= final.result()):
                    break
                await pause(random, most=slow)
    assert start is not None
    return start, seen


async def pause(random: randoms.Random, most: int = 10) -> None:
    """Let others go first, a random number of times."""
    for _ in range(random.randint(0, most)):
        await asyncio.sleep(0)
