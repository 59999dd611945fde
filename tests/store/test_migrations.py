"""Databases that older versions have made: everything in them is still there, at the same positions, and what is new is
as if nobody had used it."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from quart_chat.errors import StartupError
from quart_chat.models import Cursor, EmbedKey, Kind, Rank, Standing, User
from quart_chat.store import bans, embed_keys, events, followers, members, messages, migrations, rooms, users
from quart_chat.store.database import Transaction
from quart_chat.store.sqlite import SQLiteDatabase
from tests.store import before

MESSAGES = 10_000
PAGE = 50

ACTS = {
    "message_posted": "MessagePosted", "message_edited": "MessageChanged", "message_deleted": "MessageDeleted"
}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("before") / "chat.db"
    before.make(path, MESSAGES)
    return path


@pytest.fixture
def old(written: Path, tmp_path: Path) -> Path:
    """A database of the version before, with rooms, guests, signed members, edits, deletions, lists and keys."""
    return Path(shutil.copy(written, tmp_path / "chat.db"))


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


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def pages(path: Path, room_id: int) -> list[list[int]]:
    """As the version before showed them, from the newest back: it ordered a room by ids."""
    shown = f"SELECT id FROM messages WHERE room_id = {room_id} AND deleted_at IS NULL ORDER BY id DESC"
    ids = [int(str(row[0])) for row in rows(path, shown)]
    return [ids[start : start + PAGE][::-1] for start in range(0, len(ids), PAGE)]


async def test_pages_in_both_directions_show_what_they_showed(written: Path, upgraded: SQLiteDatabase) -> None:
    for room_id in before.ROOMS.values():
        back = await upgraded.read(lambda tx, room_id=room_id: read_back(tx, room_id))
        assert back == pages(written, room_id)
        forth = await upgraded.read(lambda tx, room_id=room_id: messages.select_after(tx, room_id, 0, limit=MESSAGES))
        assert [message.id for message in forth] == [number for page in reversed(back) for number in page]
    assert len(back) == 0, "nothing happened in the last of them"


def read_back(tx: Transaction, room_id: int) -> list[list[int]]:
    position, found = 2**62, []
    while page := messages.select_before(tx, room_id, position, limit=PAGE):
        assert all(message.position < position for message in page)
        found.append([message.id for message in page])
        position = page[0].position
    return found


async def test_replay_has_the_same_at_every_cursor(written: Path, upgraded: SQLiteDatabase) -> None:
    assert rows(written, "SELECT value FROM facts WHERE name = 'epoch'") == [
        (await upgraded.read(events.select_epoch),)
    ]
    for room_id in before.ROOMS.values():
        expected = rows(
            written,
            f"""
            SELECT e.cursor, e.created_at, e.type, m.id, m.text, m.created_at, m.edited_at, m.deleted_at, m.version,
                   u.name, u.key, u.avatar, u.role, u.room_id IS NOT NULL, m.key
              FROM events AS e JOIN messages AS m ON m.id = e.message_id JOIN users AS u ON u.id = m.user_id
             WHERE e.room_id = {room_id}
             ORDER BY e.cursor
            """,
        )
        position, found = 0, []
        while step := await upgraded.read(
            lambda tx, at=position, room_id=room_id: events.select_after(tx, room_id, at, limit=200)
        ):
            found += step
            position = step[-1].cursor
        assert position == await upgraded.read(lambda tx, room_id=room_id: events.select_head(tx, room_id))
        assert [event.cursor for event in found] == [*range(1, len(expected) + 1)]
        for event, row in zip(found, expected, strict=True):
            cursor, at, kind, *shown, name, key, avatar, role, signed, message_key = row
            message = event.act.message
            author = User(message.author.id, name, key, 0, None, avatar, role, Kind.SIGNED if signed else Kind.GUEST)
            assert message.author == author.author
            assert (event.room_id, event.cursor, event.at, type(event.act).__name__) == (
                room_id,
                cursor,
                at,
                ACTS[kind],
            )
            assert event.actor_id == message.author.id, "nobody could change what was not theirs"
            assert [
                message.id, message.text, message.created_at, message.edited_at, message.deleted_at, message.version
            ] == shown  # fmt: skip
            assert message.key == message_key
            if kind == "message_posted":
                assert message.position == event.cursor


async def test_people_rooms_and_keys_are_who_and_what_they_were(upgraded: SQLiteDatabase) -> None:
    tea = await upgraded.read(lambda tx: rooms.select(tx, "tea"))
    assert tea is not None
    assert (tea.id, tea.name, tea.owner_id, tea.origins) == (7, "Tea ✓", 1, tuple(before.SITES.split()))
    assert tea.signed_only
    empty = await upgraded.read(lambda tx: rooms.select(tx, "empty"))
    assert empty is not None
    assert (empty.cursor, empty.owner_id, empty.origins, empty.signed_only) == (0, 2, (), False)
    for number, name in enumerate(before.GUESTS, 1):
        user = await upgraded.read(lambda tx, name=name: users.select(tx, f"key of {name}"))
        assert user == User(number, name.title(), f"key of {name}", number)
        assert not user.verified
    sigrid = await upgraded.read(lambda tx: users.select(tx, "key of sigrid"))
    assert sigrid == User(
        4, "Sigrid", "key of sigrid", 4, 7, "https://example.org/s.png", "moderator", Kind.SIGNED, operator=False
    )
    assert await upgraded.read(lambda tx: users.is_reserved(tx, 7, "sigrid"))
    assert await upgraded.read(lambda tx: embed_keys.select(tx, 7)) == [
        EmbedKey("old", 7, "HS256", "secret", 5, 99), EmbedKey("new", 7, "EdDSA", "public", 6, None)
    ]  # fmt: skip
    new = await upgraded.write(lambda tx: users.insert(tx, name="Dee", key="key of dee", now=0))
    assert new.id == 101, "ids go on where they did"


async def test_who_has_written_is_a_member_and_who_made_a_room_owns_it(upgraded: SQLiteDatabase) -> None:
    def look(tx: Transaction) -> dict[tuple[str, int], tuple[Rank, Standing, str]]:
        found = {}
        for slug, room_id in before.ROOMS.items():
            for user_id in range(1, 6):
                if member := members.select(tx, room_id, user_id):
                    found[slug, user_id] = member.rank, member.standing, member.reason
        return found

    rank = {
        **{("lobby", user): Rank.MEMBER for user in (1, 2, 3)},
        **{("tea", user): Rank.MEMBER for user in (2, 3, 4)},
        ("tea", 1): Rank.OWNER,
        ("empty", 2): Rank.OWNER,
    }
    assert await upgraded.read(look) == {who: (found, Standing.IN, "") for who, found in rank.items()}
    assert await upgraded.read(lambda tx: members.select_places(tx, 1)) == {}
    assert await upgraded.read(lambda tx: bans.select(tx, 1)) == set()
    behind = await upgraded.read(lambda tx: followers.select_behind(tx, "webhooks", since=0))
    assert set(behind) == {1, 7}


async def test_writing_goes_on_behind_what_is_there(upgraded: SQLiteDatabase) -> None:
    def post(tx: Transaction) -> Cursor:
        room = rooms.claim(tx, "tea")
        author = users.select(tx, "key of bo")
        assert room
        assert author
        message = messages.insert(tx, room, author, key="new", text="new", now=1)
        assert message
        event = events.append(tx, room, events.MessagePosted(message), actor=author.id, now=1)
        assert (message.id, message.position) == (MESSAGES + 1, room.cursor + 1)
        assert messages.insert(tx, room, author, key=first_key(tx, author), text="again", now=1) is None
        return event.cursor

    head = await upgraded.read(lambda tx: events.select_head(tx, 7))
    assert await upgraded.write(post) == head + 1


def first_key(tx: Transaction, author: User) -> str:
    row = tx.one("SELECT key FROM messages WHERE room_id = 7 AND user_id = :id", id=author.id)
    assert row is not None
    return str(row["key"])


async def test_tables_are_sound(old: Path) -> None:
    async with opened_from(old):
        pass
    assert rows(old, "PRAGMA integrity_check") == [("ok",)]
    assert rows(old, "PRAGMA foreign_key_check") == []
    assert rows(old, "SELECT count(*) FROM messages WHERE position = 0") == [(0,)]


async def test_version_before_refuses_what_this_one_has_opened(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened_from(old):
        pass
    known = migrations._scripts()
    monkeypatch.setattr(migrations, "_scripts", lambda: [one for one in known if one.name in before.MIGRATIONS])
    newest = max(int(one.name[:4]) for one in known)
    with pytest.raises(
        StartupError, match=rf"made by a newer quart-chat \(migration {newest}\). Install that version, or"
    ):
        async with opened_from(old):
            pass
    monkeypatch.undo()
    async with opened_from(old) as database:
        assert await database.read(lambda tx: rooms.select(tx, "tea")), "and left it as it was"


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
