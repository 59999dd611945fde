"""Ready means that a message can be stored; what stops that is said where it is looked for."""

import asyncio
import os
import secrets
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.packaging.test_refusals_to_start import SERVE, refusal, without_privileges
from tests.people import Person
from tests.serving import Server, serving


async def readiness(person: Person, expected: int, words: str = "") -> str:
    """What is said once the answer has this status and these words: what was found out counts for a second."""
    while (answer := await person.client.get("/readyz")).status_code != expected or words not in answer.text:
        assert answer.status_code in (200, 503)
        await asyncio.sleep(0.05)
    assert answer.headers["Content-Type"].startswith("text/plain")
    return answer.text


async def refused(person: Person) -> httpx.Response:
    fields = {"text": "x", "name": person.name, "key": secrets.token_urlsafe(18)}
    return await person.send("/rooms/lobby/messages", **fields)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """One for each test: they ruin it."""
    async with serving(tmp_path, limits="off") as running:
        yield running


async def test_server_whose_file_is_gone_says_so_and_stores_nothing(server: Server, alice: Person, bob: Person) -> None:
    await alice.post_message("kept")
    path = server.folder / "quart_chat.db"
    assert await readiness(bob, 200) == "ready\n"
    path.rename(server.folder / "moved.db")
    assert "quart_chat.db is gone" in await readiness(bob, 503)
    answer = await refused(alice)
    assert (answer.status_code, answer.headers["Chat-Error"]) == (503, "store_unavailable")
    shutil.copy(server.folder / "moved.db", path)
    assert (await refused(alice)).status_code == 503
    await readiness(bob, 503, "quart_chat.db is another file now")
    assert (await bob.client.get("/rooms/lobby")).status_code == 200, "what was read can be read"
    assert server.log.count("nothing is stored any more") == 1
    assert await server.stop() == 0
    for name in ("moved.db", "quart_chat.db"):
        with closing(sqlite3.connect(server.folder / name)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("SELECT text FROM messages").fetchall() == [("kept",)]


async def test_disk_that_fills_up_is_told_of_before_it_is_full(tmp_path: Path, small_disk: Path) -> None:
    """Here 1 MiB is the disk, of which posts leave 100 kB."""
    url = f"sqlite:///{small_disk}/chat.db"
    ballast = small_disk / "ballast"

    def leave(size: int) -> None:
        ballast.unlink(missing_ok=True)
        ballast.write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize - size))

    async with (
        serving(tmp_path, limits="off", database_url=url, disk_reserve="100000") as server,
        Person("Alice", server.url) as alice,
    ):
        message = await alice.post_message("to be deleted")
        leave(300_000)
        await readiness(alice, 200, "are free on the database's disk")
        assert "the disk is nearly full" in server.log
        leave(60_000)
        assert "nearly full" in await readiness(alice, 503)
        answer = await refused(alice)
        assert (answer.status_code, answer.headers["Chat-Error"]) == (503, "store_full")
        rooms = await alice.send("/rooms", name="One more", owner="Alice", key=secrets.token_urlsafe(18))
        assert rooms.headers["Chat-Error"] == "store_full"
        assert (await alice.edit_message(message.message_id, "longer")).headers["Chat-Error"] == "store_full"
        assert (await alice.delete_message(message.message_id)).status_code == 200, "that makes room"
        assert "the disk is full" in server.log
        ballast.unlink()
        assert await readiness(alice, 200)
        assert (await refused(alice)).status_code == 201


async def test_full_disk_is_no_readiness_where_nothing_is_kept_back(tmp_path: Path, small_disk: Path) -> None:
    url = f"sqlite:///{small_disk}/chat.db"
    ballast = small_disk / "ballast"
    settings = {"limits": "off", "database_url": url, "disk_reserve": "0"}
    async with serving(tmp_path, **settings) as server, Person("Alice", server.url) as alice:
        ballast.write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize - 20_000))
        assert "database or disk is full" in await readiness(alice, 503)
        ballast.unlink()
        assert await readiness(alice, 200) == "ready\n"
        assert await server.stop() == 0
        full = os.statvfs(small_disk)
        ballast.write_bytes(b"x" * (full.f_bavail * full.f_frsize))
        line = await refusal(tmp_path, database_url=url)
        assert "full" in line or "No space left" in line
        ballast.unlink()
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        assert "Read-only file system" in await refusal(tmp_path, database_url=url)


async def test_file_or_folder_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    command = (*without_privileges(), *SERVE)
    async with serving(tmp_path) as server:
        assert await server.stop() == 0
    (tmp_path / "quart_chat.db").chmod(0o400)
    assert "readonly database" in await refusal(tmp_path, command=command)
    (tmp_path / "quart_chat.db").chmod(0o600)
    tmp_path.chmod(0o500)
    try:
        assert "readonly database" in await refusal(tmp_path, command=command)
    finally:
        tmp_path.chmod(0o700)


async def test_readiness_is_proved_once_however_many_ask(server: Server, bob: Person) -> None:
    def frames() -> int:
        return (server.folder / "quart_chat.db-wal").stat().st_size

    assert await readiness(bob, 200)
    before = frames()
    for _ in range(100):
        assert (await bob.client.get("/readyz")).status_code == 200
    # One transaction is two pages at most, and at most one is made in a second.
    assert frames() - before < 100 * 4096
