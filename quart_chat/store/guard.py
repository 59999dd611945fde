"""A server's hold on its database file: alone with it, sure that it is still there, and on record how far it is."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

import structlog

from quart_chat.errors import StartupError
from quart_chat.store import file, history
from quart_chat.store.file import AlreadyServed, Watch
from quart_chat.store.history import Unsound
from quart_chat.store.wal import WriteAheadLog
from quart_chat.store.witness import Witness

log = structlog.get_logger()

TRUNCATE_MS = 50
"""How long the writer waits for readers when it empties the write-ahead log; it can try again."""

UNSEEN = (Unsound, OSError)
"""What `check` raises where a file cannot be looked at, for the moment."""


class Gone(Exception):
    """The path does not name what is open any more; the message says what became of it, for the operator."""


class WrittenOver(Gone):
    """It does, but something else was written into the very files: nothing of ours may get in there."""


class TakenOver(Gone):
    """Another server has the file, and puts into it what is in the log."""


class Guard:
    """`take` it before anything opens the file, `begin` on the writer's connection, `release` it at the very end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._real = file.located(path)
        self._lock = -1
        self._another: str | None = None
        self._identity: file.Identity | None = None
        self._watch: Watch | None = None
        self._log: WriteAheadLog | None = None
        self._witness: Witness | None = None
        self._epoch = ""
        self._total = 0
        self._lost: str | None = None
        self._over: WrittenOver | TakenOver | None = None

    def take(self) -> None:
        """Lock the file and look at it. Raises StartupError."""
        self._lock = file.lock(self._real)
        file.prepare(self._real)
        self._identity = file.identity(self._real)
        self._another = history.examine(self._real)

    def begin(self, connection: sqlite3.Connection) -> None:
        """Write what a server begins with: so it is known that it can. Raises StartupError, sqlite3.Error."""
        if self._another:
            # First what was found, then the new epoch, each by itself into the file: a write-ahead log with an epoch
            # that the file does not have is taken for another's.
            truncate(connection)
            connection.execute("BEGIN IMMEDIATE")
            history.begin_epoch(connection)
            connection.execute("COMMIT")
            log.warning(
                "a new epoch begins: pages load their rooms anew", database=str(self._path), reason=self._another
            )
        history.record_service(connection)
        truncate(connection)
        found = history.read(connection)
        self._epoch, self._total = found.epoch, found.total
        self._watch = Watch(self._path)
        if self._watch.trouble() or file.identity(self._real) != self._identity:
            raise StartupError(f"The database {self._path} was replaced while it was being opened. Start again.")
        try:
            self._log = WriteAheadLog(self._real)
            self._witness = Witness(self._real)
            self._note()
            self._witness.settle()
        except OSError as error:
            raise StartupError(f"Nothing can be written beside {self._path}: {error.strerror}.") from error

    def check(self) -> None:
        """To be called before a commit. Raises Gone where it would go to a file that nobody finds, or into another;
        UNSEEN where that cannot be seen at the moment."""
        assert self._watch is not None
        if self._over is not None:
            raise self._over
        seen = self._watch.changed_at
        try:
            if lost := self._watch.trouble():
                raise Gone(lost)
            self._keep_lock()
            self._check_log()
            if self._watch.changed_at != seen:
                self._inspect()
        except BaseException:
            self._watch.changed_at = seen  # what was not found to be right is looked at again
            raise

    def committed(self, events: int) -> None:
        """To be called after a commit, before anybody hears of it. Raises Gone, OSError."""
        assert self._watch is not None
        if lost := self._watch.trouble():
            raise Gone(lost)
        self._check_log()
        self._total += events
        self._write()
        if self._lost is not None:
            self._lost = None
            log.warning("the database is back in its place", database=str(self._path))

    def lose(self, connection: sqlite3.Connection, lost: Gone) -> None:
        """The file is gone: put into it, wherever it is now, what only the write-ahead log has, and say so, once."""
        if self._lost is None:
            self._lost = str(lost)
            log.error("nothing is stored any more", database=str(self._path), reason=str(lost))
        if isinstance(lost, WrittenOver | TakenOver):
            self._disown(lost)
            return
        with suppress(sqlite3.Error):
            truncate(connection)

    def tidy(self, connection: sqlite3.Connection) -> bool:
        """Empty the write-ahead log, in which texts lie that the database has no more; False to try again later."""
        try:
            self.check()
        except Gone:
            return True
        except UNSEEN:
            return False
        done = truncate(connection)
        with suppress(OSError):  # then it says a little less than it could
            self._note()
        return done

    def look(self, connection: sqlite3.Connection) -> None:
        """See whether the file is still there, while nobody writes, and before the last connection is closed."""
        if self._watch is None:
            return
        try:
            with suppress(*UNSEEN):
                self.check()
        except Gone as gone:
            self.lose(connection, gone)

    def release(self) -> None:
        """Let go of everything; may be called again."""
        if self._witness is not None:
            with suppress(OSError):
                self._note()
                self._witness.settle()
            self._witness.close()
            self._witness = None
        if self._watch is not None:
            self._watch.leave()
            self._watch = None
        if self._log is not None:
            self._log.close()
            self._log = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _disown(self, lost: WrittenOver | TakenOver) -> None:
        """Keep SQLite from putting the write-ahead log into the file when it is closed, which it does by itself; unless
        it is the one of another server."""
        if self._over is None:
            self._over = lost
            if isinstance(lost, WrittenOver):
                with suppress(OSError):
                    file.empty(Path(f"{self._real}-wal"))

    def _keep_lock(self) -> None:
        """Somebody takes the lock for a leftover, and removes it: have it again before another server does. Raises
        TakenOver where one has it, OSError."""
        found, held = file.identity(file.lock_path(self._real)), os.fstat(self._lock)
        if found == (held.st_dev, held.st_ino):
            return
        try:
            again = file.lock(self._real)
        except AlreadyServed as error:
            raise TakenOver("another server has it, since its lock was removed") from error
        except StartupError:
            return  # it cannot be made; then nobody else can, either
        os.close(self._lock)
        self._lock = again
        log.warning("the lock of the database was gone, and is there again", database=str(self._path))
        if self._witness is not None:
            # It knows by which lock it stood.
            self._witness.close()
            self._witness = Witness(self._real)
            self._note()
            self._witness.settle()

    def _check_log(self) -> None:
        """Raises WrittenOver, OSError."""
        assert self._log is not None
        if not self._log.is_whole():
            raise WrittenOver(f"{self._real.name}-wal was cut short or written over")

    def _note(self) -> None:
        """Have the witness say how far the database is, and how the file looks by now."""
        assert self._watch is not None
        if self._watch.trouble() is None:
            self._write()

    def _write(self) -> None:
        assert self._watch is not None
        assert self._witness is not None
        self._witness.write(self._epoch, self._total, self._watch.files, self._watch.changed_at)

    def _inspect(self) -> None:
        """Somebody else has changed the file: a command beside, or a copy that was written into it. Raises Gone, or
        UNSEEN."""
        try:
            found = history.judge(self._real, thorough=False)
        except Unsound as error:
            if error.unseen:
                raise
            raise WrittenOver(f"{self._path.name} was written over: {error}") from error
        if found is None or found.epoch != self._epoch or found.total < self._total:
            raise WrittenOver(f"{self._path.name} was written over by another database")


def truncate(connection: sqlite3.Connection) -> bool:
    """Put the write-ahead log into the file and empty it; whether readers let it."""
    waits = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    connection.execute(f"PRAGMA busy_timeout = {TRUNCATE_MS}")
    try:
        return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.Error:
        return False
    finally:
        connection.execute(f"PRAGMA busy_timeout = {waits}")
