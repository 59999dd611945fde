"""What another process commits is noticed, however the file looks."""

import asyncio
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from quart_chat.store.others import Moved
from quart_chat.store.sqlite import SQLiteDatabase


async def test_commit_that_leaves_the_log_as_it_looked_before_is_noticed(tmp_path: Path) -> None:
    """So it is where the log was written, and then synced for longer than a look takes to come, before its index said
    that it counts; where a file system's clock stands still; and where the log begins anew in the same place."""
    path, told = tmp_path / "chat.db", asyncio.Queue[Moved]()
    database = SQLiteDatabase(path, lambda _: None, on_others=told.put_nowait)
    await database.open()
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as command:

            def commit() -> None:
                now = time.time_ns() // 1_000_000
                command.execute("UPDATE rooms SET cursor = cursor + 1, active_at = ?", (now,))

            for _ in range(3):
                commit()
            moved: Moved = {}
            async with asyncio.timeout(30):
                while moved.get(1) != 3:
                    moved = await told.get()
            log = Path(f"{path}-wal")
            os.utime(log, (1, 1))
            await database.read(lambda tx: tx.one("SELECT 1"))
            looked = log.stat()
            command.execute("PRAGMA wal_checkpoint(RESTART)")
            commit()
            os.utime(log, (1, 1))
            assert (log.stat().st_size, log.stat().st_mtime_ns) == (looked.st_size, looked.st_mtime_ns)
            async with asyncio.timeout(30):
                assert (await told.get())[1] == 4
    finally:
        await database.close()
