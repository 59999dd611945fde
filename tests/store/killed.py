"""A server's store, without the server: `python -m tests.store.killed COUNT FILE...` stores messages and is killed."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from tests.store.conftest import stored_in


def killed(count: int, *paths: Path) -> None:
    """Have `count` messages stored in each of the files by a process that ends like `kill -9`."""
    ended = subprocess.run([sys.executable, "-m", __name__, str(count), *map(str, paths)], check=False)
    assert ended.returncode == -signal.SIGKILL


async def _store(count: int, paths: list[Path]) -> None:
    async with AsyncExitStack() as stack:
        for path in paths:
            me = secrets.token_hex(8)
            stored = await stack.enter_async_context(stored_in(path, author=me))
            room = await stored.room()
            await asyncio.gather(*(stored.post(room, f"{me}-{number}") for number in range(count)))
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(_store(int(sys.argv[1]), list(map(Path, sys.argv[2:]))))
