"""How a request reaches the app: in as few tasks as it needs.

Quart makes three for each: one that listens to the client, one for the handler, one for the answer. That is for clients
who leave while they are being answered, which matters where answers are held back. All other requests are handled in
the task that the server has made for them, as soon as their body is there.
"""

import asyncio
from typing import Any

from quart import Request
from quart.asgi import ASGIHTTPConnection

HELD = ("/stream", "/poll")
"""How the addresses of requests end whose answers are held back."""


class ChatRequest(Request):
    @property
    def blueprints(self) -> list[str]:
        """No blueprint here is inside another. Quart, which asks three times in a request, looks for that each time."""
        return [self.blueprint] if self.blueprint else []


class ChatConnection(ASGIHTTPConnection):
    async def __call__(self, receive: Any, send: Any) -> None:
        if self.scope["path"].endswith(HELD):
            await super().__call__(receive, send)
            return
        request = self._create_request_from_scope(send)
        if await self._receive_body(request, receive):
            await self.handle_request(request, send)

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

    async def _receive_body(self, request: Request, receive: Any) -> bool:
        """Whether the client is still there. What is too large or too slow is not waited for: the app refuses it."""
        most = self.app.config["MAX_CONTENT_LENGTH"]
        received = 0
        try:
            async with asyncio.timeout(request.body_timeout):
                while (message := await receive())["type"] == "http.request":
                    body = message.get("body", b"")
                    request.body.append(body)
                    received += len(body)
                    if not message.get("more_body", False):
                        request.body.set_complete()
                    elif max(received, request.content_length or 0) <= most:
                        continue
                    # There is nothing to wait for.
                    request.body_timeout = None
                    return True
                return False
        except TimeoutError:
            request.body_timeout = 0
            return True
