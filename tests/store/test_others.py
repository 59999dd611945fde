"""What another process commits is noticed, also where the file looks as it did before."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from quart_chat.store.others import Others


def test_commit_in_the_moment_after_a_look_is_noticed(tmp_path: Path) -> None:
    """The clock of a file system stands still for some milliseconds, and a log that is written from its beginning again
    keeps its size."""
    path = tmp_path / "chat.db"
    log = Path(f"{path}-wal")
    with closing(sqlite3.connect(path, isolation_level=None)) as command:
        command.execute("PRAGMA journal_mode = WAL")
        command.execute("CREATE TABLE things (name)")
        for _ in range(9):
            command.execute("INSERT INTO things VALUES ('before')")
        others = Others(path)
        moment = time.time_ns() + 60_000_000_000  # which is over at no time of this test
        os.utime(log, ns=(moment, moment))
        assert others.have_written()
        looked = log.stat()
        command.execute("PRAGMA wal_checkpoint(RESTART)")
        command.execute("INSERT INTO things VALUES ('after')")
        os.utime(log, ns=(looked.st_atime_ns, looked.st_mtime_ns))
        assert log.stat().st_size == looked.st_size
        assert others.have_written()


def test_file_that_nobody_has_written_for_a_while_is_left_alone(tmp_path: Path) -> None:
    others = Others(tmp_path / "chat.db")
    others.have_written()
    assert not others.have_written()
    log = tmp_path / "chat.db-wal"
    log.write_bytes(b"written")
    os.utime(log, (1, 1))
    assert [others.have_written() for _ in range(3)] == [True, False, False]
