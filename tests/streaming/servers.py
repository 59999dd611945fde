"""Servers that carry the streams: `quart-chat serve`, the same with another reader, another ASGI server, and one in
this process whose feeds a test can look at."""

import asyncio
import re
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import hypercorn.asyncio
from hypercorn.config import Config as HypercornConfig
from quart import Quart

from quart_chat.app import create_app
from quart_chat.asgi import App
from quart_chat.config import Config
from quart_chat.domain import rooms
from quart_chat.domain.actors import CONSOLE
from quart_chat.http.context import EXTENSION
from quart_chat.http.serving import Serving
from quart_chat.streaming.feed import Feed
from quart_chat.streaming.reader import Reader
from tests.people import client
from tests.serving import START, Server, begin, environment
from tests.streaming.wire import Wire, eventually

WRAPPED = (sys.executable, "-P", Path(__file__).with_name("wrapped.py"))


class Uvicorn(Server):
    """The app under another ASGI server, of which quart-chat knows nothing."""

    async def start(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self.process = await begin(
                sys.executable, "-m", "uvicorn", "--factory", "quart_chat:create_app", "--ws", "none",
                # With httptools it does not tell the first of two requests that the peer is gone.
                "--http", "h11", "--host", "127.0.0.1", "--port", "0", "--no-access-log", "--no-use-colors",
                cwd=self.folder, env=environment(self.settings), stderr=log.fileno(),
            )  # fmt: skip
        async with asyncio.timeout(START):
            while not (found := re.search(r"running on http://([0-9.:]+) ", self.log)):
                assert self.process.returncode is None, self.log
                await asyncio.sleep(0.02)
        self.bind = found[1]


@asynccontextmanager
async def running(kind: str, folder: Path, **settings: str) -> AsyncIterator[Server]:
    """A server whose streams use the `socket` reader, or the `queue` reader (`wrapped`: under `quart-chat serve`)."""
    settings = {"limits": "off"} | settings
    match kind:
        case "socket":
            server = Server(folder, settings)
        case "queue":
            server = Uvicorn(folder, settings)
        case "wrapped":
            server = Server(folder, settings, command=WRAPPED)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


def held(server: Server, wires: Sequence[Wire]) -> int:
    """How many of these connections some process still has its end of: the server's, in the kernel's own table."""
    ends = {(int(server.bind.split(":")[1]), wire.port) for wire in wires}
    found = set()  # not a number: where connections come and go, the table shows one twice between two of its pages
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, *_, inode = line.split()[:10]
        if inode != "0":
            found.add((_port(local), _port(remote)))
    return len(found & ends)


def _port(address: str) -> int:
    return int(address.split(":")[1], 16)


@dataclass
class Hosted:
    """Hypercorn in this process, on a free port."""

    app: Quart
    url: str

    @property
    def bind(self) -> str:
        return self.url.split("//")[1]

    @property
    def serving(self) -> Serving:
        found: Serving = self.app.extensions[EXTENSION]
        return found

    async def feed(self, room: str = "lobby") -> Feed:
        return await self.serving.feeds.get(await rooms.find(self.serving.chat, room, CONSOLE))

    async def readers(self, count: int = 1, room: str = "lobby") -> list[Reader]:
        """Those of the streams that are live, once there are so many."""
        feed = await self.feed(room)
        await eventually(lambda: len(feed.readers) == count)
        return feed.readers


@asynccontextmanager
async def hosted(
    folder: Path,
    *,
    around: Callable[[App], App] = lambda app: app,
    certificate: tuple[Path, Path] | None = None,
    prepare: Callable[[Quart], None] = lambda app: None,
    limits: Literal["on", "off"] = "off",
    streams_per_address: int = 500,
) -> AsyncIterator[Hosted]:
    """`around` puts middleware on; `prepare` has the app before it is served; `certificate` comes with its key."""
    database = f"sqlite:///{folder}/chat.db"
    app = create_app(Config(database_url=database, limits=limits, streams_per_address=streams_per_address))
    prepare(app)
    app.asgi_app = around(app.asgi_app)  # type: ignore[assignment, method-assign]
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    settings = HypercornConfig.from_mapping(
        bind=[f"fd://{listening.detach()}"], alpn_protocols=["http/1.1"], graceful_timeout=2, loglevel="WARNING"
    )
    if certificate:
        settings.certfile, settings.keyfile = map(str, certificate)
    host = Hosted(app, f"{'https' if certificate else 'http'}://127.0.0.1:{port}")
    stop = asyncio.Event()
    server = asyncio.create_task(hypercorn.asyncio.serve(app, settings, shutdown_trigger=stop.wait))
    try:
        async with client(host.url) as anybody:
            assert (await anybody.get("/healthz")).status_code == 200
        yield host
        await host.serving.feeds.drain()
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await server
