"""People write and read through proxies that are killed, frozen and started again; then it is counted.

What they do and the verdict are those of tests/delivery, where it is the server that is killed.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

import httpx

from tests.delivery import readers, writers
from tests.delivery.ledger import Ledger
from tests.delivery.readers import Read, Reader
from tests.delivery.verdict import judge_database, judge_reader, whole_room
from tests.network.processes import Program
from tests.network.proxies import Built
from tests.network.ways import Visitor
from tests.people import Person
from tests.serving import Server

SETTINGS = {"limits": "off", "heartbeat": "1"}
"""Of a server for storms: heartbeats are close together, so that a dead stream is noticed soon."""

WATCHDOG = 2.5
"""Seconds without any event after which a reader takes its stream for dead: 2.5 heartbeats, as a page does."""

PATIENCE = 12.0
"""Seconds that a held poll of 10 may take."""

CALM = (0.5, 1.0)
"""Seconds, from and to, between two troubles."""

FROZEN = WATCHDOG + 0.5
"""Seconds that a proxy is frozen: longer than its readers wait."""

SETTLE = 40.0
"""Seconds after which people who do not get done are stuck."""


async def run(server: Server, proxies: dict[str, tuple[Built, Read]], messages: int, seed: int) -> Ledger:
    """Everybody in one room, each through a proxy of their own, until all have had every trouble.

    Each writer writes `messages` at least, and every reader must get those of all. AssertionError when something was
    lost, doubled or out of order.
    """
    chance = random.Random(seed)
    ledger = Ledger()
    async with AsyncExitStack() as stack:
        late = await stack.enter_async_context(Person("Late reader", server.url))
        stopping = asyncio.Event()
        reading = await stack.enter_async_context(asyncio.TaskGroup())
        audience: list[Reader] = []
        tasks = []
        for name, (built, way) in proxies.items():
            person = await stack.enter_async_context(Visitor(f"Reader at {name}", built.way))
            audience.append(await readers.open_page(person, name))
            branch = random.Random(chance.random())
            tasks.append(reading.create_task(readers.read(way, person, audience[-1], ledger, branch, stopping)))

        async with asyncio.TaskGroup() as writing:
            for built, _ in proxies.values():
                writing.create_task(trouble_and_write(built, messages, ledger, random.Random(chance.random())))
        stopping.set()

        room, head = await whole_room(late)
        behind = audience
        try:
            async with asyncio.timeout(SETTLE):
                while behind := [reader for reader in audience if reader.position < head]:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"behind {head}: {[(each.name, each.position) for each in behind]}") from None
        finally:
            for task in tasks:
                task.cancel()

        log = judge_database(server.folder / "quart_chat.db", ledger)
        assert head == len(log)
        for reader in audience:
            judge_reader(reader, log, room, ledger)
    assert "Traceback" not in server.log, server.log
    return ledger


async def trouble_and_write(built: Built, messages: int, ledger: Ledger, chance: random.Random) -> None:
    """One person writes through this proxy until it has had its troubles and the messages are written."""
    calm = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(write(built, messages, ledger, chance, calm))
        await trouble(built.program, ledger, chance)
        calm.set()


async def trouble(program: Program, ledger: Ledger, chance: random.Random) -> None:
    """Kill it, freeze it, and kill it while it is frozen; each time it comes back."""
    await asyncio.sleep(chance.uniform(*CALM))
    await program.restart()
    await asyncio.sleep(chance.uniform(*CALM))
    program.freeze()
    await asyncio.sleep(FROZEN)
    program.thaw()
    await asyncio.sleep(chance.uniform(*CALM))
    program.freeze()
    await asyncio.sleep(chance.uniform(*CALM))
    await program.restart()
    ledger.kills += 2


async def write(built: Built, messages: int, ledger: Ledger, chance: random.Random, calm: asyncio.Event) -> None:
    async with Visitor(f"Writer {chance.randrange(1000)}", built.way) as person:
        own = [await writers.post(person, ledger, chance)]
        ledger.authors += 1
        written = 1
        while written < messages or not calm.is_set():
            # What is left to write is spread over the troubles.
            await asyncio.sleep(chance.uniform(0, 0.1) if written < messages else 0.3)
            what = chance.choices(["post", "edit", "delete"], [6, 3, 1])[0]
            if what == "post" or not own:
                own = [*own, await writers.post(person, ledger, chance)][-writers.CHANGEABLE :]
                written += 1
            elif what == "edit":
                await writers.edit(person, ledger, chance, chance.choice(own))
            else:
                await writers.delete(person, ledger, chance, own.pop(chance.randrange(len(own))))


async def by_stream(person: Person, reader: Reader, stays: int) -> None:
    """One stream, for at most `stays` events, with the watchdog that a page has."""
    asked_at = time.monotonic()
    try:
        async with asyncio.timeout(WATCHDOG) as watchdog, person.listen(after=reader.cursor) as stream:
            assert stream.hello.last_event_id == reader.cursor, f"{reader.name} was not resumed at {reader.cursor}"
            for _ in range(stays):
                watchdog.reschedule(asyncio.get_running_loop().time() + WATCHDOG)
                event = await stream.next(seconds=2 * WATCHDOG)
                assert event.type != "reset", f"{reader.name} was reset at {reader.cursor}"
                if event.type == "farewell":
                    return
                if event.type == "message":
                    reader.take(event.last_event_id, event.data, asked_at)
    except TimeoutError:
        raise httpx.ReadTimeout(f"{reader.name} heard nothing") from None


async def by_poll(person: Person, reader: Reader, stays: int) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await readers.by_poll(person, reader, min(stays, 1))
    except TimeoutError:
        raise httpx.ReadTimeout(f"{reader.name} was not answered") from None


def ways(components: dict[str, Built], polled: Sequence[str]) -> dict[str, tuple[Built, Read]]:
    """With the way that a page would have found, over HTTP/1.1.

    The HTTP/2 of the tests' client (httpcore 1.0) miscounts its streams when requests are cancelled or broken off.
    """
    spoken = {name: replace(built, way=replace(built.way, http2=False)) for name, built in components.items()}
    return {name: (built, by_poll if name in polled else by_stream) for name, built in spoken.items()}
