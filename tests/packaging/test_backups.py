"""`quart-chat backup` and `quart-chat restore`, typed by an operator while people write and read."""

import asyncio
import os
import secrets
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from quart_chat.cli import beside
from tests.network.reverse import deployed
from tests.packaging.test_embed_commands import done, folder, refused
from tests.people import Person
from tests.serving import Server

__all__ = ["folder"]


async def test_reader_of_a_restored_room_sees_everything_that_is_new(
    server: Server, alice: Person, bob: Person
) -> None:
    for text in ("one", "two", "three"):
        await alice.post_message(text)
    backup = server.folder / "backups.db"
    assert "3 messages in 1 room, and is sound." in (await done(server.folder, "backup", "backups.db")).out
    lost = [await alice.post_message(text) for text in ("four", "five", "six", "seven")]
    key = secrets.token_urlsafe(18)
    await bob.post_message("a new guest", key=key)
    page = await bob.client.get("/rooms/lobby/messages")
    before = page.headers["Chat-Cursor"]
    assert before.endswith(".8")

    assert "already served" in await refused(server.folder, "restore", "backups.db")
    assert await server.stop() == 0
    restored = await done(server.folder, "restore", "backups.db")
    assert "3 messages in 1 room now." in restored.out
    assert "What was there before is in" in restored.err
    await server.start()

    async with Person("Carol", server.url) as carol:
        new = [await carol.post_message(f"new {number}") for number in range(5)]
        assert not {message.message_id for message in new} & {message.message_id for message in lost}
        # As many events as before: the position alone would say that nothing is missing.
        async with bob.client.stream("GET", "/rooms/lobby/stream", headers={"Last-Event-ID": before}) as stream:
            opening = ""
            async for text in stream.aiter_text():
                opening += text
                if "event: reset" in opening:
                    break
        polled = await bob.client.get("/rooms/lobby/poll", params={"after": before})
        assert polled.headers["Chat-Reset"] == "true"
        shown = (await bob.client.get("/rooms/lobby/messages")).text
        assert [f"new {number}" in shown for number in range(5)] == [True] * 5
        assert "four" not in shown
        # Nobody's page can reach a stranger's message by an id of before, and a key finds nothing.
        for message in lost:
            assert (await carol.edit_message(message.message_id, "mine")).status_code == 404
            assert (await carol.client.get(f"/rooms/lobby/messages/{message.message_id}")).status_code == 404
        assert (await bob.post_message("a new guest", key=key)).message_id > new[-1].message_id
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


async def test_backup_is_whole_while_people_write(server: Server, alice: Person) -> None:
    """It begins again with every commit of somebody else, unless it looks at one moment."""
    stopping = asyncio.Event()

    async def write() -> None:
        while not stopping.is_set():
            await alice.post_message("x" * 8000)

    writing = asyncio.create_task(write())
    try:
        for _ in range(3):
            await done(server.folder, "backup", "copy.db")
            with closing(sqlite3.connect(server.folder / "copy.db")) as copy:
                assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                (head,) = copy.execute("SELECT max(cursor) FROM rooms").fetchone()
                assert copy.execute("SELECT count(*), max(cursor) FROM events").fetchone() == (head, head or None)
                assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    finally:
        stopping.set()
        await writing
    left = {path.name for path in server.folder.iterdir() if path.name.startswith("copy.db")}
    assert left == {"copy.db"}, "one file, and no drafts"


async def test_what_cannot_be_backed_up_or_restored_is_said_in_a_line(folder: Path) -> None:
    await done(folder, "backup", "good.db")
    (folder / "letter.txt").write_text("Dear Bob, this is no database. " * 100)
    content = (folder / "good.db").read_bytes()
    (folder / "torn.db").write_bytes(content[: len(content) // 2])
    (folder / "link.db").symlink_to("quart_chat.db")
    before = (folder / "quart_chat.db").read_bytes()
    wrong = []
    for arguments, reason in (
        (("backup", "quart_chat.db"), "is the database itself"),
        (("backup", "link.db"), "is the database itself"),
        (("backup", "letter.txt"), "is no backup that could be replaced"),
        (("backup", "nowhere/copy.db"), "No such file or directory"),
        (("backup", "copy.db", "--database", "sqlite:///mistyped.db"), "There is no database at mistyped.db"),
        (("restore", "nothing.db"), "There is no backup at nothing.db"),
        (("restore", "letter.txt"), "file is not a database"),
        (("restore", "torn.db"), "damaged"),
        (("restore", "link.db"), "is the database itself"),
        (("restore", "good.db", "--database", "sqlite:///nowhere/chat.db"), "No such file or directory"),
    ):
        line = await refused(folder, *arguments)
        if reason not in line:
            wrong.append((arguments, line))
    assert not wrong
    assert (folder / "quart_chat.db").read_bytes() == before
    assert not list(folder.glob("*.part"))


async def test_what_was_there_before_a_restore_is_kept_and_can_be_put_back(folder: Path) -> None:
    await done(folder, "backup", "good.db")
    key = (await done(folder, "embed-key", "create", "lobby")).out
    await done(folder, "restore", "good.db")
    assert "has no key" in (await done(folder, "embed-key", "list", "lobby")).out
    (kept,) = (path for path in folder.glob("quart_chat.db.before-*") if not path.name.endswith("-wal"))
    await done(folder, "restore", kept.name)
    assert (await done(folder, "embed-key", "list", "lobby")).out.split()[0] in key
    # A damaged one is kept as it is, and does not stop anybody.
    (folder / "quart_chat.db").write_bytes(b"rubbish" * 999)
    assert "file is not a database" in await refused(folder, "embed-key", "list", "lobby")
    await done(folder, "restore", "good.db")
    assert "has no key" in (await done(folder, "embed-key", "list", "lobby")).out
    assert b"rubbish" * 999 in [path.read_bytes() for path in folder.glob("quart_chat.db.before-*")]


async def test_commands_find_the_database_of_the_service(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = deployed("quart-chat.service", {})
    assert f"QUART_CHAT_DATABASE_URL=sqlite:///{beside.SERVICE}" in unit
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setattr(beside, "SERVICE", folder / "quart_chat.db")
    created = await done(elsewhere, "embed-key", "create", "lobby")
    assert f"This is about the chat of the service, in {folder}/quart_chat.db." in created.err
    assert (await done(folder, "embed-key", "list", "lobby")).out.split()[0] in created.out
    assert "no database at other.db" in await refused(
        elsewhere, "embed-key", "list", "lobby", "--database", "sqlite:///other.db"
    )


async def test_root_restores_for_whoever_owns_the_database(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("NOT RUN: only root can give files away")
    await done(folder, "backup", "good.db")
    os.chown(folder / "quart_chat.db", 12345, 12345)
    (folder / "quart_chat.db.lock").unlink(missing_ok=True)  # as on a new machine
    await done(folder, "restore", "good.db")
    for name in ("quart_chat.db", "quart_chat.db.lock"):
        found = (folder / name).stat()
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (12345, 0o600), name
