"""`quart-chat serve` that is told to stop ends, cleanly and soon, whatever its clients are doing."""

import asyncio
import signal
import socket
import sqlite3
from contextlib import closing

import pytest

from tests.people import Person
from tests.serving import Server


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_streams_get_a_farewell_and_the_server_exits_with_0(
    server: Server, alice: Person, bob: Person, number: signal.Signals
) -> None:
    async with alice.listen() as hers, bob.listen() as his:
        code = await server.stop(number)
        last = [(await stream.rest())[-1].type for stream in (hers, his)]
    assert code == 0
    assert last == ["farewell", "farewell"]
    assert "Traceback" not in server.log


async def test_half_sent_post_does_not_keep_the_server(server: Server, bob: Person) -> None:
    with closing(await half_sent_post(server)):
        async with bob.listen() as stream:
            code = await server.stop()
            last = (await stream.rest())[-1].type
    assert (code, last) == (0, "farewell")
    assert "Traceback" not in server.log


async def test_reader_that_stopped_reading_keeps_neither_the_server_nor_the_others(
    server: Server, alice: Person, bob: Person
) -> None:
    for number in range(120):
        await alice.post_message(f"{number} " + "\N{OWL}" * 7000)
    with closing(await stalled_reader(server)), closing(await half_sent_post(server)):
        async with bob.listen() as stream:
            code = await server.stop()
            last = (await stream.rest())[-1].type
    assert (code, last) == (0, "farewell")
    assert "Traceback" not in server.log
    assert stored_messages(server) == 120


async def half_sent_post(server: Server) -> socket.socket:
    """A POST whose body never ends; the server has begun to read it."""
    connection = await connect(server)
    request = (
        "POST /rooms/lobby/messages HTTP/1.1\r\n"
        f"Host: {server.bind}\r\nOrigin: {server.url}\r\nExpect: 100-continue\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\ntext=never+"
    )
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, request.encode())
    assert b"100" in await loop.sock_recv(connection, 100)
    return connection


async def stalled_reader(server: Server) -> socket.socket:
    """A stream with more to replay than the sockets hold, of which the reader takes the beginning and no more."""
    connection = await connect(server)
    loop = asyncio.get_running_loop()
    reader = Person("Stalled", server.url)
    async with reader, reader.listen() as stream:
        epoch = stream.hello.last_event_id.split(".")[0]
    request = f"GET /rooms/lobby/stream HTTP/1.1\r\nHost: {server.bind}\r\nLast-Event-ID: {epoch}.0\r\n\r\n"
    await loop.sock_sendall(connection, request.encode())
    assert await loop.sock_recv(connection, 1000)
    return connection


async def connect(server: Server) -> socket.socket:
    host, port = server.bind.split(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, (host, int(port)))
    return connection


def stored_messages(server: Server) -> int:
    with closing(sqlite3.connect(server.folder / "quart_chat.db")) as database:
        count: int = database.execute("SELECT count(*) FROM messages").fetchone()[0]
    return count
