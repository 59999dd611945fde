"""How much room the disk of a database has left. A full one stops deletions as well, and SQLite needs some itself."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from quart_chat.errors import StoreFull

log = structlog.get_logger()

AGE = 1.0
"""Seconds for which the answer of the file system counts."""

NEAR = 8
"""Times the reserve: below that the operator is told, while everything still works."""

MB = 1_000_000


FULL = 128 * 1024
"""Bytes below which SQLite cannot even begin: it wants 32 KiB for an index in memory, and says `disk I/O error`."""


def explained(error: Exception, path: Path) -> str:
    """What SQLite says, and what it does not say."""
    found = os.statvfs(path.parent)
    return f"{error} (the disk is full)" if found.f_bavail * found.f_frsize < FULL else str(error)


class Space:
    """Room on the disk, in bytes; `reserve` is what posts must leave."""

    def __init__(self, path: Path, reserve: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = path.parent
        self._reserve = reserve
        self._clock = clock
        self._free = 0
        self._asked_at = -AGE
        self._said = ""

    def check(self) -> None:
        """Raises StoreFull where nothing more may be added."""
        if self._reserve and self._look() < self._reserve:
            raise StoreFull

    def warning(self) -> str:
        """What the operator should know, as a sentence; empty where there is enough room."""
        if not self._reserve or self._look() >= NEAR * self._reserve:
            return ""
        return (
            f"{self._free // MB} MB are free on the database's disk; below {self._reserve // MB} nothing is accepted."
        )

    def _look(self) -> int:
        if self._clock() - self._asked_at >= AGE:
            self._asked_at = self._clock()
            found = os.statvfs(self._folder)
            self._free = found.f_bavail * found.f_frsize
            self._tell()
        return self._free

    def _tell(self) -> None:
        """In the log, when it changes: enough, little, too little."""
        enough, little = self._free >= NEAR * self._reserve, self._free >= self._reserve
        state = "" if enough else "the disk is nearly full" if little else "the disk is full: nothing more is accepted"
        if state and state != self._said:
            (log.warning if little else log.error)(state, free_mb=self._free // MB, folder=str(self._folder))
        self._said = state
