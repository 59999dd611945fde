"""The polls that wait in one room, and when they are answered.

A stream costs a system call for each message, a poll a whole request. So all that wait are answered together, and then
not again before a pause that grows with their number: what happens meanwhile goes out in one answer. Where nothing has
happened for a while there is no pause, and everybody hears at once.
"""

import asyncio
from collections.abc import Callable

from quart_chat.streaming.reader import Viewer

COST = 0.002
"""Seconds of pause for each poll that was answered, several times what answering one takes: the polls of a room leave
most of a core to everybody else."""

LONGEST = 1.0
"""Seconds that a pause may have."""


class Gathering:
    def __init__(self, head: int) -> None:
        self._head = head
        self._closed = False
        self._waiting: dict[asyncio.Future[None], tuple[int, Viewer]] = {}
        self._free_at = 0.0
        self._due: asyncio.TimerHandle | None = None

    async def wait_beyond(self, position: int, seconds: float, viewer: Viewer) -> None:
        """Return when the head is past `position` and there is no pause, when it is over, or when the time is up."""
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[answered] = position, viewer
        try:
            if self._closed or self._head > position:  # else all that wait would be gone through for nothing
                self._look()
            async with asyncio.timeout(seconds):
                await answered
        except TimeoutError:
            pass
        finally:
            del self._waiting[answered]

    def happened(self, head: int) -> None:
        """The head has moved."""
        self._head = head
        self._look()

    @property
    def viewers(self) -> list[Viewer]:
        return [viewer for _, viewer in self._waiting.values()]

    def dismiss(self, keeps: Callable[[Viewer], bool]) -> None:
        """Answer those who may not wait any longer. There is no pause for them."""
        for answered, (_, viewer) in self._waiting.items():
            if not answered.done() and not keeps(viewer):
                answered.set_result(None)

    def close(self) -> None:
        """Answer everybody, now and from now on."""
        self._closed = True
        self._answer()

    def _look(self) -> None:
        if not self._waiting:
            return
        loop = asyncio.get_running_loop()
        if self._closed or loop.time() >= self._free_at:
            self._answer()
        elif self._due is None:
            self._due = loop.call_at(self._free_at, self._answer)

    def _answer(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        count = 0
        for answered, (position, _) in self._waiting.items():
            if (self._closed or self._head > position) and not answered.done():
                answered.set_result(None)
                count += 1
        if count:
            self._free_at = asyncio.get_running_loop().time() + min(COST * count, LONGEST)
