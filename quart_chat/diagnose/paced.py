"""Answers whose timing is known: each says in itself when it was sent."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

from quart_chat.diagnose.headers import Headers
from quart_chat.http.serving import Serving
from quart_chat.streaming import sse

EVENTS = 6
INTERVAL = 1.0
"""Seconds between two of them. Longer than a lost packet takes to be sent again, and short enough to wait for."""

Pieces = AsyncIterator[bytes | float]
"""What is sent, and seconds of silence in between."""


async def paced(sent_with: Headers) -> Pieces:
    """One event at once, padded as those of the rooms are, and others one by one."""
    began = time.monotonic()
    opening = {"sent": 0.0, "events": EVENTS, "headers": sent_with}
    yield sse.PADDING + sse.frame(json.dumps(opening), event="paced")
    for _ in range(EVENTS - 1):
        yield INTERVAL
        yield sse.frame(json.dumps({"sent": time.monotonic() - began}), event="paced")


async def silent(seconds: float) -> Pieces:
    """One event, padded, and one more after a silence."""
    yield sse.PADDING + sse.frame(json.dumps({"silence": seconds}), event="silence")
    yield seconds
    yield sse.frame(json.dumps({"silence": 0}), event="spoken")


async def held(serving: Serving, address: str, pieces: Pieces) -> AsyncIterator[bytes]:
    """Send them; end at once where there is no room for one more, and as soon as the server is about to stop."""
    if not serving.allowance.hold(address):
        return
    stopping = serving.feeds.stopping
    try:
        async for piece in pieces:
            if isinstance(piece, bytes):
                yield piece
            elif await _is_set_within(stopping, piece):
                return
    finally:
        serving.allowance.release(address)


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
