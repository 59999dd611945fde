"""Databases that older versions have made: everything in them is still there, and what is new is as if nobody had used
it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from importlib.resources import files
from pathlib import Path

import pytest

from quart_chat.models import Cursor, User
from quart_chat.store import embed_keys, events, messages, rooms, users
from quart_chat.store.sqlite import SQLiteDatabase

TABLES = ("facts", "rooms", "users", "messages", "events")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A database of the first version, with two rooms, guests, and a message of each kind."""
    path = tmp_path / "chat.db"
    first = (files("quart_chat.store.migrations") / "sqlite" / "0001_initial.sql").read_text("utf-8")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            f"""
            PRAGMA journal_mode = WAL;
            CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
            {first}
            INSERT INTO migrations VALUES (1, '0001_initial.sql');
            INSERT INTO rooms (id, slug, name, created_at, active_at, cursor) VALUES (7, 'tea', 'Tea ✓', 1, 2, 4);
            INSERT INTO users (id, name, key, created_at) VALUES (1, 'Ana', 'key-of-ana', 3), (2, 'Bo', 'key-of-bo', 4);
            INSERT INTO messages (id, room_id, user_id, key, text, created_at, edited_at, deleted_at, version)
            VALUES (1, 7, 1, 'k1', 'hello', 5, NULL, NULL, 1),
                   (2, 7, 2, 'k2', 'changed', 6, 7, NULL, 2),
                   (3, 7, 1, 'k3', '', 8, NULL, 9, 2);
            INSERT INTO events (room_id, cursor, type, message_id, created_at)
            VALUES (7, 1, 'message_posted', 1, 5), (7, 2, 'message_posted', 2, 6),
                   (7, 3, 'message_edited', 2, 7), (7, 4, 'message_deleted', 3, 9);
            """
        )
    return path


@asynccontextmanager
async def opened_from(path: Path) -> AsyncIterator[SQLiteDatabase]:
    database = SQLiteDatabase(path, lambda _: None)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def upgraded(old: Path) -> AsyncIterator[SQLiteDatabase]:
    async with opened_from(old) as database:
        yield database


def rows(path: Path) -> dict[str, list[dict[str, object]]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return {table: [dict(row) for row in connection.execute(f"SELECT * FROM {table}")] for table in TABLES}


async def test_everything_is_still_there(old: Path) -> None:
    before = rows(old)
    database = SQLiteDatabase(old, lambda _: None)
    await database.open()
    await database.close()
    after = rows(old)
    after["facts"] = [row for row in after["facts"] if row["name"] != "served_at"]
    for table in TABLES:
        assert [{name: row[name] for name in kept} for kept, row in zip(before[table], after[table], strict=True)] == (
            before[table]
        )
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


async def test_what_is_new_is_as_if_nobody_had_used_it(upgraded: SQLiteDatabase) -> None:
    database = upgraded
    room = await database.read(lambda tx: rooms.select(tx, "tea"))
    assert room is not None
    assert (room.id, room.name, room.cursor) == (7, "Tea ✓", 4)
    assert (room.owner_id, room.origins, room.signed_only) == (None, None, False)
    ana = await database.read(lambda tx: users.select(tx, "key-of-ana"))
    assert ana == User(1, "Ana", "key-of-ana", 3)
    assert not ana.verified
    assert not await database.read(lambda tx: users.is_reserved(tx, 7, "ana"))
    assert await database.read(lambda tx: embed_keys.select(tx, 7)) == []
    shown = await database.read(lambda tx: messages.select_before(tx, 7, 2**62, limit=10))
    assert [message.text for message in shown] == ["hello", "changed"]
    log = await database.read(lambda tx: events.select_after(tx, 7, 0, limit=10))
    assert [type(event).__name__ for event in log][-2:] == ["MessageEdited", "MessageDeleted"]


async def test_cursors_of_readers_still_count(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        (epoch,) = connection.execute("SELECT value FROM facts WHERE name = 'epoch'").fetchone()
    async with opened_from(old) as database:
        assert str(Cursor(await database.read(events.select_epoch), 4)) == f"{epoch}.4"


async def test_programs_that_open_it_at_once_bring_it_up_to_date_once(old: Path) -> None:
    """A server and commands beside it."""
    databases = [SQLiteDatabase(old, lambda _: None, alone=False) for _ in range(6)]
    try:
        opened = await asyncio.gather(*(database.open() for database in databases), return_exceptions=True)
        assert opened == [None] * len(databases)
        for database in databases:
            assert await database.read(lambda tx: rooms.select(tx, "lobby"))
    finally:
        for database in databases:
            await database.close()
