"""Rooms in other sites' pages: somebody who looks at one, and a site that signs who somebody is."""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import jwt

from quart_chat.app import open_chat
from quart_chat.config import Config
from quart_chat.domain import embed_keys
from quart_chat.domain.actors import CONSOLE
from quart_chat.domain.chat import Chat
from quart_chat.domain.embed_keys import NewKey
from tests.people import Person
from tests.serving import Server

SITE = "http://site.localhost:4000"
"""A page on the server's own machine: let in while a room has no list."""


class Visitor(Person):
    """Somebody in an embed in a page of `host`. As its script does, it says where it is, and keeps and sends the token
    that it gets."""

    def __init__(self, name: str, url: str, room: str = "lobby", *, host: str = SITE, token: str | None = None) -> None:
        super().__init__(name, url, room)
        self.client.headers["Chat-Host"] = host
        self.token = token
        self.client.event_hooks = {"request": [self._say], "response": [self._keep]}

    async def _say(self, request: httpx.Request) -> None:
        if self.token is not None:
            request.headers.setdefault("Chat-Token", self.token)

    async def _keep(self, response: httpx.Response) -> None:
        self.token = response.headers.get("Chat-Token", self.token)

    async def try_to_post(self, text: str, *, name: str | None = None, key: str | None = None) -> httpx.Response:
        """Like `post_message`, whatever comes of it."""
        fields = {"text": text, "key": key or secrets.token_urlsafe(18)} | ({"name": name} if name else {})
        return await self.send(f"/rooms/{self.room}/messages", **fields)


@dataclass
class Site:
    """The site of a room, with the room's key."""

    room: str
    key: NewKey

    def token(self, sub: str = "u-1", name: str = "Sigrid", **claims: object) -> str:
        told = {"room": self.room, "sub": sub, "name": name, "exp": int(time.time()) + 300, "jti": secrets.token_hex(8)}
        return jwt.encode(told | claims, self.key.secret, self.key.key.algorithm, {"kid": self.key.key.id})


@asynccontextmanager
async def beside(server: Server) -> AsyncIterator[Chat]:
    """The server's chat, as a command beside it has it."""
    config = Config(database_url=f"sqlite:///{server.folder}/quart_chat.db")
    async with open_chat(config, alone=False) as chat:
        yield chat


async def site_of(server: Server, room: str, algorithm: str = "HS256") -> Site:
    async with beside(server) as chat:
        return Site(room, await embed_keys.create(chat, room, CONSOLE, algorithm))
