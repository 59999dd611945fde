"""Group commit: jobs that wait together are committed together, each undone by itself where it fails.

Nothing in here knows which database it is: a lane is given what runs a batch on its connection, and jobs what runs a
statement.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from quart_chat.errors import StoreUnavailable
from quart_chat.events import Event
from quart_chat.store.database import Row, Transaction

T = TypeVar("T")

WAITING = 4096
"""Jobs that may wait for a lane. Past that a poster waits for a place, which slows the sender down."""

Commit = Callable[[Sequence[Event]], None]
"""Hears what was committed, in the order of the log, before anybody is answered."""


class Found(Protocol):
    """What a driver says of a statement that it has run."""

    @property
    def description(self) -> object:
        """None where the statement returns no rows."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Row | None: ...

    def fetchall(self) -> list[Row]: ...

    def close(self) -> None: ...


Execute = Callable[[str, Mapping[str, object]], Found]


class OpenTransaction:
    """A job's transaction. Its savepoint is made with its first write: most of what is refused is refused before."""

    def __init__(self, execute: Execute, *, alone: bool = False) -> None:
        """With `alone` no other job shares what is undone."""
        self.events: list[Event] = []
        self.forgets = False
        self._execute = execute
        self._alone = alone
        self._saved = False

    def one(self, sql: str, **values: object) -> Row | None:
        return self._found(sql, values).fetchone()

    def all(self, sql: str, **values: object) -> list[Row]:
        return self._found(sql, values).fetchall()

    def run(self, sql: str, **values: object) -> int:
        self._save(sql)
        done = self._execute(sql, values)
        if done.description is not None:
            done.close()  # what is left to fetch keeps the transaction from ending
            raise TypeError(f"it returns rows: {sql}")
        return done.rowcount

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def forget(self) -> None:
        self.forgets = True

    def undo(self) -> None:
        if self._saved:
            self._execute("ROLLBACK TO SAVEPOINT job", {})

    def release(self) -> None:
        if self._saved:
            self._execute("RELEASE SAVEPOINT job", {})

    def _found(self, sql: str, values: Mapping[str, object]) -> Found:
        self._save(sql)
        found = self._execute(sql, values)
        if found.description is None:
            raise TypeError(f"it returns no rows: {sql}")
        return found

    def _save(self, sql: str) -> None:
        if not self._saved and not self._alone and _writes(sql):
            self._execute("SAVEPOINT job", {})
            self._saved = True


@functools.lru_cache(1_000)
def _writes(sql: str) -> bool:
    return not sql.lstrip().upper().startswith("SELECT")


@dataclass(slots=True)
class Job:
    """What somebody waits for."""

    work: Callable[[Transaction], Any]
    future: asyncio.Future[Any]
    events: list[Event] = field(default_factory=list)
    forgets: bool = False
    result: Any = None
    error: Exception | None = None

    def run(self, execute: Execute, fatal: tuple[type[Exception], ...]) -> None:
        """Do it among others, or undo what it did, and keep its error. It may be run again. Raises what is `fatal` for
        the whole batch."""
        transaction = OpenTransaction(execute)
        self.events, self.forgets, self.result, self.error = [], False, None, None
        try:
            self.result = self.work(transaction)
            self.events, self.forgets = transaction.events, transaction.forgets
        except fatal:
            raise
        except Exception as error:
            self.error = error
            transaction.undo()
        transaction.release()

    def answer(self, error: Exception | None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(error)


RunBatch = Callable[[Sequence[Job]], Awaitable[None]]
"""Runs each job and commits what they did. Raises where nothing could be committed."""


class Lane:
    """One connection's queue of jobs: `start` it, and `close` it before the connection."""

    def __init__(self, run_batch: RunBatch, on_commit: Commit, *, most: int) -> None:
        """`most` jobs are committed together: it bounds how long the first of them waits for its answer."""
        self._run_batch = run_batch
        self._on_commit = on_commit
        self._most = most
        self._jobs: asyncio.Queue[Job] = asyncio.Queue(WAITING)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="store writer")

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """As `Database.write`."""
        if self._task is None:
            raise StoreUnavailable
        job = Job(work, asyncio.get_running_loop().create_future())
        await self._jobs.put(job)
        try:
            result: T = await job.future
        except Exception:
            # It holds the frames through which it came, and these the job: all that a refused request has sent would
            # stay until garbage is looked for.
            del job.future, job.error
            raise
        return result

    async def close(self) -> None:
        """Finish what was begun. Whoever still waits is told that nothing was stored."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        while not self._jobs.empty():
            self._jobs.get_nowait().answer(StoreUnavailable())
            await asyncio.sleep(0)  # whoever waits for a place takes it, and is answered too

    async def _run(self) -> None:
        while True:
            batch = [await self._jobs.get()]
            while len(batch) < self._most and not self._jobs.empty():
                batch.append(self._jobs.get_nowait())
            batch = [job for job in batch if not job.future.cancelled()]
            if not batch:
                continue
            commit = asyncio.create_task(self._commit(batch))
            try:
                # A batch that has begun is finished and answered even when the server stops in the middle of it.
                await asyncio.shield(commit)
            except asyncio.CancelledError:
                await commit
                raise

    async def _commit(self, batch: Sequence[Job]) -> None:
        try:
            await self._run_batch(batch)
        except Exception as error:
            for job in batch:
                job.answer(job.error if job.error is not None else _unavailable(error))
            return
        events = [event for job in batch for event in job.events]
        if events:
            self._on_commit(events)
        for job in batch:
            job.answer(job.error)


def _unavailable(cause: Exception) -> StoreUnavailable:
    error = StoreUnavailable()
    error.__cause__ = cause
    return error
