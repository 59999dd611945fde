"""What is received and not whole yet, and what is sent and not taken yet, is bounded, by address and in all."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import httpx
import pytest

from quart_chat.asgi import App, Message, Receive, Scope, Send
from quart_chat.http import connection as http_connection
from quart_chat.http.underway import UnderWay
from quart_chat.text import TEXT_LENGTH
from quart_chat.web import streams
from tests.people import Person, client
from tests.streaming.servers import Hosted, hosted
from tests.streaming.wire import Wire, eventually, wire

FORM = "application/x-www-form-urlencoded"

TYPED = 50_000
"""Bytes of an unfinished form."""


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Hosted]:
    """Who may have two forms and a large page under way; all together three forms."""
    async with hosted(tmp_path, limits="on") as running:
        running.serving.bodies = UnderWay(2 * TYPED, 3 * TYPED, limited=True)
        running.serving.answers = UnderWay(100_000, 10_000_000, limited=True)
        yield running


async def begin(host: Hosted, connection: Wire) -> None:
    head = f"POST /rooms/lobby/messages HTTP/1.1\r\nHost: {host.bind}\r\nOrigin: {host.url}\r\nContent-Type: {FORM}\r\n"
    await connection.send(f"{head}Content-Length: {TYPED + 1}\r\n\r\n".encode() + b"x" * TYPED)


async def is_busy(host: Hosted, address: str) -> bool:
    """Whether somebody at `address` can send nothing at the moment."""
    async with Person("Ana", host.url, address=address) as somebody:
        answer = await somebody.send("/rooms/lobby/messages", text="hello", name="Ana", key="k" * 22)
    assert answer.status_code in (200, 201, 503), answer.text
    if answer.status_code != 503:
        return False
    assert (answer.headers["Chat-Error"], answer.headers["Retry-After"]) == ("busy", "5")
    assert "Too much is on its way" in answer.text
    return True


def taken(under_way: UnderWay) -> int:
    return under_way._total


async def test_unfinished_forms_of_an_address_are_bounded_and_then_those_of_all(host: Hosted) -> None:
    async with AsyncExitStack() as stack:
        for count in (1, 2):
            assert not await is_busy(host, "127.0.0.1")
            await begin(host, await stack.enter_async_context(wire(host.bind)))
            await eventually(lambda count=count: taken(host.serving.bodies) == count * (TYPED + 1))
        assert await is_busy(host, "127.0.0.1")
        assert not await is_busy(host, "127.0.0.2"), "an address bounds itself alone"
        async with client(host.url) as reader:
            assert (await reader.get("/rooms/lobby")).status_code == 200, "reading sends nothing"
        host.serving.bodies._everybody = 2 * TYPED
        assert await is_busy(host, "127.0.0.2")
        host.serving.bodies._everybody = 3 * TYPED
    await eventually(lambda: taken(host.serving.bodies) == 0)
    assert not await is_busy(host, "127.0.0.1")
    assert host.serving.bodies._taken == {}


async def fill(host: Hosted) -> None:
    """Make a room whose page has 160 kB."""
    async with Person("Ana", host.url) as ana:
        for _ in range(9):
            await ana.post_message("&" * TEXT_LENGTH)


async def ask(host: Hosted, stack: AsyncExitStack) -> Wire:
    """Ask for that page, and read nothing of it."""
    connection = await stack.enter_async_context(wire(host.bind, window=4096))
    await connection.request("/rooms/lobby", times=40)
    return connection


async def page(host: Hosted, address: str) -> httpx.Response:
    async with client(host.url, address) as reader:
        return await reader.get("/rooms/lobby", headers={"Accept-Encoding": "identity"})


async def test_answers_that_nobody_takes_are_bounded_and_given_up(
    host: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(host)
    assert len((await page(host, "127.0.0.1")).content) > 100_000
    async with AsyncExitStack() as stack:
        # Asked for again and again on one connection: the first answers fill the kernel's buffers.
        await ask(host, stack)
        await eventually(lambda: taken(host.serving.answers) > 100_000)
        answer = await page(host, "127.0.0.1")
        assert (answer.status_code, answer.headers["Chat-Error"], answer.headers["Retry-After"]) == (503, "busy", "5")
        assert (await page(host, "127.0.0.2")).status_code == 200, "an address bounds itself alone"
    await eventually(lambda: taken(host.serving.answers) == 0)
    monkeypatch.setattr(http_connection, "PATIENCE", 1.0)
    async with AsyncExitStack() as stack:
        connection = await ask(host, stack)
        await eventually(lambda: taken(host.serving.answers) > 0)
        await eventually(lambda: taken(host.serving.answers) == 0)
        assert (await page(host, "127.0.0.1")).status_code == 200
        with suppress(ConnectionError):  # what it still has comes, and then the end
            while await connection.read():
                pass
    assert host.serving.answers._taken == {}


class BrokenOff:
    """ASGI middleware that counts the answers whose end was not sent."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ended = False

        async def watched(message: Message) -> None:
            nonlocal ended
            await send(message)
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)

        await self._app(scope, receive, watched)
        self.count += scope["type"] == "http" and not ended


async def test_polls_that_nobody_takes_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "PATIENCE", 0.2)
    seen: list[BrokenOff] = []

    def around(app: App) -> App:
        seen.append(BrokenOff(app))
        return seen[0]

    async with hosted(tmp_path, around=around) as host:
        await fill(host)
        path = f"/rooms/lobby/poll?after={host.serving.chat.epoch}.0"
        async with wire(host.bind, window=4096) as connection:
            # One after the other on one connection: the first of them fill the kernel's buffers.
            await connection.request(path, times=250)
            await eventually(lambda: seen[0].count == 1)
        async with client(host.url) as reader:
            assert (await reader.get(path)).status_code == 200


def test_networks_have_a_share_of_their_own() -> None:
    under_way = UnderWay(10, 1000, limited=True)
    for number in range(8):
        assert under_way.has_room(f"2001:db8:0:{number}::/64")
        under_way.take(f"2001:db8:0:{number}::/64", 10)
    assert not under_way.has_room("2001:db8:0:8::/64")
    assert under_way.has_room("2001:db8:1::/64")
    for number in range(8):
        under_way.give_back(f"2001:db8:0:{number}::/64", 10)
    assert under_way.has_room("2001:db8:0:8::/64")
    assert under_way._taken == {}
