"""Connections that end with their test: one that is left open is complained of in another test, whenever it is
collected."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Serves one connection. It need not close it, nor catch what a connection raises that breaks off."""


@asynccontextmanager
async def accepting(
    answer: Answer, *, sock: socket.socket | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """The port of a server on this machine, or of the socket that listens. At the end all its connections are cut and
    their tasks are over; an error in one of these is raised then."""
    tasks: set[asyncio.Task[None]] = set()
    errors: list[BaseException] = []

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_serve(answer, reader, writer))
        tasks.add(task)
        task.add_done_callback(over)

    def over(task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            errors.append(error)

    if sock is None:
        server = await asyncio.start_server(accepted, "127.0.0.1", 0, ssl=tls)
    else:
        server = await asyncio.start_server(accepted, sock=sock, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        while tasks:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
    for error in errors:
        raise error


@asynccontextmanager
async def connected(
    host: str, port: int | str, **options: int
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to somewhere, as asyncio.open_connection makes it."""
    reader, writer = await asyncio.open_connection(host, int(port), **options)
    try:
        yield reader, writer
    finally:
        await cut(writer)


async def cut(writer: asyncio.StreamWriter) -> None:
    """Nothing of the connection is left, whatever its other end does."""
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


async def _serve(answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(OSError, asyncio.IncompleteReadError):
            await answer(reader, writer)
            # What it has written still gets there.
            writer.close()
            await writer.wait_closed()
    finally:
        await cut(writer)
