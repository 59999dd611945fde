"""The loader of the benchmark sees what goes wrong: a flattering number is worse than none."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.contestants import QUART_CHAT
from tests.connections import accepting
from tests.serving import serving

Fan = Callable[[int, bytes, list[asyncio.StreamWriter]], None]
"""What a server does with the message of a number: writes its event to the streams, or fails to."""

READERS = 4


def event(text: bytes) -> bytes:
    data = b"data: " + text + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


def faithful(number: int, text: bytes, streams: list[asyncio.StreamWriter]) -> None:
    for stream in streams:
        stream.write(event(text))


def loses(number: int, text: bytes, streams: list[asyncio.StreamWriter]) -> None:
    faithful(number, text, streams[1:] if number == 8 else streams)


def doubles(number: int, text: bytes, streams: list[asyncio.StreamWriter]) -> None:
    faithful(number, text, streams)
    if number == 8:
        streams[2].write(event(text))


held: list[bytes] = []


def poster(text: bytes) -> bytes:
    return text.partition(b"@@")[2].partition(b".")[0]


def swaps(number: int, text: bytes, streams: list[asyncio.StreamWriter]) -> None:
    """Two of one poster. Of two posters nobody can say who was first."""
    if number == 8:
        held.append(text)
        return
    faithful(number, text, streams)
    if held and poster(held[0]) == poster(text):
        faithful(number, held.pop(), streams)


def closes(number: int, text: bytes, streams: list[asyncio.StreamWriter]) -> None:
    faithful(number, text, streams)
    if number == 8:
        streams[0].close()


def invents(number: int, text: bytes, streams: list[asyncio.StreamWriter]) -> None:
    faithful(number, text, streams)
    if number == 8:
        faithful(number, b"@@0.999.1@@", streams)


@asynccontextmanager
async def served(fan: Fan) -> AsyncIterator[int]:
    """The port of a server that fans out in this way."""
    streams: list[asyncio.StreamWriter] = []
    number = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal number
        while head := await reader.readuntil(b"\r\n\r\n"):
            if head.startswith(b"GET"):
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + event(b"hello"))
                streams.append(writer)
                continue
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            text = await reader.readexactly(length)
            number += 1
            fan(number, text, streams)
            writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    async with accepting(serve) as port:
        yield port


async def load(build: Path, port: int, *arguments: str) -> tuple[int, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        build / "load", "--port", str(port), "--seconds", "0.5", "--drain", "20", *arguments,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, json.loads(out)


async def test_faithful_server_is_valid_and_every_delivery_counted(build: Path) -> None:
    async with served(faithful) as port:
        code, found = await load(build, port, "--readers", str(READERS), "--posters", "1", "--lockstep")
    assert (code, found["valid"], found["problem"]) == (0, True, "")
    assert found["deliveries"] == READERS * found["posts"] > 0
    assert found["orders"] == 1


@pytest.mark.parametrize(
    ("fan", "said"),
    [
        (loses, "a reader was sent message"),
        (doubles, "a reader was sent message"),
        (swaps, "a reader was sent message"),
        (closes, "a reader was closed"),
        (invents, "nobody posted"),
    ],
)
async def test_unfaithful_server_makes_the_run_invalid(build: Path, fan: Fan, said: str) -> None:
    held.clear()
    # It ends where the fault is seen: what is long is only how late a slow machine may come to it.
    arguments = ("--readers", str(READERS), "--posters", "2", "--rate", "60", "--seconds", "20")
    async with served(fan) as port:
        code, found = await load(build, port, *arguments)
    assert (code, found["valid"]) == (1, False)
    assert said in found["problem"]


async def test_message_that_nobody_gets_is_lost(build: Path) -> None:
    async with served(lambda number, text, streams: None) as port:
        arguments = ("--readers", "2", "--posters", "1", "--warmup", "0", "--rate", "20", "--drain", "1")
        code, found = await load(build, port, *arguments)
    assert (code, found["valid"]) == (1, False)
    assert found["lost"] > 0


async def test_quart_chat_is_loaded_as_people_use_it(build: Path, tmp_path: Path) -> None:
    async with serving(tmp_path, limits="off") as server:
        port = int(server.bind.split(":")[1])
        arguments = (*QUART_CHAT.load, "--readers", "20", "--posters", "3", "--pages", "/rooms/lobby", "--clients", "2")
        code, found = await load(build, port, *arguments)
    assert (code, found["problem"]) == (0, "")
    assert found["deliveries"] == 20 * found["posts"] > 0
    assert found["pages"] > 0
