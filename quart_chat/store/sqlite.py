"""SQLite through aiosqlite: one writer that commits waiting transactions together, and readers apart.

Statements run as plain functions on the connection's own thread, a whole transaction in one hop, because a hop between
threads costs more than most statements. Durable: WAL with `synchronous=FULL`, so a commit is on the disk before anybody
hears of it (https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

import asyncio
import functools
import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from pathlib import Path
from typing import TypeVar

import aiosqlite
import structlog

from quart_chat.errors import StartupError, StoreUnavailable
from quart_chat.store import file, history
from quart_chat.store.batches import Commit, Found, Job, Lane, OpenTransaction
from quart_chat.store.database import Transaction
from quart_chat.store.guard import Gone, Guard, truncate
from quart_chat.store.migrations import migrate
from quart_chat.store.others import PAUSE, OnOthers, Others
from quart_chat.store.space import Space, explained

T = TypeVar("T")
log = structlog.get_logger()

READERS = 2
"""Connections for reading. Reads are short; more threads only compete for the interpreter."""

BATCH = 256
"""Transactions committed together at most. Of any rooms: there is one writer, and it locks the whole file."""

OLDEST_SQLITE = (3, 37, 0)
"""STRICT tables; RETURNING came with 3.35."""

BUSY_MS = 2000
"""How long a commit waits for a lock that another program (a backup, a shell) holds on the file."""

TIDY = 1.0
"""Seconds from a deletion until its text is out of the write-ahead log, and at least between two attempts at that."""

LOOK = 5.0
"""Seconds between two looks at the files while nothing is deleted; every commit looks by itself."""

PROVED = 1.0
"""Seconds for which it counts that something could be stored, or could not."""

FATAL = (sqlite3.OperationalError,)
"""A full disk or a lost file: nothing in a batch can be trusted to be there."""


class SQLiteDatabase:
    """A `Database` in one file. `open` it, use `read` and `write`, and `close` it: its threads outlive an unclosed one.

    With `alone`, no second server opens it meanwhile; commands beside one do without. `on_others` hears soon after
    another process has committed.
    """

    def __init__(
        self,
        path: Path,
        on_commit: Commit,
        *,
        alone: bool = True,
        reserve: int = 0,
        on_others: OnOthers | None = None,
    ) -> None:
        self._path = path
        self._real = file.located(path)
        self._space = Space(self._real, reserve)
        self._guard = Guard(path) if alone else None
        self._connections: list[aiosqlite.Connection] = []
        self._readers: Iterator[aiosqlite.Connection] = iter(())
        self._lane = Lane(self._run_batch, on_commit, most=BATCH)
        self._on_others = on_others
        self._tasks: list[asyncio.Task[None]] = []
        self._untidy = asyncio.Event()
        self._proof: asyncio.Task[None] | None = None
        self._proved_at = 0.0

    async def open(self) -> None:
        """Lock the file against a second server, bring its tables up to date, and start the writer.

        Raises StartupError when the file cannot be opened, is no database, is newer than this program, or is served
        already.
        """
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise StartupError(f"SQLite {sqlite3.sqlite_version} is too old: quart-chat needs 3.37 or newer.")
        try:
            if self._guard is not None:
                self._guard.take()
            else:
                _prepare(self._real)
            writer = await self._connect(readonly=False)
            await _on_thread(writer, migrate)
            file.tighten(self._real)
            if self._guard is not None:
                await _on_thread(writer, self._guard.begin)
            looking = await _on_thread(writer, Others)  # from here on: whatever is read, is read later
            self._readers = itertools.cycle([await self._connect(readonly=True) for _ in range(READERS)])
        except sqlite3.Error as error:
            await self.close()
            reason = explained(error, self._real)
            raise StartupError(f"The database {self._path} cannot be opened: {reason}.") from error
        except StartupError:
            await self.close()
            raise
        self._lane.start()
        self._tasks.append(asyncio.create_task(self._tidy(writer), name="store tidier"))
        if self._on_others is not None:
            others = asyncio.create_task(self._look_at_others(writer, looking, self._on_others), name="store others")
            self._tasks.append(others)

    async def close(self) -> None:
        """Finish what was begun, and release the file. Whoever still waits is told that nothing was stored."""
        for task in [*self._tasks, *filter(None, [self._proof])]:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._tasks.clear()
        self._proof = None
        await self._lane.close()
        if self._connections:
            await _on_thread(self._connections[0], self._end)
        for connection in self._connections:
            await connection.close()
        self._connections.clear()
        if self._guard is not None:
            self._guard.release()

    async def read(self, query: Callable[[Transaction], T]) -> T:
        try:
            return await _on_thread(next(self._readers), lambda connection: _read(connection, query))
        except (sqlite3.Error, StopIteration, ValueError) as error:
            log.error("read failed", error=str(error))
            raise StoreUnavailable("The server cannot read its messages at the moment.") from error

    async def write(self, job: Callable[[Transaction], T], *, room: str | None = None) -> T:
        return await self._lane.write(job)

    async def prove(self) -> None:
        self._space.check()
        now = time.monotonic()
        if self._proof is None or (self._proof.done() and now - self._proved_at > PROVED):
            self._proved_at = now
            # In a context of its own: others may wait for it when whoever was first is gone.
            self._proof = asyncio.create_task(self._store_proof(), name="store proof", context=Context())
            self._proof.add_done_callback(lambda proof: proof.cancelled() or proof.exception())
        await asyncio.shield(self._proof)

    def check_space(self) -> None:
        self._space.check()

    def space_warning(self) -> str:
        return self._space.warning()

    async def _store_proof(self) -> None:
        try:
            await self.write(_prove)
        except StoreUnavailable as error:
            raise StoreUnavailable(
                f"The server cannot store messages: {error.__cause__ or 'it is stopping'}."
            ) from error
        await self.read(_prove_reading)

    async def _run_batch(self, batch: Sequence[Job]) -> None:
        try:
            await _on_thread(self._connections[0], lambda connection: _run_batch(connection, batch, self._guard))
        except Exception as error:
            if not isinstance(error, Gone):
                log.error("commit failed", error=str(error), transactions=len(batch))
            raise
        if any(job.forgets for job in batch):
            self._untidy.set()

    async def _tidy(self, connection: aiosqlite.Connection) -> None:
        """Have what was deleted out of the write-ahead log soon, however many delete; and look after the file where
        nobody writes: what only the log has must not wait there beside another one."""
        tidy = self._guard.tidy if self._guard else truncate
        look = self._guard.look if self._guard else None
        while True:
            try:
                async with asyncio.timeout(LOOK):
                    await self._untidy.wait()
            except TimeoutError:
                if look:
                    await _on_thread(connection, look)
                continue
            await asyncio.sleep(TIDY)
            self._untidy.clear()
            if not await _on_thread(connection, tidy):
                self._untidy.set()

    async def _look_at_others(self, connection: aiosqlite.Connection, others: Others, tell: OnOthers) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            with suppress(sqlite3.Error):
                if (moved := await _on_thread(connection, lambda _: others.moved())) is not None:
                    tell(moved)

    def _end(self, connection: sqlite3.Connection) -> None:
        if self._guard is not None:
            self._guard.look(connection)
        elif self._untidy.is_set():
            truncate(connection)

    async def _connect(self, *, readonly: bool) -> aiosqlite.Connection:
        connection = aiosqlite.connect(self._real, isolation_level=None, cached_statements=256)
        try:
            await connection
        except sqlite3.Error:
            # aiosqlite has told its thread to end, which answers once more: the event loop must live to hear that.
            await asyncio.to_thread(connection._thread.join)
            raise
        self._connections.append(connection)
        await _on_thread(connection, lambda raw: _configure(raw, readonly=readonly))
        return connection


async def _on_thread(connection: aiosqlite.Connection, run: Callable[[sqlite3.Connection], T]) -> T:
    def outcome(raw: sqlite3.Connection) -> tuple[T | None, BaseException | None]:
        try:
            return run(raw), None
        except BaseException as error:
            return None, error

    # aiosqlite has no public way to run a function on its thread; every public method is this one call. Its frame holds
    # the future: an error that came by it would hold itself, and with it all that a refused request has sent.
    result, error = await connection._execute(outcome, connection._conn)  # type: ignore[no-untyped-call]
    try:
        if error is not None:
            raise error
    finally:
        del error
    return result  # type: ignore[no-any-return]


def _configure(connection: sqlite3.Connection, *, readonly: bool) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    if readonly:
        connection.execute("PRAGMA query_only = ON")
        return
    _use_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # Deleted text is overwritten in the file, not only unlinked.
    connection.execute("PRAGMA secure_delete = ON")
    # Nor is anything written to files elsewhere.
    connection.execute("PRAGMA temp_store = MEMORY")


def _use_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait here for others that open a new file at the same moment, whatever its timeout says."""
    end = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
        time.sleep(0.01)


def _prove(tx: Transaction) -> None:
    tx.run("INSERT OR REPLACE INTO facts (name, value) VALUES ('proof', hex(randomblob(4)))")


def _prove_reading(tx: Transaction) -> None:
    tx.one("SELECT value FROM facts WHERE name = 'proof'")


def _execute(connection: sqlite3.Connection, sql: str, values: Mapping[str, object]) -> Found:
    return connection.execute(_dialect(sql), values)


@functools.lru_cache(1_000)
def _dialect(sql: str) -> str:
    """The one text of a statement, as SQLite has it: BEGIN IMMEDIATE has locked every row already."""
    return sql.rstrip().removesuffix("FOR UPDATE")


def _read(connection: sqlite3.Connection, query: Callable[[Transaction], T]) -> T:
    connection.execute("BEGIN")
    try:
        return query(OpenTransaction(functools.partial(_execute, connection), alone=True))
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


def _run_batch(connection: sqlite3.Connection, batch: Sequence[Job], guard: Guard | None) -> None:
    try:
        if guard is not None:
            guard.check()
        _commit_batch(connection, batch)
        if guard is not None:
            guard.committed(sum(len(job.events) for job in batch))
    except Gone as lost:
        assert guard is not None
        guard.lose(connection, lost)
        raise


def _commit_batch(connection: sqlite3.Connection, batch: Sequence[Job]) -> None:
    # IMMEDIATE: a transaction that starts by reading cannot become a writing one while another holds the lock.
    connection.execute("BEGIN IMMEDIATE")
    try:
        for job in batch:
            job.run(functools.partial(_execute, connection), FATAL)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _prepare(path: Path) -> None:
    """What a command looks at, beside a server or without one. Raises StartupError."""
    file.prepare(path)
    try:
        history.judge(path, thorough=False)
    except history.Unsound as error:
        raise StartupError(f"The database {path} cannot be opened: {error}.") from error
