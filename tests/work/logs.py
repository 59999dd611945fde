"""Rooms in which things happen, and a follower that shows what it gets."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from quart_chat.app import open_chat
from quart_chat.config import Config
from quart_chat.domain.chat import Chat
from quart_chat.events import Act, Event, MessagePosted
from quart_chat.models import Room
from quart_chat.store import events, messages, rooms, users
from quart_chat.store.database import Transaction

keys = itertools.count()

PATIENCE = 20.0
"""Seconds for what is to happen, on a busy machine."""


@asynccontextmanager
async def chat_in(folder: Path, *, alone: bool = True) -> AsyncIterator[Chat]:
    config = Config(database_url=f"sqlite:///{folder}/chat.db", secret_key="0123456789abcdef" * 4)
    async with open_chat(config, alone=alone) as chat:
        yield chat


async def post(chat: Chat, slug: str, count: int = 1, *, text: str = "text") -> None:
    """Have `count` messages posted by somebody in a room, which is made where there is none."""

    def job(tx: Transaction) -> None:
        room = rooms.claim(tx, slug) or rooms.insert(tx, slug=slug, name=slug, owner_id=None, now=chat.now())
        author = users.select(tx, "key of ana") or users.insert(tx, name="Ana", key="key of ana", now=0)
        for _ in range(count):
            message = messages.insert(tx, room, author, key=f"key-{next(keys)}", text=text, now=chat.now())
            assert message
            events.append(tx, room, MessagePosted(message), actor=author.id, now=chat.now())
            room = rooms.claim(tx, slug) or room

    await chat.database.write(job)


async def happen(chat: Chat, act: Callable[[Room], Act], slug: str = "lobby", actor: int | None = None) -> None:
    """Have something in a room's log."""

    def job(tx: Transaction) -> None:
        room = rooms.claim(tx, slug)
        assert room
        events.append(tx, room, act(room), actor=actor, now=chat.now())

    await chat.database.write(job)


async def stored(chat: Chat, name: str) -> dict[str, int]:
    """Up to where a follower is done in each room."""
    sql = "SELECT slug, f.cursor FROM followers AS f JOIN rooms ON rooms.id = room_id WHERE name_of = :name"
    rows = await chat.database.read(lambda tx: tx.all(sql.replace("name_of", "f.name"), name=name))
    return {row["slug"]: row["cursor"] for row in rows}


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0)


async def until_stored(chat: Chat, name: str, cursors: dict[str, int]) -> None:
    async with asyncio.timeout(PATIENCE):
        while await stored(chat, name) != cursors:
            pass


@dataclass
class Recorder:
    """A follower that does nothing but keep what it was given, and `before` that whatever a test wants."""

    before: Callable[[Room, Event], object] = lambda room, event: None
    settling: Callable[[], object] = lambda: None
    name: str = "recorder"
    from_now: bool = False
    got: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Cursors, by the rooms' slugs."""

    async def work(self, room: Room, event: Event) -> None:
        waited = self.before(room, event)
        if asyncio.iscoroutine(waited):
            await waited
        self.got[room.slug].append(event.cursor)

    async def settle(self) -> None:
        self.settling()
