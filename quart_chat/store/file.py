"""The files of a database, as the file system knows them: who may read them, who serves them, and whether they are
still there.

SQLite goes on with the files that it has opened, whatever becomes of their names: without a look at the names, what is
written after an `rm` or a restore by `mv` is acknowledged and lost (https://www.sqlite.org/howtocorrupt.html#_unlinking_or_renaming_a_database_file_while_in_use).
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from quart_chat.errors import StartupError

log = structlog.get_logger()

PRIVATE = 0o600
"""For everything that is kept: messages are in it, or what forges their authors."""

BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside a file in WAL mode. It gives them the file's own mode."""


class AlreadyServed(StartupError):
    """Another server has the lock."""


Identity = tuple[int, int]
"""Device and inode: a file, whatever it is called. It is nobody else's while it is open."""


def located(path: Path) -> Path:
    """The file itself, past symbolic links: there SQLite keeps what is beside it, and there a second server is met."""
    return Path(os.path.realpath(path))


def prepare(path: Path) -> None:
    """Make the file if there is none, open to its owner alone. Raises StartupError."""
    try:
        with suppress(FileExistsError):
            make_private(path)
        found = path.stat()
    except OSError as error:
        raise StartupError(f"The database {path} cannot be opened: {error.strerror}.") from error
    if not stat.S_ISREG(found.st_mode):
        raise StartupError(f"The database {path} cannot be opened: it is not a file.")
    if found.st_nlink > 1:
        # Each name would have a write-ahead log of its own, and each server believe that it is alone.
        raise StartupError(
            f"The database {path} has another name: it is a hard link, and two programs that open it by different "
            "names destroy it. Remove one of the names, or copy the file."
        )


def tighten(path: Path) -> None:
    """Let nobody but its owner read a database that an older version or a person has made. Raises StartupError."""
    tightened = []
    for name in (path, *(Path(f"{path}{suffix}") for suffix in BESIDE)):
        try:
            if name.stat().st_mode & 0o077:
                name.chmod(PRIVATE)
                tightened.append(name.name)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise StartupError(
                f"{name} can be read by others, and that cannot be changed: {error.strerror}. It needs the mode 600."
            ) from error
    if tightened:
        log.warning("others could open these files; now only their owner can", files=tightened)


def make_private(path: Path) -> None:
    """A new, empty file. Raises FileExistsError where there is one, OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE)
    try:
        os.fchmod(handle, PRIVATE)  # an umask may have taken even the owner's rights
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """As `lock`, until the end of the block."""
    handle = lock(path)
    try:
        yield handle
    finally:
        os.close(handle)


def lock(path: Path) -> int:
    """Keep a second server away from a `located` file: its readers would not see what this one's writers post.

    The lock is the kernel's and falls with the process, however that ends. It is on a file of its own: one on the
    database itself would be lost with the first descriptor of it that this process closes. Raises StartupError.
    """
    try:
        handle = os.open(lock_path(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    except OSError as error:
        raise StartupError(f"The database {path} cannot be opened: {error.strerror}.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if stat.S_IMODE(os.fstat(handle).st_mode) != PRIVATE:
            os.fchmod(handle, PRIVATE)
    except BlockingIOError:
        os.close(handle)
        raise AlreadyServed(
            f"The database {path} is already served by another process. With QUART_CHAT_BROKER_URL=memory:// there "
            "can be only one: stop the other, set workers = 1, or give this one another QUART_CHAT_DATABASE_URL."
        ) from None
    except OSError as error:
        os.close(handle)
        raise StartupError(f"The database {path} cannot be locked: {error.strerror}.") from error
    return handle


def lock_path(path: Path) -> Path:
    return Path(f"{path}.lock")


def identity(path: Path) -> Identity | None:
    """None where there is nothing of this name."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Watch:
    """Whether the names of an open database still lead to what is open. MUST be made before anybody else can have
    renamed anything: compare the database's identity with that of before it was opened."""

    def __init__(self, path: Path) -> None:
        real = located(path)
        self._opened = {str(name): identity(name) for name in (path, *(Path(f"{real}{suffix}") for suffix in BESIDE))}
        self._name = str(path)
        self.files = "-".join(str(opened[1]) if opened else "0" for opened in list(self._opened.values())[:2])
        """The inodes of the database and of its write-ahead log."""
        self.changed_at = 0
        """When the file itself was last changed, in nanoseconds, as of the last look."""

    def trouble(self) -> str | None:
        """What is wrong, for the operator; None while all is where it was. Costs three calls of the system."""
        for name, opened in self._opened.items():
            try:
                found = os.stat(name)  # noqa: PTH116  # a Path takes half as long again, and this is done for every commit
            except OSError:
                return f"{Path(name).name} is gone"
            if (found.st_dev, found.st_ino) != opened:
                return f"{Path(name).name} is another file now"
            if name is self._name:
                self.changed_at = found.st_ctime_ns
        return None

    def leave(self) -> None:
        """After the last connection is closed: leave nothing of ours beside a file that is not.

        SQLite would take a write-ahead log for that file's own, and put its pages into it.
        """
        (name, opened), *beside = self._opened.items()
        if identity(Path(name)) == opened:
            return
        for name, opened in beside:
            with suppress(OSError):
                if identity(Path(name)) == opened:
                    self._discard(Path(name))

    def _discard(self, path: Path) -> None:
        if path.name.endswith("-shm") or not path.stat().st_size:
            path.unlink()
            return
        aside = put_aside(path)
        log.warning("a write-ahead log whose database is gone was put aside", file=str(aside))


def put_aside(path: Path) -> Path:
    """Give a file a name that nothing looks for, and that is free."""
    return path.rename(_aside(path))


def _aside(path: Path) -> Path:
    number = 1
    while (aside := Path(f"{path}.aside-{number}")).exists():
        number += 1
    return aside


def empty(path: Path) -> None:
    """Leave nothing in a file that is open; a copy is put aside. Raises OSError."""
    copy = _aside(path)
    make_private(copy)
    copy.write_bytes(path.read_bytes())
    os.truncate(path, 0)
    log.warning("what was in the write-ahead log was put aside", file=str(copy))


def sync_folder(path: Path) -> None:
    """Have the names in the folder of `path` on the disk."""
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
