"""Whether a write-ahead log still has what its index says of it.

SQLite trusts the index, which lies in memory, and looks at the log only when it is opened. Who empties the log to have
room on the disk, or copies another one into it, has it write on behind a hole: what is acknowledged then is lost, and
the next checkpoint puts the hole into the database (https://www.sqlite.org/fileformat2.html#the_write_ahead_log).
"""

import os
import struct
import sys
from pathlib import Path

INDEX = struct.Struct("=14xHI4x8s8s")
"""Of the index (https://www.sqlite.org/walformat.html#the_wal_index_file_format): the size of a page, how many frames
count, the checksum of the last one, which is about all before it, too, and the salts that all frames carry."""

HEAD, FRAME_HEAD = 32, 24
"""Bytes at the beginning of the log, and of each frame."""

SALTS, FRAME = slice(16, 24), struct.Struct("8x8s8s")
"""Where the salts are in the one, and in the other, where the checksum follows."""

ATTEMPTS = 3
"""Another process may begin the log anew between two looks."""


class WriteAheadLog:
    """The log and its index, open for reading. `close` MUST NOT be called before the last connection is closed: with a
    descriptor of the index, a process loses the locks on it."""

    def __init__(self, path: Path) -> None:
        """Of a `located` database that is open in WAL mode. Raises OSError."""
        self._log = os.open(f"{path}-wal", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._index = os.open(f"{path}-shm", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            os.close(self._log)
            raise

    def is_whole(self) -> bool:
        """Costs three calls of the system. Raises OSError."""
        return any(self._fits() for _ in range(ATTEMPTS))

    def close(self) -> None:
        os.close(self._log)
        os.close(self._index)

    def _fits(self) -> bool:
        index = os.pread(self._index, INDEX.size, 0)
        if len(index) < INDEX.size:
            return False
        size, frames, checksum, salts = INDEX.unpack(index)
        if not frames:
            return True
        page = 65536 if size == 1 else size
        last = os.pread(self._log, FRAME_HEAD, HEAD + (frames - 1) * (FRAME_HEAD + page))
        end = HEAD + frames * (FRAME_HEAD + page)
        # In the log it is big-endian, in the index as the machine has it.
        checksum = checksum if sys.byteorder == "big" else struct.pack(">2I", *struct.unpack("<2I", checksum))
        return (
            len(last) == FRAME_HEAD
            and FRAME.unpack(last) == (salts, checksum)
            and os.pread(self._log, HEAD, 0)[SALTS] == salts
            and os.fstat(self._log).st_size >= end
        )
