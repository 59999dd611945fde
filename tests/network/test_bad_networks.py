"""Packets that are late, lost, or do not come at all for a minute: nothing is lost, nothing comes twice."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.delivery import readers, writers
from tests.delivery.ledger import Ledger
from tests.delivery.readers import Reader
from tests.delivery.verdict import judge_database, judge_reader, whole_room
from tests.network import storm
from tests.network.namespaces import Network, network
from tests.people import Person
from tests.serving import Server

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(240),
    # Sockets that wait for a network that is gone are given up.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

WRITERS = 3

SECONDS = 20.0
"""How long people write while packets are late."""

MINUTE = 60.0

BACK = 15.0
"""Seconds after the packets in which everybody has everything: by then a few new connections were tried."""


@pytest.mark.parametrize(
    ("trouble", "seconds"),
    [(Network.late, SECONDS), (Network.gone, MINUTE)],
    ids=["300 ms and 5 % loss", "a minute without packets"],
)
async def test_nothing_is_lost_and_nothing_comes_twice(
    trouble: Callable[[Network], Awaitable[None]], seconds: float, tmp_path: Path
) -> None:
    ledger, chance = Ledger(), random.Random()
    async with (
        network() as bad,
        across(bad, tmp_path) as server,
        Person("Stream", server.url) as one,
        Person("Poll", server.url) as other,
        AsyncExitStack() as stack,
    ):
        stopping = asyncio.Event()
        audience = [await readers.open_page(one, "by stream"), await readers.open_page(other, "by poll")]
        reading = await stack.enter_async_context(asyncio.TaskGroup())
        tasks = [
            reading.create_task(readers.read(way, person, reader, ledger, random.Random(), stopping))
            for way, person, reader in zip([storm.by_stream, storm.by_poll], [one, other], audience, strict=True)
        ]
        async with asyncio.TaskGroup() as writing:
            for _ in range(WRITERS):
                writing.create_task(writers.write(server.url, ledger, random.Random(chance.random()), stopping))
            await asyncio.sleep(2)
            await trouble(bad)
            await asyncio.sleep(seconds)
            await bad.good()
            came_back = time.monotonic()
            stopping.set()
        room, head = await whole_room(one)
        while any(reader.position < head for reader in audience):
            assert time.monotonic() < came_back + 2 * BACK, [
                (reader.name, reader.position, head) for reader in audience
            ]
            await asyncio.sleep(0.05)
        took = time.monotonic() - came_back
        for task in tasks:
            task.cancel()
        judge(server, audience, room, ledger)
    print(f"{ledger}; everybody had everything {took:.1f} s after the network was good again")
    assert took < BACK


def judge(server: Server, audience: list[Reader], room: dict[int, readers.Fragment], ledger: Ledger) -> None:
    log = judge_database(server.folder / "quart_chat.db", ledger)
    for reader in audience:
        judge_reader(reader, log, room, ledger)


@asynccontextmanager
async def across(bad: Network, folder: Path) -> AsyncIterator[Server]:
    """A server at the other end."""
    server = bad.server(Server(folder, dict(storm.SETTINGS)))
    await server.start()
    try:
        yield server
    finally:
        await server.kill()
