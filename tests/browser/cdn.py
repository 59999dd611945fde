"""The CDN's address is answered with the files of the npm package, so that the browser really checks their hashes."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Route

from quart_chat import assets
from quart_chat.view import htmx
from tests.connections import accepting
from tests.network import certificates

VENDOR = assets.folder("static") / "vendor"

HOST = urlsplit(htmx.CDN).hostname


@dataclass(frozen=True)
class Cdn:
    """The ports of a CDN, and of a proxy in front of it."""

    port: int
    proxy: int

    @property
    def flags(self) -> list[str]:
        """With these Chromium takes it for the real one."""
        return [f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{self.port}", "--ignore-certificate-errors"]

    @property
    def preferences(self) -> dict[str, str | float | bool]:
        """With these Firefox does, where its context ignores errors of HTTPS."""
        proxy = f"host == '{HOST}' ? 'PROXY 127.0.0.1:{self.proxy}' : 'DIRECT'"
        code = f"function FindProxyForURL(url, host) {{ return {proxy}; }}"
        return {"network.proxy.type": 2, "network.proxy.autoconfig_url": f"data:text/javascript,{code}"}


@asynccontextmanager
async def serving_cdn(folder: Path) -> AsyncIterator[Cdn]:
    """A CDN on this machine. Unlike requests that a test answers itself, what comes from it leaves the browser's cache
    on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.make().write(folder))

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await writer.start_tls(context)
        await _answer(reader, writer)

    async with accepting(_answer, tls=context) as port, accepting(tunnel) as proxy:
        yield Cdn(port, proxy)


async def answer_as_cdn(route: Route) -> None:
    """The same for one browser context, where a proxy would be asked for the address."""
    name = route.request.url.rsplit("/", 1)[1]
    await route.fulfill(
        body=(VENDOR / name).read_bytes(),
        content_type="application/javascript",
        headers={"Access-Control-Allow-Origin": "*"},
    )


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        request = await reader.readuntil(b"\r\n\r\n")
        body = (VENDOR / request.split()[1].decode().rsplit("/", 1)[1]).read_bytes()
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/javascript\r\nAccess-Control-Allow-Origin: *\r\n"
            f"Cache-Control: public, max-age=31536000, immutable\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
