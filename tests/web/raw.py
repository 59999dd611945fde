"""Requests byte by byte, as no client of HTTP would send them."""

import asyncio

from tests.connections import connected
from tests.serving import Server

MOST = 1_000_000
"""Bytes of an answer that are read."""


async def ask(
    server: Server,
    target: bytes,
    *headers: bytes,
    host: bytes | None,
    method: bytes = b"GET",
    body: bytes = b"",
    version: bytes = b"HTTP/1.1",
    wait: bool = True,
) -> bytes:
    """What the server sends back until it closes; without `wait`, the first of that."""
    address, _, port = server.bind.rpartition(":")
    lines = [b"%b %b %b" % (method, target, version), *headers]
    if host is not None:
        lines.append(b"Host: " + host)
    if wait:
        lines.append(b"Connection: close")
    if method == b"POST":
        lines += [b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: %d" % len(body)]
    async with connected(address, port) as (reader, writer), asyncio.timeout(30):
        writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        answer = await reader.read(MOST)
        while wait and (more := await reader.read(MOST)):
            answer += more
        return answer
