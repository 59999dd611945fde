"""A locked file, a full disk: the poster is told, nothing acknowledged is lost, and afterwards it works again."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from quart_chat.errors import StoreUnavailable
from quart_chat.models import Room
from quart_chat.store import sqlite
from tests.store.conftest import Stored, stored_in


@pytest.fixture
async def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stored]:
    monkeypatch.setattr(sqlite, "BUSY_MS", 20)
    async with stored_in(tmp_path / "chat.db") as stored:
        yield stored


async def fill(stored: Stored, room: Room, text: str) -> list[str]:
    """Post until it is refused; returns the keys that were acknowledged."""
    acknowledged: list[str] = []
    for key in (f"key-{number}" for number in range(10_000)):
        try:
            await stored.post(room, key, text)
        except StoreUnavailable:
            return acknowledged
        acknowledged.append(key)
    raise AssertionError("nothing was ever full")


def keys(stored: Stored) -> list[str]:
    return [str(row[0]) for row in stored.rows("SELECT key FROM messages ORDER BY position")]


async def test_locked_file_is_an_error_to_the_poster_and_nothing_is_stored(impatient: Stored) -> None:
    room = await impatient.room()
    with impatient.look() as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable):
            await impatient.post(room, "refused")
        assert await impatient.database.read(lambda tx: tx.all("SELECT * FROM messages")) == [], "readers go on"
        other.execute("ROLLBACK")
    await impatient.post(room, "after")
    assert keys(impatient) == ["after"]
    assert [event.cursor for event in impatient.published] == [1]


async def test_full_database_loses_nothing_that_was_acknowledged(stored: Stored) -> None:
    room = await stored.room()
    await stored.database.write(lambda tx: tx.one("PRAGMA max_page_count = 60"))
    acknowledged = await fill(stored, room, "x" * 2000)
    assert acknowledged
    assert keys(stored) == acknowledged
    assert [event.act.message.key for event in stored.published] == acknowledged

    await stored.database.write(lambda tx: tx.one("PRAGMA max_page_count = 1000000"))
    await stored.post(room, "after")
    assert keys(stored) == [*acknowledged, "after"]
    assert [event.cursor for event in stored.published] == list(range(1, len(acknowledged) + 2))


async def test_full_disk_loses_nothing_that_was_acknowledged(small_disk: Path) -> None:
    async with stored_in(small_disk / "chat.db") as stored:
        room = await stored.room()
        ballast = small_disk / "ballast"
        ballast.write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize - 128 * 1024))
        acknowledged = await fill(stored, room, "x" * 2000)
        assert keys(stored) == acknowledged
        ballast.unlink()
        await stored.post(room, "after")
        assert keys(stored) == [*acknowledged, "after"]
        assert stored.rows("PRAGMA integrity_check") == [("ok",)]


async def test_one_failure_answers_every_poster_of_its_batch(impatient: Stored) -> None:
    room = await impatient.room()
    with impatient.look() as other:
        other.execute("BEGIN IMMEDIATE")
        results = await asyncio.gather(*(impatient.post(room, str(n)) for n in range(10)), return_exceptions=True)
        other.execute("ROLLBACK")
    assert {type(result) for result in results} == {StoreUnavailable}
    assert keys(impatient) == []
