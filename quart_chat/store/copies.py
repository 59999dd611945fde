"""Backups: a copy of a database that may be in use, and putting one back as a history of its own."""

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from quart_chat.errors import StartupError
from quart_chat.store import file, history
from quart_chat.store.history import Unsound
from quart_chat.store.witness import witness_path

STEP = 2048
"""Pages copied between two words about progress: 8 MiB."""


@dataclass(frozen=True, slots=True)
class Contents:
    rooms: int
    messages: int


Progress = Callable[[int, int], None]
"""Hears how many pages are copied, of how many."""


def back_up(database: Path, copy: Path, progress: Progress) -> Contents:
    """Write what `database` has at this moment into the file `copy`, which is there whole and checked, or as before. A
    server may go on meanwhile. Returns what is in it. Raises StartupError."""
    if file.identity(database) in (file.identity(copy), None):
        raise StartupError(f"{copy} is the database itself: name another file for its backup.")
    if copy.exists():
        _sound(copy, f"{copy} is there already, and is no backup that could be replaced")
    with _refusing(f"The backup {copy} cannot be written"), _draft(copy) as draft:
        _copy(database, draft, progress)
        found = _sound(draft, f"The copy of {database} is not what it should be")
        draft.replace(copy)
        file.sync_folder(copy)
    return found


def put_back(copy: Path, database: Path, progress: Progress) -> tuple[Contents, Path | None]:
    """Have what is in the file `copy` in the place of `database`, as another history. Returns what is in it, and where
    the present one is kept, if there is one. Raises StartupError, also while a server runs."""
    if not copy.exists():
        raise StartupError(f"There is no backup at {copy}.")
    database = file.located(database)
    if file.identity(database) == file.identity(copy):
        raise StartupError(f"{copy} is the database itself: name its backup.")
    found = _sound(copy, f"{copy} cannot be restored")
    with _refusing(f"The database {database} cannot be replaced"), file.locked(database), _draft(database) as draft:
        _copy(copy, draft, progress)
        with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            history.begin_epoch(connection)
            # Nothing is known of it from outside: the next server is the first.
            connection.execute("DELETE FROM facts WHERE name = 'served_at'")
            connection.execute("COMMIT")
        _sync(draft)
        kept = _keep(database) if database.exists() else None
        for made in (draft, file.lock_path(database)):
            _own(made, kept or database.parent)
        draft.replace(database)
        witness_path(database).unlink(missing_ok=True)
        file.sync_folder(database)
    return found, kept


def _copy(source: Path, target: Path, progress: Progress) -> None:
    with history.opened(source, "mode=ro") as reading, closing(sqlite3.connect(target)) as writing:
        # One moment from beginning to end: without it, every message that is posted would begin the copy anew.
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        reading.backup(writing, pages=STEP, progress=lambda _, left, total: progress(total - left, total))
        # A copy is one file, without a write-ahead log.
        writing.execute("PRAGMA journal_mode = DELETE")
    _sync(target)


def _sound(path: Path, what: str) -> Contents:
    try:
        found = history.judge(path, thorough=True)
    except Unsound as error:
        raise StartupError(f"{what}: {error}.") from error
    if found is None:
        raise StartupError(f"{what}: there is nothing in it.")
    with history.opened(path, "mode=ro") as connection:
        rooms, messages = connection.execute(
            "SELECT (SELECT count(*) FROM rooms), (SELECT count(*) FROM messages WHERE deleted_at IS NULL)"
        ).fetchone()
    return Contents(rooms, messages)


def _keep(database: Path) -> Path:
    """Give the present database another name, and leave its own, until it is replaced. What is in its write-ahead log
    goes with it."""
    kept = _free(database.with_name(f"{database.name}.before-{datetime.now(UTC):%Y-%m-%d-%H%M%S}"))
    # With two names it is refused, should this end here.
    kept.hardlink_to(database)
    with suppress(FileNotFoundError):
        Path(f"{database}-wal").rename(f"{kept}-wal")
    Path(f"{database}-shm").unlink(missing_ok=True)
    return kept


def _free(path: Path) -> Path:
    number = 1
    free = path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def _own(path: Path, like: Path) -> None:
    """Root restores for a service that is not root."""
    if os.geteuid() == 0:
        found = like.stat()
        os.chown(path, found.st_uid, found.st_gid)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """An empty file in the same folder, for its owner alone; nothing is left of it where it was not moved."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    file.make_private(draft)
    try:
        yield draft
    finally:
        for suffix in ("", "-journal", *file.BESIDE):
            Path(f"{draft}{suffix}").unlink(missing_ok=True)


@contextmanager
def _refusing(what: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StartupError(f"{what}: {error}.") from error
    except OSError as error:
        raise StartupError(f"{what}: {error.strerror}.") from error
