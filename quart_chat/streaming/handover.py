"""Where a stream leaves Quart: its request is answered and forgotten, its connection stays open.

What Quart keeps for a request (its contexts, the request itself, two tasks) is more than everything else that an open
stream needs. So the body of a stream ends for Quart when the reader has all there was; its last message is held back,
and until the stream really ends only this frame waits.
"""

import asyncio

from quart_chat.asgi import App, Message, Receive, Scope, Send
from quart_chat.streaming.live import Live
from quart_chat.streaming.transport import transport_of

KEY = "quart_chat.handover"
"""Where the scope of a request holds its Handover."""


class Handover:
    """The two ends of one request's connection, and the stream that has taken it over, if one has."""

    __slots__ = ("_headers", "_receive", "_send", "_whole", "disconnected", "live")

    def __init__(self, receive: Receive, send: Send) -> None:
        self.live: Live | None = None
        self.disconnected = False
        self._whole = False
        self._receive = receive
        self._send = send
        self._headers: list[object] = []

    def transport(self) -> asyncio.Transport | None:
        """The connection, where it can be taken over: the response has begun, and the server is known.

        Not while a body is still to come with the request: whoever sends one must be listened to, or the server waits.
        """
        return transport_of(self._send) if self._whole and not self.disconnected else None

    def take(self, live: Live) -> None:
        """Let `live` have the connection. The body MUST end next."""
        self.live = live
        # The server keeps them for its access log: two kilobytes for as long as the stream lives.
        self._headers.clear()

    def abort(self) -> bool:
        """Cut the connection, if it is known. A server may wait for ever for a peer to take what was sent."""
        transport = None if self.disconnected else transport_of(self._send)
        if transport is not None:
            transport.abort()
        return transport is not None

    async def receive(self) -> Message:
        message = await self._receive()
        self.disconnected = message["type"] == "http.disconnect"
        self._whole = self._whole or not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._headers = message["headers"]
        if self.live is None or message.get("more_body", True):
            await self._send(message)


class HandsOver:
    """ASGI middleware that sees a stream to its end after the app is done with it."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        handover = scope[KEY] = Handover(receive, send)
        try:
            await self._app(scope, handover.receive, handover.send)
            if handover.live is not None and not handover.disconnected and await handover.live.run(receive):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            if handover.live is not None:
                handover.live.end()
            del scope[KEY]
