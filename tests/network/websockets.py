"""A tiny WebSocket server that echoes, and a client that tries to reach it as browsers do (RFC 6455)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.connection import Connection
from wsproto.events import AcceptConnection, Request, TextMessage

from tests.connections import accepting, connected
from tests.network.ways import Way

DEADLINE = 5.0
"""Seconds for the handshake and the echo."""

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"s3pplmbitxaq9kygzzhzrbk+xoo="
"""Section 1.3's own example, in lower case."""


@asynccontextmanager
async def echoing() -> AsyncIterator[str]:
    """The address (HOST:PORT) of the server."""
    async with accepting(_echo) as port:
        yield f"127.0.0.1:{port}"


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    connection = WSConnection(ConnectionType.SERVER)
    with suppress(Exception):
        while data := await reader.read(4096):
            connection.receive_data(data)
            for event in connection.events():
                if isinstance(event, Request):
                    writer.write(connection.send(AcceptConnection()))
                elif isinstance(event, TextMessage):
                    writer.write(connection.send(TextMessage(event.data)))


async def works(way: Way, target: str, *, tunnel: bool = False) -> bool:
    """Whether a text comes back: from `way.url`, or through the forward proxy from `target`, by CONNECT if told so."""
    parts = urlsplit(way.proxy or way.url)
    assert parts.hostname
    assert parts.port
    try:
        async with connected(parts.hostname, parts.port) as (reader, writer), asyncio.timeout(DEADLINE):
            if tunnel and not await _tunnelled(reader, writer, target):
                return False
            address = f"http://{target}/" if way.proxy and not tunnel else "/"
            return await _echoes(reader, writer, target if way.proxy else parts.netloc, address)
    except (TimeoutError, ConnectionError):
        return False


async def _tunnelled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str) -> bool:
    writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    return b" 200" in (await _head(reader)).partition(b"\r\n")[0]


async def _echoes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, address: str) -> bool:
    writer.write(
        f"GET {address} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n".encode()
    )
    head = await _head(reader)
    if b" 101" not in head.partition(b"\r\n")[0] or ACCEPT not in head.lower():
        return False
    frames = Connection(ConnectionType.CLIENT)
    writer.write(frames.send(TextMessage("hello")))
    frames.receive_data(await reader.read(4096))
    return any(isinstance(event, TextMessage) and event.data == "hello" for event in frames.events())


async def _head(reader: asyncio.StreamReader) -> bytes:
    with suppress(asyncio.IncompleteReadError):
        return await reader.readuntil(b"\r\n\r\n")
    return b""
