"""How a request reaches the app: in as few tasks as it needs.

Quart makes three for each: one that listens to the client, one for the handler, one for the answer. That is for clients
who leave while they are being answered, which matters where answers are held back. All other requests are handled in
the task that the server has made for them, as soon as their body is there.
"""

import asyncio
from enum import Enum, auto
from typing import Any

from quart import Request
from quart.asgi import ASGIHTTPConnection
from quart.utils import cancel_tasks, encode_headers
from quart.wrappers.response import DataBody

HELD = ("/stream", "/poll")
"""How the addresses of requests end whose answers are held back."""


READS = ("GET", "HEAD", "OPTIONS")
"""Methods whose body, if there is one, nobody looks at."""


class Body(Enum):
    """What has come of the body of a request."""

    WHOLE = auto()
    LEFT = auto()
    """Not waited for: it is too large or too slow, which the app refuses, or of no interest."""
    GONE = auto()
    """The client has left in the middle."""


class ChatRequest(Request):
    @property
    def blueprints(self) -> list[str]:
        """No blueprint here is inside another. Quart, which asks three times in a request, looks for that each time."""
        return [self.blueprint] if self.blueprint else []


class ChatConnection(ASGIHTTPConnection):
    async def __call__(self, receive: Any, send: Any) -> None:
        request = self._create_request_from_scope(send)
        if request.path.endswith(HELD):
            await super().__call__(receive, send)
            return
        match await self._receive_body(request, receive):
            case Body.WHOLE:
                await self.handle_request(request, send)
            case Body.LEFT:
                # Somebody must go on listening: a server that cannot get rid of the rest would wait for ever.
                listening = asyncio.create_task(self.handle_messages(request, receive))
                try:
                    await self.handle_request(request, send)
                finally:
                    await cancel_tasks({listening})

    async def handle_request(self, request: Request, send: Any) -> None:
        if request.path.endswith(HELD):
            await super().handle_request(request, send)
            return
        response = await self.app.handle_request(request)
        try:
            async with asyncio.timeout(self.app.config["RESPONSE_TIMEOUT"]):
                await self._send_response(send, response)
        except TimeoutError:
            pass

    async def _send_response(self, send: Any, response: Any) -> None:
        """What is whole in memory goes out in one piece, and not in one that might be followed by another."""
        if not isinstance(response.response, DataBody):
            await super()._send_response(send, response)
            return
        headers = encode_headers(response.headers)
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        async with response.response as body:
            whole = b"".join([part async for part in body])
            await send({"type": "http.response.body", "body": whole, "more_body": False})

    async def _receive_body(self, request: Request, receive: Any) -> Body:
        most = self.app.config["MAX_CONTENT_LENGTH"]
        received = 0
        try:
            async with asyncio.timeout(request.body_timeout):
                while (message := await receive())["type"] == "http.request":
                    received += len(message.get("body", b""))
                    request.body.append(message.get("body", b""))
                    if not message.get("more_body", False):
                        request.body.set_complete()
                        # There is nothing to wait for, and so no task needed that waits.
                        request.body_timeout = None
                        return Body.WHOLE
                    if request.method in READS or max(received, request.content_length or 0) > most:
                        return Body.LEFT
                return Body.GONE
        except TimeoutError:
            request.body_timeout = 0
            return Body.LEFT
