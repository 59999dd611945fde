"""Opening a file: what it is set to, and what is refused with one clear line."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from quart_chat.errors import StartupError
from quart_chat.store import events, history, rooms
from quart_chat.store.sqlite import SQLiteDatabase
from tests.store.conftest import Stored, stored_in


async def refusal(path: Path) -> str:
    database = SQLiteDatabase(path, lambda _: None)
    try:
        with pytest.raises(StartupError) as refused:
            await database.open()
    finally:
        await database.close()
    sentence = str(refused.value)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("secure_delete", 1), ("query_only", 0)],
)
async def test_writer_is_set_to(stored: Stored, pragma: str, value: object) -> None:
    row = await stored.database.write(lambda tx: tx.one(f"PRAGMA {pragma}"))
    assert row is not None
    assert row[pragma] == value


async def test_readers_only_read(stored: Stored) -> None:
    for _ in range(4):
        row = await stored.database.read(lambda tx: tx.one("PRAGMA query_only"))
        assert row is not None
        assert row["query_only"] == 1


async def test_new_database_has_a_lobby_and_an_epoch_of_its_own(tmp_path: Path) -> None:
    epochs = set()
    for name in ("one.db", "two.db"):
        async with stored_in(tmp_path / name) as stored:
            epochs.add(await stored.database.read(events.select_epoch))
            lobby = await stored.database.read(lambda tx: rooms.select(tx, "lobby"))
            assert lobby is not None
            assert lobby.cursor == 0
    assert len(epochs) == 2


async def test_opening_again_keeps_epoch_and_log(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    async with stored_in(path) as stored:
        epoch = await stored.database.read(events.select_epoch)
        await stored.post(await stored.room(), "key")
    database = SQLiteDatabase(path, lambda _: None)
    await database.open()
    assert await database.read(events.select_epoch) == epoch
    assert await database.read(lambda tx: events.select_head(tx, 1)) == 1
    await database.close()


async def test_newer_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    async with stored_in(path):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO migrations (number, name) VALUES (9999, '9999_future.sql')")
        connection.commit()
    assert "newer quart-chat (migration 9999)" in await refusal(path)


async def test_something_else_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Bob, this is not a database. " * 100)
    assert "not a database" in await refusal(path)
    assert path.read_text().startswith("Dear Bob")


async def test_missing_folder_is_refused(tmp_path: Path) -> None:
    assert "No such file or directory" in await refusal(tmp_path / "nowhere" / "chat.db")


async def test_second_server_on_one_file_is_refused_until_the_first_is_gone(stored: Stored) -> None:
    assert "already served" in await refusal(stored.path)
    await stored.post(await stored.room(), "the first goes on")
    await stored.database.close()
    second = SQLiteDatabase(stored.path, lambda _: None)
    await second.open()
    await second.close()


async def test_failed_opening_does_not_keep_the_file(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    path.write_text("not a database " * 100)
    await refusal(path)
    path.unlink()
    async with stored_in(path):
        pass


async def test_failed_migration_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT")
        connection.execute("CREATE TABLE events (in_the_way)")
    assert "already exists" in await refusal(path)
    with closing(sqlite3.connect(path)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        assert tables == {"events", "migrations"}
        assert connection.execute("SELECT count(*) FROM migrations").fetchone() == (0,)


async def test_programs_that_make_a_file_at_once_all_open_it(tmp_path: Path) -> None:
    """Switching to WAL needs the file alone, and is refused at once while another program so much as begins."""
    path = tmp_path / "chat.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        database = SQLiteDatabase(path, lambda _: None, alone=False)
        opening = asyncio.create_task(database.open())
        try:
            await asyncio.sleep(0.2)  # it must not have failed by then
            other.execute("COMMIT")
            await opening
        finally:
            await database.close()


async def test_log_that_a_command_takes_away_while_it_is_looked_at_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, copy = tmp_path / "chat.db", tmp_path / "killed.db"
    async with stored_in(path) as stored:
        await stored.post(await stored.room(), "key")
        for suffix in ("", "-wal"):  # as a server that is killed leaves them
            Path(f"{copy}{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    log, look = Path(f"{copy}-wal"), Path.stat
    assert log.stat().st_size

    def look_once(looked_at: Path, **options: bool) -> os.stat_result:
        found = look(looked_at, **options)
        if looked_at == log:
            with closing(sqlite3.connect(copy)) as command:
                command.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            log.unlink(missing_ok=True)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Path, "stat", look_once)
        assert history.examine(copy), "its witness is not beside it"
    async with stored_in(copy) as stored:
        assert [key for (key,) in stored.rows("SELECT key FROM messages")] == ["key"]
