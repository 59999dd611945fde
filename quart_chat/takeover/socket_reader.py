"""A reader that owns its connection: what is written goes to the socket at once, and nothing else is kept."""

import asyncio

from quart_chat.asgi import Receive
from quart_chat.streaming.reader import PATIENCE, Burst, Reason, Viewer

WAITING_BYTES = 256 * 1024
"""What may wait for one reader besides what the kernel holds for it (megabytes, where it sees fit). Less than a queue
reader may have, because here every slow reader has a copy of its own."""

FLUSH = 0.05
"""Seconds between looks at whether a farewell has gone out."""


class SocketReader:
    """Writes HTTP/1.1 chunks to a connection whose response has begun, from now on the only one to do so."""

    __slots__ = ("_closed", "_patience", "_transport", "_until", "deadline", "viewer")

    def __init__(self, transport: asyncio.Transport, viewer: Viewer, deadline: float) -> None:
        self.viewer = viewer
        self.deadline = deadline
        self._transport = transport
        self._closed = False
        self._until: asyncio.Timeout | None = None
        self._patience: asyncio.TimerHandle | None = None

    @property
    def is_behind(self) -> bool:
        return self._transport.get_write_buffer_size() > 0

    def write(self, burst: Burst) -> None:
        transport = self._transport
        if self._closed:
            return
        if transport.is_closing():
            # The peer is gone, which the server behind it need not have noticed: bytes sent after the request hide it.
            self._end()
            return
        transport.write(burst.chunk)
        if transport.get_write_buffer_size() > WAITING_BYTES:
            self.close(Reason.SLOW)

    def close(self, reason: Reason) -> None:
        if self._closed:
            return
        if reason is Reason.SLOW:
            # Whatever waits is dropped with the connection: what has arrived is a beginning, the log has the rest.
            self._transport.abort()
        else:
            self.write(Burst.of(reason.farewell()))
        self._end()

    async def live(self, receive: Receive) -> bool:
        """Return when the reader is closed or its peer has gone; whether the body is still to be ended."""
        try:
            async with asyncio.timeout(None) as self._until:
                while not self._closed:
                    if (await receive())["type"] == "http.disconnect":
                        if self._transport.get_write_buffer_size():
                            # A server that closes such a connection waits until its peer has taken the rest.
                            self._transport.abort()
                        return False
        except TimeoutError:
            pass
        # Not for ever: `_patience` ends it. A transport tells nobody but its protocol that it has written everything.
        while self._transport.get_write_buffer_size():  # noqa: ASYNC110
            await asyncio.sleep(FLUSH)
        return not self._transport.is_closing()

    def release(self) -> None:
        """Let go of the connection: somebody else may write to it now."""
        self._closed = True
        if self._patience is not None:
            self._patience.cancel()

    def _end(self) -> None:
        self._closed = True
        loop = asyncio.get_running_loop()
        if self._transport.get_write_buffer_size():
            # Whoever has stopped reading would keep the connection from ever being closed.
            self._patience = loop.call_later(PATIENCE, self._transport.abort)
        if self._until is not None:
            self._until.reschedule(loop.time())
