"""What the tests' own servers leave behind: nothing."""

import asyncio
import gc
import socket
from contextlib import suppress

from tests.connections import accepting


async def test_connection_that_comes_while_its_server_ends_is_closed() -> None:
    """Browsers open some that nobody has asked for. The loop has accepted one, and has not made anything of it yet."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    for turns in range(6):
        async with accepting(listen) as port:
            coming = socket.create_connection(("127.0.0.1", port))
            for _ in range(turns):
                await asyncio.sleep(0)
        coming.setblocking(False)
        with coming, suppress(ConnectionError):
            async with asyncio.timeout(10):
                assert await asyncio.get_running_loop().sock_recv(coming, 1) == b"", turns
    gc.collect()  # what is left open is complained of, and fails this test


async def test_server_ends_whose_connection_is_just_being_closed() -> None:
    """What it has written still waits for a client who reads nothing."""
    written = asyncio.Event()

    async def say_a_lot(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(2**25))
        written.set()

    with socket.socket() as mute:
        mute.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        async with accepting(say_a_lot) as port, asyncio.timeout(10):
            mute.setblocking(False)
            await asyncio.get_running_loop().sock_connect(mute, ("127.0.0.1", port))
            await written.wait()
            for _ in range(3):
                await asyncio.sleep(0)
    gc.collect()
