"""Whoever comes in among thousands of readers goes past them, and each of them is let in."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from quart_chat.arrivals import LOTS, Arrivals
from tests.connections import accepting
from tests.people import client
from tests.serving import Server
from tests.streaming.wire import eventually

READER = b"GET /rooms/lobby/stream?after=x.1 HTTP/1.1\r\nHost: here\r\n\r\n"
POLLER = b"GET /rooms/lobby/poll?wait=25 HTTP/1.1\r\nHost: here\r\n\r\n"
POSTER = b"POST /rooms/lobby/messages HTTP/1.1\r\nHost: here\r\n\r\n"
LOOKER = b"GET /rooms/lobby?after=/stream HTTP/1.1\r\nHost: here\r\n\r\n"

Connect = Callable[..., Awaitable[socket.socket]]

FEW = 10
"""Readers in one turn of the event loop, at most: each takes about a millisecond, and a POST waits for them."""


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Arrivals, tuple[str, int]]]:
    arrivals = Arrivals(socket.create_server(("127.0.0.1", 0)))
    try:
        yield arrivals, arrivals.getsockname()
    finally:
        arrivals.close()


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    opened: list[socket.socket] = []

    async def connect(address: tuple[str, int], said: bytes, host: str = "127.0.0.1") -> socket.socket:
        opened.append(socket.socket())
        opened[-1].bind((host, 0))
        opened[-1].setblocking(False)
        await asyncio.get_running_loop().sock_connect(opened[-1], address)
        await asyncio.get_running_loop().sock_sendall(opened[-1], said)
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


async def served(arrivals: Arrivals, count: int) -> list[bytes]:
    """What those said who were let in, in their order, by the server that asyncio makes of the socket."""
    said: list[bytes] = []
    there = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said.append((await reader.readuntil(b"\r\n\r\n")).partition(b" ")[0])
        if len(said) == count:
            there.set()

    async with accepting(serve, sock=arrivals), asyncio.timeout(20):
        await there.wait()
    return said


async def test_whoever_wants_something_else_goes_past_the_readers(connect: Connect) -> None:
    async with listening() as (arrivals, address):
        for each in [READER, POLLER] * 45 + [POSTER, LOOKER]:
            await connect(address, each)
        said = await served(arrivals, 92)
        assert said.index(b"POST") < FEW + 2
        assert said.count(b"GET") == 91, "and everybody is let in"


async def test_readers_are_let_in_a_few_at_a_time_and_in_their_order(connect: Connect) -> None:
    async with listening() as (arrivals, address):
        many = [await connect(address, READER) for _ in range(3 * FEW)]
        arrivals.listen(100)
        turns: list[list[int]] = []
        async with asyncio.timeout(20):
            while sum(map(len, turns)) < len(many):
                await asyncio.sleep(0)
                turns.append([])
                try:
                    while True:
                        connection, (_, port) = arrivals.accept()
                        connection.close()
                        turns[-1].append(port)
                except BlockingIOError:
                    pass
        assert max(map(len, turns)) <= FEW
        assert [port for turn in turns for port in turn] == [each.getsockname()[1] for each in many]


async def test_nobody_waits_for_all_that_another_address_has_opened(connect: Connect) -> None:
    """Neither who comes at the same time nor who comes a little later: ninety are not in the server by then."""
    for kind in (READER, LOOKER):
        same = POSTER if kind is LOOKER else POLLER
        async with listening() as (arrivals, address):
            many = [await connect(address, kind) for _ in range(90)]
            many.append(await connect(address, same, "127.0.0.2"))
            arrivals.listen(100)
            let_in: list[str] = []
            async with asyncio.timeout(20):
                while len(many) < 92 or "127.0.0.3" not in let_in:
                    await asyncio.sleep(0)
                    with suppress(BlockingIOError):
                        while True:
                            connection, (host, _) = arrivals.accept()
                            connection.close()
                            let_in.append(host)
                    if let_in and len(many) < 92:
                        many.append(await connect(address, same, "127.0.0.3"))
            assert let_in.index("127.0.0.2") <= 1, kind
            assert let_in.index("127.0.0.3") < 45, kind


async def test_form_that_has_come_with_a_lot_lets_others_go_first(connect: Connect) -> None:
    async with listening() as (arrivals, address):
        many = [await connect(address, POSTER.replace(b"POST", b"PUT ") + b"x" * LOTS) for _ in range(3 * FEW)]
        many.append(await connect(address, POSTER))
        said = await served(arrivals, len(many))
        assert said.index(b"POST") < FEW + 2


async def test_who_says_nothing_is_let_in_and_who_has_left_is_no_trouble(connect: Connect) -> None:
    let_in: list[str] = []
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        let_in.append(writer.get_extra_info("peername")[1])
        if len(let_in) == 3:
            closed.set()

    async with listening() as (arrivals, address):
        connections = [await connect(address, said) for said in (b"", READER, POSTER)]
        ports = {connection.getsockname()[1] for connection in connections}
        connections[1].close()
        async with accepting(serve, sock=arrivals), asyncio.timeout(20):
            await closed.wait()
    assert set(let_in) == ports


async def test_server_that_has_no_more_files_goes_on_when_it_has(tmp_path: Path, connect: Connect) -> None:
    few = Server(tmp_path, {"limits": "off"}, command=("prlimit", "--nofile=60:60", sys.executable, "-m", "quart_chat"))
    await few.start()
    try:
        host, port = few.bind.split(":")
        many = [await connect((host, int(port)), READER.replace(b"here", few.bind.encode())) for _ in range(100)]
        await eventually(lambda: "Too many open files" in few.log)
        for each in many:
            each.close()
        async with client(few.url) as anybody:
            assert (await anybody.get("/healthz")).status_code == 200
        assert await few.stop() == 0
    finally:
        await few.kill()
