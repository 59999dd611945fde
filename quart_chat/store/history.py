"""Which history a database file holds: whether it is one of ours and sound, how far it has come, and whether it goes on
where the last server left it.

What was put in its place meanwhile has another history, also where it once was the same: readers have seen what is not
there any more, and positions and ids that they know would be given to something else. Such a file begins a new epoch.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import structlog

from quart_chat.errors import StartupError
from quart_chat.store.file import put_aside
from quart_chat.store.space import explained
from quart_chat.store.witness import Seen, testimony

log = structlog.get_logger()

CHECKED = 256 * 1024 * 1024
"""Bytes of a file that is looked through whenever it is opened: about a second. A larger one is if it was changed."""

BUSY = 2.0
"""Seconds to wait for a program that just makes the file."""


class Unsound(Exception):
    """The file cannot be used; the message says why, without a full stop."""

    @property
    def unseen(self) -> bool:
        """Whether it only could not be looked at: locked by somebody, or no more files can be opened. That says nothing
        of what is in it, and what only the write-ahead log has must not be thrown away for it."""
        return isinstance(self.__cause__, sqlite3.OperationalError)


@dataclass(frozen=True, slots=True)
class History:
    """What a database says of itself."""

    epoch: str
    total: int
    """Events in all rooms: it only ever rises."""
    served: bool
    """Whether a server has had it that kept a witness."""


def examine(path: Path) -> str | None:
    """Look at a `located`, locked database before anything is written to it. Returns why its readers must be told that
    it is another one than they know; None where it goes on.

    Puts a write-ahead log aside that is not its own. Raises StartupError for what is damaged, or another program's.
    """
    seen, stood = testimony(path)
    try:
        has_log, moved = _log_of(path) is not None, seen is None or not stood or _changed(path, seen)
        strange = has_log and (not path.stat().st_size or (moved and _log_is_strange(path, seen)))
        if strange:
            aside = put_aside(Path(f"{path}-wal"))
            Path(f"{path}-shm").unlink(missing_ok=True)
            log.warning("a write-ahead log that belongs to another database was put aside", file=str(aside))
        elif has_log and seen and _changed(path, seen):
            log.warning(
                "the write-ahead log has what the file has not, and is kept: nothing was put back", file=str(path)
            )
        history = judge(path, thorough=moved)
    except Unsound as error:
        advice = ". To go back to a backup: quart-chat restore FILE" if "damaged" in str(error) else ""
        raise StartupError(f"The database {path} cannot be opened: {explained(error, path)}{advice}.") from error
    except OSError as error:
        raise StartupError(f"The database {path} cannot be opened: {error.strerror}.") from error
    return "a write-ahead log of another one was beside it" if strange else _another(history, seen, stood)


def judge(path: Path, *, thorough: bool, alone: bool = False) -> History | None:
    """What the file says, changing nothing; None where it is empty. With `alone`, without its write-ahead log. Raises
    Unsound for what is no database, another program's, or damaged."""
    try:
        with opened(path, "mode=ro" + "&immutable=1" * alone) as connection:
            return _judge(connection, thorough, path.stat().st_size <= CHECKED)
    except sqlite3.Error as error:
        corrupt = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CORRUPT
        raise Unsound(f"it is damaged ({error})" if corrupt else str(error)) from error


@contextmanager
def opened(path: Path, how: str) -> Iterator[sqlite3.Connection]:
    """A connection beside the store's own, closed at the end of the block."""
    address = f"file:{quote(str(path.absolute()))}?{how}"
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY, isolation_level=None)) as connection:
        yield connection


def check(connection: sqlite3.Connection) -> None:
    """Everything that can be seen: pages, indexes, references, gaps in a room's log. Raises Unsound."""
    _check_pages(connection, "integrity_check")
    if connection.execute("PRAGMA foreign_key_check").fetchone():
        raise Unsound("it is damaged (what a row refers to is missing)")
    gap = connection.execute(
        """
        SELECT slug
          FROM rooms
          LEFT JOIN (SELECT room_id, count(*) AS events, max(cursor) AS head FROM events GROUP BY room_id)
            ON room_id = id
         WHERE cursor <> coalesce(events, 0) OR cursor <> coalesce(head, 0)
         LIMIT 1
        """
    ).fetchone()
    if gap:
        raise Unsound(f"it is damaged (events of the room {gap[0]} are missing)")


def read(connection: sqlite3.Connection) -> History:
    """Of a database that has its tables."""
    facts = dict(connection.execute("SELECT name, value FROM facts").fetchall())
    total = connection.execute("SELECT coalesce(sum(cursor), 0) FROM rooms").fetchone()[0]
    return History(facts["epoch"], total, "served_at" in facts)


def begin_epoch(connection: sqlite3.Connection) -> None:
    """Make what follows another history, within a transaction: no cursor counts any more, and no id that was given
    before is given again. Ids go on from the milliseconds since 1970, which no server overtakes: none stores a thousand
    messages a second for years."""
    now = time.time_ns() // 1_000_000
    connection.execute("UPDATE facts SET value = lower(hex(randomblob(6))) WHERE name = 'epoch'")
    connection.execute("INSERT OR REPLACE INTO facts (name, value) VALUES ('lowest_user', ?)", (str(now),))
    connection.execute("INSERT INTO sqlite_sequence (name, seq) SELECT 'messages', 0 WHERE NOT EXISTS "
                       "(SELECT 1 FROM sqlite_sequence WHERE name = 'messages')")  # fmt: skip
    connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'messages'", (now,))


def record_service(connection: sqlite3.Connection) -> None:
    """Say that a server with a witness has it; also the proof that it can be written. In a transaction of its own."""
    now = time.time_ns() // 1_000_000
    connection.execute("INSERT OR REPLACE INTO facts (name, value) VALUES ('served_at', ?)", (str(now),))


def _judge(connection: sqlite3.Connection, thorough: bool, small: bool) -> History | None:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if not tables:
        return None
    columns = [row[1] for row in connection.execute("SELECT * FROM pragma_table_info('migrations')")]
    if columns != ["number", "name"]:
        raise Unsound("it is the database of another program")
    if "facts" not in tables or "rooms" not in tables:
        return None
    if thorough:
        check(connection)
    elif small:
        _check_pages(connection, "quick_check")
    return read(connection)


def _check_pages(connection: sqlite3.Connection, pragma: str) -> None:
    found = connection.execute(f"PRAGMA {pragma}(1)").fetchone()[0]
    if found != "ok":
        raise Unsound(f"it is damaged ({' '.join(str(found).split())})")


def _log_of(path: Path) -> os.stat_result | None:
    """The write-ahead log, if anything is in it. A command that ends beside may take it away at any moment."""
    try:
        found = Path(f"{path}-wal").stat()
    except FileNotFoundError:
        return None
    return found if found.st_size else None


def _changed(path: Path, seen: Seen) -> bool:
    found = path.stat()
    return (found.st_ino, found.st_ctime_ns) != (seen.database, seen.changed_at)


def _log_is_strange(path: Path, seen: Seen | None) -> bool:
    """Whether the write-ahead log beside the file must not be put into it: SQLite knows nothing that binds them.

    Nothing may be thrown away that was acknowledged. So the log that the last server left is this file's own where both
    together have what that server had, and any other where both together are sound.
    """
    try:
        alone = judge(path, thorough=True, alone=True)
    except Unsound:
        # A server was killed while it wrote the one into the other; or there is nothing to save.
        return False
    if alone is None:
        return False
    found = _log_of(path)
    ours = seen is not None and found is not None and seen.log == found.st_ino
    try:
        both = judge(path, thorough=True)
    except Unsound as error:
        if error.unseen:
            raise
        return True
    if both is None or both.epoch != alone.epoch:
        return True
    return seen is not None and ours and (both.epoch != seen.epoch or both.total < seen.total)


def _another(history: History | None, seen: Seen | None, stood: bool) -> str | None:
    if seen is None:
        # Made by a version that kept no witness, or brought here without its own.
        return "its witness is not beside it" if history and history.served else None
    if history is None or history.epoch != seen.epoch:
        return "it is not the one that was here"
    if history.total < seen.total:
        return f"{seen.total - history.total} events that were acknowledged are not in it"
    return None if stood else "it was moved, or restored together with its witness"
