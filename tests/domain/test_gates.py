"""What is kept in memory of who may read a room lets nobody in whom the store would not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pytest

from quart_chat.app import open_chat
from quart_chat.config import Config
from quart_chat.domain import access, messages, moderation, rooms
from quart_chat.domain.actors import CONSOLE, Asker, GuestKey
from quart_chat.domain.chat import Chat
from quart_chat.domain.gates import READS, Gates
from quart_chat.errors import RemovedFromRoom, StoreUnavailable
from quart_chat.models import Draft
from quart_chat.store.database import Database, Transaction

T = TypeVar("T")


@pytest.fixture
async def command(chat: Chat, tmp_path: Path) -> AsyncIterator[Chat]:
    """The same chat in another process, as far as the first can tell."""
    config = Config(database_url=f"sqlite:///{tmp_path}/chat.db", secret_key="0123456789abcdef" * 4)
    async with open_chat(config, alone=False) as opened:
        yield opened


async def guest(chat: Chat, name: str) -> tuple[Asker, int]:
    """Who has written in `garden`, and their number."""
    nobody = Asker(None, name, "192.0.2.2")
    posted = await messages.post(chat, "garden", nobody, Draft("hello", name.ljust(24, "0")))
    return replace(nobody, credential=GuestKey(posted.author.key)), posted.author.id


@dataclass
class Slow:
    """A database; before the answer of its next reading is heard, something happens; with `always` of each."""

    database: Database
    happens: Callable[[], Awaitable[object]] | None
    always: bool = False
    count: int = 0

    async def read(self, query: Callable[[Transaction], T]) -> T:
        found = await self.database.read(query)
        self.count += 1
        happens, self.happens = self.happens, self.happens if self.always else None
        if happens is not None:
            await happens()
        return found


async def test_what_a_command_did_counts_as_soon_as_anything_follows_it(chat: Chat, command: Chat) -> None:
    """Nobody has told of it yet, and what followed is on the newest page, which is kept for everybody."""
    bo, number = await guest(chat, "Bo")
    cy, _ = await guest(chat, "Cy")
    await messages.page(chat, "garden", bo)
    await moderation.remove(command, "garden", CONSOLE, number)
    await messages.post(chat, "garden", cy, Draft("what followed", "f" * 24))
    assert "what followed" in [message.text for message in (await messages.page(chat, "garden", cy)).messages]
    with pytest.raises(RemovedFromRoom):
        await messages.page(chat, "garden", bo)


@pytest.mark.parametrize("told", ["by the commit", "by whoever looks at others"])
async def test_gate_that_was_read_before_a_removal_lets_nobody_in_after_it(
    chat: Chat, command: Chat, told: str
) -> None:
    bo, number = await guest(chat, "Bo")
    own = told == "by the commit"

    async def remove() -> None:
        await moderation.remove(chat if own else command, "garden", CONSOLE, number)
        room = await rooms.find(chat, "garden", CONSOLE)
        if own:
            gates.committed([replace(event, cursor=room.cursor) for event in committed])
        else:
            gates.forget({room.id: room.cursor})

    committed = [(await moderation.let_in(chat, "garden", CONSOLE, number))]
    gates = Gates(Slow(chat.database, remove), chat.secret)  # type: ignore[arg-type]  # nothing is written through it
    with pytest.raises(RemovedFromRoom):
        await access.admit(replace(chat, gates=gates), "garden", bo)


async def test_gate_that_changes_with_each_reading_is_not_read_for_ever_and_lets_nobody_in(chat: Chat) -> None:
    """A feed needs it as it was when it asked: it looks again with what follows."""
    bo, number = await guest(chat, "Bo")
    room = await rooms.find(chat, "garden", CONSOLE)

    async def change() -> None:
        await moderation.remove(chat, "garden", CONSOLE, number)
        gates.committed([await moderation.let_in(chat, "garden", CONSOLE, number)])

    slow = Slow(chat.database, change, always=True)
    gates = Gates(slow, chat.secret)  # type: ignore[arg-type]  # as above
    async with asyncio.timeout(10):
        with pytest.raises(StoreUnavailable):
            await access.admit(replace(chat, gates=gates), "garden", bo)
        assert slow.count <= READS
        slow.count = 0
        assert (await gates.of_room(room.id)).room.cursor >= room.cursor
        assert slow.count == 1
        slow.happens = None
        await access.admit(replace(chat, gates=gates), "garden", bo)


async def test_what_others_do_elsewhere_makes_nobody_wait(chat: Chat) -> None:
    bo, _ = await guest(chat, "Bo")

    async def elsewhere() -> None:
        gates.forget({2**40: 7})

    slow = Slow(chat.database, elsewhere, always=True)
    gates = Gates(slow, chat.secret)  # type: ignore[arg-type]  # as above
    await access.admit(replace(chat, gates=gates), "garden", bo)
    assert slow.count == 1


async def test_member_of_after_a_ban_comes_in_from_the_network_that_is_shut(chat: Chat) -> None:
    """By memory as by the store; and who is no member does not."""
    bo, number = await guest(chat, "Bo")
    await moderation.remove(chat, "garden", CONSOLE, number, ban=True)
    nobody = Asker(None, "Di", "192.0.2.99")
    await access.admit(chat, "garden", nobody)
    posted = await messages.post(chat, "garden", nobody, Draft("hello", "d" * 24))
    di = replace(nobody, credential=GuestKey(posted.author.key), address=bo.address)
    await messages.post(chat, "garden", di, Draft("hello again", "e" * 24))
    await access.admit(chat, "garden", di)
    for stranger in (replace(nobody, address=bo.address), replace(di, credential=GuestKey("k" * 64))):
        with pytest.raises(RemovedFromRoom):
            await access.admit(chat, "garden", stranger)


async def test_removal_while_it_is_looked_up_who_is_a_member_counts(chat: Chat) -> None:
    _, number = await guest(chat, "Bo")
    di, dis = await guest(chat, "Di")
    await moderation.remove(chat, "garden", CONSOLE, number, ban=True)

    async def remove() -> None:
        event = await moderation.remove(chat, "garden", CONSOLE, dis)
        gates.committed([event])

    slow = Slow(chat.database, None)
    gates = Gates(slow, chat.secret)  # type: ignore[arg-type]  # as above
    await gates.of("garden")
    slow.happens = remove
    with pytest.raises(RemovedFromRoom):
        await gates.admit("garden", di, chat.now())
    assert slow.happens is None
