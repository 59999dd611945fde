"""One room's log on its way to that room's readers, in this process.

A feed encodes each event once and hands the same bytes to everybody. It keeps the newest of them in a ring, so that
readers who come back together do not ask the database.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol

import structlog

from quart_chat.broker.memory import Inbox
from quart_chat.errors import StoreUnavailable
from quart_chat.events import Event, MessagePosted
from quart_chat.models import Cursor, Message
from quart_chat.streaming import sse
from quart_chat.streaming.gathering import Gathering
from quart_chat.streaming.reader import Burst, Reader, Reason

log = structlog.get_logger()

RING_EVENTS = 1024
RING_BYTES = 4 * 1024 * 1024
"""What a room's ring holds at most, whichever is reached first."""

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

Encoded = tuple[bytes, bytes]
"""That fragment, and the frame around it without its id."""


class Log(Protocol):
    """A room's log in the store, from which a feed reads what the broker did not bring."""

    def after(self, cursor: int, limit: int) -> Awaitable[Sequence[Event]]: ...

    def head(self) -> Awaitable[int]: ...

    def size_after(self, cursor: int) -> Awaitable[int]:
        """About how many bytes its events have from there on, as they are now."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """An event, encoded: as the fragment that a poll answers with, and framed for streams."""

    event: Event
    fragment: bytes
    frame: bytes

    @property
    def cursor(self) -> int:
        return self.event.cursor

    @property
    def size(self) -> int:
        return len(self.fragment) + len(self.frame)


@dataclass(frozen=True, slots=True)
class Resumed:
    """Where a reader goes on from, whether it must be told to reset, and what comes next."""

    position: int
    must_reset: bool
    entries: list[Entry]


class Feed:
    """`run` is its task. `head` is the position of the last event handed out."""

    def __init__(self, epoch: str, head: int, inbox: Inbox, encode: Encode, stored: Log) -> None:
        self.epoch = epoch
        self.head = head
        self.closed = False
        self.used_at = time.monotonic()
        self._readers: dict[Reader, int] = {}
        self._turn = 0
        self._certain = True
        self._next_turn = itertools.count()
        self._replaying: set[Reader] = set()
        self._inbox = inbox
        self._encode = encode
        self._stored = stored
        self._ring: deque[Entry] = deque()
        self._ring_bytes = 0
        self._changed = asyncio.Event()
        self.polls = Gathering(head)

    async def fill(self) -> None:
        """Read the newest events into the ring, once. Readers who come back after a restart missed only few: they must
        not ask the store, each for itself. Raises StoreUnavailable."""
        for event in await self._stored.after(max(0, self.head - REFILL), REFILL):
            if event.cursor <= self.head:
                self._remember(self._entry(event))

    async def run(self) -> None:
        """Hand out what the broker brings, and what it failed to bring, until cancelled."""
        while True:
            batch = [await self._inbox.get()]
            while len(batch) < BATCH and not self._inbox.empty():
                batch.append(self._inbox.get_nowait())
            await self._take([event for event in batch if event is not None])
            if None in batch:
                await self._beat()

    def cursor(self, position: int) -> Cursor:
        return Cursor(self.epoch, position)

    def at_hand(self, after: Cursor | None, limit: int) -> "Resumed | None":
        """From where a reader goes on and what it has missed, where all of that is known here: without giving up
        control, so that it can join in the same step. None where the store must be asked."""
        if after is None or after.epoch != self.epoch or self.head - after.position > limit:
            return Resumed(self.head, after is not None, [])
        if after.position == self.head:
            return Resumed(self.head, False, [])
        skip = after.position + 1 - self._ring[0].cursor if self._ring else -1
        if after.position > self.head or skip < 0:
            return None
        entries = _portion(islice(self._ring, skip, None))
        return Resumed(after.position, False, entries) if entries[-1].cursor == self.head else None

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
        if self._ring and self._ring[0].cursor <= position + 1:
            skip = position + 1 - self._ring[0].cursor
            return _portion(islice(self._ring, skip, skip + limit))
        events = await self._stored.after(position, min(limit, self.head - position))
        return _portion(self._entry(event) for event in events)

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
        self._readers[reader] = next(self._next_turn) % TURNS

    def leave(self, reader: Reader) -> None:
        self._replaying.discard(reader)
        self._readers.pop(reader, None)
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
        if self._ring and (skip := position + 1 - self._ring[0].cursor) >= 0:
            return sum(len(entry.frame) for entry in islice(self._ring, skip, None)) > most
        return await self._stored.size_after(position) > most

    async def _take(self, events: Sequence[Event]) -> None:
        run: list[Event] = []
        for event in events:
            expected = self.head + len(run) + 1
            if event.cursor == expected:
                run.append(event)
            elif event.cursor > expected:
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
            self._remember(entry)
        # Head and readers are taken in one step: whoever joins from here on has these entries from the ring.
        self.head = entries[-1].cursor
        readers = list(self._readers)
        self._notify()
        self.polls.happened(self.head)
        await _write(b"".join(entry.frame for entry in entries), readers)

    async def _beat(self) -> None:
        """Give the readers whose turn it is their heartbeat, or their end if they are old enough."""
        self._turn = (self._turn + 1) % TURNS
        turn = [reader for reader, turn in self._readers.items() if turn == self._turn]
        now = time.monotonic()
        for reader in [*turn, *self._replaying]:
            if now > reader.deadline:
                reader.close(Reason.AGE)
        # A broker may have lost the newest events, after which no gap shows: the heartbeat must not lie about the head.
        if self._turn == 0 or not self._certain:
            try:
                await self._catch_up(await self._stored.head())
            except StoreUnavailable:
                self._certain = False
                return
            self._certain = True
        await _write(sse.heartbeat(self.cursor(self.head)), turn)

    def _remember(self, entry: Entry) -> None:
        if not isinstance(entry.event, MessagePosted):
            self._refresh(entry.event.message)
        self._ring.append(entry)
        self._ring_bytes += entry.size
        while len(self._ring) > RING_EVENTS or self._ring_bytes > RING_BYTES:
            self._ring_bytes -= self._ring.popleft().size

    def _refresh(self, message: Message) -> None:
        """Have the ring show a changed message as it is now: text that was deleted must not be sent from here.

        From the newest entry back, as far as there is room: of a message that grew, the ring may hold many entries.
        """
        ring, self._ring, self._ring_bytes = self._ring, deque(), 0
        # Encoded once for each type of event: a thousand edits of one message differ in their cursors alone.
        encoded: dict[type[Event], Encoded] = {}
        for entry in reversed(ring):
            if entry.event.message.id == message.id:
                event = replace(entry.event, message=message)
                if type(event) not in encoded:
                    encoded[type(event)] = self._encoded(event)
                entry = self._entry(event, encoded[type(event)])
            if self._ring_bytes + entry.size > RING_BYTES:
                return
            self._ring.appendleft(entry)
            self._ring_bytes += entry.size

    def _encoded(self, event: Event) -> Encoded:
        fragment = self._encode(event)
        return fragment.encode(), sse.frame(fragment)

    def _entry(self, event: Event, encoded: Encoded | None = None) -> Entry:
        fragment, frame = encoded or self._encoded(event)
        return Entry(event, fragment, sse.with_id(frame, str(self.cursor(event.cursor))))

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
