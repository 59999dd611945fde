"""One stream from its first byte to its last: opening, replay, live."""

import functools
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from quart_chat.errors import StoreUnavailable
from quart_chat.models import Cursor
from quart_chat.streaming import sse
from quart_chat.streaming.feed import REPLAY_STEP, Feed
from quart_chat.streaming.feeds import Feeds
from quart_chat.streaming.queue_reader import QueueReader
from quart_chat.streaming.reader import Burst, Reason, Viewer, end_of_life
from quart_chat.takeover.exchange import Exchange
from quart_chat.takeover.live import Live
from quart_chat.takeover.socket_reader import SocketReader


@dataclass(frozen=True, slots=True)
class Terms:
    """What is the same for all streams of a server: `heartbeat` and `age` are in seconds."""

    replay_limit: int
    replay_bytes: int
    heartbeat: float
    age: float


def open_at_once(
    feeds: Feeds, feed: Feed, after: Cursor | None, terms: Terms, exchange: Exchange, viewer: Viewer
) -> Live | None:
    """A stream that is live already, where its connection can be taken over and the ring has all that its reader has
    missed: then nothing has to be waited for. None where it has to go the long way, by `stream`."""
    found = feed.at_hand(after, terms.replay_limit, viewer.form)
    transport = exchange.transport() if found else None
    if found is None or transport is None:
        return None
    reader = SocketReader(transport, viewer, end_of_life(terms.age, feeds.left(viewer)))
    live = Live(feeds, feed, reader, feeds.opened(reader))
    for piece in opening(feed.cursor(found.position), found.must_reset, terms.heartbeat):
        reader.write(piece)
    if found.frames:
        reader.write(Burst.of(found.frames))
    return live


async def stream(
    feeds: Feeds,
    feed: Feed,
    after: Cursor | None,
    terms: Terms,
    viewer: Viewer,
    cut_off: Callable[[], object],
    exchange: Exchange | None = None,
) -> AsyncGenerator[bytes | Live]:
    """The body of a stream that goes on after `after`; `cut_off` ends whoever is held up in sending it.

    It takes a seat of the viewer with its first byte. Where the connection can be taken over, the last
    that comes is the live stream, which goes on without the body.
    """
    reader = QueueReader(viewer, end_of_life(terms.age, feeds.left(viewer)), cut_off)
    seat = feeds.opened(reader)
    feed.admit(reader)
    live = None
    try:
        try:
            position, must_reset = await feed.resume(after, terms.replay_limit, terms.replay_bytes, viewer.form)
            for piece in opening(feed.cursor(position), must_reset, terms.heartbeat) if not reader.closed else ():
                with reader.sending():
                    yield piece.data
            while not reader.closed and (entries := await feed.entries_after(position, viewer.form, REPLAY_STEP)):
                if reader.closed:
                    break  # what was read meanwhile is as it is after that
                position = entries[-1].cursor
                with reader.sending():
                    yield feed.frames(entries, viewer.form)
        except StoreUnavailable:
            reader.close(Reason.UNAVAILABLE)
        # Nothing was handed out since `entries_after` found the head: there is no await in between.
        if exchange is not None and not reader.closed and (transport := exchange.transport()) is not None:
            live = Live(feeds, feed, SocketReader(transport, viewer, reader.old_at), seat)
            yield live
            return
        feed.join(reader)
        async for frames in reader.frames():
            with reader.sending():
                yield frames
    finally:
        feed.leave(reader)
        if live is None:
            feeds.ended(seat)


@functools.lru_cache(64)
def opening(start: Cursor, must_reset: bool, heartbeat: float) -> tuple[Burst, Burst]:
    """Two pieces: some scanners hold the first event back until a second comes. A reader that must reset has nothing
    yet of what a heartbeat would say was sent."""
    return (
        Burst.of(sse.hello(start, heartbeat)),
        Burst.of(sse.reset(start) if must_reset else sse.heartbeat(start)),
    )
