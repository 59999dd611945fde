"""One open stream. A reader takes frames with `write` and ends with `close`; a feed knows nothing else about it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from enum import Enum
from typing import Protocol

from quart_chat.streaming import sse

WAITING_FRAMES = 1024
WAITING_BYTES = 1024 * 1024
"""What may wait for one reader. Past that it is closed, and resumes from the log; nobody else notices. The frames are
the feed's own, the same for every reader, so that many slow readers do not hold many copies."""

PATIENCE = 3.0
"""Seconds that a closed reader gets to take what is on its way. Then its response is cut off."""


class Reason(Enum):
    """Why a stream ends: the milliseconds, from and to, after which its reader should come back."""

    AGE = (0, 500)
    SHUTDOWN = (500, 4000)
    SLOW = (0, 0)


class Reader(Protocol):
    """The seam between the feed and whatever carries the bytes."""

    deadline: float
    """When the stream is old enough to end, on the monotonic clock."""

    def write(self, frame: bytes) -> None:
        """Take one or more whole events. Never waits, never raises."""

    def close(self, reason: Reason) -> None:
        """End the stream, with a farewell where there is room for one. May be called again."""


class QueueReader:
    """A reader that a response body drains: works on every ASGI server and protocol."""

    def __init__(self, age: float, task: asyncio.Task[object] | None = None) -> None:
        """Live for about `age` seconds. `task` is the one that sends what `frames` yields."""
        # Randomised, so that streams which began together do not end together.
        self.deadline = time.monotonic() + age * random.uniform(0.8, 1.2)
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING_FRAMES)
        self._waiting = 0
        self._closed = False
        self._task = task
        self._sending = False

    def write(self, frame: bytes) -> None:
        if self._closed:
            return
        # One place is kept free for the end.
        if self._waiting + len(frame) > WAITING_BYTES or self._frames.qsize() >= WAITING_FRAMES - 1:
            self._drop()
            self.close(Reason.SLOW)
            return
        self._waiting += len(frame)
        self._frames.put_nowait(frame)

    def close(self, reason: Reason) -> None:
        if self._closed:
            return
        if reason is not Reason.SLOW:
            self.write(sse.farewell(random.randint(*reason.value)))
        self._closed = True
        self._frames.put_nowait(None)
        if self._sending:
            # Whoever has stopped reading holds the sender up: it would never come to see the end.
            asyncio.get_running_loop().call_later(PATIENCE, self._cut_off)

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
                self._sending = True
                yield b"".join(chunk)
                self._sending = False
            if frame is None:
                return

    def _cut_off(self) -> None:
        if self._sending and self._task is not None:
            self._task.cancel()

    def _drop(self) -> None:
        while not self._frames.empty():
            self._frames.get_nowait()
        self._waiting = 0
