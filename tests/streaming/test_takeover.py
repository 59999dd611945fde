"""Which reader carries a live stream, and that the fast one is taken where it can be.

`takeover/hypercorn.py` follows what is private to Hypercorn. Where a release moves that, streams go on through ASGI,
and nobody would notice but for the first test here.
"""

import asyncio
import gc
from pathlib import Path

import pytest

from quart_chat.http.context import HeldRequest
from quart_chat.streaming.queue_reader import QueueReader
from quart_chat.streaming.reader import Reader
from quart_chat.takeover.hypercorn import transport_of
from quart_chat.takeover.socket_reader import SocketReader
from tests.network import certificates
from tests.people import Person
from tests.streaming.servers import Hosted, hosted
from tests.streaming.wire import wire
from tests.streaming.wrapped import WrapsSend


async def carried(host: Hosted) -> type[Reader]:
    """The kind of reader that a stream of this server has, after it has brought a message."""
    async with Person("Alice", host.url) as alice, alice.listen() as stream:
        (reader,) = await host.readers()
        await alice.post_message("hello")
        assert "hello" in (await stream.next("message")).data
    return type(reader)


async def test_hypercorn_is_as_transport_py_knows_it(tmp_path: Path) -> None:
    async with hosted(tmp_path) as host:
        assert await carried(host) is SocketReader, (
            "Hypercorn has moved what takeover/hypercorn.py relies on: streams still work, at a fifth of their speed. "
            "Follow the way from ASGI's `send` to the connection anew."
        )


async def test_send_that_is_wrapped_is_left_alone(tmp_path: Path) -> None:
    async with hosted(tmp_path, around=WrapsSend) as host:
        assert await carried(host) is QueueReader


async def test_encrypted_connection_is_written_through_its_transport(tmp_path: Path) -> None:
    certificate = certificates.make().write(tmp_path)
    async with hosted(tmp_path, certificate=(certificate, certificate)) as host:
        assert await carried(host) is SocketReader


@pytest.mark.parametrize(
    ("version", "headers"),
    [("1.0", ""), ("1.1", "Content-Length: 5\r\n"), ("1.1", "Transfer-Encoding: chunked\r\n")],
    ids=["no chunks in HTTP/1.0", "a body is still to come", "chunks are still to come"],
)
async def test_stream_that_cannot_be_taken_over_goes_through_send(tmp_path: Path, version: str, headers: str) -> None:
    async with hosted(tmp_path) as host, wire(host.bind) as connection, Person("Alice", host.url) as alice:
        request = f"GET /rooms/lobby/stream HTTP/{version}\r\nHost: {host.bind}\r\n{headers}\r\n"
        await connection.send(request.encode())
        (reader,) = await host.readers()
        assert type(reader) is QueueReader
        await alice.post_message("hello")
        await connection.read_until(lambda at: b"hello" in at.received.partition(b"event: hello")[2])
        connection.close()
        await host.readers(0)


async def test_nothing_of_its_request_is_kept_for_a_live_stream(tmp_path: Path) -> None:
    async with (
        hosted(tmp_path) as host,
        Person("Alice", host.url) as alice,
        alice.listen(),
        alice.listen(),
        alice.listen(),
    ):
        await host.readers(3)
        await asyncio.sleep(0)
        gc.collect()
        kept = [found for found in gc.get_objects() if isinstance(found, HeldRequest)]
        assert not [found for found in kept if found.host == host.bind]


@pytest.mark.parametrize("send", [None, object(), print, "".join, Path().exists])
def test_whatever_is_unknown_has_no_transport(send: object) -> None:
    assert transport_of(send) is None
