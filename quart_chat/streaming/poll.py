"""A poll that is held until something happens. While it is, it has a seat like a stream."""

import asyncio

from quart_chat.streaming.feed import Feed
from quart_chat.streaming.feeds import Feeds
from quart_chat.streaming.reader import Reason, Viewer


class HeldPoll:
    """Waits. Whoever needs its seat may `close` it while it does, once."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = asyncio.timeout(None)

    def close(self, _: Reason) -> None:
        self._until.reschedule(asyncio.get_running_loop().time())

    async def wait(self, feed: Feed, position: int, seconds: float, viewer: Viewer) -> bool:
        """As `Gathering.wait_beyond`; False when it was closed."""
        try:
            async with self._until:
                await feed.polls.wait_beyond(position, seconds, viewer)
        except TimeoutError:
            return False
        return True


async def wait(feeds: Feeds, feed: Feed, position: int, seconds: float, viewer: Viewer) -> bool:
    """Return when the head is past `position`, the feed closed, the time up, or when the viewer may not read any more;
    False when others need the seat."""
    seconds = min(seconds, feeds.left(viewer))
    if feeds.seats is None or feed.head > position:
        await feed.polls.wait_beyond(position, seconds, viewer)
        return True
    poll = HeldPoll()
    seat = feeds.seats.take(viewer, poll)
    try:
        return await poll.wait(feed, position, seconds, viewer)
    finally:
        seat.leave()
