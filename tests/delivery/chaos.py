"""Kills the server again and again while people write, read, are removed and let in again, then counts. A backup is
taken in the middle of it, and restored at the end.

`python -m tests.delivery.chaos --seconds 120 --seed 1`, or `make chaos`. The seed repeats the people's decisions and
the moments of the kills; what the operating system makes of them differs every time.
"""

import argparse
import asyncio
import random
import tempfile
import time
from contextlib import AsyncExitStack
from copy import deepcopy
from pathlib import Path

from quart_chat.store import copies
from tests.delivery import moderators, readers, writers
from tests.delivery.ledger import Ledger
from tests.delivery.verdict import (
    judge_audit_log,
    judge_backup,
    judge_database,
    judge_outcast,
    judge_reader,
    whole_room,
)
from tests.people import Person
from tests.serving import Server, serving

WRITERS = 6
WAYS = [readers.by_stream, readers.by_stream, readers.by_stream, readers.by_poll, readers.by_poll]

ELSEWHERE = "127.0.0.2"
"""Where those are whose network is shut now and then."""

LIFE = (0.1, 1.5)
"""Seconds, from and to, that a server lives before it is killed."""

SETTLE = 60.0
"""Seconds after which people who do not get done are stuck."""

SETTINGS = {
    "limits": "off",
    "heartbeat": "1",
    "stream_age": "4",
    "replay_limit": "1000000",
    "replay_bytes": "1000000000",
    "audit_log": "audit.jsonl",
}
"""Streams also end by their age now and then. Restless readers fall behind by more than a thousand events where the
machine is quick, and are to be resumed all the same."""


async def run(folder: Path, seconds: float, seed: int, *, kills: int = 1) -> Ledger:
    """Chaos for `seconds`, and until there were so many `kills`; then the verdict. AssertionError when it is bad."""
    chance = random.Random(seed)
    ledger = Ledger()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(folder, **SETTINGS))
        people = [await stack.enter_async_context(Person("Reader", server.url)) for _ in WAYS]
        late = await stack.enter_async_context(Person("Late reader", server.url))
        audience = [await readers.open_page(person, way.__name__) for person, way in zip(people, WAYS, strict=True)]
        stopping = asyncio.Event()

        def branch() -> random.Random:
            return random.Random(chance.random())

        moe = await stack.enter_async_context(Person("Moe", server.url))
        await moderators.moderator(moe, server, ledger, branch())
        renamed = await stack.enter_async_context(Person("Proteus 0", server.url))
        number = await writers.proteus(renamed, ledger, branch())
        removed, banned, near = [
            await stack.enter_async_context(readers.Guest(name, server.url, address=address))
            for name, address in (("Remi", None), ("Bela", ELSEWHERE), ("Newcomer", ELSEWHERE))
        ]
        remi, bela = [await moderators.pursued(person, ledger, branch()) for person in (removed, banned)]
        hunted = [(removed, readers.by_stream, remi), (banned, readers.by_poll, bela), (near, readers.by_stream, bela)]
        outcasts = [await readers.open_page(person, person.name) for person, *_ in hunted]

        reading = asyncio.TaskGroup()
        await stack.enter_async_context(reading)
        tasks = [
            reading.create_task(readers.read(way, person, reader, ledger, branch(), stopping))
            for way, person, reader in [
                *zip(WAYS, people, audience, strict=True),
                *((way, person, reader) for (person, way, _), reader in zip(hunted, outcasts, strict=True)),
            ]
        ]
        async with asyncio.TaskGroup() as writing:
            for _ in range(WRITERS):
                writing.create_task(writers.write(server.url, ledger, branch(), stopping))
            writing.create_task(writers.come_and_go(server.url, ledger, branch(), stopping))
            writing.create_task(writers.change_names(renamed, number, ledger, branch(), stopping))
            for who in (remi, bela):
                writing.create_task(moderators.go_on(who, ledger, branch(), stopping))
                writing.create_task(
                    moderators.put_out(server, moe, who.outcast, ledger, branch(), stopping, ban=who is bela)
                )
            writing.create_task(moderators.tidy_up(server, moe, ledger, branch(), stopping))
            writing.create_task(moderators.add_strange_rows(server, ledger, branch(), stopping))
            await kill_again_and_again(server, ledger, chance, seconds / 2, kills=(kills + 1) // 2)
            known = deepcopy(ledger.messages)
            backup = folder / "backup.db"
            await asyncio.to_thread(copies.back_up, folder / "quart_chat.db", backup, lambda *_: None)
            # Whoever comes in the middle begins with a page, not with an empty room.
            audience.append(await readers.open_page(late, "late reader"))
            tasks.append(
                reading.create_task(readers.read(readers.by_stream, late, audience[-1], ledger, branch(), stopping))
            )
            await kill_again_and_again(server, ledger, chance, seconds / 2, kills=kills)
            stopping.set()

        room, head = await whole_room(late)
        audit_log = folder / SETTINGS["audit_log"]
        async with asyncio.timeout(SETTLE):
            while (
                any(reader.position < head for reader in [*audience, *outcasts])
                or audit_log.read_bytes().count(b"\n") < head
            ):
                await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()

        log = judge_database(folder / "quart_chat.db", ledger)
        assert head == len(log)
        for reader in [*audience, *outcasts]:
            judge_reader(reader, log, room, ledger)
        for (_, _, who), reader in zip(hunted, outcasts, strict=True):
            judge_outcast(who, reader, log, ledger)
        judge_audit_log(audit_log, log)
        assert not [line for line in server.log.splitlines() if "epoch" in line or "nothing is stored" in line]
        await restore(server, late, backup)
        judge_backup(folder / "quart_chat.db", known, ledger, log)
    assert "Traceback" not in server.log, server.log
    return ledger


async def restore(server: Server, person: Person, backup: Path) -> None:
    """Put the backup in the place of the database of a server that was killed. Every page of before hears of it."""
    old = await readers.open_page(person, "before the restore")
    await server.kill()
    copies.put_back(backup, server.folder / "quart_chat.db", lambda *_: None)
    await server.start()
    for cursor in (old.cursor, f"{old.epoch}.0", f"{old.epoch}.1"):
        answer = await person.client.get(f"/rooms/{person.room}/poll", params={"after": cursor})
        assert answer.headers["Chat-Reset"] == "true", f"{cursor} still counts"
    new = await person.post_message("after the restore")
    assert new.message_id > max(old.messages), "an id was given twice"


async def kill_again_and_again(
    server: Server, ledger: Ledger, chance: random.Random, seconds: float, *, kills: int
) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end or ledger.kills < kills:
        await asyncio.sleep(chance.uniform(*LIFE))
        await server.kill()
        ledger.kills += 1
        print(ledger, flush=True)
        await server.start()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    arguments = parser.parse_args()
    print(f"Chaos for {arguments.seconds:g} seconds with seed {arguments.seed}.")
    with tempfile.TemporaryDirectory() as folder:
        ledger = asyncio.run(run(Path(folder), arguments.seconds, arguments.seed))
    print(f"{ledger}: nothing lost, nothing twice, everything in order.")


if __name__ == "__main__":
    main()
