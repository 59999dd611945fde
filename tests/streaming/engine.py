"""A chat without its web: a real database file, a broker, feeds; and what people do with it."""

import asyncio
import itertools
import random as randoms
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from quart_chat import assets
from quart_chat.broker.memory import MemoryBroker
from quart_chat.domain import gates as domain_gates
from quart_chat.domain import log, messages, rooms
from quart_chat.domain.actors import CONSOLE, Asker, GuestKey
from quart_chat.domain.chat import Chat
from quart_chat.domain.limits import Limits
from quart_chat.domain.newest import Newest
from quart_chat.events import AboutMessage, Erased, Event
from quart_chat.models import Cursor, Draft, Message, Room
from quart_chat.signals import Signal
from quart_chat.store import events
from quart_chat.store.sqlite import SQLiteDatabase
from quart_chat.streaming.feed import Feed
from quart_chat.streaming.feeds import Feeds
from quart_chat.streaming.forms import HTML, JSON, Encoder, event_as_json, signals_as_json
from quart_chat.streaming.gate import Gates, open_to_all
from quart_chat.streaming.reader import Viewer
from quart_chat.streaming.stream import Terms, stream
from quart_chat.view.templates import Templates
from tests.people import key_of
from tests.sse import Parser, SSEvent

keys = itertools.count()

ANYBODY = Viewer(None, "here", None, HTML)


class LossyBroker(MemoryBroker):
    """Drops and reorders events, as a network may; loses everything while `mute`."""

    def __init__(self, random: randoms.Random, loss: float = 0.2) -> None:
        super().__init__()
        self.random = random
        self.loss = loss
        self.mute = False

    def publish(self, committed: Sequence[Event]) -> None:
        kept = [event for event in committed if self.random.random() >= self.loss and not self.mute]
        if self.random.random() < 0.3:
            self.random.shuffle(kept)
        super().publish(kept)


class HoldingBroker(MemoryBroker):
    """Delivers nothing before `release`."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[Event] = []

    def publish(self, committed: Sequence[Event]) -> None:
        self.held += committed

    def release(self) -> None:
        super().publish(self.held)
        self.held = []


def about(event: Event) -> Message:
    """The message that it is about."""
    assert isinstance(event.act, AboutMessage)
    return event.act.message


@dataclass
class Engine:
    chat: Chat
    feeds: Feeds
    room: Room

    async def feed(self) -> Feed:
        return await self.feeds.get(self.room)

    async def head(self) -> int:
        return await log.head(self.chat, self.room.id)

    def at(self, position: int) -> Cursor:
        return Cursor(self.chat.epoch, position)

    async def post(self, text: str, author: Message | None = None) -> Message:
        """By the author of an earlier message, or by somebody new."""
        asker = await self._asker(author) if author else Asker(None, "Ana", "here")
        posted = await messages.post(self.chat, self.room.slug, asker, Draft(text, f"key-{next(keys)}"))
        return about(posted.event)

    async def edit(self, message: Message, text: str) -> Message:
        return about(await messages.edit(self.chat, self.room.slug, await self._asker(message), message.id, text))

    async def delete(self, message: Message) -> Message:
        return about(await messages.delete(self.chat, self.room.slug, await self._asker(message), message.id))

    async def _asker(self, message: Message) -> Asker:
        return Asker(GuestKey(await key_of(self.chat, message.author.id)), None, "here")

    async def stream(
        self,
        feed: Feed,
        after: Cursor | None,
        *,
        limit: int = 10_000,
        age: float = 600.0,
        viewer: Viewer = ANYBODY,
    ) -> AsyncGenerator[bytes]:
        """As a server sends it of which nothing is known; who is held up in sending it is cancelled."""
        task = asyncio.current_task()
        assert task is not None
        terms = Terms(limit, 2**40, 15.0, age)
        async with aclosing(stream(self.feeds, feed, after, terms, viewer, task.cancel)) as pieces:
            async for piece in pieces:
                assert isinstance(piece, bytes)
                yield piece

    async def replay(self, after: int = 0) -> list[SSEvent]:
        """The log after a position, as a stream brings it after its opening, up to the present head."""
        feed = await self.feed()
        parser, found = Parser(), []
        async with aclosing(self.stream(feed, self.at(after))) as body:
            async for chunk in body:
                found += [event for event in parser.feed(chunk) if event.type == "message"]
                if parser.last_event_id == str(self.at(feed.head)):
                    return found
        raise AssertionError("the stream ended")


SECRET = b"secret"

Encode = Callable[[Event], str]


def shown(event: Event) -> str:
    """A fragment for tests: what happened, to which message, and its text as it is now."""
    if isinstance(event.act, Erased):
        return ""
    return f"{type(event.act).__name__} {event.act.message.id}: {event.act.message.text}"


def waved(signals: Iterable[Signal]) -> str:
    return " ".join(f"{signal.kind} {signal.user_id}" for signal in signals)


def html(event: Event) -> str:
    """The fragment that pages get."""
    return _templates.fragment(event)


@asynccontextmanager
async def engine(
    folder: Path,
    *,
    broker: MemoryBroker | None = None,
    encode: Encode = shown,
    heartbeat: float = 60.0,
    gates: Gates = open_to_all,
) -> AsyncIterator[Engine]:
    broker = broker or MemoryBroker()
    database = SQLiteDatabase(folder / "chat.db", broker.publish)
    await database.open()
    try:
        epoch = await database.read(events.select_epoch)
        chat = Chat(
            database,
            broker,
            Newest(),
            domain_gates.Gates(database, SECRET),
            Limits(None, None, None, None),
            epoch,
            SECRET,
        )
        forms = {HTML: Encoder(encode, waved), JSON: Encoder(event_as_json, signals_as_json)}
        feeds = Feeds(chat, forms, heartbeat, gates=gates)
        yield Engine(chat, feeds, await rooms.find(chat, "lobby", CONSOLE))
        await feeds.close()
    finally:
        await database.close()


_templates = Templates(assets.folder("templates"))
