"""What the rules and the statements know of a database, whichever it is."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from quart_chat.events import Event

T = TypeVar("T")


class Row(Protocol):
    """What a statement has found, by the names of its columns alone: what else a row can do differs between drivers."""

    def __getitem__(self, name: str, /) -> Any: ...


class Transaction(Protocol):
    """What a job may do inside its transaction: run statements, and say what happened.

    Statements have named parameters (`:name`), and no values that a column does not hold: truth is 0 or 1.
    """

    def one(self, sql: str, **values: object) -> Row | None:
        """The first row of a statement that returns rows; `run` is for any other."""

    def all(self, sql: str, **values: object) -> list[Row]:
        """All rows of a statement that returns rows."""

    def run(self, sql: str, **values: object) -> int:
        """How many rows a statement has changed that returns none."""

    def emit(self, event: Event) -> None:
        """Tell of `event` if, and only if, this transaction commits."""

    def forget(self) -> None:
        """What this transaction overwrites or deletes must not stay anywhere for long: not in a log of the database."""


class Database(Protocol):
    """Transactions are plain functions, each run whole on a connection's own thread."""

    async def read(self, query: Callable[[Transaction], T]) -> T:
        """Run `query` on one consistent snapshot of everything that is committed. Raises StoreUnavailable."""

    async def write(self, job: Callable[[Transaction], T], *, room: str | None = None) -> T:
        """Run `job` in a transaction and return its result once it is on the disk; its events are published then.

        `job` MUST be repeatable: where two are in each other's way, one is undone and run once more. What it does to
        anything but the transaction happens as often. `room` is the slug of the one to whose log it appends: jobs of
        one room are committed together. Where there is one, `job` claims it before anything else.

        An exception from `job` undoes this transaction alone and is raised here. Raises StoreUnavailable when nothing
        could be committed. A caller that is cancelled does not take the transaction back once it has begun.
        """

    async def prove(self) -> None:
        """Show that a message could be stored, by storing something as one is stored: once a second, however many ask.

        Raises StoreUnavailable with the reason.
        """

    def check_space(self) -> None:
        """Raises StoreFull where nothing more may be added."""

    def space_warning(self) -> str:
        """What the operator should know of it, as a sentence; empty where there is enough."""
