"""The broker of a single process: a queue for each subscriber, and events as they are."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from quart_chat.broker.broker import INBOX, SIGNALS, Inbox, News, Position, Topic
from quart_chat.events import Event
from quart_chat.signals import Signal


class MemoryBroker:
    def __init__(self) -> None:
        self._inboxes: dict[Topic, set[Inbox]] = {}
        self._watching: set[Callable[[int], None]] = set()

    def publish(self, committed: Sequence[Event]) -> None:
        """Into the inbox of whoever hears of the room: of its feed in streaming/feed.py, which goes on with it."""
        for event in committed:
            self._put(Topic.room(event.room_id), event, INBOX)
            for watching in self._watching:
                watching(event.room_id)

    def moved(self, room_id: int, cursor: int) -> None:
        """Tell that somebody else has committed in a room, up to `cursor`."""
        self._put(Topic.room(room_id), Position(cursor), INBOX)
        for watching in self._watching:
            watching(room_id)

    def signal(self, topic: Topic, signal: Signal) -> None:
        self._put(topic, signal, SIGNALS)

    @contextmanager
    def subscribe(self, topic: Topic) -> Iterator[Inbox]:
        inbox: Inbox = asyncio.Queue()
        inboxes = self._inboxes.setdefault(topic, set())
        inboxes.add(inbox)
        try:
            yield inbox
        finally:
            inboxes.discard(inbox)
            if not inboxes:
                self._inboxes.pop(topic, None)

    @contextmanager
    def watch(self, moved: Callable[[int], None]) -> Iterator[None]:
        self._watching.add(moved)
        try:
            yield
        finally:
            self._watching.discard(moved)

    def _put(self, topic: Topic, news: News, most: int) -> None:
        for inbox in self._inboxes.get(topic, ()):
            if inbox.qsize() < most:
                inbox.put_nowait(news)
