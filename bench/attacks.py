"""What one hostile client sends, over and over. All of it is bounded, and goes to the loopback address alone."""

import asyncio
import itertools
import json
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import quote

REPEATED = 50

REHEARSED = 3
"""Times that each attack is repeated before anything is measured: what is kept for good is there then."""

FULL = 128 * 1024 - 200
"""Bytes of a form: what a request may have, but for its other fields."""

HELD = 3.0
"""Seconds for which connections are held whose client does nothing."""

TEXT = "%26" * 8000
"""The longest message of what has the longest HTML: 8,000 `&`."""

PATIENCE = 60.0
"""Seconds in which any of it must be over."""


@dataclass
class Target:
    """A server, and who attacks it: the proxy that it trusts names a client for each of its requests."""

    port: int
    client: str = "203.0.113.66"
    head: str = ""
    """The cursor of the lobby as it began."""
    repeated: int = REPEATED
    answers: dict[str, int] = field(default_factory=dict)
    """How often there was which status, or none."""

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> bytes:
        return self._request("GET", path, b"", headers)

    def post(self, path: str, body: bytes, *, client: str = "") -> bytes:
        said = {"Origin": self.origin, "HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded"}
        return self._request("POST", path, body, {**said, "Content-Length": str(len(body))}, client)

    def form(self, path: str, *, client: str = "", **fields: str) -> bytes:
        """`fields` are escaped already."""
        return self.post(path, "&".join(f"{name}={value}" for name, value in fields.items()).encode(), client=client)

    def _request(self, method: str, path: str, body: bytes, headers: dict[str, str], client: str = "") -> bytes:
        said = {"Host": f"127.0.0.1:{self.port}", "X-Forwarded-For": client or self.client, **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in said.items()]
        return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode() + body

    @asynccontextmanager
    async def connection(self, *, window: int | None = None) -> AsyncIterator[socket.socket]:
        made = socket.socket()
        if window is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        made.setblocking(False)
        with made:
            await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", self.port))
            yield made

    async def ask(self, request: bytes) -> bytes:
        """One request on a connection of its own, answered or not."""
        async with self.connection() as made, asyncio.timeout(PATIENCE):
            answer = b""
            last = request.replace(b"Host:", b"Connection: close\r\nHost:", 1)
            with suppress(ConnectionError):
                await asyncio.get_running_loop().sock_sendall(made, last)
                while part := await asyncio.get_running_loop().sock_recv(made, 65536):
                    answer += part
        status = answer[9:12].decode() or "none"
        self.answers[status] = self.answers.get(status, 0) + 1
        return answer

    async def hold(self, requests: list[bytes]) -> None:
        """Each on a connection of its own; nothing is read, and all are held."""
        async with AsyncExitStack() as stack:
            for request in requests:
                made = await stack.enter_async_context(self.connection(window=4096))
                with suppress(ConnectionError):
                    await asyncio.get_running_loop().sock_sendall(made, request)
            await asyncio.sleep(HELD)


Attack = Callable[[Target], Awaitable[None]]


async def prepare(target: Target) -> str:
    """Fill the lobby with long messages, each from another client, and look at everything. The cursor as it began."""
    poll = await target.ask(target.get("/rooms/lobby/poll"))
    began = poll.lower().partition(b"chat-cursor: ")[2].split()[0].decode()
    for number in range(1000):
        await target.ask(_message(target, TEXT, client=f"198.51.{number // 250}.{number % 250 + 1}"))
    for path in ("/rooms/lobby", "/rooms/lobby/messages", "/rooms/lobby/messages/1", "/", "/embed/lobby", "/diagnose"):
        for _ in range(20):
            await target.ask(target.get(path))
    return began


def _message(target: Target, text: str, name: str = "Eve", client: str = "") -> bytes:
    key = secrets.token_urlsafe(18)
    return target.form("/rooms/lobby/messages", client=client, key=key, text=text, name=name)


def again(make: Callable[[Target], bytes]) -> Attack:
    """The same request, one after the other."""

    async def attack(target: Target) -> None:
        for _ in range(target.repeated):
            await target.ask(make(target))

    return attack


def held(times: int, make: Callable[[Target], bytes]) -> Attack:
    """The same request on many connections at once, of which nothing is read."""

    async def attack(target: Target) -> None:
        await target.hold([make(target)] * times * target.repeated)

    return attack


def _filled(start: str, part: str) -> bytes:
    piece = part.encode()
    return start.encode() + piece * ((FULL - len(start)) // len(piece))


async def _pings(target: Target) -> None:
    """HTTP/2 without TLS, and 20,000 pings on each connection."""
    ping = b"\0\0\x08\6\0\0\0\0\0quartcht"
    settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
    for _ in range(target.repeated):
        async with target.connection() as made, asyncio.timeout(PATIENCE):
            loop = asyncio.get_running_loop()
            with suppress(ConnectionError):
                sending = asyncio.ensure_future(loop.sock_sendall(made, settings + ping * 20_000))
                with suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        while await loop.sock_recv(made, 65536):
                            pass
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)


async def _many_addresses(target: Target) -> None:
    """Messages from a /64 each, of one /48, as fast as they are answered: 50 times 20."""
    addresses = (f"2001:db8:0:{number:x}::1" for number in itertools.count())
    for _ in range(target.repeated):
        await asyncio.gather(*(target.ask(_message(target, "hello", client=next(addresses))) for _ in range(20)))


async def _many_rooms(target: Target) -> None:
    """New rooms, likewise: 50 times 4."""
    addresses = (f"2001:db8:1:{number:x}::1" for number in itertools.count())
    for _ in range(target.repeated):
        forms = (target.form("/rooms", client=next(addresses), name=secrets.token_hex(8)) for _ in range(4))
        await asyncio.gather(*map(target.ask, forms))


ACCENTS = "\u0315\u0300\u0327"
"""Of three classes, in the wrong order: normalising sorts them."""

ATTACKS: dict[str, Attack] = {
    # For comparison: where others wait long now, the machine has something else to do.
    "nothing": held(0, lambda to: b""),
    # What a request may hold.
    "name of accents, message": again(lambda to: to.post("/rooms/lobby/messages", _filled("text=a&name=a", ACCENTS))),
    "name of accents, room": again(lambda to: to.post("/rooms", _filled("name=a", ACCENTS))),
    "owner of accents, room": again(
        lambda to: to.post("/rooms", _filled(f"name={secrets.token_hex(8)}&key={'k' * 22}&owner=a", ACCENTS))
    ),
    "text of blanks": again(lambda to: to.post("/rooms/lobby/messages", _filled("name=a&text=", "\u00a0"))),
    "form of percent signs": again(lambda to: to.post("/rooms/lobby/messages", _filled("name=a&text=", "%"))),
    "list of 5,000 sites": again(lambda to: to.post("/rooms/lobby/embed", _filled("origins=", "https://ü.example "))),
    "site of accents": again(lambda to: to.post("/rooms/lobby/embed", _filled("origins=https://a", ACCENTS))),
    "token of nobody": again(lambda to: to.get("/rooms/lobby/identity", Chat_Token="e30." + "e30" * 1000 + ".AA")),
    "measurement": again(
        lambda to: to.get("/diagnose/verdict?measurement=" + quote(json.dumps({"times": [[1, 2]] * 1000}))[:14_000])
    ),
    "query of 7,000 fields": again(lambda to: to.get("/rooms/lobby?" + "a&" * 7_000)),
    "cookie of 15,000 crumbs": again(lambda to: to.get("/rooms/lobby", Cookie=";" * 15_000)),
    # What is under way.
    "250 pages, unread": held(5, lambda to: to.get("/rooms/lobby")),
    "250 older pages, unread": held(5, lambda to: to.get("/rooms/lobby/messages?before=900")),
    "50 streams from long ago, unread": held(1, lambda to: to.get(f"/rooms/lobby/stream?after={to.head}")),
    "50 polls from long ago": again(lambda to: to.get(f"/rooms/lobby/poll?after={to.head}")),
    "1,500 forms, unfinished": held(30, lambda to: to.post("/rooms/lobby/messages", _filled("text=", "x"))[:-1]),
    "pings in HTTP/2": _pings,
    # Who has many addresses.
    "1,000 messages from one /48": _many_addresses,
    "200 rooms from one /48": _many_rooms,
}
