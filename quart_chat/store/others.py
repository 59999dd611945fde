"""Whether another process has committed to an SQLite database: nobody else tells of what a command beside did."""

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path

PAUSE = 0.25
"""Seconds between two looks. One costs a single call of the system while nothing is written."""

COARSE = 50_000_000
"""Nanoseconds that a file system's clock may stand still, several times what kernels have: what is written within that
after a look leaves the file looking the same."""

MARGIN_MS = 60_000
"""What is read again of the time before the last look: the clock may have been set."""

Moved = Mapping[int, int]
"""Rooms by id, and how far their logs are now."""

OnOthers = Callable[[Moved], None]


class Others:
    """Looks at the write-ahead log, and asks only where that has changed. `connection` MUST be the one that writes: of
    itself SQLite's counter says nothing (https://www.sqlite.org/pragma.html#pragma_data_version)."""

    def __init__(self, path: Path) -> None:
        self._log = f"{path}-wal"
        self._seen: tuple[int, int] | None = None
        self._version: int | None = None
        self._looked_at = time.time_ns() // 1_000_000

    def have_written(self) -> bool:
        """Whether anybody has, this process included, since this was asked last."""
        try:
            found = os.stat(self._log)  # noqa: PTH116  # as in file.Watch
            seen = (found.st_mtime_ns, found.st_size)
        except OSError:
            seen = (0, 0)
        changed = seen != self._seen
        self._seen = seen if time.time_ns() - seen[0] > COARSE else None
        return changed

    def moved(self, connection: sqlite3.Connection) -> Moved | None:
        """What another process may have changed since the last look; None where none has committed. Raises
        sqlite3.Error."""
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return None
        now, since = time.time_ns() // 1_000_000, self._looked_at - MARGIN_MS
        rows = connection.execute("SELECT id, cursor FROM rooms WHERE active_at >= ?", (since,)).fetchall()
        # Only now: where this has failed, the next look finds it.
        before, self._version, self._looked_at = self._version, version, now
        return None if before is None else {row["id"]: row["cursor"] for row in rows}
