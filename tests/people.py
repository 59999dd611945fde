"""The cast: somebody with a browser's cookies and headers, and what people do with a chat."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

import httpx

from quart_chat.domain.chat import Chat
from tests.sse import Parser, SSEvent


@dataclass
class Fragment:
    """What an answer or an event says about a message."""

    html: str

    @property
    def message_id(self) -> int:
        found = re.search(r"message-([0-9]+)", self.html)
        assert found, self.html
        return int(found[1])

    @property
    def position(self) -> int:
        found = re.search(r'data-position="([0-9]+)"', self.html)
        assert found, self.html
        return int(found[1])

    @property
    def text(self) -> str:
        found = re.search(r'<div class="message-text" dir="auto">(.*?)</div>', self.html, re.DOTALL)
        assert found, self.html
        return found[1]


async def key_of(chat: Chat, user_id: int) -> str:
    """By which somebody is recognised: nothing that is shown has it."""
    row = await chat.database.read(lambda tx: tx.one("SELECT key FROM users WHERE id = :id", id=user_id))
    assert row is not None
    return str(row["key"])


def only_cookie(cookies: httpx.Cookies) -> tuple[str, str]:
    """The name and the value of the one cookie that there is."""
    ((name, value),) = cookies.items()
    return name, value


def client(url: str, address: str | None = None, **headers: str) -> httpx.AsyncClient:
    """Somebody who says only what is in `headers`, calling from `address` if one is given.

    Servers here speak no TLS, and loading certificates takes longer than most tests: there are none.
    """
    transport = httpx.AsyncHTTPTransport(local_address=address, verify=False, trust_env=False)
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=30, transport=transport, trust_env=False)


class Person:
    """A guest called `name`. As a browser does, it sends Origin with every POST and keeps the cookie it gets."""

    def __init__(self, name: str, url: str, room: str = "lobby", *, address: str | None = None) -> None:
        self.name = name
        self.url = url
        self.room = room
        self.client = client(url, address, Origin=url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def send(self, path: str, *, htmx: bool = True, **fields: str) -> httpx.Response:
        return await self.client.post(path, data=fields, headers={"HX-Request": "true"} if htmx else {})

    async def post_message(self, text: str, *, room: str = "", key: str | None = None) -> Fragment:
        answer = await self.send(
            f"/rooms/{room or self.room}/messages", text=text, key=key or secrets.token_urlsafe(18), name=self.name
        )
        assert answer.status_code in (200, 201), (answer.status_code, answer.text)
        return Fragment(answer.text)

    async def edit_message(self, message_id: int, text: str, *, room: str = "") -> httpx.Response:
        return await self.send(f"/rooms/{room or self.room}/messages/{message_id}", text=text)

    async def delete_message(self, message_id: int, *, room: str = "") -> httpx.Response:
        return await self.send(f"/rooms/{room or self.room}/messages/{message_id}/deletion")

    @asynccontextmanager
    async def listen(self, *, room: str = "", after: str | None = None, query: str = "") -> AsyncIterator["Listener"]:
        """An open stream, as of its first event; `after` goes into the header, `query` into the address."""
        headers = {"Last-Event-ID": after} if after else {}
        path = f"/rooms/{room or self.room}/stream{query}"
        async with self.client.stream("GET", path, headers=headers, timeout=None) as response:
            assert response.status_code == 200, response.status_code
            listener = Listener(response)
            listener.hello = await listener.next("hello")
            yield listener


class Listener:
    """Reads one stream by the rules of the specification."""

    hello: SSEvent

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._events = self._read()

    async def next(self, type: str | None = None, *, seconds: float = 10) -> SSEvent:
        """The next event; with `type`, the next of that type (`message` is one from the log)."""
        async with asyncio.timeout(seconds):
            async for event in self._events:
                if type is None or event.type == type:
                    return event
        raise AssertionError("the stream ended")

    async def rest(self, *, seconds: float = 10) -> list[SSEvent]:
        """Everything up to the end of the stream."""
        async with asyncio.timeout(seconds):
            return [event async for event in self._events]

    async def _read(self) -> AsyncIterator[SSEvent]:
        parser = Parser()
        async for chunk in self.response.aiter_bytes():
            for event in parser.feed(chunk):
                yield event
