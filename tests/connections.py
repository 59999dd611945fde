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
    tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
    errors: list[BaseException] = []

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_serve(answer, reader, writer))
        tasks[task] = writer
        task.add_done_callback(over)

    def over(task: asyncio.Task[None]) -> None:
        tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()):
            errors.append(error)

    if sock is None:
        server = await asyncio.start_server(accepted, "127.0.0.1", 0, ssl=tls)
    else:
        server = await asyncio.start_server(accepted, sock=sock, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        # asyncio loses a connection that it has accepted, and has made nothing of when the server closes. So none comes
        # any more; one that came is made in the next turn, and given to `accepted` in the one after.
        for listening in server.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
        for _ in range(2):
            await asyncio.sleep(0)
        server.close()
        while tasks:
            ending = dict(tasks)
            for task in ending:
                task.cancel()
            await asyncio.wait(ending)
            for writer in ending.values():
                await cut(writer)  # one that was cancelled before it began has cut nothing
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
    await _closed(writer)


async def _closed(writer: asyncio.StreamWriter) -> None:
    # In a task of its own: who is cancelled in `wait_closed` cancels it for everybody who asks later.
    closing = asyncio.create_task(writer.wait_closed())
    closing.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.wait({closing})


async def _serve(answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(OSError, asyncio.IncompleteReadError):
            await answer(reader, writer)
            # What it has written still gets there.
            writer.close()
            await _closed(writer)
    finally:
        await cut(writer)
