"""A database that shows what the rules ask of it, and holds them to what any database may do."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from quart_chat.store.database import Database, Row, Transaction

T = TypeVar("T")


class Undone(Exception):
    """Not the job's fault: it is to run again."""


class Named:
    """A row that has nothing but names."""

    def __init__(self, row: Any) -> None:
        self._row = dict(row)

    def __getitem__(self, name: str) -> Any:
        return self._row[name]


@dataclass
class Recorded:
    """What one job did, and for which room it said it would."""

    room: str | None
    statements: list[str] = field(default_factory=list)


class Recording:
    """A transaction that keeps its statements."""

    def __init__(self, transaction: Transaction, recorded: Recorded) -> None:
        self._transaction = transaction
        self._recorded = recorded
        self.emit, self.forget = transaction.emit, transaction.forget

    def one(self, sql: str, **values: object) -> Row | None:
        row = self._transaction.one(*self._keep(sql, values), **values)
        return Named(row) if row else None

    def all(self, sql: str, **values: object) -> list[Row]:
        return [Named(row) for row in self._transaction.all(*self._keep(sql, values), **values)]

    def run(self, sql: str, **values: object) -> int:
        return self._transaction.run(*self._keep(sql, values), **values)

    def _keep(self, sql: str, values: dict[str, object]) -> tuple[str]:
        assert not [value for value in values.values() if isinstance(value, bool)], "truth is no number everywhere"
        self._recorded.statements.append(" ".join(sql.split()))
        return (sql,)


class RecordedDatabase:
    """Runs each job twice, as one that was in another's way: the first time it is undone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.writes: list[Recorded] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def write(self, job: Callable[[Transaction], T], *, room: str | None = None) -> T:
        def undone(tx: Transaction) -> None:
            job(Recording(tx, Recorded(room)))
            raise Undone

        with suppress(Undone):
            await self._database.write(undone, room=room)
        recorded = Recorded(room)
        result = await self._database.write(lambda tx: job(Recording(tx, recorded)), room=room)
        self.writes.append(recorded)
        return result
