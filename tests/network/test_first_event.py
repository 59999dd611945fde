"""What becomes of the first bytes of a stream: why the first event is padded, and why pages may have to poll."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.network.certificates import Certificate
from tests.network.programs import need
from tests.network.proxies import COMPONENTS, running

PATIENCE = 3.0
"""Seconds after which what has not come is held back."""


@pytest.mark.parametrize(
    ("name", "size", "comes"),
    [
        ("squid-preview", 100, False),
        ("squid-preview", 4096, True),
        ("mitmproxy-forward", 4096, False),
        ("squid-plain", 100, True),
    ],
)
async def test_first_event_must_be_larger_than_a_preview(
    name: str, size: int, comes: bool, certificate: Certificate
) -> None:
    need(*COMPONENTS[name].needs)
    async with (
        saying(size) as upstream,
        running(upstream, certificate, name) as components,
        components[name].way.client() as client,
    ):
        heard = False
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE), client.stream("GET", "/") as response:
                heard = bool(await anext(response.aiter_bytes()))
    assert heard == comes


@asynccontextmanager
async def saying(size: int) -> AsyncIterator[str]:
    """A server that sends one event of `size` bytes and then says nothing: its address, HOST:PORT."""
    event = b":" + b" " * (size - 3) + b"\n\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            writer.write(head + b"%x\r\n%b\r\n" % (len(event), event))
            await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"
