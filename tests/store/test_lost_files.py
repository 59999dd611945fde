"""A file that is gone, or another one by now, is not written to; and whatever lies there is left sound."""

import asyncio
import os
import resource
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from quart_chat.errors import StartupError, StoreUnavailable
from quart_chat.store import history, sqlite
from quart_chat.store.sqlite import SQLiteDatabase
from tests.store.conftest import stored_in
from tests.store.test_opening import refusal

Ruin = Callable[[Path], None]


def remove(path: Path) -> None:
    path.unlink()


def move(path: Path) -> None:
    path.rename(path.parent / "moved.db")


def replace(path: Path) -> None:
    shutil.copy(path.parent / "other" / "chat.db", path.parent / "new.db")
    (path.parent / "new.db").replace(path)


def write_over(path: Path) -> None:
    path.write_bytes((path.parent / "other" / "chat.db").read_bytes())


def write_rubbish_over(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"rubbish " * 4096)


def truncate(path: Path) -> None:
    os.truncate(path, 4096)


def remove_log(path: Path) -> None:
    Path(f"{path}-wal").unlink()


def replace_log(path: Path) -> None:
    remove_log(path)
    Path(f"{path}-wal").touch()


def remove_index(path: Path) -> None:
    Path(f"{path}-shm").unlink()


def cut_log_short(path: Path) -> None:
    os.truncate(f"{path}-wal", 0)


def write_over_log(path: Path) -> None:
    log = Path(f"{path}-wal")
    log.write_bytes(bytes(log.stat().st_size))


def spoil_end_of_log(path: Path) -> None:
    log = Path(f"{path}-wal")
    os.truncate(log, log.stat().st_size - 8000)


def remove_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name(f"{path.parent.name}-moved"))


def turn_link(path: Path) -> None:
    link = path.parent / "link.db"
    link.unlink()
    link.symlink_to(path.parent / "other" / "chat.db")


async def test_file_that_is_gone_gets_nothing_more(tmp_path: Path) -> None:
    wrong = []
    for ruin in (
        remove, move, replace, write_over, write_rubbish_over, truncate, remove_log, replace_log, remove_index,
        cut_log_short, write_over_log, spoil_end_of_log, remove_folder, turn_link,
    ):  # fmt: skip
        folder = tmp_path / ruin.__name__
        (folder / "other").mkdir(parents=True)
        async with stored_in(folder / "other" / "chat.db") as other:
            for number in range(3):
                await other.post(await other.room(), f"other-{number}")
        path = folder / "chat.db"
        (folder / "link.db").symlink_to(path)
        answers = []
        with structlog.testing.capture_logs() as logged:
            async with stored_in(folder / "link.db") as stored:
                room = await stored.room()
                for number in range(20):
                    await stored.post(room, f"kept-{number}")
                published = len(stored.published)
                ruin(path)
                for number in range(3):
                    try:
                        await stored.post(room, f"lost-{number}")
                    except StoreUnavailable:
                        answers.append("refused")
                    else:
                        answers.append("acknowledged")
                assert len(stored.published) == published
        lines = [line for line in logged if line["log_level"] == "error"]
        if answers != ["refused"] * 3 or len(lines) != 1 or "nothing is stored any more" not in lines[0]["event"]:
            wrong.append((ruin.__name__, answers, lines))
        if found := left(ruin, folder):
            wrong.append((ruin.__name__, found))
    assert not wrong


def left(ruin: Ruin, folder: Path) -> str:
    """What is wrong with what lies there after the server has stopped; empty where nothing is."""
    messages = {
        replace: {"chat.db": 3}, move: {"moved.db": 20}, remove_log: {"chat.db": 20}, replace_log: {"chat.db": 20},
        remove_index: {"chat.db": 20}, remove_folder: {"../remove_folder-moved/chat.db": 20},
        cut_log_short: {"chat.db": 0}, write_over_log: {"chat.db": 0}, spoil_end_of_log: {"chat.db": 0},
        write_over: {"chat.db": 3}, turn_link: {"chat.db": 20, "other/chat.db": 3},
    }.get(ruin, {})  # fmt: skip
    for name, count in messages.items():
        with closing(sqlite3.connect(folder / name)) as connection:
            sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
            found = connection.execute("SELECT count(*) FROM messages").fetchone()[0]
        if (sound, found) != ("ok", count):
            return f"{name}: {sound}, {found} messages"
    logs = [path.name for path in folder.glob("chat.db-wal") if path.stat().st_size]
    return f"{logs} beside it" if logs else ""


async def test_file_that_is_gone_is_noticed_though_nobody_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "LOOK", 0.01)
    with structlog.testing.capture_logs() as logged:
        async with stored_in(tmp_path / "chat.db") as stored:
            await stored.post(await stored.room(), "kept")
            stored.path.rename(tmp_path / "away.db")
            # Soon it is all in the file, wherever that is: whatever becomes of the process.
            async with asyncio.timeout(10):
                while not logged or Path(f"{stored.path}-wal").stat().st_size:
                    await asyncio.sleep(0.01)
    assert [line["reason"] for line in logged] == ["chat.db is gone"]


async def test_file_that_comes_back_is_written_again(tmp_path: Path) -> None:
    async with stored_in(tmp_path / "chat.db") as stored:
        room = await stored.room()
        stored.path.rename(tmp_path / "away.db")
        with pytest.raises(StoreUnavailable):
            await stored.post(room, "lost")
        (tmp_path / "away.db").rename(stored.path)
        await stored.post(room, "after")
    with closing(sqlite3.connect(tmp_path / "chat.db")) as connection:
        assert connection.execute("SELECT key FROM messages").fetchall() == [("after",)]


async def test_second_server_is_refused_by_whatever_name_it_calls_the_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    async with stored_in(tmp_path / "folder" / "chat.db") as stored:
        (tmp_path / "link.db").symlink_to(stored.path)
        (tmp_path / "way").symlink_to(tmp_path / "folder")
        os.link(stored.path, tmp_path / "hard.db")
        for name in ("link.db", "way/chat.db", "folder/../folder/chat.db"):
            assert "already served" in await refusal(tmp_path / name), name
        assert "hard link" in await refusal(tmp_path / "hard.db")
        await stored.post(await stored.room(), "the first goes on")


async def test_lock_that_somebody_removes_is_made_anew(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logged:
        async with stored_in(tmp_path / "chat.db") as stored:
            (tmp_path / "chat.db.lock").unlink()
            await stored.post(await stored.room(), "goes on")
            assert "already served" in await refusal(stored.path)
        async with stored_in(tmp_path / "chat.db"):
            pass
    assert [line["event"] for line in logged] == ["the lock of the database was gone, and is there again"]


async def test_server_whose_lock_another_one_has_stores_nothing_more_and_spoils_nothing(tmp_path: Path) -> None:
    async with stored_in(tmp_path / "chat.db") as first:
        room = await first.room()
        await first.post(room, "before")
        (tmp_path / "chat.db.lock").unlink()
        async with stored_in(first.path, "ben") as second:
            for number in range(3):
                await second.post(room, f"second-{number}")
                with pytest.raises(StoreUnavailable):
                    await first.post(room, f"first-{number}")
            await second.post(room, "last")
        with pytest.raises(StoreUnavailable):
            await first.post(room, "after")
    assert not list(tmp_path.glob("*.aside-*"))
    with closing(sqlite3.connect(tmp_path / "chat.db")) as connection:
        kept = connection.execute("SELECT key FROM messages ORDER BY id").fetchall()
    assert [key for (key,) in kept] == ["before", "second-0", "second-1", "second-2", "last"]


async def test_foreign_and_damaged_files_are_refused_and_left_as_they_are(tmp_path: Path) -> None:
    async with stored_in(tmp_path / "sound.db") as stored:
        for number in range(200):
            await stored.post(await stored.room(), str(number), "x" * 500)
    sound = (tmp_path / "sound.db").read_bytes()
    middle = len(sound) // 8192 * 4096
    with closing(sqlite3.connect(tmp_path / "theirs.db")) as theirs:
        theirs.execute("CREATE TABLE letters (text)")
    foreign = (tmp_path / "theirs.db").read_bytes()
    (tmp_path / "gap.db").write_bytes(sound)
    with closing(sqlite3.connect(tmp_path / "gap.db")) as gap:
        gap.execute("DELETE FROM events WHERE cursor = 7")
        gap.commit()
    wrong = []
    for name, content, reason in (
        ("torn.db", sound[: len(sound) // 2], "damaged"),
        ("holed.db", sound[:middle] + bytes(8192) + sound[middle + 8192 :], "damaged"),
        ("letter.db", b"Dear Bob, this is no database. " * 300, "file is not a database"),
        ("foreign.db", foreign, "the database of another program"),
        ("gap.db", (tmp_path / "gap.db").read_bytes(), "events of the room lobby are missing"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        path.chmod(0o644)
        sentence = await refusal(path)
        untouched = path.read_bytes() == content and stat.S_IMODE(path.stat().st_mode) == 0o644
        beside = SQLiteDatabase(path, lambda _: None, alone=False)
        try:
            await beside.open()
        except StartupError as error:
            second = str(error)
        else:
            second = "opened"
        finally:
            await beside.close()
        # A command does not read every event to see whether one is missing.
        if reason not in sentence or not untouched or (name != "gap.db" and reason not in second):
            wrong.append((name, sentence, untouched, second))
    assert not wrong


async def test_all_files_are_their_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    def modes() -> dict[str, str]:
        return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in tmp_path.iterdir()}

    private = {f"chat.db{suffix}": "0o600" for suffix in ("", "-wal", "-shm", ".lock", ".witness")}
    for umask in (0o000, 0o022, 0o277):
        before = os.umask(umask)
        try:
            async with stored_in(tmp_path / "chat.db"):
                assert modes() == private, oct(umask)
        finally:
            os.umask(before)
        for path in tmp_path.iterdir():
            path.unlink()


async def test_file_that_others_could_read_is_tightened_and_said_to_be(tmp_path: Path) -> None:
    async with stored_in(tmp_path / "chat.db"):
        pass
    (tmp_path / "chat.db").chmod(0o664)
    with structlog.testing.capture_logs() as logged:
        async with stored_in(tmp_path / "chat.db") as stored:
            assert stat.S_IMODE(stored.path.stat().st_mode) == 0o600
    assert [line["event"] for line in logged] == ["others could open these files; now only their owner can"]
    assert "chat.db" in logged[0]["files"]


async def test_file_that_cannot_be_looked_at_for_a_moment_is_not_taken_for_another(tmp_path: Path) -> None:
    async with stored_in(tmp_path / "chat.db") as stored:
        room = await stored.room()
        await stored.post(room, "before")
        stored.path.chmod(0o640)  # somebody else has done something to it, so that it is looked at
        most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            with pytest.raises(StoreUnavailable):
                await stored.post(room, "meanwhile")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        await stored.post(room, "after")
    assert not list(tmp_path.glob("*.aside-*"))
    with closing(sqlite3.connect(tmp_path / "chat.db")) as connection:
        kept = connection.execute("SELECT key FROM messages ORDER BY position").fetchall()
    assert kept == [("before",), ("after",)]


async def test_log_of_a_locked_file_is_not_taken_for_that_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "BUSY", 0.1)
    path = tmp_path / "moved.db"
    async with stored_in(tmp_path / "chat.db") as stored:
        await stored.post(await stored.room(), "only in the log")
        for suffix in ("", "-wal"):
            shutil.copy(f"{stored.path}{suffix}", f"{path}{suffix}")
    with closing(sqlite3.connect(path, isolation_level=None)) as somebody:
        somebody.execute("PRAGMA locking_mode = EXCLUSIVE")
        somebody.execute("BEGIN EXCLUSIVE")
        assert "locked" in await refusal(path)
        somebody.execute("ROLLBACK")
        assert not list(tmp_path.glob("*.aside-*"))
    async with stored_in(path) as stored:
        assert stored.rows("SELECT key FROM messages") == [("only in the log",)]
