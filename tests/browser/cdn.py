"""The CDN's address is answered with the files of the npm package, so that the browser really checks their hashes."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Route

from quart_chat import assets, vendor
from tests.network import certificates

VENDOR = assets.folder("static") / "vendor"


@asynccontextmanager
async def serving_cdn(folder: Path) -> AsyncIterator[list[str]]:
    """A CDN on this machine; the flags with which Chromium takes it for the real one. Unlike requests that a test
    answers itself, what comes from it leaves the browser's cache on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.make().write(folder))
    async with await asyncio.start_server(_answer, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        host = urlsplit(vendor.CDN).hostname
        yield [f"--host-resolver-rules=MAP {host}:443 127.0.0.1:{port}", "--ignore-certificate-errors"]


async def answer_as_cdn(route: Route) -> None:
    """The same for one browser context, where a proxy would be asked for the address."""
    name = route.request.url.rsplit("/", 1)[1]
    await route.fulfill(
        body=(VENDOR / name).read_bytes(),
        content_type="application/javascript",
        headers={"Access-Control-Allow-Origin": "*"},
    )


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            request = await reader.readuntil(b"\r\n\r\n")
            body = (VENDOR / request.split()[1].decode().rsplit("/", 1)[1]).read_bytes()
            head = (
                "HTTP/1.1 200 OK\r\nContent-Type: application/javascript\r\nAccess-Control-Allow-Origin: *\r\n"
                f"Cache-Control: public, max-age=31536000, immutable\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            await writer.drain()
    writer.close()
