"""Three idle minutes cost no reconnect, behind proxies that cut idle connections after 20 s, or after longer."""

import asyncio

import pytest

from tests.network.measure import OPENING
from tests.network.proxies import Built
from tests.network.test_ways import POLLED
from tests.network.ways import Visitor, Way
from tests.serving import Server
from tests.web.conftest import new_room

IDLE = 180.0
"""Seconds."""


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_three_idle_minutes_cost_no_reconnect(upstream: Server, components: dict[str, Built]) -> None:
    """Through every component at once, those with ordinary timeouts too. Heartbeats are 15 s apart."""
    room = await new_room(upstream)

    async def sit(name: str) -> int:
        async with Visitor("Alice", components[name].way, room) as alice, alice.listen() as stream:
            heartbeats = 0
            async with asyncio.timeout(IDLE + 30):
                while (await stream.next(seconds=30)).type != "message":
                    heartbeats += 1
            return heartbeats

    async with Visitor("Bob", Way(upstream.url), room) as bob, asyncio.TaskGroup() as sitting:
        readers = {name: sitting.create_task(sit(name)) for name in components if name not in POLLED}
        await asyncio.sleep(OPENING + IDLE)
        await bob.post_message("still there?")
    assert all(reader.result() >= IDLE // 15 - 1 for reader in readers.values())
