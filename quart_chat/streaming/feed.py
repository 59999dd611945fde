"""One room's log on its way to that room's readers, in this process.

A feed encodes each event once and hands the same bytes to everybody. It keeps the newest of them in a ring, so that
readers who come back together do not ask the database.
"""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import structlog

from quart_chat.broker.broker import Inbox, Position, Signal
from quart_chat.errors import StoreUnavailable
from quart_chat.events import Event
from quart_chat.models import Cursor
from quart_chat.streaming import sse
from quart_chat.streaming.gathering import Gathering
from quart_chat.streaming.reader import Burst, Reader, Reason
from quart_chat.streaming.ring import Entry, Ring

log = structlog.get_logger()

REFILL = 50
"""Events of which a new feed knows before anything happens."""

BATCH = 256
"""Events encoded before readers hear of them: bounds how long the event loop is kept busy."""

PORTION = 64 * 1024
"""Bytes written to a reader at a time, unless one event alone has more: a burst of long messages must not look like a
slow reader, and what a replay holds for a reader that does not take it must stay small."""

STEP = 200
"""Events read from the store at a time."""

FEW = 20
"""Events that a reader may have missed however long they are: a megabyte of the longest."""

REPLAY_STEP = 20
"""Events read from the store at a time for one reader. Of common messages they are a third of a PORTION; of the largest
most are read in vain, as they do not fit into one."""

SLICE = 256
"""Readers written to before the event loop gets a turn."""

TURNS = 15
"""Parts of the time between two heartbeats. Each reader has its turn in one of them, so that of ten thousand readers a
few hundred hear at a time."""

STORE_PAUSE = 1.0
"""Seconds between attempts while the store cannot be read."""

Encode = Callable[[Event], str]
"""The HTML fragment of an event, the same for every viewer."""


class Log(Protocol):
    """A room's log in the store, from which a feed reads what the broker did not bring."""

    def after(self, cursor: int, limit: int) -> Awaitable[Sequence[Event]]: ...

    def head(self) -> Awaitable[int]: ...

    def size_after(self, cursor: int) -> Awaitable[int]:
        """About how many bytes its events have from there on, as they are now."""
        ...


@dataclass(frozen=True, slots=True)
class Resumed:
    """Where a reader goes on from, whether it must be told to reset, and what comes next."""

    position: int
    must_reset: bool
    entries: list[Entry]


class Feed:
    """`run` is its task. `head` is the position of the last event handed out."""

    def __init__(self, epoch: str, head: int, inbox: Inbox, encode: Encode, stored: Log, heartbeat: float) -> None:
        self.epoch = epoch
        self.head = head
        self.closed = False
        self.used_at = time.monotonic()
        self._readers: dict[Reader, int] = {}
        self._pause = heartbeat / TURNS
        self._turn = 0
        self._hearing = [0] * TURNS
        self._certain = True
        self._spread = itertools.count()
        self._replaying: set[Reader] = set()
        self._inbox = inbox
        self._encode = encode
        self._stored = stored
        self._ring = Ring()
        self._changed = asyncio.Event()
        self.polls = Gathering(head)

    async def fill(self) -> None:
        """Read the newest events into the ring, once. Readers who come back after a restart missed only few: they must
        not ask the store, each for itself. Raises StoreUnavailable."""
        events = await self._stored.after(max(0, self.head - REFILL), REFILL)
        self._ring.fill([self._entry(event) for event in events if event.cursor <= self.head])

    async def run(self, idle: float) -> None:
        """Hand out what the broker brings, and what it failed to bring, and let readers hear in their turns; until
        nobody has read for `idle` seconds."""
        now = asyncio.get_running_loop().time
        began = now()
        while True:
            await self._take(await self._news(began + self._coming() * self._pause))
            due = int((now() - began) / self._pause)
            # Of what a machine has missed that was asleep, one round is enough.
            for _ in range(min(due - self._turn, TURNS)):
                await self._beat()
            self._turn = max(self._turn, due)
            if self.idle_since is not None and time.monotonic() - self.idle_since > idle:
                self.close(Reason.SHUTDOWN)
                return

    def cursor(self, position: int) -> Cursor:
        return Cursor(self.epoch, position)

    def at_hand(self, after: Cursor | None, limit: int) -> "Resumed | None":
        """From where a reader goes on and what it has missed, where all of that is known here: without giving up
        control, so that it can join in the same step. None where the store must be asked."""
        if after is None or after.epoch != self.epoch or self.head - after.position > limit:
            return Resumed(self.head, after is not None, [])
        if after.position == self.head:
            return Resumed(self.head, False, [])
        entries = _portion(self._ring.after(after.position))
        return Resumed(after.position, False, entries) if entries and entries[-1].cursor == self.head else None

    async def resume(self, after: Cursor | None, limit: int, most: int) -> tuple[int, bool]:
        """From which position a reader goes on, and whether it must be told to reset.

        A reader without a cursor begins at the head. A cursor of another database, from the future, or more than
        `limit` events or about `most` bytes behind cannot be continued. Raises StoreUnavailable.
        """
        if after is None:
            return self.head, False
        if after.epoch == self.epoch and self.head < after.position <= await self._stored.head():
            # Committed, and seen by whoever sent this cursor, but not handed out yet.
            await self.wait_beyond(after.position - 1, STORE_PAUSE)
        if after.epoch != self.epoch or after.position > self.head or self.head - after.position > limit:
            return self.head, True
        return (self.head, True) if await self._is_too_much(after.position, most) else (after.position, False)

    async def entries_after(self, position: int, limit: int = STEP) -> list[Entry]:
        """What follows `position`, at most `limit` entries and about PORTION bytes; empty when that is the head.

        From the ring without giving up control; from the store where the ring does not reach back far enough. Raises
        StoreUnavailable.
        """
        if position >= self.head:
            return []
        if kept := _portion(islice(self._ring.after(position), limit)):
            return kept
        while True:
            head, changes = self.head, self._ring.changes
            events = await self._stored.after(position, min(limit, head - position))
            entries = _portion(self._entry(event) for event in self._ring.unchanged(events, head))
            if changes == self._ring.changes:
                for entry in entries:
                    self._ring.mend(entry)
            if entries or not events:  # else the first of them has changed meanwhile
                return entries

    async def wait_beyond(self, position: int, seconds: float) -> None:
        """Return when the head is past `position`, the feed is closed, or the time is up."""
        try:
            async with asyncio.timeout(seconds):
                while self.head <= position and not self.closed:
                    await self._changed.wait()
        except TimeoutError:
            pass

    def admit(self, reader: Reader) -> None:
        """Close a reader in time like all others, from its first byte. It gets nothing before it joins."""
        if self.closed:
            reader.close(Reason.SHUTDOWN)
        self._replaying.add(reader)

    def join(self, reader: Reader) -> None:
        """Add a reader that has everything up to `head`. There MUST be no `await` between seeing that and this call."""
        if self.closed:
            reader.close(Reason.SHUTDOWN)
        self._replaying.discard(reader)
        self._readers[reader] = turn = next(self._spread) % TURNS
        self._hearing[turn] += 1

    def leave(self, reader: Reader) -> None:
        self._replaying.discard(reader)
        turn = self._readers.pop(reader, None)
        if turn is not None:
            self._hearing[turn] -= 1
        self.used_at = time.monotonic()

    @property
    def idle_since(self) -> float | None:
        """When the last reader left, on the monotonic clock; None while there are readers."""
        return None if self._readers or self._replaying else self.used_at

    def close(self, reason: Reason) -> None:
        """End every stream and every wait, now and from now on."""
        self.closed = True
        for reader in [*self._readers, *self._replaying]:
            reader.close(reason)
        self._notify()
        self.polls.close()

    async def _is_too_much(self, position: int, most: int) -> bool:
        if self.head - position <= FEW:
            return False
        kept = [len(entry.frame) for entry in self._ring.after(position)]
        if len(kept) == self.head - position:
            return sum(kept) > most
        return await self._stored.size_after(position) > most

    async def _news(self, until: float) -> list[Event | Position | Signal]:
        """What the broker has brought; nothing when the loop's time is `until`."""
        news: list[Event | Position | Signal] = []
        if self._inbox.empty():
            try:
                async with asyncio.timeout_at(until):
                    news.append(await self._inbox.get())
            except TimeoutError:
                return news
        while len(news) < BATCH and not self._inbox.empty():
            news.append(self._inbox.get_nowait())
        return news

    def _coming(self) -> int:
        """The number of the next turn in which there is something to do: a room in which little goes on is left
        alone."""
        for turn in range(self._turn + 1, self._turn + TURNS):
            if turn % TURNS == 0 or self._hearing[turn % TURNS] or self._replaying or not self._certain:
                return turn
        return self._turn + TURNS

    async def _take(self, news: Sequence[Event | Position | Signal]) -> None:
        run: list[Event] = []
        for event in news:
            if not isinstance(event, Event | Position):
                continue
            expected = self.head + len(run) + 1
            if isinstance(event, Event) and event.cursor == expected:
                run.append(event)
            elif event.cursor >= expected:
                await self._hand_out(run)
                run = []
                await self._catch_up(event.cursor)
        await self._hand_out(run)

    async def _catch_up(self, target: int) -> None:
        while self.head < target:
            try:
                events = await self._stored.after(self.head, STEP)
            except StoreUnavailable:
                await asyncio.sleep(STORE_PAUSE)
                continue
            if not events:
                log.error("the log ends before an event that was published", head=self.head, target=target)
                return
            await self._hand_out(events)

    async def _hand_out(self, events: Sequence[Event]) -> None:
        portion: list[Entry] = []
        for event in events:
            portion.append(self._entry(event))
            if sum(len(entry.frame) for entry in portion) >= PORTION:
                await self._deliver(portion)
                portion = []
        if portion:
            await self._deliver(portion)

    async def _deliver(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._ring.append(entry)
        # Head and readers are taken in one step: whoever joins from here on has these entries from the ring.
        self.head = entries[-1].cursor
        readers = list(self._readers)
        self._notify()
        self.polls.happened(self.head)
        await _write(b"".join(entry.frame for entry in entries), readers)

    async def _beat(self) -> None:
        """Give the readers whose turn it is their heartbeat, or their end if they are old enough."""
        self._turn += 1
        number = self._turn % TURNS
        turn = [reader for reader, turn in self._readers.items() if turn == number]
        now = time.monotonic()
        for reader in [*turn, *self._replaying]:
            if now > reader.deadline:
                reader.close(Reason.AGE)
        # A broker may have lost the newest events, after which no gap shows: the heartbeat must not lie about the head.
        if number == 0 or not self._certain:
            try:
                await self._catch_up(await self._stored.head())
            except StoreUnavailable:
                self._certain = False
                return
            self._certain = True
        await _write(sse.heartbeat(self.cursor(self.head)), turn)

    def _entry(self, event: Event) -> Entry:
        fragment = self._encode(event)
        frame = sse.frame(fragment, id=str(self.cursor(event.cursor)))
        return Entry(event, fragment.encode(), frame)

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _portion(entries: Iterable[Entry]) -> list[Entry]:
    """As many as may be written to a reader at a time; the first in any case."""
    portion: list[Entry] = []
    size = 0
    for entry in entries:
        size += len(entry.frame)
        if portion and size > PORTION:
            break
        portion.append(entry)
    return portion


async def _write(frame: bytes, readers: Sequence[Reader]) -> None:
    burst = Burst.of(frame)
    for start in range(0, len(readers), SLICE):
        for reader in readers[start : start + SLICE]:
            reader.write(burst)
        await asyncio.sleep(0)
