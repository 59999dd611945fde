"""The feeds of this process: opened when somebody first reads a room, closed when nobody has for a while."""

import asyncio
import functools
import time
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass

import structlog

from quart_chat.broker.broker import Topic
from quart_chat.domain import log as stored_log
from quart_chat.domain.chat import Chat
from quart_chat.errors import Draining
from quart_chat.events import Event
from quart_chat.models import Room
from quart_chat.streaming.feed import Feed
from quart_chat.streaming.forms import Forms
from quart_chat.streaming.gate import Gates, open_to_all
from quart_chat.streaming.quota import Seat, Seats
from quart_chat.streaming.reader import Reader, Reason, Viewer

log = structlog.get_logger()

IDLE = 60.0
"""Seconds a feed outlives its last reader, so that readers who all lost the network find the ring when they return."""

DRAIN = 5.0
"""Seconds that streams get to say farewell when the server stops."""


@dataclass(frozen=True, slots=True)
class _RoomLog:
    chat: Chat
    room_id: int

    async def after(self, cursor: int, limit: int) -> tuple[Sequence[Event], int]:
        return await stored_log.events_after(self.chat, self.room_id, cursor, limit)

    async def head(self) -> int:
        return await stored_log.head(self.chat, self.room_id)

    async def size_after(self, cursor: int) -> int:
        return await stored_log.size_after(self.chat, self.room_id, cursor)


class Feeds:
    """Owns every feed and its task. Without `seats` streams are not limited."""

    def __init__(
        self, chat: Chat, forms: Forms, heartbeat: float, seats: Seats | None = None, gates: Gates = open_to_all
    ) -> None:
        self.open_streams = 0
        self.seats = seats
        self._chat = chat
        self._forms = forms
        self._gates = gates
        self._heartbeat = heartbeat
        self._opened: dict[int, asyncio.Task[Feed]] = {}
        self._running: dict[int, tuple[Feed, asyncio.Task[None]]] = {}
        self._by_slug: dict[str, Feed] = {}
        self._draining = False
        self.stopping = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()

    def known(self, slug: str) -> Feed | None:
        """The feed of a room that is being read already; None where the room must be looked up. Raises Draining."""
        if self._draining:
            raise Draining
        feed = self._by_slug.get(slug)
        if feed is None or feed.closed:
            return None
        feed.used_at = time.monotonic()
        return feed

    async def get(self, room: Room) -> Feed:
        """The feed of a room. Raises Draining when the server is about to stop, StoreUnavailable."""
        if self._draining:
            raise Draining
        opened = self._opened.get(room.id)
        if opened is None:
            # In a context of its own: it outlives the request that happens to be the first, and must not keep it.
            opened = self._opened[room.id] = asyncio.create_task(
                self._open(room), name=f"open feed {room.slug}", context=Context()
            )
        # Shielded: others may wait for it too.
        feed = await asyncio.shield(opened)
        if self._draining:
            # Draining began meanwhile, and may not have known of this feed.
            raise Draining
        feed.used_at = time.monotonic()
        return feed

    async def drain(self) -> None:
        """End every stream with a farewell, accept no new ones, and return when they are gone."""
        self._draining = True
        self.stopping.set()
        for feed, _ in self._running.values():
            feed.close(Reason.SHUTDOWN)
        try:
            async with asyncio.timeout(DRAIN):
                await self._quiet.wait()
        except TimeoutError:
            log.warning("some streams did not end in time", streams=self.open_streams)

    def left(self, viewer: Viewer) -> float:
        """Seconds for which a stream or poll of theirs may go on."""
        return viewer.left(self._chat.now())

    def opened(self, reader: Reader) -> Seat | None:
        """Count a stream, and give it its seat where it has to have one. `ended` MUST follow, once."""
        self.open_streams += 1
        self._quiet.clear()
        return self.seats.take(reader.viewer, reader) if self.seats else None

    def ended(self, seat: Seat | None) -> None:
        if seat is not None:
            seat.leave()
        self.open_streams -= 1
        if not self.open_streams:
            self._quiet.set()

    async def close(self) -> None:
        self._draining = True
        self.stopping.set()
        for feed, _ in self._running.values():
            feed.close(Reason.SHUTDOWN)
        tasks = [*self._opened.values(), *(task for _, task in self._running.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _open(self, room: Room) -> Feed:
        opened: asyncio.Future[Feed] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._run(room, opened), name=f"feed {room.slug}")
        task.add_done_callback(lambda _: opened.cancel())
        try:
            return await opened
        except BaseException:
            # `_run` forgets the feed itself: by now another attempt may have taken its place.
            task.cancel()
            raise

    async def _run(self, room: Room, opened: asyncio.Future[Feed]) -> None:
        room_id = room.id
        stored = _RoomLog(self._chat, room_id)
        try:
            # Subscribed before the head is read: whatever is committed in between is in the inbox.
            with self._chat.broker.subscribe(Topic.room(room_id)) as inbox:
                head, gate = await stored.head(), functools.partial(self._gates, room_id)
                feed = Feed(self._chat.epoch, head, inbox, self._forms, stored, self._heartbeat, gate)
                task = asyncio.current_task()
                assert task is not None
                await feed.fill()
                self._running[room_id] = (feed, task)
                self._by_slug[room.slug] = feed
                opened.set_result(feed)
                await feed.run(IDLE)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if not opened.done():
                opened.set_exception(error)
                return
            # Better no stream than a silent one: its readers come back, and see whether it works again.
            log.exception("a feed failed", room_id=room_id)
            self._running[room_id][0].close(Reason.SHUTDOWN)
        finally:
            self._opened.pop(room_id, None)
            self._running.pop(room_id, None)
            self._by_slug.pop(room.slug, None)
