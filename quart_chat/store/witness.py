"""What is known of a database from outside of it: which history it holds, and how far that has come.

A database that was put back in time, from a backup or by a copy, cannot know it by itself. The witness is a small file
beside it, written after every commit and before that is acknowledged. It is not synced each time: a process that is
killed leaves it as it was written, and after a power cut it may only claim less than the database has, which is no sign
of anything. It also knows by which files it stood, so that a folder that was restored whole is noticed too.
"""

import os
import secrets
from pathlib import Path
from typing import NamedTuple

from quart_chat.store.file import PRIVATE, lock_path, sync_folder

SIZE = 256
"""Bytes, always: it is overwritten in place."""


class Seen(NamedTuple):
    """What the witness says."""

    epoch: str
    total: int
    """Events in all rooms."""
    files: str
    """Which inodes the database and its write-ahead log were."""
    changed_at: int
    """When the database's file had been changed, in nanoseconds, when it was last looked at."""
    mark: str
    """The files it stood by."""

    @property
    def database(self) -> int:
        return int(self.files.partition("-")[0])

    @property
    def log(self) -> int:
        return int(self.files.partition("-")[2])


class Witness:
    """The file, open for writing."""

    def __init__(self, path: Path) -> None:
        """Make it anew beside a `located` and locked database, with nothing in it yet. Raises OSError."""
        self._path = witness_path(path)
        draft = self._path.with_name(f"{self._path.name}.{secrets.token_hex(4)}")
        self._handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
        self._draft: Path | None = draft
        os.fchmod(self._handle, PRIVATE)
        self._mark = _mark(os.fstat(self._handle), path)

    def write(self, epoch: str, total: int, files: str, changed_at: int) -> None:
        """Say how far the database is. MUST be called after the commit, before anybody hears of it. Raises OSError."""
        line = f"{epoch} {total} {files} {changed_at} {self._mark}"
        os.pwrite(self._handle, line.encode().ljust(SIZE - 1) + b"\n", 0)

    def settle(self) -> None:
        """Have on the disk what was written last; the first time, in the place of an older witness. Raises OSError."""
        os.fsync(self._handle)
        if self._draft is not None:
            self._draft.rename(self._path)
            self._draft = None
            sync_folder(self._path)

    def close(self) -> None:
        os.close(self._handle)
        if self._draft is not None:
            self._draft.unlink(missing_ok=True)


def witness_path(path: Path) -> Path:
    return Path(f"{path}.witness")


def testimony(path: Path) -> tuple[Seen | None, bool]:
    """What the witness of a `located` database says, and whether it stands where it stood: neither is it a copy, nor is
    the lock beside it. None where there is none, or none that can be read."""
    try:
        with witness_path(path).open("rb") as file:
            words = file.read(SIZE).decode("ascii", "replace").split()
            mark = _mark(os.fstat(file.fileno()), path)
        epoch, total, files, changed_at, stood_by = words
        seen = Seen(epoch, int(total), files, int(changed_at), stood_by)
    except (OSError, ValueError):
        return None, False
    return seen, seen.mark == mark


def _mark(witness: os.stat_result, path: Path) -> str:
    """Of two files that a copy, or unpacking an archive, does not leave both as they are: a new file has another inode,
    one that is overwritten in place another time of change. The lock's file is never written."""
    lock = lock_path(path).stat()
    return f"{witness.st_ino}-{lock.st_ino}-{lock.st_ctime_ns}"
