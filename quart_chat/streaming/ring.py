"""The newest events of a room, encoded: what readers who come back have missed, without the store.

What an event shows is what it is about, as that is now. So an entry whose subject has changed since is forgotten: it
leaves a gap, which whoever needs it fills from the store. Text that was deleted is in no ring.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence

from quart_chat.events import AboutMessage, Event, MemberChanged, MessageChanged, MessageDeleted, RoomChanged
from quart_chat.streaming.forms import Encoded, Form

RING_EVENTS = 1024
RING_BYTES = 4 * 1024 * 1024
"""What a room's ring holds at most, whichever is reached first."""


class Entry:
    """An event, and how it looks in the forms that somebody has needed. `size` is in bytes, about."""

    __slots__ = ("encoded", "event", "size")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.encoded: dict[Form, Encoded] = {}
        self.size = _size(event)

    @property
    def cursor(self) -> int:
        return self.event.cursor


Key = tuple[str, int]
"""Something that events show."""


def shows(event: Event) -> tuple[Key, ...]:
    """All that an event shows of what may change."""
    match event.act:
        case AboutMessage(message):
            return ("message", message.id), ("user", message.author.id)
        case MemberChanged(member):
            return (("user", member.author.id),)
        case RoomChanged(room):
            return (("room", room.id),)
        case _:
            return ()


def changes(event: Event) -> Key | None:
    """What is not any more as earlier events showed it."""
    match event.act:
        case MessageChanged(message) | MessageDeleted(message):
            return "message", message.id
        case MemberChanged(member):
            return "user", member.author.id
        case RoomChanged(room):
            return "room", room.id
        case _:
            return None


def _size(event: Event) -> int:
    match event.act:
        case AboutMessage(message):
            return sys.getsizeof(message.text)
        case _:
            return 0


class Ring:
    """Of positions that follow each other, those whose entry is known and as things are now."""

    def __init__(self) -> None:
        self.size = 0
        self._entries: dict[int, Entry] = {}
        self._showing: dict[Key, set[int]] = {}
        self._changed: dict[Key, int] = {}
        self._unsure = 0
        self._first = 0
        self._last = -1

    def fill(self, entries: Sequence[Entry]) -> None:
        """Begin with these, which the store has shown all at once."""
        for entry in entries:
            self._add(entry)

    def append(self, entry: Entry) -> None:
        """The room's next event."""
        if (changed := changes(entry.event)) is not None:
            self._forget(changed, entry.cursor)
        self._add(entry)

    def mend(self, entry: Entry) -> None:
        """Fill a gap with one of `entries`, in the step in which they were asked for."""
        within = self._first <= entry.cursor <= self._last and entry.cursor not in self._entries
        if within and self.size + entry.size <= RING_BYTES:
            self._put(entry)

    def grown(self, entry: Entry, by: int) -> None:
        """It has been encoded, in another form perhaps."""
        entry.size += by
        if self._entries.get(entry.cursor) is entry:
            self.size += by
            self._trim()

    def after(self, position: int) -> Iterator[Entry]:
        """What follows `position`, up to the next gap."""
        while (entry := self._entries.get(position := position + 1)) is not None:
            yield entry

    def entries(self, events: Iterable[Event], since: int) -> Iterator[Entry]:
        """Of events read from the store when `since` was the newest position here, up to the first that shows something
        which has changed again."""
        for event in events:
            if since < self._unsure or any(self._changed.get(key, 0) > since for key in shows(event)):
                return
            yield self._entries.get(event.cursor) or Entry(event)

    def _add(self, entry: Entry) -> None:
        if self._last < self._first:
            self._first = entry.cursor
        self._last = entry.cursor
        self._put(entry)
        self._trim()

    def _trim(self) -> None:
        while self._last - self._first >= RING_EVENTS or self.size > RING_BYTES:
            self._drop(self._first)
            self._first += 1

    def _put(self, entry: Entry) -> None:
        self._entries[entry.cursor] = entry
        for key in shows(entry.event):
            self._showing.setdefault(key, set()).add(entry.cursor)
        self.size += entry.size

    def _forget(self, key: Key, cursor: int) -> None:
        for shown in [*self._showing.get(key, ())]:
            self._drop(shown)
        self._changed.pop(key, None)
        self._changed[key] = cursor
        if len(self._changed) > RING_EVENTS:
            self._unsure = self._changed.pop(next(iter(self._changed)))

    def _drop(self, cursor: int) -> None:
        entry = self._entries.pop(cursor, None)
        if entry is None:
            return
        self.size -= entry.size
        for key in shows(entry.event):
            showing = self._showing[key]
            showing.discard(cursor)
            if not showing:
                del self._showing[key]
