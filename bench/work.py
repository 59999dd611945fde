"""`python -m bench.work`: what an audit log costs those who post, and a server in which nothing happens."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from quart_chat.app import open_chat
from quart_chat.config import Config
from quart_chat.domain import following, messages
from quart_chat.domain.actors import Asker, GuestKey
from quart_chat.domain.chat import Chat
from quart_chat.models import Draft
from quart_chat.work import follow as module
from quart_chat.work.audit_log import AuditLog
from quart_chat.work.follow import follow

POSTERS = 64
POSTS = 3_000
ROUNDS = 7
ROOMS = 1_000
MANY = 50_000
IDLE = 20.0
"""Seconds."""


@asynccontextmanager
async def audited(chat: Chat, folder: Path) -> AsyncIterator[None]:
    with AuditLog.opened(folder / "audit.jsonl", chat.epoch) as audit_log:
        async with follow(chat, audit_log):
            yield


@dataclass
class Posting:
    """POSTS messages, several times."""

    took: list[float] = field(default_factory=list)
    used: list[float] = field(default_factory=list)

    @contextmanager
    def measured(self) -> Iterator[None]:
        began, used = time.perf_counter(), time.process_time()
        yield
        self.took.append(time.perf_counter() - began)
        self.used.append(time.process_time() - used)

    @property
    def rate(self) -> float:
        return POSTS / statistics.median(self.took)

    @property
    def cpu(self) -> float:
        """Microseconds for each message, all that follows included. Other programs hardly change it."""
        return 1e6 * statistics.median(self.used) / POSTS


async def posts(chat: Chat, me: Asker, start: int) -> None:
    """Have people post, each one message after the other."""
    numbers = iter(range(start, start + POSTS))

    async def poster() -> None:
        for number in numbers:
            await messages.post(chat, "lobby", me, Draft(f"message {number}", f"{number:024}"))

    await asyncio.gather(*(poster() for _ in range(POSTERS)))


async def add_rooms(chat: Chat, count: int) -> None:
    await chat.database.write(
        lambda tx: tx.run(
            """
            INSERT INTO rooms (slug, name, created_at, active_at, cursor)
            WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
            SELECT 'room-' || :count || '-' || n, 'Room', 0, 1000, 0 FROM numbers
            """,
            count=count,
        )
    )


async def idle(chat: Chat) -> float:
    """Percent of a core."""
    began, used = time.perf_counter(), time.process_time()
    await asyncio.sleep(IDLE)
    return 100 * (time.process_time() - used) / (time.perf_counter() - began)


async def look(chat: Chat, since: int) -> float:
    """Milliseconds, the median."""
    took = []
    for _ in range(20):
        began = time.perf_counter()
        await following.behind(chat, AuditLog.name, since)
        took.append(time.perf_counter() - began)
    return 1000 * statistics.median(took)


async def measure(folder: Path) -> None:
    config = Config(database_url=f"sqlite:///{folder}/chat.db", secret_key="0123456789abcdef" * 4, limits="off")
    async with open_chat(config) as chat:
        me = Asker(None, "Ana", "192.0.2.1")
        first = await messages.post(chat, "lobby", me, Draft("hello", "a" * 24))
        me = Asker(GuestKey(first.author.key), "Ana", "192.0.2.1")
        await posts(chat, me, 10_000_000)
        async with audited(chat, folder):
            await asyncio.sleep(2)
        plain, beside = Posting(), Posting()
        for number in range(ROUNDS):
            with plain.measured():
                await posts(chat, me, (2 * number) * POSTS)
            with beside.measured():
                async with audited(chat, folder):
                    await posts(chat, me, (2 * number + 1) * POSTS)
        for name, posting in {"without": plain, "with": beside}.items():
            print(f"{name:8} {posting.rate:6.0f} posts/s  {posting.cpu:4.0f} µs of CPU for each")
        await add_rooms(chat, ROOMS)
        without = await idle(chat)
        async with audited(chat, folder):
            await asyncio.sleep(1)
            print(f"idle: without {without:.3f} %   with {await idle(chat):.3f} % of a core, {ROOMS} rooms")
        await add_rooms(chat, MANY - ROOMS)
        everything, newest = await look(chat, 0), await look(chat, chat.now() - module.SLACK)
        print(f"a look: at the start {everything:.1f} ms   later {newest:.2f} ms, {MANY} rooms")


def main() -> None:
    with tempfile.TemporaryDirectory(dir=".") as folder:
        asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
