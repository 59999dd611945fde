"""A database that was put back in time, or is another one, has another history: no cursor and no id counts any more."""

import secrets
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import structlog

from quart_chat.store import events
from tests.store.conftest import stored_in
from tests.store.killed import killed

Put = Callable[[Path, Path], None]
"""How what was saved in the second folder is put back into the first."""


def by_cp(live: Path, saved: Path) -> None:
    (live / "chat.db").write_bytes((saved / "chat.db").read_bytes())


def by_cp_without_the_log(live: Path, saved: Path) -> None:
    by_cp(live, saved)
    for name in ("chat.db-wal", "chat.db-shm"):
        (live / name).unlink(missing_ok=True)


def by_mv(live: Path, saved: Path) -> None:
    shutil.copy(saved / "chat.db", live / "new.db")
    (live / "new.db").replace(live / "chat.db")


def by_cp_of_the_folder(live: Path, saved: Path) -> None:
    for path in saved.iterdir():
        (live / path.name).write_bytes(path.read_bytes())


def by_an_archive(live: Path, saved: Path) -> None:
    shutil.rmtree(live)
    shutil.copytree(saved, live)


def elsewhere(live: Path, saved: Path) -> None:
    """A machine that has the database and nothing that was beside it."""
    shutil.rmtree(live)
    live.mkdir()
    shutil.copy(saved / "chat.db", live)


def nothing(live: Path, saved: Path) -> None:
    del live, saved


async def state(path: Path) -> tuple[str, int, int, int]:
    """Epoch, head of the lobby, and ids that the next message and the next user get."""
    me = secrets.token_hex(8)
    async with stored_in(path, author=me) as stored:
        epoch = await stored.database.read(events.select_epoch)
        message = await stored.post(await stored.room(), me)
        (head,) = stored.rows("SELECT cursor FROM rooms WHERE slug = 'lobby'")[0]
        assert stored.rows("PRAGMA integrity_check") == [("ok",)]
        assert stored.rows("SELECT count(*) FROM events") == [(head,)]
        assert isinstance(head, int)
        return epoch, head, message.id, stored.author.id


def save(live: Path, saved: Path) -> None:
    """As `sqlite3 .backup` does; the witness and the rest as they lie there."""
    saved.mkdir()
    for name in ("chat.db.lock", "chat.db.witness"):
        shutil.copy2(live / name, saved)
    with closing(sqlite3.connect(live / "chat.db")) as source, closing(sqlite3.connect(saved / "chat.db")) as copy:
        source.backup(copy)


async def test_whatever_was_put_back_by_whatever_means_is_another_history(tmp_path: Path) -> None:
    """Of each means: how the server ended before, whether it is noticed, and what is there then."""
    rows = [
        (by_cp, "stopped", True, 4),
        (by_cp, "killed", False, 8),  # the log that was left has all of it: nothing was put back
        (by_cp_without_the_log, "killed", True, 4),
        (by_mv, "stopped", True, 4),
        (by_cp_of_the_folder, "stopped", True, 4),
        (by_cp_of_the_folder, "killed", True, 8),
        (by_an_archive, "stopped", True, 4),
        (by_an_archive, "killed", True, 4),
        (elsewhere, "stopped", True, 4),
        (nothing, "stopped", False, 8),
        (nothing, "killed", False, 8),
    ]
    folders = [tmp_path / f"{put.__name__}-{end}" for put, end, *_ in rows]
    for folder in folders:
        folder.mkdir()
    databases = [folder / "chat.db" for folder in folders]
    before = [await state(database) for database in databases]
    killed(2, *databases)
    for folder in folders:
        save(folder, folder / "saved")
    killed(4, *databases)

    wrong = []
    for (put, end, noticed, head), live, (epoch, _, message, user) in zip(rows, folders, before, strict=True):
        if end == "stopped":
            async with stored_in(live / "chat.db"):
                pass
        saved = (live / "saved").rename(f"{live}-saved")
        put(live, saved)
        with structlog.testing.capture_logs() as logged:
            found = await state(live / "chat.db")
        told = any("epoch" in line["event"] for line in logged)
        if put is by_cp and end == "killed" and not any("nothing was put back" in line["event"] for line in logged):
            wrong.append((put.__name__, end, "silently"))
        # Seven messages were given ids, and three users: none of them is given again.
        reused = found[2] <= message + 6 or found[3] <= user + 2
        again = await state(live / "chat.db")
        if (found[0] != epoch, found[1], told, reused, again[0]) != (noticed, head, noticed, False, found[0]):
            wrong.append((put.__name__, end, epoch, found, again, logged))
    assert not wrong


async def test_log_of_another_database_is_put_aside(tmp_path: Path) -> None:
    live, older, foreign = tmp_path / "live", tmp_path / "older", tmp_path / "foreign"
    aside = []
    for folder in (live, foreign):
        folder.mkdir()
    epochs = {(await state(live / "chat.db"))[0], (await state(foreign / "chat.db"))[0]}
    save(live, older)
    killed(300, live / "chat.db")
    for saved in (older, foreign):
        killed(5, live / "chat.db")
        by_mv(live, saved)
        found = await state(live / "chat.db")
        assert found[0] not in epochs
        assert found[1] == 2, "one of before, and one that was posted now"
        aside.append(f"chat.db-wal.aside-{len(aside) + 1}")
        assert sorted(path.name for path in live.iterdir() if "aside" in path.name) == aside


async def test_witness_of_one_database_says_nothing_of_another(tmp_path: Path) -> None:
    one, other = tmp_path / "one.db", tmp_path / "other.db"
    killed(5, one, other)
    (tmp_path / "other.db.witness").replace(tmp_path / "one.db.witness")
    with structlog.testing.capture_logs() as logged:
        async with stored_in(one):
            pass
    assert [line["reason"] for line in logged if "epoch" in line["event"]] == ["it is not the one that was here"]
