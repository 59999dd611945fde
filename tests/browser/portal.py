"""A portal in front of the chat, as sign-in proxies are: whoever has a session passes, others get its own answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from tests.connections import accepting, connected

LOGIN = b"<!doctype html><title>Sign in</title><h1>Sign in to Example</h1>"

ELSEWHERE = "302 elsewhere"
HERE = "302 here"
UNAUTHORIZED = "401"
PAGE = "200"
NETWORK = "511"


class Portal:
    """Serves what is behind `inside`. While it is `shut`, every new request gets one of the answers above."""

    def __init__(self, inside: str, login: str, policy: str) -> None:
        self.port = 0
        self._policy = policy
        self._inside = urlsplit(inside)
        self._shut: str | None = None
        self._heads = {
            ELSEWHERE: f"302 Found\r\nLocation: {login}",
            HERE: "302 Found\r\nLocation: /sign-in",
            UNAUTHORIZED: '401 Unauthorized\r\nWWW-Authenticate: Bearer realm="example"\r\nContent-Type: text/html',
            PAGE: "200 OK\r\nContent-Type: text/html",
            NETWORK: "511 Network Authentication Required\r\nContent-Type: text/html",
        }
        self._passing: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def shut(self, answer: str, *, cut: bool = True) -> None:
        """The session is over. With `cut`, so is what has passed before and is still open."""
        self._shut = answer
        if cut:
            for task in self._passing:
                task.cancel()

    def open(self) -> None:
        self._shut = None

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if self._shut is None:
            await self._pass(head, reader, writer)
        else:
            said = self._heads[PAGE if b" /sign-in " in head else self._shut]
            writer.write(
                f"HTTP/1.1 {said}\r\nContent-Length: {len(LOGIN)}\r\nConnection: close\r\n\r\n".encode() + LOGIN
            )

    async def _pass(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = [line for line in head.split(b"\r\n")[:-2] if not line.lower().startswith(b"connection:")]
        assert self._inside.hostname
        assert self._inside.port
        async with connected(self._inside.hostname, self._inside.port) as (from_inside, to_inside):
            to_inside.write(b"\r\n".join([*lines, b"Connection: close", b"", b""]))
            tasks = {
                asyncio.create_task(_pump(reader, to_inside)),
                asyncio.create_task(self._bring(from_inside, writer)),
            }
            self._passing |= tasks
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                self._passing -= tasks

    async def _bring(self, from_inside: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._policy:
            head = await from_inside.readuntil(b"\r\n\r\n")
            writer.write(head[:-2] + f"Content-Security-Policy: {self._policy}\r\n\r\n".encode())
        await _pump(from_inside, writer)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()


@asynccontextmanager
async def portal_before(inside: str, login: str = "", policy: str = "") -> AsyncIterator[Portal]:
    """One before the address `inside`, which leads to the page `login` of another site, and puts one policy more on
    what it lets through."""
    portal = Portal(inside, login, policy)
    async with accepting(portal.answer) as portal.port:
        yield portal
