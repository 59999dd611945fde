"""One server for all tests of a run that need no other; each test has a room of its own."""

import secrets
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.people import Person
from tests.serving import Server, serving


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("server"), limits="off") as running:
        yield running


@pytest.fixture
async def room(server: Server) -> str:
    return await new_room(server)


async def new_room(server: Server, origin: str = "") -> str:
    """`origin` is the server's own, where that is not what it listens to."""
    slug = f"room-{secrets.token_hex(4)}"
    async with Person("Olga", server.url) as owner:
        owner.client.headers["Origin"] = origin or server.url
        answer = await owner.send("/rooms", name=slug, slug=slug)
    assert answer.status_code == 303, answer.text
    return slug


@dataclass
class Counted:
    rooms: int
    users: int
    messages: int
    events: int


def stored(server: Server) -> Counted:
    """What is in the database file."""
    with closing(sqlite3.connect(server.folder / "quart_chat.db")) as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in Counted.__annotations__
        ]
    return Counted(*counts)
