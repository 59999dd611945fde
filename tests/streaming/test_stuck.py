"""Who stops reading is let go, wherever in its stream that happens: its replay holds neither memory nor a stop up."""

import asyncio
import socket
from contextlib import aclosing
from pathlib import Path

import pytest

from quart_chat.streaming import queue_reader as reader_module
from quart_chat.streaming.forms import HTML
from quart_chat.streaming.reader import Reason
from tests.connections import accepting
from tests.sse import Parser
from tests.streaming.engine import Engine, engine

HELLO, HEARTBEAT, REPLAY, LIVE = 1, 2, 3, 4
PIECES = [HELLO, HEARTBEAT, REPLAY, LIVE]
"""The piece of its stream that a reader does not take."""


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "PATIENCE", 0.05)


async def stuck(running: Engine, piece: int, age: float = 600.0) -> asyncio.Task[None]:
    """A sender that is held up for ever with that piece of a stream."""
    held_up = asyncio.Event()

    async def send() -> None:
        async with aclosing(running.stream(await running.feed(), running.at(0), age=age)) as body:
            for _ in range(piece):
                await anext(body)
            held_up.set()
            await asyncio.Event().wait()

    await running.post("missed")
    sender = asyncio.create_task(send())
    if piece == LIVE:
        while not (await running.feed()).readers:
            await asyncio.sleep(0)
        await running.post("live")
    await held_up.wait()
    return sender


@pytest.mark.parametrize("piece", PIECES, ids=["hello", "heartbeat", "replay", "live"])
async def test_stuck_stream_is_cut_off_when_it_is_old(tmp_path: Path, piece: int) -> None:
    async with engine(tmp_path, heartbeat=0.05) as running, asyncio.timeout(10):
        sender = await stuck(running, piece, age=0.2)
        await asyncio.wait({sender})
        assert sender.cancelled()
        assert not running.feeds.open_streams


@pytest.mark.parametrize("piece", PIECES, ids=["hello", "heartbeat", "replay", "live"])
async def test_stuck_stream_is_cut_off_long_before_it_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(reader_module, "STALLED", 0.1)
    async with engine(tmp_path, heartbeat=0.05) as running, asyncio.timeout(10):
        sender = await stuck(running, piece)
        await asyncio.wait({sender})
        assert sender.cancelled()


@pytest.mark.parametrize("piece", PIECES, ids=["hello", "heartbeat", "replay", "live"])
async def test_stuck_stream_does_not_hold_a_stop_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr("quart_chat.streaming.feeds.DRAIN", 600.0)
    async with engine(tmp_path) as running, asyncio.timeout(10):
        sender = await stuck(running, piece)
        await running.feeds.drain()
        assert sender.cancelled()


async def test_stream_that_gets_stuck_with_its_farewell_is_cut_off(tmp_path: Path) -> None:
    async with engine(tmp_path) as running, asyncio.timeout(10):
        feed = await running.feed()

        async def send() -> None:
            async with aclosing(running.stream(feed, None)) as body:
                async for chunk in body:
                    if b"farewell" in chunk:
                        await asyncio.Event().wait()

        sender = asyncio.create_task(send())
        while not feed.readers:
            await asyncio.sleep(0)
        feed.close(Reason.SHUTDOWN)
        await asyncio.wait({sender})
        assert sender.cancelled()


async def test_stream_that_ends_in_its_replay_says_farewell_and_is_resumed(tmp_path: Path) -> None:
    async with engine(tmp_path) as running:
        for _ in range(100):
            await running.post("missed")
        parser, seen = Parser(), []
        feed = await running.feed()
        async with aclosing(running.stream(feed, running.at(0))) as body:
            for _ in range(REPLAY):
                seen += parser.feed(await anext(body))
            feed.close(Reason.SHUTDOWN)
            async for chunk in body:
                seen += parser.feed(chunk)
        last = int(parser.last_event_id.split(".")[1])
        assert [event.type for event in seen] == ["hello", "heartbeat", *["message"] * last, "farewell"]
        assert 0 < last < 100
        assert [entry.cursor for entry in await feed.entries_after(last, HTML, 1)] == [last + 1]


async def test_connection_that_is_never_read_is_closed_in_its_replay(tmp_path: Path) -> None:
    async with engine(tmp_path, heartbeat=0.05) as running, asyncio.timeout(10):
        for _ in range(40):
            await running.post("x" * 8000)
        begun = asyncio.Event()

        async def send(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            try:
                async with aclosing(running.stream(await running.feed(), running.at(0), age=0.2)) as body:
                    async for chunk in body:
                        writer.write(chunk)
                        begun.set()
                        await writer.drain()
            finally:
                writer.transport.abort()

        async with accepting(send) as port:
            with socket.socket() as never_read:
                never_read.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                never_read.setblocking(False)
                await asyncio.get_running_loop().sock_connect(never_read, ("127.0.0.1", port))
                await begun.wait()
                while running.feeds.open_streams:
                    await asyncio.sleep(0.01)
