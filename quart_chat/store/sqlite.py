"""SQLite through aiosqlite: one writer that commits waiting transactions together, and readers apart.

Statements run as plain functions on the connection's own thread, a whole transaction in one hop, because a hop between
threads costs more than most statements. Durable: WAL with `synchronous=FULL`, so a commit is on the disk before anybody
hears of it (https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

import asyncio
import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
import structlog

from quart_chat.errors import StartupError, StoreUnavailable
from quart_chat.events import Event
from quart_chat.store import file, history
from quart_chat.store.guard import Gone, Guard, truncate
from quart_chat.store.migrations import migrate
from quart_chat.store.space import Space, explained

T = TypeVar("T")
log = structlog.get_logger()

READERS = 2
"""Connections for reading. Reads are short; more threads only compete for the interpreter."""

BATCH = 256
"""Transactions committed together at most; bounds how long the first of them waits for its answer."""

WAITING = 4096
"""Transactions that may wait for the writer. Past that a poster waits for a place, which slows the sender down."""

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

Commit = Callable[[Sequence[Event]], None]


class Transaction:
    """What a job may do inside its transaction: run statements, and say what happened."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.events: list[Event] = []
        self.forgets = False

    def one(self, sql: str, **values: object) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, **values: object) -> list[sqlite3.Row]:
        return self._connection.execute(sql, values).fetchall()

    def emit(self, event: Event) -> None:
        """Hand `event` to the broker if, and only if, this transaction commits."""
        self.events.append(event)

    def forget(self) -> None:
        """What this transaction overwrites or deletes must not stay in the write-ahead log for long."""
        self.forgets = True


@dataclass(slots=True)
class _Job:
    run: Callable[[Transaction], Any]
    future: asyncio.Future[Any]
    events: list[Event] = field(default_factory=list)
    result: Any = None
    error: Exception | None = None


class Database:
    """One SQLite file. `open` it, use `read` and `write`, and `close` it: its threads outlive an unclosed one.

    With `alone`, no second server opens it meanwhile; commands, whose changes no reader waits for, do without.
    """

    def __init__(self, path: Path, on_commit: Commit, *, alone: bool = True, reserve: int = 0) -> None:
        self._path = path
        self._real = file.located(path)
        self.space = Space(self._real, reserve)
        self._on_commit = on_commit
        self._guard = Guard(path) if alone else None
        self._connections: list[aiosqlite.Connection] = []
        self._readers: Iterator[aiosqlite.Connection] = iter(())
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue(WAITING)
        self._writer: asyncio.Task[None] | None = None
        self._tidier: asyncio.Task[None] | None = None
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
            self._readers = itertools.cycle([await self._connect(readonly=True) for _ in range(READERS)])
        except sqlite3.Error as error:
            await self.close()
            reason = explained(error, self._real)
            raise StartupError(f"The database {self._path} cannot be opened: {reason}.") from error
        except StartupError:
            await self.close()
            raise
        self._writer = asyncio.create_task(self._write_batches(writer), name="store writer")
        self._tidier = asyncio.create_task(self._tidy(writer), name="store tidier")

    async def close(self) -> None:
        """Finish what was begun, and release the file. Whoever still waits is told that nothing was stored."""
        for task in (self._tidier, self._proof, self._writer):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._writer = self._tidier = self._proof = None
        while not self._jobs.empty():
            _answer(self._jobs.get_nowait(), StoreUnavailable())
            await asyncio.sleep(0)  # whoever waits for a place takes it, and is answered too
        if self._connections:
            await _on_thread(self._connections[0], self._end)
        for connection in self._connections:
            await connection.close()
        self._connections.clear()
        if self._guard is not None:
            self._guard.release()

    async def read(self, query: Callable[[Transaction], T]) -> T:
        """Run `query` on one consistent snapshot of everything that is committed.

        Raises StoreUnavailable when the file cannot be read.
        """
        try:
            return await _on_thread(next(self._readers), lambda connection: _read(connection, query))
        except (sqlite3.Error, StopIteration, ValueError) as error:
            log.error("read failed", error=str(error))
            raise StoreUnavailable("The server cannot read its messages at the moment.") from error

    async def write(self, run: Callable[[Transaction], T]) -> T:
        """Run `run` in a transaction and return its result once it is on the disk; its events are published then.

        An exception from `run` undoes this transaction alone and is raised here. Raises StoreUnavailable when nothing
        could be committed. A caller that is cancelled does not take the transaction back once it has begun.
        """
        if self._writer is None:
            raise StoreUnavailable
        job = _Job(run, asyncio.get_running_loop().create_future())
        await self._jobs.put(job)
        result: T = await job.future
        return result

    async def prove(self) -> None:
        """Show that a message could be stored, by storing something as one is stored: once a second, however many ask.

        Raises StoreUnavailable with the reason.
        """
        self.space.check()
        now = time.monotonic()
        if self._proof is None or (self._proof.done() and now - self._proved_at > PROVED):
            self._proved_at = now
            # In a context of its own: others may wait for it when whoever was first is gone.
            self._proof = asyncio.create_task(self._store_proof(), name="store proof", context=Context())
            self._proof.add_done_callback(lambda proof: proof.cancelled() or proof.exception())
        await asyncio.shield(self._proof)

    async def _store_proof(self) -> None:
        try:
            await self.write(_prove)
        except StoreUnavailable as error:
            raise StoreUnavailable(
                f"The server cannot store messages: {error.__cause__ or 'it is stopping'}."
            ) from error
        await self.read(_prove_reading)

    async def _write_batches(self, connection: aiosqlite.Connection) -> None:
        while True:
            batch = [await self._jobs.get()]
            while len(batch) < BATCH and not self._jobs.empty():
                batch.append(self._jobs.get_nowait())
            batch = [job for job in batch if not job.future.cancelled()]
            if not batch:
                continue
            commit = asyncio.create_task(self._commit(connection, batch))
            try:
                # A batch that has begun is finished and answered even when the server stops in the middle of it.
                await asyncio.shield(commit)
            except asyncio.CancelledError:
                await commit
                raise

    async def _commit(self, connection: aiosqlite.Connection, batch: Sequence[_Job]) -> None:
        try:
            forgets = await _on_thread(connection, lambda raw: _run_batch(raw, batch, self._guard))
        except Exception as error:
            if not isinstance(error, Gone):
                log.error("commit failed", error=str(error), transactions=len(batch))
            for job in batch:
                _answer(job, job.error if job.error is not None else _unavailable(error))
            return
        events = [event for job in batch if job.error is None for event in job.events]
        if events:
            self._on_commit(events)
        for job in batch:
            _answer(job, job.error)
        if forgets:
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


def _answer(job: _Job, error: Exception | None) -> None:
    if job.future.done():
        return
    if error is None:
        job.future.set_result(job.result)
    else:
        job.future.set_exception(error)


def _unavailable(cause: Exception) -> StoreUnavailable:
    error = StoreUnavailable()
    error.__cause__ = cause
    return error


async def _on_thread(connection: aiosqlite.Connection, run: Callable[[sqlite3.Connection], T]) -> T:
    # aiosqlite has no public way to run a function on its thread; every public method is this one call.
    result: T = await connection._execute(run, connection._conn)  # type: ignore[no-untyped-call]
    return result


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
    tx.one("INSERT OR REPLACE INTO facts (name, value) VALUES ('proof', hex(randomblob(4)))")


def _prove_reading(tx: Transaction) -> None:
    tx.one("SELECT value FROM facts WHERE name = 'proof'")


def _read(connection: sqlite3.Connection, query: Callable[[Transaction], T]) -> T:
    connection.execute("BEGIN")
    try:
        return query(Transaction(connection))
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


def _run_batch(connection: sqlite3.Connection, batch: Sequence[_Job], guard: Guard | None) -> bool:
    """Commit a batch; whether it has put something else in the place of what is to be forgotten."""
    try:
        if guard is not None:
            guard.check()
        forgets = _commit_batch(connection, batch)
        if guard is not None:
            guard.committed(sum(len(job.events) for job in batch if job.error is None))
    except Gone as lost:
        assert guard is not None
        guard.lose(connection, lost)
        raise
    return forgets


def _commit_batch(connection: sqlite3.Connection, batch: Sequence[_Job]) -> bool:
    # IMMEDIATE: a transaction that starts by reading cannot become a writing one while another holds the lock.
    connection.execute("BEGIN IMMEDIATE")
    try:
        forgets = [_run_job(connection, job) for job in batch]
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return any(forgets)


def _run_job(connection: sqlite3.Connection, job: _Job) -> bool:
    transaction = Transaction(connection)
    connection.execute("SAVEPOINT job")
    try:
        job.result = job.run(transaction)
        job.events = transaction.events
    except sqlite3.OperationalError:
        # A full disk or a lost file: nothing in this batch can be trusted to be there.
        raise
    except Exception as error:
        job.error = error
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")
    return transaction.forgets and job.error is None


def _prepare(path: Path) -> None:
    """What a command looks at, beside a server or without one. Raises StartupError."""
    file.prepare(path)
    try:
        history.judge(path, thorough=False)
    except history.Unsound as error:
        raise StartupError(f"The database {path} cannot be opened: {error}.") from error
