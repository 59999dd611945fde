"""Requests to an app in this process, without a socket: for claims that are none of a socket's."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlencode

from quart import Quart

from quart_chat.asgi import Message


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """Why it was refused; empty where it was not."""
        return self.headers.get("chat-error", "")


async def ask(
    app: Quart,
    method: str,
    target: str,
    headers: Mapping[str, str],
    form: Mapping[str, str] | None = None,
    *,
    address: str = "192.0.2.1",
) -> Answer:
    """What the whole app answers, middleware included. Whoever asks for a stream leaves after the first piece."""
    path, _, query = target.partition("?")
    body = urlencode(form).encode() if form is not None else b""
    if form is not None:
        headers = {**headers, "Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": unquote(path), "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": (address, 50_000), "server": ("localhost", 80), "extensions": {},
    }  # fmt: skip
    coming = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Message] = []
    left = asyncio.Event()

    async def receive() -> Message:
        if not coming:
            await left.wait()
            return {"type": "http.disconnect"}
        return coming.pop()

    async def send(message: Message) -> None:
        sent.append(message)
        if len(sent) > 1 and dict(sent[0]["headers"])[b"content-type"].startswith(b"text/event-stream"):
            left.set()

    async with asyncio.timeout(30):
        await app(scope, receive, send)  # type: ignore[arg-type]  # Hypercorn's types of the same
    start, *pieces = sent
    said = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], said, b"".join(piece.get("body", b"") for piece in pieces))
