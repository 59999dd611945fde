"""Jobs as every database runs them: undone where they fail, repeatable, and the same statements for all."""

import asyncio
import sqlite3
from collections.abc import Mapping

import pytest

from quart_chat.errors import KeyReused, TooFast
from quart_chat.store import messages
from quart_chat.store.batches import Job
from quart_chat.store.database import Transaction
from tests.store.conftest import Stored, post


class Connection:
    """Keeps what is run on it."""

    def __init__(self) -> None:
        self.raw = sqlite3.connect(":memory:", isolation_level=None)
        self.raw.execute("CREATE TABLE words (word TEXT)")
        self.raw.execute("BEGIN")
        self.ran: list[str] = []

    def __call__(self, sql: str, values: Mapping[str, object]) -> sqlite3.Cursor:
        self.ran.append(sql)
        return self.raw.execute(sql, values)

    def words(self) -> list[str]:
        return [row[0] for row in self.raw.execute("SELECT word FROM words")]


async def job(work: object) -> Job:
    return Job(work, asyncio.get_running_loop().create_future())  # type: ignore[arg-type]


async def test_what_is_refused_before_it_writes_makes_no_savepoint() -> None:
    connection = Connection()

    def refused(tx: Transaction) -> None:
        tx.all("SELECT word FROM words")
        raise TooFast(1.0)

    def late(tx: Transaction) -> None:
        tx.all("SELECT word FROM words")
        tx.run("INSERT INTO words VALUES (:word)", word="undone")
        tx.run("INSERT INTO words VALUES (:word)", word="undone, too")
        raise KeyReused

    def done(tx: Transaction) -> None:
        assert tx.one("INSERT INTO words VALUES (:word) RETURNING word", word="kept")

    jobs = [await job(work) for work in (refused, late, done)]
    for one in jobs:
        one.run(connection, ())
    assert [type(one.error) for one in jobs] == [TooFast, KeyReused, type(None)]
    assert connection.words() == ["kept"]
    assert [sql.split()[0] for sql in connection.ran] == [
        "SELECT",
        *("SELECT", "SAVEPOINT", "INSERT", "INSERT", "ROLLBACK", "RELEASE"),
        *("SAVEPOINT", "INSERT", "RELEASE"),
    ]


async def test_job_that_runs_again_is_as_if_it_ran_once() -> None:
    connection = Connection()
    attempts: list[int] = []

    def work(tx: Transaction) -> int:
        attempts.append(len(attempts))
        tx.emit(attempts[-1])  # type: ignore[arg-type]
        tx.run("INSERT INTO words VALUES (:word)", word=str(attempts[-1]))
        if attempts == [0]:
            raise KeyReused
        return attempts[-1]

    one = await job(work)
    one.run(connection, ())
    assert (one.events, one.result, type(one.error)) == ([], None, KeyReused)
    one.run(connection, ())
    assert (one.events, one.result, one.error) == ([1], 1, None)
    assert connection.words() == ["1"]


async def test_statement_is_asked_for_what_it_returns(stored: Stored) -> None:
    """A driver that has no row to give raises where another says None."""
    wrong = [
        lambda tx: tx.one("UPDATE users SET name = name"),
        lambda tx: tx.all("UPDATE users SET name = name"),
        lambda tx: tx.run("UPDATE users SET name = name RETURNING id"),
        lambda tx: tx.run("SELECT 1"),
    ]
    for ask in wrong:
        with pytest.raises(TypeError):
            await stored.database.write(ask)
    assert await stored.database.write(lambda tx: tx.run("UPDATE users SET name = 'Bo'")) == 1
    assert await stored.database.write(lambda tx: tx.run("UPDATE users SET name = 'Cy' WHERE id = 99")) == 0


async def test_error_of_a_statement_undoes_its_job_alone(stored: Stored) -> None:
    room = await stored.room()

    def breaks(tx: Transaction) -> None:
        post(tx, room, stored.author, "undone")
        tx.run("INSERT INTO users (name, key, created_at) VALUES ('Ana', :key, 0)", key=stored.author.key)

    results = await asyncio.gather(
        stored.post(room, "first"), stored.database.write(breaks), stored.post(room, "last"), return_exceptions=True
    )
    assert isinstance(results[1], sqlite3.IntegrityError)
    assert [message.key for message in await stored.database.read(lambda tx: shown(tx, room.id))] == ["first", "last"]
    assert [event.cursor for event in stored.published] == [1, 2]


def shown(tx: Transaction, room_id: int) -> list[object]:
    return list(messages.select_before(tx, room_id, 2**62, limit=10))
