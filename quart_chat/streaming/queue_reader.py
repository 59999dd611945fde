"""A reader that a response body drains: works on every ASGI server and protocol, and sees every stream through its
opening and its replay."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from quart_chat.streaming.reader import PATIENCE, Burst, Reason, Viewer

WAITING_FRAMES = 1024
WAITING_BYTES = 1024 * 1024
"""What may wait for one reader. Past that it is closed, and resumes from the log; nobody else notices. The frames are
the feed's own, the same for every reader, so that many slow readers do not hold many copies."""

STALLED = 60.0
"""Seconds after which a stream counts as old while one piece is still on its way: a portion of a replay at 1 KB/s, all
that may wait for a reader at 17 KB/s. Who takes nothing at all must not hold a replay as long as streams may live."""


class QueueReader:
    def __init__(self, viewer: Viewer, old_at: float, cut_off: Callable[[], object] | None = None) -> None:
        """Live until `old_at`, on the monotonic clock. `cut_off` ends whoever sends, inside of `sending`."""
        self.viewer = viewer
        self.old_at = old_at
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING_FRAMES)
        self._waiting = 0
        self._closed = False
        self._cut_off = cut_off
        self._sending_since: float | None = None

    @property
    def deadline(self) -> float:
        if self._sending_since is None:
            return self.old_at
        return min(self.old_at, self._sending_since + STALLED)

    @property
    def is_behind(self) -> bool:
        return self._waiting > 0 or self._sending_since is not None

    @property
    def closed(self) -> bool:
        return self._closed

    def write(self, burst: Burst) -> None:
        self._put(burst.data)

    def close(self, reason: Reason) -> None:
        if self._closed:
            return
        if reason is not Reason.SLOW:
            self._put(reason.farewell())
        self._closed = True
        self._frames.put_nowait(None)
        if self._sending_since is not None:
            self._lose_patience()

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Around everything that is sent, from the first byte to the farewell."""
        self._sending_since = time.monotonic()
        if self._closed:
            self._lose_patience()
        try:
            yield
        finally:
            self._sending_since = None

    async def frames(self) -> AsyncIterator[bytes]:
        """What was written, everything that waits at once, until the reader is closed."""
        while True:
            frame = await self._frames.get()
            chunk = []
            while frame is not None:
                chunk.append(frame)
                self._waiting -= len(frame)
                if self._frames.empty():
                    break
                frame = self._frames.get_nowait()
            if chunk:
                yield b"".join(chunk)
            if frame is None:
                return

    def _put(self, frame: bytes) -> None:
        if self._closed:
            return
        # One place is kept free for the end.
        if self._waiting + len(frame) > WAITING_BYTES or self._frames.qsize() >= WAITING_FRAMES - 1:
            self._drop()
            self.close(Reason.SLOW)
            return
        self._waiting += len(frame)
        self._frames.put_nowait(frame)

    def _lose_patience(self) -> None:
        # Whoever has stopped reading holds the sender up: it would never come to see the end.
        asyncio.get_running_loop().call_later(PATIENCE, self._give_up)

    def _give_up(self) -> None:
        if self._sending_since is not None and self._cut_off is not None:
            self._cut_off()

    def _drop(self) -> None:
        while not self._frames.empty():
            self._frames.get_nowait()
        self._waiting = 0
