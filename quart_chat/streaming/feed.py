"""One room's log on its way to that room's readers, in this process.

A feed takes events out of its inbox, encodes each once and hands the same bytes to everybody: on a page they come to
static/js/link/by-stream.js. It keeps the newest in a ring, so that readers who come back together do not ask the
database.
"""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import structlog

from quart_chat.broker.broker import Inbox, News, Position
from quart_chat.errors import StoreUnavailable
from quart_chat.events import Event
from quart_chat.models import Cursor
from quart_chat.signals import Signal
from quart_chat.streaming import sse
from quart_chat.streaming.forms import Encoded, Form, Forms
from quart_chat.streaming.gate import Gate, Open
from quart_chat.streaming.gathering import Gathering
from quart_chat.streaming.reader import Burst, Reader, Reason, Viewer
from quart_chat.streaming.ring import Entry, Ring
from quart_chat.streaming.signals import Signals

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

BEHIND = 3.0
"""Seconds at most for which a reader waits who has found in the store what was not handed out yet: a page waits five
for the answer to a poll. Until then nothing comes; after that the reader comes back to where it was."""

READING = 4
"""Readers of a room who are asking the store, at a time. The others wait here, in turn: when thousands come back, what
the feed itself has to read, and everybody else, does not stand behind all of them."""


RoomGate = Callable[[Sequence[Viewer]], Awaitable[Gate]]
"""Who may read the room, as it is in the store now. Raises StoreUnavailable."""


class Log(Protocol):
    """A room's log in the store, from which a feed reads what the broker did not bring."""

    def after(self, cursor: int, limit: int) -> Awaitable[tuple[Sequence[Event], int]]:
        """And the position of the newest event: what they are about is as it is there."""
        ...

    def head(self) -> Awaitable[int]: ...

    def size_after(self, cursor: int) -> Awaitable[int]:
        """About how many bytes its events have from there on, as they are now."""
        ...


@dataclass(frozen=True, slots=True)
class Resumed:
    """Where a reader goes on from, whether it must be told to reset, and what comes next."""

    position: int
    must_reset: bool
    frames: bytes


class Feed:
    """`run` is its task. `head` is the position of the last event handed out."""

    def __init__(
        self, epoch: str, head: int, inbox: Inbox, forms: Forms, stored: Log, heartbeat: float, gate: RoomGate
    ) -> None:
        self.epoch = epoch
        self.head = head
        self.closed = False
        self.used_at = time.monotonic()
        self.gate: Gate = Open()
        self._load_gate = gate
        self._gate_at = 0
        self._access_changed_at = 0
        self._readers: dict[Form, dict[Reader, int]] = {}
        self._pause = heartbeat / TURNS
        self._turn = 0
        self._hearing = [0] * TURNS
        self._certain = True
        self._spread = itertools.count()
        self._replaying: set[Reader] = set()
        self._inbox = inbox
        self._forms = forms
        self._stored = stored
        self._ring = Ring()
        self._changed = asyncio.Event()
        self._signals = Signals()
        self._reading = asyncio.Semaphore(READING)
        self.polls = Gathering(head)

    async def fill(self) -> None:
        """Read the newest events into the ring, and who may read, once. Readers who come back after a restart missed
        only few: they must not ask the store, each for itself. Raises StoreUnavailable."""
        events, now = await self._stored.after(max(0, self.head - REFILL), REFILL)
        self.gate, self._gate_at = await self._load_gate(()), now
        self._ring.fill([Entry(event) for event in events if event.cursor <= self.head])

    async def run(self, idle: float) -> None:
        """Hand out what the broker brings, and what it failed to bring, and let readers hear in their turns; until
        nobody has read for `idle` seconds."""
        now = asyncio.get_running_loop().time
        # All feeds have their turns at the same moments: a thousand idle ones wake the loop once a turn.
        began = now() // self._pause * self._pause
        while True:
            due = began + self._coming() * self._pause
            await self._take(await self._news(due if self._signals.due is None else min(due, self._signals.due)))
            if self._signals.due is not None and self._signals.due <= now():
                await self._tell(self._signals.tell(now()))
            turn = int((now() - began) / self._pause)
            # Of what a machine has missed that was asleep, one round is enough.
            for _ in range(min(turn - self._turn, TURNS)):
                await self._beat()
            self._turn = max(self._turn, turn)
            if self.idle_since is not None and time.monotonic() - self.idle_since > idle:
                self.close(Reason.SHUTDOWN)
                return

    def cursor(self, position: int) -> Cursor:
        return Cursor(self.epoch, position)

    def at_hand(self, after: Cursor | None, limit: int, form: Form) -> "Resumed | None":
        """From where a reader goes on and what it has missed, where all of that is known here: without giving up
        control, so that it can join in the same step. None where the store must be asked."""
        if after is None or after.epoch != self.epoch or self.head - after.position > limit:
            return Resumed(self.head, after is not None, b"")
        if after.position == self.head:
            return Resumed(self.head, False, b"")
        entries = self._portion(self._ring.after(after.position), form)
        if not entries or entries[-1].cursor < self.head:
            return None
        return Resumed(after.position, False, self.frames(entries, form))

    async def resume(self, after: Cursor | None, limit: int, most: int, form: Form) -> tuple[int, bool]:
        """From which position a reader goes on, and whether it must be told to reset.

        A reader without a cursor begins at the head. A cursor of another database, from the future, or more than
        `limit` events or about `most` bytes behind cannot be continued. Raises StoreUnavailable.
        """
        if after is None:
            return self.head, False
        if after.epoch == self.epoch and self.head < after.position <= await self._stored_head():
            # Committed, and seen by whoever sent this cursor, but not handed out yet.
            await self.wait_beyond(after.position - 1, STORE_PAUSE)
        if after.epoch != self.epoch or after.position > self.head or self.head - after.position > limit:
            return self.head, True
        return (self.head, True) if await self._is_too_much(after.position, most, form) else (after.position, False)

    async def entries_after(self, position: int, form: Form, limit: int = STEP) -> list[Entry]:
        """What follows `position`, at most `limit` entries and about PORTION bytes; empty when that is the head.

        From the ring without giving up control; from the store where the ring does not reach back far enough. Raises
        StoreUnavailable.
        """
        if position >= self.head:
            return []
        if kept := self._portion(islice(self._ring.after(position), limit), form):
            return kept
        while True:
            head = self.head
            async with self._reading:
                events, now = await self._stored.after(position, min(limit, head - position))
            await self._reach(now)
            entries = self._portion(self._ring.entries(events, head), form)
            for entry in entries:
                self._ring.mend(entry)
            if entries or not events:  # else the first of them has changed meanwhile
                return entries

    def frames(self, entries: Iterable[Entry], form: Form) -> bytes:
        """What streams of this form get."""
        return b"".join(self._encoded(entry, form).frame for entry in entries)

    def fragments(self, entries: Iterable[Entry], form: Form) -> bytes:
        """What polls of this form are answered with."""
        return b"".join(self._encoded(entry, form).fragment for entry in entries)

    def signals(self, form: Form) -> bytes:
        """What is true at the moment, for a poll of this form."""
        signals = self._signals.latest(asyncio.get_running_loop().time())
        return self._forms[form].signals(signals).encode() if signals else b""

    async def wait_beyond(self, position: int, seconds: float) -> None:
        """Return when the head is past `position`, the feed is closed, or the time is up."""
        try:
            async with asyncio.timeout(seconds):
                while self.head <= position and not self.closed:
                    await self._changed.wait()
        except TimeoutError:
            pass

    async def keeps(self, viewer: Viewer, since: int) -> bool:
        """Whether they may read, as it is at the position `since` or later: who was let in again may have heard of it
        sooner than this."""
        if self.gate.keeps(viewer):
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(STORE_PAUSE):
                while not self.gate.keeps(viewer) and (self.head < since or self._gate_is_old) and not self.closed:
                    await self._changed.wait()
        return self.gate.keeps(viewer)

    def admit(self, reader: Reader) -> None:
        """Close a reader in time like all others, from its first byte. It gets nothing before it joins."""
        self._check(reader)
        self._replaying.add(reader)

    def join(self, reader: Reader) -> None:
        """Add a reader that has everything up to `head`. There MUST be no `await` between seeing that and this call."""
        self._check(reader)
        self._replaying.discard(reader)
        turn = next(self._spread) % TURNS
        self._readers.setdefault(reader.viewer.form, {})[reader] = turn
        self._hearing[turn] += 1

    def leave(self, reader: Reader) -> None:
        self._replaying.discard(reader)
        form = reader.viewer.form
        readers = self._readers.get(form, {})
        turn = readers.pop(reader, None)
        if turn is not None:
            self._hearing[turn] -= 1
            if not readers:
                del self._readers[form]
        self.used_at = time.monotonic()

    @property
    def readers(self) -> list[Reader]:
        """Those that get what happens."""
        return [reader for readers in self._readers.values() for reader in readers]

    @property
    def idle_since(self) -> float | None:
        """When the last reader left, on the monotonic clock; None while there are readers."""
        return None if self._readers or self._replaying else self.used_at

    def close(self, reason: Reason) -> None:
        """End every stream and every wait, now and from now on."""
        self.closed = True
        for reader in [*self.readers, *self._replaying]:
            reader.close(reason)
        self._notify()
        self.polls.close()

    def _check(self, reader: Reader) -> None:
        if self.closed:
            reader.close(Reason.SHUTDOWN)
        elif not self.gate.keeps(reader.viewer):
            reader.close(Reason.REMOVED)

    async def _reach(self, position: int) -> None:
        """Return when all up to there is handed out, and it is known who may have it. Raises StoreUnavailable."""
        if self.head < position:
            self._inbox.put_nowait(Position(position))  # a broker may have lost it
        try:
            async with asyncio.timeout(BEHIND):
                while (self.head < position or self._gate_is_old) and not self.closed:
                    await self._changed.wait()
        except TimeoutError:
            raise StoreUnavailable from None

    async def _is_too_much(self, position: int, most: int, form: Form) -> bool:
        if self.head - position <= FEW:
            return False
        kept = [len(self._encoded(entry, form).frame) for entry in self._ring.after(position)]
        if len(kept) == self.head - position:
            return sum(kept) > most
        async with self._reading:
            return await self._stored.size_after(position) > most

    async def _stored_head(self) -> int:
        async with self._reading:
            return await self._stored.head()

    async def _news(self, until: float) -> list[News]:
        """What the broker has brought; nothing when the loop's time is `until`."""
        news: list[News] = []
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

    async def _take(self, news: Sequence[News]) -> None:
        """Hand out the events that follow each other; where one is missing in between, those that the store has."""
        run: list[Event] = []
        for event in news:
            if not isinstance(event, Event | Position):
                self._signals.put(event, asyncio.get_running_loop().time())
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
                events, now = await self._stored.after(self.head, STEP)
            except StoreUnavailable:
                await asyncio.sleep(STORE_PAUSE)
                continue
            if not events:
                log.error("the log ends before an event that was published", head=self.head, target=target)
                return
            # What they are about is as it is by now, and somebody may have been removed before it became so: by one of
            # these, or by one that was not read yet.
            if events[-1].cursor < now or any(event.act.changes_access for event in events):
                await self._look_at_the_gate(now)
            await self._hand_out(events)

    async def _hand_out(self, events: Sequence[Event]) -> None:
        portion: list[Entry] = []
        size = 0
        for event in events:
            entry = Entry(event)
            portion.append(entry)
            size += max((len(self._encoded(entry, form).frame) for form in self._readers), default=0)
            if size >= PORTION or event.act.changes_access:
                await self._deliver(portion)
                portion, size = [], 0
            if event.act.changes_access:
                await self._look_at_the_gate(event.cursor)
        if portion:
            await self._deliver(portion)

    async def _deliver(self, entries: Sequence[Entry]) -> None:
        """To the ring, to all who read live, and to the polls that wait."""
        for entry in entries:
            self._ring.append(entry)
        # Head and readers are taken in one step: whoever joins from here on has these entries from the ring.
        self.head = entries[-1].cursor
        if entries[-1].event.act.changes_access:
            self._access_changed_at = self.head
        groups = [(self.frames(entries, form), list(readers)) for form, readers in self._readers.items()]
        self._notify()
        self.polls.happened(self.head)
        for frames, readers in groups:
            await _write(frames, readers)

    async def _look_at_the_gate(self, position: int) -> None:
        """As it is there, or later: who may not read any more gets nothing of what follows, by whatever way it would
        come."""
        while self._gate_at < position:
            try:
                viewers = [reader.viewer for reader in (*self.readers, *self._replaying)]
                self.gate = await self._load_gate([*viewers, *self.polls.viewers])
                self._gate_at = position
            except StoreUnavailable:
                await asyncio.sleep(STORE_PAUSE)
        for reader in [*self.readers, *self._replaying]:
            if not self.gate.keeps(reader.viewer):
                reader.close(Reason.REMOVED)
        self.polls.dismiss(self.gate.keeps)
        self._notify()

    @property
    def _gate_is_old(self) -> bool:
        """Whether something was handed out that changes who may read, and that it does not have."""
        return self._gate_at < self._access_changed_at

    async def _tell(self, signals: Sequence[Signal]) -> None:
        for form, readers in list(self._readers.items()):
            told = sse.frame(self._forms[form].signals(signals), event="signal")
            await _write(told, [reader for reader in readers if not reader.is_behind])

    async def _beat(self) -> None:
        """Give the readers whose turn it is their heartbeat, or their end if they are old enough."""
        self._turn += 1
        number = self._turn % TURNS
        turn = [reader for readers in self._readers.values() for reader, turn in readers.items() if turn == number]
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

    def _encoded(self, entry: Entry, form: Form) -> Encoded:
        """Made when it is first needed, once for all readers of the form."""
        encoded = entry.encoded.get(form)
        if encoded is None:
            fragment = self._forms[form].event(entry.event)
            frame = sse.frame(fragment, id=str(self.cursor(entry.cursor)))
            encoded = entry.encoded[form] = Encoded(fragment.encode(), frame)
            self._ring.grown(entry, encoded.size)
        return encoded

    def _portion(self, entries: Iterable[Entry], form: Form) -> list[Entry]:
        """As many as may be written to a reader at a time; the first in any case."""
        portion: list[Entry] = []
        size = 0
        for entry in entries:
            size += len(self._encoded(entry, form).frame)
            if portion and size > PORTION:
                break
            portion.append(entry)
        return portion

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


async def _write(frame: bytes, readers: Sequence[Reader]) -> None:
    burst = Burst.of(frame)
    for start in range(0, len(readers), SLICE):
        for reader in readers[start : start + SLICE]:
            reader.write(burst)
        await asyncio.sleep(0)
