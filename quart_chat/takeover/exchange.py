"""The two ends of one request's connection, and how a stream goes on without them.

ASGI's `send` takes every piece through the server's protocol. A stream that is live does without: its reader writes to
the connection itself, and only the request's last message is held back.
"""

import asyncio

from quart_chat.asgi import Message, Receive, Send
from quart_chat.takeover.hypercorn import transport_of


class Exchange:
    """ASGI's `receive` and `send`, and what has been seen of them."""

    __slots__ = ("_send", "_whole", "begun", "direct", "disconnected", "has_body")

    def __init__(self, receive: Receive, send: Send) -> None:
        self.begun = False
        """Whether something was sent: then there is nothing else that could be answered."""
        self.has_body = False
        """Whether a body comes, or is to come, with the request."""
        self.disconnected = False
        self._whole = False
        self.direct = receive
        """The same as `receive`, for whoever needs nothing noted: a frame less for each open stream."""
        self._send = send

    def transport(self) -> asyncio.Transport | None:
        """The connection, where it can be taken over: the response has begun, and the server is known.

        Not while a body is still to come with the request: whoever sends one must be listened to, or the server waits.
        """
        return transport_of(self._send) if self._whole and not self.disconnected else None

    def abort(self) -> bool:
        """Cut the connection, if it is known. A server may wait for ever for a peer to take what was sent."""
        transport = None if self.disconnected else transport_of(self._send)
        if transport is not None:
            transport.abort()
        return transport is not None

    async def receive(self) -> Message:
        message = await self.direct()
        self.disconnected = message["type"] == "http.disconnect"
        self._whole = self._whole or not message.get("more_body", False)
        return message

    async def throw_away(self) -> None:
        """Receive until the client has gone, or the answer has ended."""
        while not self.disconnected:
            await self.receive()

    async def send(self, message: Message) -> None:
        self.begun = True
        await self._send(message)
