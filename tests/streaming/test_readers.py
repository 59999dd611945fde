"""What a feed may expect of a reader, whatever carries its bytes: one contract, run over every implementation."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import Any

import pytest

from quart_chat.streaming import queue_reader, sse
from quart_chat.streaming.queue_reader import QueueReader
from quart_chat.streaming.reader import Burst, Reader, Reason, end_of_life
from quart_chat.takeover import socket_reader
from quart_chat.takeover.socket_reader import SocketReader
from tests.connections import cut
from tests.sse import Parser, SSEvent
from tests.streaming.engine import ANYBODY
from tests.streaming.wire import eventually

KERNEL = 64 * 1024
"""Bytes that the two ends of a test's connection hold at most, their kernels' part: both are made small."""


@dataclass
class Carried:
    """A reader, and what arrives at its other end until the stream is over."""

    reader: Reader
    arriving: AsyncIterator[bytes]
    bound: int
    """Bytes that may wait for it."""
    slack: int = 0
    """Bytes that may be on their way besides."""

    def write(self, *frames: bytes) -> None:
        for frame in frames:
            self.reader.write(Burst.of(frame))

    async def arrived(self) -> list[SSEvent]:
        parser = Parser()
        async with aclosing(self.arriving) as chunks:
            return [event async for chunk in chunks for event in parser.feed(chunk)]

    async def raw(self) -> bytes:
        async with aclosing(self.arriving) as chunks:
            return b"".join([chunk async for chunk in chunks])


Carry = Callable[..., Awaitable[Carried]]


async def queue(_: AsyncExitStack, age: float = 600.0) -> Carried:
    reader = QueueReader(ANYBODY, end_of_life(age))
    return Carried(reader, reader.frames(), queue_reader.WAITING_BYTES)


async def connection(stack: AsyncExitStack, age: float = 600.0) -> Carried:
    """A reader on a real connection, whose other end undoes the chunks."""
    accepted: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    closed = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set_result(writer)
        await closed.wait()

    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    server = await asyncio.start_server(serve, sock=listening)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, listening.getsockname())
    writer = await accepted
    transport = writer.transport
    assert isinstance(transport, asyncio.Transport)
    reader = SocketReader(transport, ANYBODY, end_of_life(age))
    life = asyncio.create_task(live(reader, writer))

    async def close() -> None:
        life.cancel()
        closed.set()
        transport.abort()
        client.close()
        server.close()
        await asyncio.gather(life, server.wait_closed(), return_exceptions=True)

    stack.push_async_callback(close)
    return Carried(reader, unchunked(client), socket_reader.WAITING_BYTES, KERNEL)


async def live(reader: SocketReader, writer: asyncio.StreamWriter) -> None:
    """What the server does around a reader."""

    async def receive() -> dict[str, Any]:
        return await asyncio.get_running_loop().create_future()

    if await reader.live(receive):
        writer.write(b"0\r\n\r\n")
    reader.release()


async def unchunked(client: socket.socket) -> AsyncIterator[bytes]:
    """The chunks of a body, to its end or to where the connection broke off."""
    incoming, outgoing = await asyncio.open_connection(sock=client, limit=2**24)
    try:
        while size := int(await incoming.readline(), 16):
            yield await incoming.readexactly(size)
            assert await incoming.readexactly(2) == b"\r\n"
    except (ConnectionError, asyncio.IncompleteReadError, ValueError):
        return
    finally:
        await cut(outgoing)


@pytest.fixture(params=[queue, connection], ids=["queue", "socket"])
async def carry(request: pytest.FixtureRequest) -> AsyncIterator[Carry]:
    """Makes readers."""
    async with AsyncExitStack() as stack:
        yield lambda *args: request.param(stack, *args)


def frames(count: int, *, size: int = 1) -> list[bytes]:
    return [sse.frame("x" * size, id=str(number)) for number in range(count)]


async def test_frames_arrive_once_and_in_order(carry: Carry) -> None:
    carried = await carry()
    carried.write(*frames(500))
    carried.reader.close(Reason.SHUTDOWN)
    *messages, farewell = await carried.arrived()
    assert [event.last_event_id for event in messages] == [str(number) for number in range(500)]
    assert farewell.type == "farewell"


async def test_frames_written_while_others_are_read_arrive_too(carry: Carry) -> None:
    carried = await carry()
    carried.write(frames(1)[0])
    first = await anext(carried.arriving)
    carried.write(*frames(3)[1:])
    carried.reader.close(Reason.SHUTDOWN)
    assert (first + await carried.raw()).startswith(b"".join(frames(3)))


async def test_burst_larger_than_any_buffer_arrives_whole(carry: Carry) -> None:
    carried = await carry()
    frame = sse.frame("x" * (carried.bound - 100))
    carried.write(frame)
    arriving = asyncio.create_task(carried.raw())
    carried.reader.close(Reason.SHUTDOWN)
    assert (await arriving).startswith(frame)


@pytest.mark.parametrize("reason", [Reason.AGE, Reason.SHUTDOWN, Reason.LIMIT])
async def test_farewell_is_the_last_event_and_says_when_to_come_back(carry: Carry, reason: Reason) -> None:
    retries = []
    for _ in range(50):
        carried = await carry()
        carried.reader.close(reason)
        (farewell,) = await carried.arrived()
        assert farewell.type == "farewell"
        said = json.loads(farewell.data)
        assert said["reason"] == reason.name.lower()
        retries.append(said["retry"])
    assert reason.value[0] <= min(retries) < max(retries) <= reason.value[1], "spread, so that no herd comes back"


async def test_closing_again_changes_nothing(carry: Carry) -> None:
    carried = await carry()
    for reason in (Reason.SHUTDOWN, Reason.AGE, Reason.SLOW):
        carried.reader.close(reason)
    assert [event.type for event in await carried.arrived()] == ["farewell"]


async def test_writing_to_a_closed_reader_is_harmless(carry: Carry) -> None:
    carried = await carry()
    carried.reader.close(Reason.AGE)
    carried.write(*frames(1030))
    assert [event.type for event in await carried.arrived()] == ["farewell"]


@pytest.mark.parametrize("size", [1000, 50_000, 3_000_000], ids=["many", "large", "huge"])
async def test_slow_reader_is_ended_without_a_hole(carry: Carry, size: int) -> None:
    carried = await carry()
    written = frames((carried.bound + carried.slack) // size + 2, size=size)
    carried.write(*written)
    received = await carried.raw()
    assert b"".join(written).startswith(received), "what arrives is a beginning of what was written"
    assert len(received) <= carried.bound + carried.slack
    assert b"farewell" not in received


async def test_slow_reader_holds_no_memory(carry: Carry) -> None:
    carried = await carry()
    frame = sse.frame("x" * 1000)
    for _ in range(10 * (carried.bound + carried.slack) // len(frame)):
        carried.write(frame)
    assert len(await carried.raw()) <= carried.slack


async def test_reader_at_its_bound_is_not_slow_yet(carry: Carry) -> None:
    carried = await carry()
    frame = b":" + b"x" * (carried.bound // 4 - 100) + b"\n"
    carried.write(frame, frame, frame, frame)
    received = b""
    while len(received) < 4 * len(frame):
        received += await anext(carried.arriving)
    carried.write(frame)
    assert received + await anext(carried.arriving) == frame * 5, "what was read makes place again"


async def test_closing_a_full_reader_ends_it(carry: Carry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_reader, "PATIENCE", 0.05)
    carried = await carry()
    carried.write(b":" + b"x" * (carried.bound - 200) + b"\n")
    carried.write(*[b":\n"] * 20)
    carried.reader.close(Reason.SHUTDOWN)
    await asyncio.sleep(0.2)
    events = [event.type for event in await carried.arrived()]
    assert events in ([], ["farewell"])


async def test_age_is_randomised_around_its_setting(carry: Carry) -> None:
    begun = time.monotonic()
    deadlines = [(await carry(1000.0)).reader.deadline - begun for _ in range(50)]
    assert 790 < min(deadlines) < max(deadlines) < 1210
    assert max(deadlines) - min(deadlines) > 50


async def test_farewell_that_nobody_takes_does_not_keep_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_reader, "PATIENCE", 0.1)
    async with AsyncExitStack() as stack:
        carried = await connection(stack)
        assert isinstance(carried.reader, SocketReader)
        transport = carried.reader._transport
        while not transport.get_write_buffer_size():
            carried.write(b"data: " + b"x" * 1000 + b"\n\n")
        carried.reader.close(Reason.AGE)
        await eventually(transport.is_closing)
