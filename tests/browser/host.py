"""Another site, with pages that have rooms of the chat on them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from tests.connections import accepting


@dataclass
class Host:
    """Serves `pages` by their path under a name that is another site for the chat, which is called by its address."""

    port: int = 0
    pages: dict[str, bytes] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def put(self, path: str, html: str, **headers: str) -> str:
        """Serve a page; returns its address. Headers are named as in `content_security_policy`."""
        body = f"<!doctype html><html lang=en><title>A site</title>{html}".encode()
        self.pages[path] = _answer(HTTPStatus.OK, body, headers)
        return self.url + path

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        path = request.split()[1].decode().partition("?")[0]
        nothing = HTTPStatus.NO_CONTENT if path == "/favicon.ico" else HTTPStatus.NOT_FOUND
        writer.write(self.pages.get(path) or _answer(nothing, b"", {}))


@asynccontextmanager
async def hosting() -> AsyncIterator[Host]:
    host = Host()
    async with accepting(host.answer) as host.port:
        yield host


def _answer(status: HTTPStatus, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", "Content-Type: text/html; charset=utf-8", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body
