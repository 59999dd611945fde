"""Writing: many transactions in one commit, each for itself; published after the commit, in the order of the log."""

import asyncio
import gc
import sqlite3
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

import pytest

from quart_chat.errors import KeyReused, StoreUnavailable
from quart_chat.events import Event
from quart_chat.models import Room
from quart_chat.store import messages, users
from quart_chat.store.database import Transaction
from quart_chat.store.sqlite import SQLiteDatabase
from tests.store.conftest import Stored, post


def refused(tx: Transaction, room: Room, stored: Stored, key: str) -> None:
    """A transaction that changes its mind when everything is written."""
    post(tx, room, stored.author, key)
    raise KeyReused


class Gate:
    """Keeps the writer busy until it is opened, so that transactions gather behind it."""

    def __init__(self, database: SQLiteDatabase) -> None:
        self._opened, self.entered = threading.Event(), threading.Event()
        self._task = asyncio.create_task(database.write(lambda _: self.entered.set() or self._opened.wait(10)))

    async def reached(self) -> None:
        while not self.entered.is_set():
            await asyncio.sleep(0)

    async def open(self) -> None:
        self._opened.set()
        assert await self._task


async def test_what_a_refused_request_holds_is_freed_with_its_error(stored: Stored) -> None:
    """Otherwise fifty long forms that are refused are all in memory until garbage is looked for."""

    class Refused(Exception):
        pass

    def refuse(tx: Transaction) -> None:
        raise Refused

    left = []
    gc.disable()
    try:
        for ask in (stored.database.read, stored.database.write):
            try:
                await ask(refuse)
            except Refused as error:
                refused = weakref.ref(error)
            for _ in range(10):
                await ask(lambda tx: None)  # each thread keeps its last one
            if refused() is not None:
                left.append(ask.__name__)
    finally:
        gc.enable()
    assert not left


async def test_cursors_have_no_gaps_though_some_transactions_are_refused(stored: Stored) -> None:
    rooms = [await stored.room(slug) for slug in ("lobby", "tea", "coffee")]
    jobs = [
        stored.database.write(lambda tx, room=rooms[n % 3], key=f"refused-{n}": refused(tx, room, stored, key))
        if n % 4 == 3
        else stored.post(rooms[n % 3], f"kept-{n}")
        for n in range(400)
    ]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert [n for n, result in enumerate(results) if isinstance(result, KeyReused)] == list(range(3, 400, 4))
    for room in rooms:
        log = stored.rows(f"SELECT cursor FROM events WHERE room_id = {room.id} ORDER BY cursor")
        assert log == [(position,) for position in range(1, 101)]
        assert stored.rows(f"SELECT cursor FROM rooms WHERE id = {room.id}") == [(100,)]
    assert stored.rows("SELECT count(*) FROM messages WHERE key LIKE 'refused%'") == [(0,)]


async def test_events_are_published_in_the_order_of_the_log(stored: Stored) -> None:
    rooms = [await stored.room(slug) for slug in ("lobby", "tea")]
    await asyncio.gather(*(stored.post(rooms[n % 2], str(n)) for n in range(300)))
    for room in rooms:
        assert [event.cursor for event in stored.published if event.room_id == room.id] == list(range(1, 151))
    assert [event.act.message.id for event in stored.published] == sorted(
        event.act.message.id for event in stored.published
    )


async def test_refused_transaction_publishes_nothing(stored: Stored) -> None:
    room = await stored.room()
    with pytest.raises(KeyReused):
        await stored.database.write(lambda tx: refused(tx, room, stored, "key"))
    assert stored.published == []


async def test_event_is_published_after_it_is_committed(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    seen: list[tuple[int, int]] = []

    def on_commit(batch: Sequence[Event]) -> None:
        with sqlite3.connect(path) as connection:
            committed = connection.execute("SELECT max(cursor) FROM events").fetchone()[0]
        connection.close()
        seen.append((batch[-1].cursor, committed))

    database = SQLiteDatabase(path, on_commit)
    await database.open()
    try:
        author = await database.write(lambda tx: users.insert(tx, name="Ana", key="ana", now=0))
        stored = Stored(path, database, author)
        room = await stored.room()
        await asyncio.gather(*(stored.post(room, str(n)) for n in range(50)))
    finally:
        await database.close()
    assert seen
    assert all(published <= committed for published, committed in seen)


async def test_waiting_transactions_are_committed_together(stored: Stored) -> None:
    room = await stored.room()

    def committed(tx: Transaction) -> object:
        # Another connection does not see what this batch has written so far.
        return stored.rows("SELECT count(*) FROM messages")

    gate = Gate(stored.database)
    await gate.reached()
    posts = [asyncio.create_task(stored.post(room, str(n))) for n in range(50)]
    last = asyncio.create_task(stored.database.write(committed))
    await asyncio.sleep(0)
    await gate.open()
    await asyncio.gather(*posts, last)
    assert await last == [(0,)], "all fifty wait for one commit"
    assert stored.rows("SELECT count(*) FROM messages") == [(50,)]


async def test_cancelled_caller_does_not_break_the_batch(stored: Stored) -> None:
    room = await stored.room()
    gate = Gate(stored.database)
    await gate.reached()
    posts = [asyncio.create_task(stored.post(room, str(n))) for n in range(30)]
    await asyncio.sleep(0)
    for task in posts[::3]:
        task.cancel()
    await gate.open()
    results = await asyncio.gather(*posts, return_exceptions=True)
    assert [isinstance(result, asyncio.CancelledError) for result in results] == [n % 3 == 0 for n in range(30)]
    keys = [int(str(row[0])) for row in stored.rows("SELECT key FROM messages ORDER BY position")]
    assert keys == [n for n in range(30) if n % 3], "who gave up before it began left nothing, the others everything"
    assert [event.cursor for event in stored.published] == list(range(1, 21))


async def test_caller_cancelled_in_the_middle_does_not_take_its_transaction_back(stored: Stored) -> None:
    room = await stored.room()
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        post(tx, room, stored.author, "slow")
        begun.set()
        assert go_on.wait(10)

    task = asyncio.create_task(stored.database.write(slow))
    while not begun.is_set():
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    go_on.set()
    await stored.post(room, "next")
    assert stored.rows("SELECT key FROM messages ORDER BY position") == [("slow",), ("next",)]
    assert [event.cursor for event in stored.published] == [1, 2]


async def test_batch_that_has_begun_is_answered_when_the_database_closes(stored: Stored) -> None:
    room = await stored.room()
    gate = Gate(stored.database)
    await gate.reached()
    waiting = asyncio.create_task(stored.post(room, "waiting"))
    await asyncio.sleep(0)
    closing = asyncio.create_task(stored.database.close())
    await asyncio.sleep(0)
    await gate.open()
    await closing
    with pytest.raises(StoreUnavailable):
        await waiting
    with pytest.raises(StoreUnavailable):
        await stored.post(room, "too late")


async def test_reader_sees_one_moment_and_cannot_write(stored: Stored) -> None:
    room = await stored.room()
    message = await stored.post(room, "key")
    assert await stored.database.read(lambda tx: messages.select(tx, room.id, message.id)) == message
    with pytest.raises(StoreUnavailable):
        await stored.database.read(lambda tx: messages.update_text(tx, message.id, "changed", now=1))
    assert stored.rows("SELECT text FROM messages") == [("text",)]


async def test_deleted_text_is_gone_from_its_row(stored: Stored) -> None:
    room = await stored.room()
    message = await stored.post(room, "key", "the secret word is plover")
    await stored.database.write(lambda tx: messages.update_deleted(tx, message.id, now=1))
    with stored.look() as connection:
        assert not [line for line in connection.iterdump() if "plover" in line]
