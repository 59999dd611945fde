"""HTTP/2 without TLS: Hypercorn takes every upgrade to it, and nginx's usual lines for WebSockets let it through. It is
a tunnel past whatever the proxy checks. Under `quart-chat serve` it never begins; under Hypercorn's own command nothing
is to be had in it."""

import asyncio
import inspect
import secrets
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import pytest_asyncio
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset
from hypercorn.protocol.h11 import H11Protocol

from tests.connections import connected
from tests.network.processes import started
from tests.network.programs import find, need
from tests.network.reverse import nginx_stock
from tests.people import Person
from tests.serving import Server, serving
from tests.streaming.servers import Hosted, held, hosted
from tests.streaming.wire import eventually, wire

WEBSOCKETS = """
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
    proxy_set_header Host $host;
"""

FORM = "application/x-www-form-urlencoded"

SECONDS = 20


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("h2c")) as running:
        yield running


class Tunnel:
    """An HTTP/2 connection to `host`, in whatever way it has been made."""

    def __init__(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host = host
        self._reader = reader
        self._writer = writer
        self._h2 = H2Connection()

    async def begin(self) -> None:
        """Simply start to speak it (https://www.rfc-editor.org/rfc/rfc9113#section-3.3)."""
        self._h2.initiate_connection()
        await self._flush()

    async def upgrade(self, path: str = "/") -> str:
        """Ask for it in HTTP/1.1 (https://www.rfc-editor.org/rfc/rfc7540#section-3.2); what the answer in it says."""
        settings = (self._h2.initiate_upgrade_connection() or b"").decode()
        self._writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            f"Upgrade: h2c\r\nHTTP2-Settings: {settings}\r\n\r\n".encode()
        )
        async with asyncio.timeout(SECONDS):
            head = await self._reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        await self._flush()
        return await self._answer(1)

    async def ask(self, method: str, path: str, body: str = "", **headers: str) -> str:
        """The status of an answer and its body, or "reset"."""
        stream = self._h2.get_next_available_stream_id()
        named = [(":method", method), (":path", path), (":scheme", "http"), (":authority", self._host)]
        named += [(name.replace("_", "-"), value) for name, value in headers.items()]
        if method == "CONNECT":
            named.insert(1, (":protocol", "websocket"))
        self._h2.send_headers(stream, named, end_stream=not body and method != "CONNECT")
        if body:
            self._h2.send_data(stream, body.encode(), end_stream=True)
        await self._flush()
        return await self._answer(stream)

    async def _answer(self, stream: int) -> str:
        status, body = "", b""
        async with asyncio.timeout(SECONDS):
            while True:
                data = await self._reader.read(65536)
                if not data:
                    return "closed"
                for event in self._h2.receive_data(data):
                    match event:
                        case ResponseReceived(stream_id=found) if found == stream:
                            status = dict(event.headers or [])[b":status"].decode()
                        case DataReceived(stream_id=found) if found == stream:
                            body += event.data or b""
                        case StreamEnded(stream_id=found) if found == stream:
                            await self._flush()
                            return f"{status} {body.decode()}"
                        case StreamReset(stream_id=found) if found == stream:
                            return "reset"
                        case ConnectionTerminated():
                            return "closed"
                await self._flush()

    async def _flush(self) -> None:
        self._writer.write(self._h2.data_to_send())
        await self._writer.drain()


@asynccontextmanager
async def tunnel(bind: str) -> AsyncIterator[Tunnel]:
    host, port = bind.split(":")
    async with connected(host, port) as (reader, writer):
        yield Tunnel(bind, reader, writer)


def is_refusal(answer: str) -> bool:
    return answer in ("reset", "closed") or (answer.startswith("505 ") and "HTTP/1.1" in answer)


async def nothing_is_to_be_had(server: Hosted, through: Tunnel) -> None:
    """Ask for everything there is."""
    text = f"smuggled {secrets.token_hex(8)}"
    form = f"text={text.replace(' ', '+')}&name=Mallory"
    origin = {"origin": server.url, "content_type": FORM, "hx_request": "true"}
    answers = [
        await through.ask("GET", "/"),
        await through.ask("GET", "/rooms/lobby"),
        await through.ask("GET", "/rooms/lobby", cookie="quart_chat=x", sec_fetch_site="same-origin"),
        await through.ask("GET", "/rooms/lobby/messages"),
        await through.ask("GET", "/rooms/lobby/stream", accept="text/event-stream"),
        await through.ask("GET", "/rooms/lobby/poll?wait=25"),
        await through.ask("GET", "/healthz"),
        await through.ask("GET", "/nowhere"),
        await through.ask("HEAD", "/rooms/lobby/stream"),
        await through.ask("OPTIONS", "/rooms/lobby/messages"),
        await through.ask("POST", "/rooms/lobby/messages", form, **origin),
        await through.ask("PUT", "/rooms/lobby/messages/1", form, **origin),
        await through.ask("POST", "/rooms", "name=smuggled", **origin),
    ]
    bodiless = {8}
    assert [answer for number, answer in enumerate(answers) if not is_refusal(answer) and number not in bodiless] == []
    assert answers[8].startswith("505 ")
    for path in ("/rooms/lobby/stream", "/diagnose/websocket", "/"):
        assert (await through.ask("CONNECT", path, sec_websocket_version="13")).split()[0] in ("403", "505", "reset")
    async with Person("Alice", server.url) as alice:
        assert text not in (await alice.client.get("/rooms/lobby")).text
        assert "smuggled" not in (await alice.client.get("/")).text


async def test_nothing_is_to_be_had_in_it_under_hypercorns_own_command(tmp_path: Path) -> None:
    async with hosted(tmp_path) as host:
        async with tunnel(host.bind) as through:
            assert is_refusal(await through.upgrade("/rooms/lobby"))
            await nothing_is_to_be_had(host, through)
        async with tunnel(host.bind) as through:
            assert is_refusal(await through.upgrade("/rooms/lobby/stream"))
        async with tunnel(host.bind) as through:
            await through.begin()
            await nothing_is_to_be_had(host, through)


def test_hypercorn_decides_about_it_where_this_server_steps_in() -> None:
    method = vars(H11Protocol).get("_check_protocol")
    assert inspect.iscoroutinefunction(method), (
        "Hypercorn decides elsewhere now whether a connection goes over to HTTP/2: see server._keep_to_http_1"
    )
    assert list(inspect.signature(method).parameters)[1:] == ["event"]


UPGRADE = (
    "GET /rooms/lobby HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n"
)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\4\0\0\0\0\0"
PING = b"\0\0\x08\6\0\0\0\0\0" + b"quartcht"


async def test_upgrade_is_answered_as_if_nobody_had_asked_for_it(server: Server) -> None:
    async with wire(server.bind) as connection:
        await connection.send(UPGRADE.format(host=server.bind).encode())
        await connection.read_until(lambda at: b"</html>" in at.received)
        assert connection.head.startswith("HTTP/1.1 200")
        assert "h2c" not in connection.head


async def test_what_begins_as_http_2_is_refused_and_closed_at_once(server: Server) -> None:
    async with wire(server.bind) as connection:
        with suppress(ConnectionError):  # from sending into what is closed
            await connection.send(PREFACE + SETTINGS + PING * 50_000)
        with suppress(ConnectionError):
            await connection.read_to_the_end()
        assert connection.received[:10] in (b"HTTP/1.1 4", b"HTTP/1.1 5"), connection.received[:200]
        assert len(connection.received) < 10_000, "no ping is answered"
        await eventually(lambda: held(server, [connection]) == 0)


async def test_proxy_that_passes_upgrades_makes_no_tunnel(server: Server) -> None:
    need("nginx")
    proxy = nginx_stock(server.bind, WEBSOCKETS)
    async with started(proxy), wire(f"127.0.0.1:{proxy.port}") as connection:
        await connection.send(UPGRADE.format(host=server.bind).encode())
        await connection.read_until(lambda at: b"</html>" in at.received)
        assert connection.head.startswith("HTTP/1.1 200")


@pytest.mark.parametrize(("way", "said"), [("--http2", "200"), ("--http2-prior-knowledge", "000")])
async def test_curl_is_told_what_the_server_speaks(server: Server, way: str, said: str) -> None:
    if find("curl") is None:
        pytest.skip("NOT RUN: curl not found (on Debian: apt-get install curl)")
    curl = [
        find("curl") or "",
        "--silent",
        "--max-time",
        str(SECONDS),
        "--noproxy",
        "*",
        "--write-out",
        " %{http_code}",
    ]
    ended = await asyncio.to_thread(
        subprocess.run,
        [*curl, way, f"{server.url}/rooms/lobby"],
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode in (1, 2):
        pytest.skip("NOT RUN: this curl knows no HTTP/2")
    assert ended.stdout.endswith(f" {said}"), ended
    assert ended.returncode != 28, "it was told at once"
