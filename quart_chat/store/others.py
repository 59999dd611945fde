"""Whether another process has committed to an SQLite database: nobody else tells of what a command beside did."""

import sqlite3
import time
from collections.abc import Callable, Mapping

PAUSE = 0.25
"""Seconds between two looks, of which each costs about a quarter of a millisecond of CPU."""

MARGIN_MS = 60_000
"""What is read again of the time before the last look: the clock may have been set."""

Moved = Mapping[int, int]
"""Rooms by id, and how far their logs are now."""

OnOthers = Callable[[Moved], None]


class Others:
    """Asks SQLite, each time: from the file it cannot be told. What is written to the write-ahead log counts when its
    index says so, after a sync that may take any time, and that changes nothing in the log itself.

    `connection` MUST be the one that writes: of what it commits itself the counter says nothing
    (https://www.sqlite.org/pragma.html#pragma_data_version). Raises sqlite3.Error.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._version = self._counter()
        self._looked_at = time.time_ns() // 1_000_000

    def moved(self) -> Moved | None:
        """What another process may have changed since the last look; None where none has committed. Raises
        sqlite3.Error, and then the next look finds it."""
        version, now = self._counter(), time.time_ns() // 1_000_000
        if version == self._version:
            return None
        since = self._looked_at - MARGIN_MS
        rows = self._connection.execute("SELECT id, cursor FROM rooms WHERE active_at >= ?", (since,)).fetchall()
        self._version, self._looked_at = version, now
        return {row["id"]: row["cursor"] for row in rows}

    def _counter(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])
