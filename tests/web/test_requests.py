"""Requests are handled in as few tasks as they need: what that must not change."""

import asyncio
from contextlib import AsyncExitStack

from tests.people import Person
from tests.serving import Server
from tests.streaming.servers import held
from tests.streaming.wire import eventually, wire


async def test_body_that_comes_in_pieces_is_whole(server: Server, alice: Person, room: str) -> None:
    body = b"text=hello+from+afar&name=Ana&key=abc"
    head = f"POST /rooms/{room}/messages HTTP/1.1\r\nHost: {server.bind}\r\nOrigin: {server.url}\r\n"
    head += f"HX-Request: true\r\nContent-Length: {len(body)}\r\n\r\n"
    async with wire(server.bind) as connection:
        await connection.send(head.encode())
        for start in range(0, len(body), 10):
            await asyncio.sleep(0.01)
            await connection.send(body[start : start + 10])
        await connection.read_until(lambda at: b"</article>" in at.received)
        assert connection.head.startswith("HTTP/1.1 201")
    assert "hello from afar" in (await alice.client.get(f"/rooms/{room}")).text


async def test_body_that_says_it_is_too_large_is_refused_before_it_comes(server: Server, room: str) -> None:
    head = f"POST /rooms/{room}/messages HTTP/1.1\r\nHost: {server.bind}\r\nOrigin: {server.url}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 900000000\r\n\r\n"
    async with wire(server.bind) as connection:
        await connection.send(head.encode() + b"text=hello")
        await connection.read_until(lambda at: b"\r\n\r\n" in at.received)
        assert connection.head.startswith("HTTP/1.1 413")


async def test_large_body_that_keeps_coming_does_not_keep_the_connection(server: Server, room: str) -> None:
    head = f"POST /rooms/{room}/messages HTTP/1.1\r\nHost: {server.bind}\r\nOrigin: {server.url}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 900000000\r\n\r\n"
    async with wire(server.bind) as connection:
        coming = asyncio.create_task(connection.send(head.encode() + b"x" * 8_000_000))
        await connection.read_until(lambda at: b"\r\n\r\n" in at.received)
        assert connection.head.startswith("HTTP/1.1 413")
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        connection.close()
        await eventually(lambda: held(server, [connection]) == 0)


async def test_body_of_a_stream_or_poll_that_is_answered_at_once_does_not_keep_the_connection(
    server: Server, room: str
) -> None:
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(wire(server.bind)) for _ in range(8)]
        coming = []
        for number, connection in enumerate(wires):
            path = f"/rooms/{room}/poll" if number % 2 else "/rooms/nobody-has-made-it/stream"
            head = f"GET {path} HTTP/1.1\r\nHost: {server.bind}\r\nContent-Length: 900000000\r\n\r\n"
            coming.append(asyncio.create_task(connection.send(head.encode() + b"x" * 8_000_000)))
        for connection in wires:
            await connection.read_until(lambda at: b"\r\n\r\n" in at.received)
        for sending in coming:
            sending.cancel()
        await asyncio.gather(*coming, return_exceptions=True)
        for connection in wires:
            connection.close()
        await eventually(lambda: held(server, wires) == 0)


async def test_client_that_leaves_in_the_middle_posts_nothing(server: Server, alice: Person, room: str) -> None:
    head = f"POST /rooms/{room}/messages HTTP/1.1\r\nHost: {server.bind}\r\nOrigin: {server.url}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\n"
    async with wire(server.bind) as connection:
        await connection.send(head.encode() + b"text=unfinished&name=Ana")
    posted = await alice.post_message("whole", room=room)
    page = (await alice.client.get(f"/rooms/{room}")).text
    assert f'id="message-{posted.message_id}"' in page
    assert "unfinished" not in page
