"""How a request reaches the app: in as few tasks as it needs.

Quart makes three for each: one that listens to the client, one for the handler, one for the answer. That is for clients
who leave while they are being answered, which matters where answers are held back. All other requests are handled in
the task that the server has made for them, as soon as their body is there.
"""

import asyncio
from collections.abc import AsyncIterator
from enum import Enum, auto
from typing import Any

from quart import Request
from quart.asgi import ASGIHTTPConnection
from quart.utils import cancel_tasks, encode_headers
from quart.wrappers.response import DataBody

from quart_chat.errors import BodyBroken, Busy
from quart_chat.http import context
from quart_chat.http.context import ChatRequest
from quart_chat.http.serving import Serving
from quart_chat.http.underway import UnderWay

READS = ("GET", "HEAD", "OPTIONS")
"""Methods whose body, if there is one, nobody looks at."""

PIECE = 96 * 1024
"""Bytes of an answer that are sent at once: what a server and the kernel take without being asked twice. A room's page
of common messages has 70 kB where it is not compressed, and costs a tenth more in two."""

PATIENCE = 20.0
"""Seconds for a client to take a piece: at 4.9 KB/s, about like bodies the other way."""


class Body(Enum):
    """What has come of the body of a request."""

    WHOLE = auto()
    LEFT = auto()
    """Not waited for: it is larger than a form, too slow, or of no interest. The route may have it in parts."""
    REFUSED = auto()
    """Too much is under way."""
    GONE = auto()
    """The client has left in the middle."""


class ChatConnection(ASGIHTTPConnection):
    async def __call__(self, receive: Any, send: Any) -> None:
        request = self._create_request_from_scope(send)
        assert isinstance(request, ChatRequest)
        serving: Serving = self.app.extensions[context.EXTENSION]
        if request.path in serving.held:
            await super().__call__(receive, send)
            return
        context.begin(request, serving)
        body = _Share(serving.bodies, context.address_of(self.scope.get("client")))
        try:
            match await self._receive_body(request, receive, body):
                case Body.REFUSED:
                    await _refuse(send)
                case Body.WHOLE:
                    await self._handle(request, send)
                case Body.LEFT:
                    await self._handle(request, send, receive)
        finally:
            body.give_back()

    async def handle_request(self, request: Request, send: Any) -> None:
        assert isinstance(request, ChatRequest)
        context.begin(request, self.app.extensions[context.EXTENSION])
        await super().handle_request(request, send)

    async def _handle(self, request: ChatRequest, send: Any, rest: Any = None) -> None:
        """Answer; `rest` is where what is still to come of the body can be received."""
        serving: Serving = self.app.extensions[context.EXTENSION]
        answer = _Share(serving.answers, context.address_of(self.scope.get("client")))
        if not answer.has_room():
            await _refuse(send)
            return
        response = await self.app.handle_request(request)
        # Somebody must go on listening: a server that cannot get rid of the rest would wait for ever.
        listening = asyncio.create_task(_throw_away(rest)) if rest else None
        try:
            await self._send_response(send, response, answer)
        except TimeoutError:
            pass
        finally:
            answer.give_back()
            if listening:
                await cancel_tasks({listening})

    async def _send_response(self, send: Any, response: Any, answer: "_Share | None" = None) -> None:
        """What is whole in memory goes out in one piece, and not in one that might be followed by another, unless it is
        large: then each piece has to be taken in time. Raises TimeoutError."""
        if answer is None or not isinstance(response.response, DataBody):
            async with asyncio.timeout(self.app.config["RESPONSE_TIMEOUT"]):
                await super()._send_response(send, response)
            return
        start = {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": encode_headers(response.headers),
        }
        async with response.response as body:
            whole = b"".join([part async for part in body])
        if len(whole) <= PIECE:
            async with asyncio.timeout(PATIENCE):
                await send(start)
                await send({"type": "http.response.body", "body": whole, "more_body": False})
            return
        answer.take(len(whole))
        async with asyncio.timeout(self.app.config["RESPONSE_TIMEOUT"]):
            # What was answered before on the connection may still wait: then already the headers have to.
            async with asyncio.timeout(PATIENCE):
                await send(start)
            for begin in range(0, len(whole), PIECE):
                piece = whole[begin : begin + PIECE]
                async with asyncio.timeout(PATIENCE):
                    await send({"type": "http.response.body", "body": piece, "more_body": begin + PIECE < len(whole)})

    async def _receive_body(self, request: ChatRequest, receive: Any, share: "_Share") -> Body:
        most = self.app.config["MAX_CONTENT_LENGTH"]
        if request.method in READS and context.http_version().startswith("1") and not context.has_body():
            # Nearly all that read: there is nothing to wait for. Only HTTP/2 has bodies that no header speaks of.
            request.body.set_result(b"")
            request.body_timeout = None
            return Body.WHOLE
        received, parts = 0, []
        # What it says that it is going to be counts from the beginning: thousands of them may come in one moment.
        taken = min(request.content_length or 0, most)
        if taken:
            if not share.has_room():
                return Body.REFUSED
            share.take(taken)
        try:
            async with asyncio.timeout(request.body_timeout):
                while (message := await receive())["type"] == "http.request":
                    part = message.get("body", b"")
                    received += len(part)
                    if received > taken:
                        if not share.has_room():
                            return Body.REFUSED
                        share.take(len(part))
                    parts.append(part)
                    if not message.get("more_body", False) and received <= most:
                        request.body.set_result(b"".join(parts))
                        # There is nothing to wait for, and so no task needed that waits.
                        request.body_timeout = None
                        return Body.WHOLE
                    if request.method in READS:
                        return Body.LEFT
                    if max(received, request.content_length or 0) > most:
                        request.begun = b"".join(parts)
                        request.rest = _rest(parts, receive, ended=not message.get("more_body", False))
                        return Body.LEFT
                return Body.GONE
        except TimeoutError:
            request.body_timeout = 0
            return Body.LEFT


async def _rest(begun: list[bytes], receive: Any, *, ended: bool) -> AsyncIterator[bytes]:
    """What has come of a body, and then the rest, as it is asked for. Raises BodyBroken."""
    for part in begun:
        yield part
    while not ended:
        try:
            async with asyncio.timeout(PATIENCE):
                message = await receive()
        except TimeoutError:
            raise BodyBroken from None
        if message["type"] != "http.request":
            raise BodyBroken
        ended = not message.get("more_body", False)
        yield message.get("body", b"")


async def _throw_away(receive: Any) -> None:
    while (await receive())["type"] == "http.request":
        pass


async def _refuse(send: Any) -> None:
    """Say so without any more work: who causes that may ask again and again."""
    error = Busy()
    body = f"{error.sentence}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"chat-error", error.code.encode()),
        (b"retry-after", b"%d" % error.retry_after),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


class _Share:
    """What one request has taken of what its address may have under way."""

    __slots__ = ("_address", "_taken", "_under_way")

    def __init__(self, under_way: UnderWay, address: str) -> None:
        self._under_way = under_way
        self._address = address
        self._taken = 0

    def has_room(self) -> bool:
        return self._under_way.has_room(self._address)

    def take(self, amount: int) -> None:
        self._under_way.take(self._address, amount)
        self._taken += amount

    def give_back(self) -> None:
        if self._taken:
            self._under_way.give_back(self._address, self._taken)
            self._taken = 0
