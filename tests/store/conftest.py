"""A database file, what it published, and what another connection sees in it."""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from quart_chat.events import Event, MessagePosted
from quart_chat.models import Message, Room, User
from quart_chat.store import events, messages, rooms, users
from quart_chat.store.database import Transaction
from quart_chat.store.sqlite import SQLiteDatabase


@dataclass
class Stored:
    """An open database with one author."""

    path: Path
    database: SQLiteDatabase
    author: User
    published: list[Event] = field(default_factory=list)

    @contextmanager
    def look(self) -> Iterator[sqlite3.Connection]:
        """The file through a connection of its own: only what is committed."""
        with closing(sqlite3.connect(self.path, isolation_level=None, timeout=0)) as connection:
            yield connection

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with self.look() as connection:
            return connection.execute(query).fetchall()

    async def room(self, slug: str = "lobby") -> Room:
        def find_or_make(tx: Transaction) -> Room:
            found = rooms.select(tx, slug) or rooms.insert(tx, slug=slug, name=slug, owner_id=None, now=0)
            assert found is not None
            return found

        return await self.database.write(find_or_make)

    async def post(self, room: Room, key: str, text: str = "text") -> Message:
        return await self.database.write(lambda tx: post(tx, room, self.author, key, text))


def find_or_make(tx: Transaction, key: str) -> User:
    return users.select(tx, key) or users.insert(tx, name="Ana", key=key, now=0)


def post(tx: Transaction, room: Room, author: User, key: str, text: str = "text") -> Message:
    claimed = rooms.claim(tx, room.slug)
    assert claimed is not None
    message = messages.insert(tx, claimed, author, key=key, text=text, now=0)
    assert message is not None
    events.append(tx, claimed, MessagePosted(message), actor=author.id, now=0)
    return message


@asynccontextmanager
async def stored_in(path: Path, author: str = "ana") -> AsyncIterator[Stored]:
    published: list[Event] = []

    def on_commit(batch: Sequence[Event]) -> None:
        published.extend(batch)

    database = SQLiteDatabase(path, on_commit)
    await database.open()
    try:
        yield Stored(path, database, await database.write(lambda tx: find_or_make(tx, author)), published)
    finally:
        await database.close()


@pytest.fixture
async def stored(tmp_path: Path) -> AsyncIterator[Stored]:
    async with stored_in(tmp_path / "chat.db") as opened:
        yield opened
