"""Numbered migrations, forward only. `sqlite/0001_initial.sql` is the commented data model."""

import sqlite3
from importlib.resources import files
from importlib.resources.abc import Traversable

import structlog

from quart_chat.errors import StartupError

log = structlog.get_logger()


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables up to date. Each migration is one transaction together with its record.

    Raises StartupError when the database was made by a newer version.
    """
    connection.execute("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT")
    done = {row["number"] for row in connection.execute("SELECT number FROM migrations")}
    known = {int(script.name[:4]): script for script in _scripts()}
    if newer := done - known.keys():
        raise StartupError(
            f"The database was made by a newer quart-chat (migration {max(newer)}). Install that version, or restore "
            "an older backup."
        )
    for number in sorted(known.keys() - done):
        if done:
            log.info("the database is brought up to date", migration=known[number].name)
        _apply(connection, number, known[number].name, known[number].read_text("utf-8"))


def _scripts() -> list[Traversable]:
    return [script for script in (files(__name__) / "sqlite").iterdir() if script.name.endswith(".sql")]


def _apply(connection: sqlite3.Connection, number: int, name: str, script: str) -> None:
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}")
        connection.execute("INSERT INTO migrations (number, name) VALUES (?, ?)", (number, name))
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        # A server and a command beside it may open a file at once: whoever comes second finds everything there.
        if not connection.execute("SELECT 1 FROM migrations WHERE number = ?", (number,)).fetchone():
            raise
