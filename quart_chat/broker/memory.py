"""The broker of a single process: an `asyncio.Queue` per subscriber."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from quart_chat.events import Event

INBOX = 10_000
"""Events that may wait for one feed. When it is full further ones are dropped; the feed then reads the store."""

Inbox = asyncio.Queue[Event | None]
"""Events for one feed. None, put in by the feed's owner, asks it for a heartbeat in order with them."""


class MemoryBroker:
    def __init__(self) -> None:
        self._inboxes: dict[int, set[Inbox]] = {}

    def publish(self, events: Iterable[Event]) -> None:
        """Hand over committed events, in the order of the log. Never waits."""
        for event in events:
            for inbox in self._inboxes.get(event.room_id, ()):
                if not inbox.full():
                    inbox.put_nowait(event)

    @contextmanager
    def subscribe(self, room_id: int) -> Iterator[Inbox]:
        """What happens in a room from now on."""
        inbox: Inbox = asyncio.Queue(INBOX)
        inboxes = self._inboxes.setdefault(room_id, set())
        inboxes.add(inbox)
        try:
            yield inbox
        finally:
            inboxes.discard(inbox)
            if not inboxes:
                self._inboxes.pop(room_id, None)
