"""Every WebSocket that somebody asks for. The chat has none; there is one that tells whether they would get through."""

import asyncio
from collections.abc import Awaitable

from quart.utils import cancel_tasks

from quart_chat.asgi import App, Message, Receive, Scope, Send
from quart_chat.errors import TooFast
from quart_chat.http import context, origins
from quart_chat.http.origins import Own
from quart_chat.http.serving import Serving

PATH = "/diagnose/websocket"

OPEN = 5.0
"""Seconds in which it must have been used."""

ANSWER = "quart-chat"

NORMAL, REFUSED, LATER = 1000, 1008, 1013
"""https://www.iana.org/assignments/websocket/websocket.xhtml#close-code-number"""


class WebSockets:
    """ASGI middleware: none gets further. One message, one answer, and it is over. An open stream keeps no frame of
    this."""

    def __init__(self, app: App, serving: Serving) -> None:
        self._app = app
        self._serving = serving

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "websocket":
            return Handshake(self._serving, scope).answer(receive, send)
        return self._app(scope, receive, send)


class Handshake:
    """What asks for one."""

    def __init__(self, serving: Serving, scope: Scope) -> None:
        self._serving = serving
        self._scope = scope

    async def answer(self, receive: Receive, send: Send) -> None:
        await receive()
        # Within HTTP/2 (https://www.rfc-editor.org/rfc/rfc8441) one gets no further than all other requests within it.
        if self._scope["path"] != PATH or self._scope["http_version"].startswith("2"):
            await send({"type": "websocket.close", "code": REFUSED})
            return
        # From here on it is refused in words: it has got through, and that is what was to be known.
        await send({"type": "websocket.accept"})
        address = context.address_of(self._scope.get("client"))
        if not self._is_own():
            await send({"type": "websocket.close", "code": REFUSED})
        elif not self._is_affordable(address):
            await send({"type": "websocket.close", "code": LATER})
        else:
            await self._converse(address, receive, send)

    async def _converse(self, address: str, receive: Receive, send: Send) -> None:
        try:
            if (await self._message(receive))["type"] == "websocket.receive":
                await send({"type": "websocket.send", "text": ANSWER})
            await send({"type": "websocket.close", "code": NORMAL})
        finally:
            self._serving.allowance.release(address)

    async def _message(self, receive: Receive) -> Message:
        """The first message. One of another type where none comes in time, or the server stops."""
        message = asyncio.ensure_future(receive())
        stopping = asyncio.ensure_future(self._serving.feeds.stopping.wait())
        try:
            await asyncio.wait({message, stopping}, timeout=OPEN, return_when=asyncio.FIRST_COMPLETED)
            return message.result() if message.done() else {"type": "none"}
        finally:
            await cancel_tasks({message, stopping})

    def _is_own(self) -> bool:
        """As `security.check_origin` for reading: browsers always say where a WebSocket is asked from, programs not."""
        headers = {name: value.decode("latin1") for name, value in self._scope["headers"]}
        scheme = {"ws": "http", "wss": "https"}[self._scope["scheme"]]
        public = self._serving.config.public_url
        asked = f"{scheme}://{headers.get(b'host', '')}"
        return origins.is_own(
            Own(public or asked, self._serving.hosts, public=bool(public)),
            origin=headers.get(b"origin"),
            site=headers.get(b"sec-fetch-site"),
            safe=True,
            absent=True,
        )

    def _is_affordable(self, address: str) -> bool:
        try:
            self._serving.allowance.spend(address)
        except TooFast:
            return False
        return self._serving.allowance.hold(address)
