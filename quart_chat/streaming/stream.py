"""One stream from its first byte to its last: opening, replay, live."""

import asyncio
from collections.abc import AsyncIterator

from quart_chat.models import Cursor
from quart_chat.streaming import sse
from quart_chat.streaming.feed import REPLAY_STEP, Feed
from quart_chat.streaming.feeds import Feeds
from quart_chat.streaming.handover import Handover
from quart_chat.streaming.live import Live
from quart_chat.streaming.places import Caller
from quart_chat.streaming.queue_reader import QueueReader
from quart_chat.streaming.socket_reader import SocketReader


async def stream(
    feeds: Feeds,
    feed: Feed,
    after: Cursor | None,
    *,
    replay_limit: int,
    heartbeat: float,
    age: float,
    caller: Caller | None = None,
    handover: Handover | None = None,
) -> AsyncIterator[bytes]:
    """The body of a stream that goes on after `after`. `heartbeat` and `age` are in seconds.

    It takes a place of `caller`, if there is one, with its first byte. Where the connection can be handed over, the
    body ends when the stream is live, and goes on without it.
    """
    task = asyncio.current_task()
    assert task is not None
    reader = QueueReader(age, task.cancel if handover is None else lambda: handover.abort() or task.cancel())
    place = feeds.opened(caller, reader)
    feed.admit(reader)
    try:
        position, must_reset = await feed.resume(after, replay_limit)
        start = feed.cursor(position)
        # Two pieces: some scanners hold the first event back until a second comes. A reader that must reset has nothing
        # yet of what a heartbeat would say was sent.
        for opening in (sse.hello(start, heartbeat), sse.reset(start) if must_reset else sse.heartbeat(start)):
            with reader.sending():
                yield opening
        while not reader.closed and (entries := await feed.entries_after(position, REPLAY_STEP)):
            position = entries[-1].cursor
            with reader.sending():
                yield b"".join(entry.frame for entry in entries)
        # Nothing was handed out since `entries_after` found the head: there is no await in between.
        if handover is not None and not reader.closed and (transport := handover.transport()) is not None:
            handover.take(Live(feeds, feed, SocketReader(transport, reader.old_at), place))
            return
        feed.join(reader)
        async for frames in reader.frames():
            with reader.sending():
                yield frames
    finally:
        feed.leave(reader)
        if handover is None or handover.live is None:
            feeds.ended(place)
