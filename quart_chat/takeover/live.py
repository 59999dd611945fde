"""What is left of a stream that has its own socket: a reader among the feed's, until one of both ends."""

from collections.abc import Awaitable

from quart_chat.asgi import Receive
from quart_chat.streaming.feed import Feed
from quart_chat.streaming.feeds import Feeds
from quart_chat.streaming.quota import Seat
from quart_chat.takeover.socket_reader import SocketReader


class Live:
    """MUST be made in the same step in which the reader has everything up to the feed's head, and ended once.

    The stream is counted already, and keeps its seat.
    """

    __slots__ = ("_feed", "_feeds", "_reader", "_seat")

    def __init__(self, feeds: Feeds, feed: Feed, reader: SocketReader, seat: Seat | None) -> None:
        self._feeds = feeds
        self._feed = feed
        self._reader = reader
        self._seat = seat
        if seat is not None:
            seat.holder = reader
        feed.join(reader)

    def run(self, receive: Receive) -> Awaitable[bool]:
        """Return when the stream is over; whether the end of the body is still to be sent."""
        return self._reader.live(receive)

    def end(self) -> None:
        self._reader.release()
        self._feed.leave(self._reader)
        self._feeds.ended(self._seat)
