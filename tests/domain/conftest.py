"""A chat over a real database file, whose clock stands where the test puts it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from quart_chat.app import open_chat
from quart_chat.config import Config
from quart_chat.domain.chat import Chat
from quart_chat.store import rooms

START = 1_800_000_000
"""Seconds since 1970 on the clock of these tests."""


@dataclass
class Clock:
    seconds: float = START

    def __call__(self) -> int:
        return int(self.seconds * 1000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def chat(tmp_path: Path, clock: Clock) -> AsyncIterator[Chat]:
    """With the rooms `lobby` and `garden`."""
    config = Config(database_url=f"sqlite:///{tmp_path}/chat.db", secret_key="0123456789abcdef" * 4)
    async with open_chat(config) as opened:
        await opened.database.write(lambda tx: rooms.insert(tx, slug="garden", name="Garden", owner_id=None, now=0))
        yield replace(opened, now=clock)
