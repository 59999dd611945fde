"""A file to which lines are appended: on the disk before anybody relies on them, and never half a line for long."""

import os
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

log = structlog.get_logger()

TAIL = 256 * 1024
"""Bytes at the end that are looked at when the file is opened: several times what is ever written at once."""

PRIVATE = 0o600
"""For a new file. Whoever wants another mode makes the file, or has logrotate make it."""


class Foreign(OSError):
    """The file is something else: it is left as it is."""


class Appended:
    """`open` it, `append` to it from any thread, and `close` it.

    When the file is moved away, as logrotate does it, a new one is made in its place.
    """

    def __init__(self, path: Path, start: bytes, is_line: Callable[[bytes], bool]) -> None:
        """Each line begins with `start`; a file whose last line is none is not written to."""
        self._path = path
        self._start = start
        self._is_line = is_line
        self._handle = -1
        # It is held while something is written: a handle that is closed meanwhile would soon be another file's.
        self._lock = threading.Lock()

    def open(self) -> list[bytes]:
        """Mend what a kill has left, and return the last lines. Raises OSError."""
        self._handle, lines = self._opened()
        return lines

    def append(self, lines: bytes) -> None:
        """Have whole lines on the disk. Raises OSError, and then has none of them."""
        with self._lock:
            if self._is_elsewhere():
                handle, _ = self._opened()
                self._drop()
                self._handle = handle
            size = os.fstat(self._handle).st_size
            try:
                left = memoryview(lines)
                while left:
                    left = left[os.write(self._handle, left) :]
                os.fsync(self._handle)
            except OSError:
                # What could not be synced may never get to the disk, whatever a second attempt says.
                with suppress(OSError):
                    os.ftruncate(self._handle, size)
                self._drop()
                raise

    def close(self) -> None:
        # Where something is written at this moment, the end of the process closes it.
        if self._lock.acquire(blocking=False):
            self._drop()
            self._lock.release()

    def _is_elsewhere(self) -> bool:
        if self._handle < 0:
            return True
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return True
        mine = os.fstat(self._handle)
        return (found.st_dev, found.st_ino) != (mine.st_dev, mine.st_ino)

    def _drop(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _opened(self) -> tuple[int, list[bytes]]:
        # Not waiting for a reader, where it is a pipe.
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        handle = os.open(self._path, flags, PRIVATE)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise Foreign(0, "it is not a file")
            lines = self._mended(handle)
            # Lines that are there after a kill may not be on the disk yet.
            os.fsync(handle)
            _sync_folder(self._path)
        except BaseException:
            os.close(handle)
            raise
        return handle, lines

    def _mended(self, handle: int) -> list[bytes]:
        """Cut off what is no whole line, and zeros, which a power cut leaves where nothing was on the disk yet."""
        size = os.fstat(handle).st_size
        end = os.pread(handle, TAIL, max(0, size - TAIL))
        if size > TAIL:
            end = end[end.find(b"\n") + 1 :]
        whole = end.partition(b"\0")[0]
        whole = whole[: whole.rfind(b"\n") + 1]
        torn = end[len(whole) :]
        lines = whole.splitlines()
        begun = torn.partition(b"\0")[0][: len(self._start)]
        if not self._start.startswith(begun) or not (self._is_line(lines[-1]) if lines else size <= TAIL):
            raise Foreign(0, "it is something else already, and is left as it is")
        if torn:
            os.ftruncate(handle, size - len(torn))
            log.warning("the end of a file was torn and is cut off", file=str(self._path), bytes=len(torn))
        return lines


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
