"""The newest events of a room, encoded: what readers who come back have missed, without the store.

What an event shows is what it is about, as that is now. So an entry whose subject has changed since is forgotten: it
leaves a gap, which whoever needs it fills from the store. Text that was deleted is in no ring.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from quart_chat.events import Event, MessagePosted

RING_EVENTS = 1024
RING_BYTES = 4 * 1024 * 1024
"""What a room's ring holds at most, whichever is reached first."""


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


class Ring:
    """`changes` counts what has changed something that was shown before."""

    def __init__(self) -> None:
        self.changes = 0
        self.size = 0
        self._entries: dict[int, Entry] = {}
        self._showing: dict[int, set[int]] = {}
        self._first = 0
        self._last = -1

    def fill(self, entries: Sequence[Entry]) -> None:
        """Begin with these, which the store has shown all at once."""
        for entry in entries:
            self._add(entry)

    def append(self, entry: Entry) -> None:
        """The room's next event."""
        if not isinstance(entry.event, MessagePosted):
            self._forget(entry.event.message.id)
            self.changes += 1
        self._add(entry)

    def mend(self, entry: Entry) -> None:
        """Fill a gap. Nothing may have changed since it was read."""
        within = self._first <= entry.cursor <= self._last and entry.cursor not in self._entries
        if within and self.size + entry.size <= RING_BYTES:
            self._put(entry)

    def after(self, position: int) -> Iterator[Entry]:
        """What follows `position`, up to the next gap."""
        while (entry := self._entries.get(position := position + 1)) is not None:
            yield entry

    def unchanged(self, events: Iterable[Event], since: int) -> Iterator[Event]:
        """Events read from the store when `since` was the newest position here, up to the first that shows something
        which has changed again."""
        for event in events:
            if any(cursor > since for cursor in self._showing.get(event.message.id, ())):
                return
            yield event

    def _add(self, entry: Entry) -> None:
        if self._last < self._first:
            self._first = entry.cursor
        self._last = entry.cursor
        self._put(entry)
        while self._last - self._first >= RING_EVENTS or self.size > RING_BYTES:
            self._drop(self._first)
            self._first += 1

    def _put(self, entry: Entry) -> None:
        self._entries[entry.cursor] = entry
        self._showing.setdefault(entry.event.message.id, set()).add(entry.cursor)
        self.size += entry.size

    def _forget(self, message_id: int) -> None:
        for cursor in self._showing.pop(message_id, ()):
            self.size -= self._entries.pop(cursor).size

    def _drop(self, cursor: int) -> None:
        entry = self._entries.pop(cursor, None)
        if entry is None:
            return
        self.size -= entry.size
        showing = self._showing[entry.event.message.id]
        showing.discard(cursor)
        if not showing:
            del self._showing[entry.event.message.id]
