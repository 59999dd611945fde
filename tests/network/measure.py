"""By which way a message gets through a component, and how long the first one takes."""

import asyncio
import json
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.network.proxies import Component
from tests.network.ways import Visitor, Way

OPENING = 6.0
"""Seconds that a stream has for its first event and for a message: well below the 15 s until a heartbeat would push
what is held back out of a buffer."""

RESULTS = "QUART_CHAT_NETWORK_RESULTS"
"""The variable that names the file which measurements are added to. Without it nothing is written."""


@dataclass(frozen=True)
class Measured:
    """`way` is `stream` or `poll`; `ms` from before a message is posted until it is read, both through there."""

    way: str
    ms: float


def record(component: Component, **found: object) -> None:
    """Add a line to the file of this run, if there is one."""
    if path := os.environ.get(RESULTS):
        line = {"component": component.row, "configuration": component.configuration, **found}
        with Path(path).open("a") as file:
            file.write(json.dumps(line) + "\n")


async def measure(way: Way, room: str) -> Measured:
    """What a page would find out: whether streams come through, else by poll."""
    async with Visitor("Alice", way, room) as alice, Visitor("Bob", way, room) as bob:
        # The first request of each opens connections, and makes guests; neither is what is measured.
        await alice.post_message("I am here")
        await bob.client.get(f"/rooms/{room}")
        with suppress(TimeoutError, httpx.TransportError):
            return Measured("stream", await by_stream(alice, bob))
        return Measured("poll", await by_poll(alice, bob))


async def by_stream(alice: Visitor, bob: Visitor) -> float:
    """Milliseconds. Raises TimeoutError where streams are held back."""
    async with asyncio.timeout(OPENING), bob.listen() as stream:
        return await _until_read(alice, lambda: _from(stream.next("message")))


async def by_poll(alice: Visitor, bob: Visitor) -> float:
    """Milliseconds; the poll waits at the server when the message is posted, as far as one can know."""
    page = await bob.client.get(f"/rooms/{bob.room}/messages")
    parameters = {"after": page.headers["Chat-Cursor"], "wait": "20"}
    async with asyncio.timeout(OPENING):
        poll = asyncio.create_task(bob.client.get(f"/rooms/{bob.room}/poll", params=parameters))
        await asyncio.sleep(0.2)
        return await _until_read(alice, lambda: _text(poll))


async def _until_read(alice: Visitor, read: Callable[[], Awaitable[str]]) -> float:
    text = f"tea {secrets.token_hex(8)}"
    began = time.monotonic()
    reading = asyncio.ensure_future(read())
    posting = asyncio.create_task(alice.post_message(text))
    try:
        assert text in await reading, "the first thing that comes is that message"
        took = 1000 * (time.monotonic() - began)
        await posting
        return took
    finally:
        reading.cancel()
        posting.cancel()


async def _from(event: Awaitable[object]) -> str:
    return str(await event)


async def _text(answer: Awaitable[httpx.Response]) -> str:
    return (await answer).text
