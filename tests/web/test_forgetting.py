"""What was deleted, or replaced, is soon in none of the database's files."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.people import Person
from tests.serving import Server, serving

WORDS = (b"plover", b"xyzzy", b"fee fie foe")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """One for each test: what others write would empty the log as well."""
    async with serving(tmp_path, limits="off") as running:
        yield running


def found(server: Server) -> list[tuple[str, bytes]]:
    """Which of the words are in which of the files."""
    files = [server.folder / f"quart_chat.db{suffix}" for suffix in ("", "-wal", "-shm")]
    return [(path.name, word) for path in files if path.exists() for word in WORDS if word in path.read_bytes()]


async def forgotten(server: Server) -> None:
    async with asyncio.timeout(20):
        while found(server):
            await asyncio.sleep(0.05)


async def test_deleted_and_replaced_text_leaves_every_file_soon(server: Server, alice: Person) -> None:
    short = await alice.post_message("the word is plover")
    long = await alice.post_message("xyzzy " * 1300)
    edited = await alice.post_message("fee fie foe " * 600)
    assert {word for _, word in found(server)} == set(WORDS)
    with closing(sqlite3.connect(server.folder / "quart_chat.db", isolation_level=None)) as reader:
        # As long as somebody reads what was, it cannot be taken away; it is tried again.
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM messages").fetchone() == (3,)
        assert (await alice.delete_message(short.message_id)).status_code == 200
        assert (await alice.delete_message(long.message_id)).status_code == 200
        assert (await alice.edit_message(edited.message_id, "nothing")).status_code == 200
        await alice.post_message("goes on meanwhile")
        assert found(server)
        reader.execute("COMMIT")
    await forgotten(server)
    await alice.post_message("goes on")


async def test_text_that_was_deleted_right_before_a_crash_is_gone_after_the_start(
    server: Server, alice: Person
) -> None:
    message = await alice.post_message("xyzzy " * 1300)
    assert (await alice.delete_message(message.message_id)).status_code == 200
    await server.kill()
    assert found(server)
    await server.start()
    assert not found(server)
