"""A reader below any HTTP client: it sees every byte, and reads only when it is told to."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.sse import Parser, SSEvent

SECONDS = 20.0
"""How long anything may take that must happen, on a busy machine."""


class Wire:
    """One connection. `received` is what came since the last `request`."""

    def __init__(self, connection: socket.socket, bind: str) -> None:
        self.received = b""
        self.port: int = connection.getsockname()[1]
        self._socket = connection
        self._bind = bind

    async def request(self, path: str, *, method: str = "GET", version: str = "1.1", times: int = 1) -> None:
        """Ask, more than once if so told, without waiting for an answer."""
        self.received = b""
        asked = f"{method} {path} HTTP/{version}\r\nHost: {self._bind}\r\n\r\n".encode()
        await asyncio.get_running_loop().sock_sendall(self._socket, asked * times)

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def read(self) -> bool:
        """Take some of what has come; False where it ends."""
        async with asyncio.timeout(SECONDS):
            chunk = await asyncio.get_running_loop().sock_recv(self._socket, 1024 * 1024)
        self.received += chunk
        return chunk != b""

    async def read_until(self, has_come: Callable[["Wire"], bool]) -> None:
        while not has_come(self):
            assert await self.read(), f"the connection ended after {self.received[-200:]!r}"

    async def read_to_the_end(self) -> None:
        """Of a chunked body, or of the connection."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024 * 1024)
        while not self.received.endswith(b"\r\n0\r\n\r\n") and await self.read():
            pass

    @property
    def head(self) -> str:
        """The status line and the headers."""
        return self.received.partition(b"\r\n\r\n")[0].decode()

    @property
    def body(self) -> bytes:
        """What has come of a chunked body."""
        return b"".join(self._unchunked()[0])

    @property
    def ended(self) -> bool:
        """Whether the body's last chunk has come, and nothing after it."""
        return self._unchunked()[1] == b""

    @property
    def events(self) -> list[SSEvent]:
        parser = Parser()
        return [event for chunk in self._unchunked()[0] for event in parser.feed(chunk)]

    def has(self, type: str) -> bool:
        """Whether an event of this type has come whole."""
        return any(event.type == type for event in self.events)

    def reset(self) -> None:
        """Break off as a peer does that has crashed: with RST, and whatever is under way is lost."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self._socket.close()

    def _unchunked(self) -> tuple[list[bytes], bytes | None]:
        """The chunks, the last of them broken off where nothing more has come; and what follows the body's end."""
        chunks: list[bytes] = []
        at = self.received.find(b"\r\n\r\n") + 4
        while at > 3 and (end := self.received.find(b"\r\n", at)) > 0:
            size = int(self.received[at:end], 16)
            chunks.append(self.received[end + 2 : end + 2 + size])
            at = end + 2 + size + 2
            if len(self.received) < at:
                break
            assert self.received[at - 2 : at] == b"\r\n", "chunks end where they say"
            if not size:
                return chunks, self.received[at:]
        return chunks, None


@asynccontextmanager
async def wire(bind: str, *, window: int | None = None) -> AsyncIterator[Wire]:
    """A connection to HOST:PORT whose own end of the kernel's buffers holds about `window` bytes."""
    host, port = bind.split(":")
    connection = socket.socket()
    if window is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.setblocking(False)
    with connection:
        await asyncio.get_running_loop().sock_connect(connection, (host, int(port)))
        yield Wire(connection, bind)


async def eventually(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not is_so():
            await asyncio.sleep(0.01)
