"""What a stream promises over the whole way, whichever reader carries it: the contract, run over real servers.

`socket` is `quart-chat serve`, which writes to its connections itself; `queue` another ASGI server, where everything
goes through `send`. What a feed may expect of a reader is in test_readers.py.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from tests.people import Fragment, Person
from tests.serving import Server
from tests.sse import SSEvent
from tests.streaming.servers import held, running
from tests.streaming.wire import Wire, eventually, wire
from tests.web.conftest import new_room

HEARTBEAT = 0.5

FILL = 130
"""Messages of 40 KB, once escaped: more than the kernel's buffers and the server's hold for one connection."""


@pytest.fixture(scope="module", params=["socket", "queue"])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def calm_server(kind: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Its next heartbeat is further away than anything that these tests wait for."""
    async with running(kind, tmp_path_factory.mktemp("calm"), heartbeat="60") as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def brisk_server(kind: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with running(kind, tmp_path_factory.mktemp("brisk"), heartbeat=str(HEARTBEAT)) as found:
        yield found


@pytest.fixture
async def server(calm_server: Server) -> AsyncIterator[Server]:
    before = calm_server.log
    yield calm_server
    assert calm_server.log == before, "nothing that happens to a stream is news to an operator"


@pytest.fixture
async def brisk(brisk_server: Server) -> AsyncIterator[Server]:
    before = brisk_server.log
    yield brisk_server
    assert brisk_server.log == before, "nothing that happens to a stream is news to an operator"


def position(event: SSEvent) -> int:
    return int(event.last_event_id.split(".")[1])


def positions(events: list[SSEvent]) -> list[int]:
    return [position(event) for event in events if event.type == "message"]


async def read(person: Person, last: int, after: str | None = None) -> list[SSEvent]:
    """What a stream brings up to the position `last`."""
    events: list[SSEvent] = []
    async with person.listen(after=after) as stream:
        while not events or position(events[-1]) < last:
            events.append(await stream.next("message"))
    return events


async def cursors(person: Person) -> Callable[[int], str]:
    """Makes the cursors of a room."""
    async with person.listen() as stream:
        epoch = stream.hello.last_event_id.split(".")[0]
    return lambda position: f"{epoch}.{position}"


async def open_streams(stack: AsyncExitStack, server: Server, room: str, count: int, times: int = 1) -> list[Wire]:
    wires = []
    for _ in range(count):
        opened = await stack.enter_async_context(wire(server.bind))
        await opened.request(f"/rooms/{room}/stream", times=times)
        await opened.read_until(lambda at: at.has("hello"))
        wires.append(opened)
    assert held(server, wires) == count
    return wires


async def test_all_readers_see_every_message_once_and_in_one_order(server: Server, room: str) -> None:
    names, each = ("Alice", "Bob", "Olga"), 10
    async with AsyncExitStack() as stack:
        people = [await stack.enter_async_context(Person(name, server.url, room)) for name in names]
        streams = [await stack.enter_async_context(people[number % 3].listen()) for number in range(5)]

        async def post(person: Person) -> None:
            for number in range(each):
                await person.post_message(f"{person.name} {number}")

        await asyncio.gather(*(post(person) for person in people))
        await people[0].post_message("the end")
        seen: list[list[SSEvent]] = [[] for _ in streams]
        for stream, events in zip(streams, seen, strict=True):
            while not events or "the end" not in events[-1].data:
                events.append(await stream.next("message"))
    assert all(events == seen[0] for events in seen)
    assert positions(seen[0]) == list(range(1, 3 * each + 2))
    texts = [Fragment(event.data).text for event in seen[0]]
    for name in names:
        assert [text for text in texts if text.startswith(name)] == [f"{name} {number}" for number in range(each)]


async def test_reader_that_resumes_while_others_post_has_no_gap_and_no_double(server: Server, room: str) -> None:
    before, meanwhile = 50, 60
    last = before + meanwhile
    async with Person("Alice", server.url, room) as alice, Person("Bob", server.url, room) as bob:
        at = await cursors(bob)
        await asyncio.gather(*(alice.post_message(f"before {number}") for number in range(before)))
        resumed = {}
        for number in range(meanwhile):
            if number % 3 == 0:
                resumed[number] = asyncio.create_task(read(bob, last, at(number)))
            await alice.post_message(f"meanwhile {number}")
        for start, task in resumed.items():
            assert positions(await task) == list(range(start + 1, last + 1))


async def test_reader_that_never_reads_is_closed_and_misses_nothing(calm_server: Server) -> None:
    """Here alone the log may say something: Uvicorn does, when the response is cut off before it is read."""
    server, room = calm_server, await new_room(calm_server)
    async with (
        Person("Alice", server.url, room) as alice,
        Person("Bob", server.url, room) as bob,
        wire(server.bind, window=4096) as stuck,
    ):
        await stuck.request(f"/rooms/{room}/stream")
        assert await stuck.read(), "the stream has begun"
        others = asyncio.create_task(read(bob, FILL + 1))
        for _ in range(FILL // 10):
            await asyncio.gather(*(alice.post_message('"' * 8000) for _ in range(10)))
        await alice.post_message("the end")
        assert positions(await others) == list(range(1, FILL + 2)), "nobody else is held up"
        await stuck.read_to_the_end()
        got = positions(stuck.events)
        assert got == list(range(1, len(got) + 1))
        assert 0 < len(got) < FILL
        resumed = await read(bob, FILL + 1, stuck.events[-1].last_event_id)
        assert positions(resumed) == list(range(len(got) + 1, FILL + 2))


async def test_client_that_disconnects_is_noticed_at_once(server: Server, room: str) -> None:
    async with AsyncExitStack() as stack:
        wires = await open_streams(stack, server, room, 5)
        gone, there = wires[:3], wires[3:]
        for connection in gone:
            connection.close()
        await eventually(lambda: held(server, gone) == 0)
        assert held(server, there) == len(there)


async def test_client_that_asks_twice_and_disconnects_is_noticed_by_a_heartbeat(brisk: Server) -> None:
    """A server that waits with the second request until the first is answered need not see the end that follows."""
    async with AsyncExitStack() as stack:
        wires = await open_streams(stack, brisk, await new_room(brisk), 3, times=2)
        for connection in wires:
            connection.close()
        await eventually(lambda: held(brisk, wires) == 0)


async def test_connection_that_is_reset_while_others_post_is_let_go_in_silence(server: Server, room: str) -> None:
    async with AsyncExitStack() as stack:
        alice = await stack.enter_async_context(Person("Alice", server.url, room))
        bob = await stack.enter_async_context(Person("Bob", server.url, room))
        broken = await open_streams(stack, server, room, 5) + await open_streams(stack, server, room, 5, times=2)
        others = asyncio.create_task(read(bob, 60))
        for number in range(60):
            posted = asyncio.create_task(alice.post_message(f"text {number}"))
            if number % 5 == 0 and number < 50:
                broken[number // 5].reset()
            await posted
        assert positions(await others)[-1] == 60
        await eventually(lambda: held(server, broken) == 0)


async def test_every_reader_gets_one_heartbeat_in_each_period(brisk: Server) -> None:
    readers, periods = 40, 5
    room = await new_room(brisk)
    async with AsyncExitStack() as stack:
        alice = await stack.enter_async_context(Person("Alice", brisk.url, room))
        await alice.post_message("hello")
        streams = [await stack.enter_async_context(alice.listen()) for _ in range(readers)]
        beats: list[list[SSEvent]] = [[] for _ in streams]

        async def count(number: int) -> None:
            """Between two messages, which all get at the same time."""
            await streams[number].next("message")
            while (event := await streams[number].next()).type != "message":
                beats[number].append(event)

        counting = asyncio.gather(*(count(number) for number in range(readers)))
        begun = asyncio.get_running_loop().time()
        head = await alice.post_message("begin")
        await eventually(lambda: min(len(heard) for heard in beats) >= periods)
        await alice.post_message("end")
        await counting
        took = asyncio.get_running_loop().time() - begun
    # The first may come at once, and a reader whose turn is early may be one ahead.
    heard_by = [len(heard) for heard in beats]
    assert max(heard_by) - min(heard_by) <= 2
    assert max(heard_by) <= took / HEARTBEAT + 2
    cursor = f"{streams[0].hello.last_event_id.partition('.')[0]}.{head.position}"
    assert Counter((beat.type, beat.data) for heard in beats for beat in heard).keys() == {("heartbeat", cursor)}


async def test_old_stream_ends_cleanly_and_its_connection_goes_on(kind: str, tmp_path: Path) -> None:
    async with running(kind, tmp_path, heartbeat="0.1", stream_age="0.3") as server, wire(server.bind) as connection:
        for _ in range(2):
            await connection.request("/rooms/lobby/stream")
            await connection.read_until(lambda at: at.ended)
            assert "transfer-encoding: chunked" in connection.head.lower()
            assert [event.type for event in connection.events if event.type != "heartbeat"] == ["hello", "farewell"]
            assert connection.events[-1].type == "farewell"
        await connection.request("/healthz")
        await connection.read_until(lambda at: at.received.endswith(b"ok\n"))
        assert connection.head.startswith("HTTP/1.1 200")


@pytest.mark.parametrize("kind", ["socket", "wrapped"])
async def test_stop_ends_every_stream_with_a_farewell_and_cleanly(kind: str, tmp_path: Path) -> None:
    """Under another ASGI server the stop is its own: there streams break off, and are resumed."""
    async with running(kind, tmp_path) as server, AsyncExitStack() as stack:
        before = server.log
        wires = await open_streams(stack, server, "lobby", 20)
        assert await server.stop() == 0
        retries = []
        for connection in wires:
            await connection.read_to_the_end()
            assert connection.ended, "the body has its last chunk"
            assert not await connection.read(), "and then the connection ends"
            assert [event.type for event in connection.events] == ["hello", "heartbeat", "farewell"]
            retries.append(json.loads(connection.events[-1].data)["retry"])
        assert 500 <= min(retries) < max(retries) <= 4000, "spread, so that no herd comes back"
        assert server.log == before


pytestmark = pytest.mark.skipif(not os.access("/proc/net/tcp", os.R_OK), reason="connections are counted in /proc")
