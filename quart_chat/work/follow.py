"""Reads the logs of all rooms for one piece of work after a commit, from a cursor that is stored for each room.

At least once: that something is done is stored after it was done. Whatever is killed in between is done again.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import structlog

from quart_chat.domain import following
from quart_chat.domain.chat import Chat
from quart_chat.domain.following import Waiting
from quart_chat.errors import ChatError
from quart_chat.events import Event
from quart_chat.models import Room

log = structlog.get_logger()

GATHER = 0.1
"""Seconds from a commit until its work begins, and at least between two rounds that leave nothing undone: a busy server
stores ten times a second how far the work is, and not after every post."""

ROOMS = 200
"""Of how many rooms a round has something at most."""

EVENTS = 200
"""How many events a round has at most: with the longest messages six megabytes."""

TURN = 2.0
"""Seconds after which a room's other events wait for the next round."""

LONGEST = 30.0
"""Seconds after that until work has failed that does not end."""

LOOK = 5.0
"""Seconds between two looks at the store for what the broker has not told: commands beside the server tell nobody."""

SLACK = 60_000
"""Milliseconds that a look reaches behind the last one: from when an event says that it happened until it is committed,
and as far as clocks of several machines may differ."""

RETRY = (1.0, 60.0)
"""Seconds until failed work is tried again: the first time, and at most; each time twice as long."""

STOP = 1.0
"""Seconds for what is left to be done when the server stops."""

EXPECTED = (OSError, ChatError)
"""Failures that one sentence explains. Of any other it is shown where it came from."""


class Follower(Protocol):
    """Some work. Of one room it gets one event after the other, in the order of the log, each at least once: as the
    event's subject is when it is read. It must expect `Erased`."""

    @property
    def name(self) -> str:
        """By which it is stored how far it is. It stays the same for ever."""

    @property
    def from_now(self) -> bool:
        """Whether, the first time, it begins with what comes next, and not with the first event of each room."""

    async def work(self, room: Room, event: Event) -> None:
        """Do it, within LONGEST seconds. Events of several rooms may be under way at once.

        Where it raises, its room is left as it is, and gets the event again after a while; the others go on.
        """

    async def settle(self) -> None:
        """Have kept what was done since the last time: afterwards it is stored that it is done.

        Where it raises, all of that is done again after a while.
        """


@asynccontextmanager
async def follow(chat: Chat, follower: Follower) -> AsyncIterator[None]:
    """Have the work done meanwhile; at the end what is left, for at most STOP seconds. Raises StoreUnavailable."""
    await following.begin(chat, follower.name, from_now=follower.from_now)
    running = Following(chat, follower)
    with chat.broker.watch(running.hear):
        task = asyncio.create_task(running.run(), name=f"follower {follower.name}")
        try:
            yield
        finally:
            running.stop()
            await asyncio.wait({task}, timeout=STOP)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@dataclass(slots=True)
class _Failing:
    """What has failed, how often in a row, and when it is due again, by the event loop's clock."""

    times: int = 0
    due: float = 0.0

    def fail(self) -> float:
        """Returns in how many seconds it is due again."""
        first, most = RETRY
        wait = min(most, first * 2.0 ** min(self.times, 30))
        self.times += 1
        self.due = asyncio.get_running_loop().time() + wait
        return wait


class Following:
    """One follower's way through the logs. `run` is its task."""

    def __init__(self, chat: Chat, follower: Follower) -> None:
        self._chat = chat
        self._follower = follower
        self._behind: dict[int, None] = {}
        self._failing: dict[int, _Failing] = {}
        self._whole = _Failing()
        self._looked_at = 0
        self._look_due = 0.0
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()

    def hear(self, room_id: int) -> None:
        """Something was committed in this room."""
        self._behind[room_id] = None
        self._news.set()

    def stop(self) -> None:
        """Have `run` do what is left, and return."""
        self._stopping.set()
        self._news.set()

    async def run(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            began = now()
            try:
                more = await self._round()
            except Exception as error:
                self._say(error, self._whole.fail())
                if self._stopping.is_set():
                    return
                await self._pause(self._whole.due - now())
                continue
            self._whole.times = 0
            if more:
                await self._pause(min(now() - began, GATHER))  # whoever posts meanwhile has half of the machine
            elif self._stopping.is_set():
                return
            else:
                await self._wait()
                await self._pause(GATHER)

    async def _round(self) -> bool:
        """Do what is waiting, as much as a round may have, and say whether there is more. Where it raises, nothing of
        that counts as done."""
        if asyncio.get_running_loop().time() >= self._look_due:
            await self._look()
        now = asyncio.get_running_loop().time()
        due = [*islice((room_id for room_id in self._behind if not self._waits(room_id, now)), ROOMS + 1)]
        rooms = again = due[:ROOMS]
        for room_id in rooms:
            del self._behind[room_id]
        try:
            again = await self._do(rooms) if rooms else []
        finally:
            self._behind |= dict.fromkeys(again)
        return len(due) > ROOMS or any(room_id not in self._failing for room_id in again)

    async def _do(self, rooms: Sequence[int]) -> list[int]:
        """Returns the rooms in which something is left."""
        waiting, looked_at = await following.waiting(self._chat, self._follower.name, rooms, EVENTS)
        for room_id in {*rooms[:looked_at]} - {each.room.id for each in waiting}:
            self._failing.pop(room_id, None)  # it was done elsewhere, or is gone
        done = await asyncio.gather(*(self._work(each) for each in waiting))
        await self._follower.settle()
        cursors = {each.room.id: cursor for each, cursor in zip(waiting, done, strict=True) if cursor}
        if cursors:
            await following.done(self._chat, self._follower.name, cursors)
        left = [each.room.id for each, cursor in zip(waiting, done, strict=True) if cursor < each.room.cursor]
        return [*rooms[looked_at:], *left]

    async def _work(self, waiting: Waiting) -> int:
        """The cursor up to which it is done; 0 where the first event has failed."""
        now = asyncio.get_running_loop().time
        done, until = 0, now() + TURN
        try:
            async with asyncio.timeout_at(until + LONGEST):
                for event in waiting.events:
                    if now() > until:
                        break
                    await self._follower.work(waiting.room, event)
                    done = event.cursor
                    self._failing.pop(waiting.room.id, None)
        except Exception as error:
            failing = self._failing.setdefault(waiting.room.id, _Failing())
            self._say(error, failing.fail(), room=waiting.room.slug)
        return done

    async def _look(self) -> None:
        """See what the broker has not told. The first look is at all rooms. Where the clock was put back since the last
        one, the next one finds what this does not: it reaches back behind that."""
        now, since = self._chat.now(), self._looked_at - SLACK
        self._behind |= dict.fromkeys(await following.behind(self._chat, self._follower.name, since))
        self._looked_at = now
        self._look_due = asyncio.get_running_loop().time() + LOOK

    def _waits(self, room_id: int, now: float) -> bool:
        failing = self._failing.get(room_id)
        return failing is not None and failing.due > now

    async def _wait(self) -> None:
        """Until something was committed, or is due."""
        due = min([self._look_due, *(failing.due for failing in self._failing.values())])
        with suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await self._news.wait()
        self._news.clear()

    async def _pause(self, seconds: float) -> None:
        """Unless it is to stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _say(self, error: Exception, wait: float, **where: str) -> None:
        log.error(
            "work after a commit failed; it is done again",
            follower=self._follower.name,
            **where,
            again_in=wait,
            error=str(error) or type(error).__name__,
            exc_info=not isinstance(error, EXPECTED),
        )
