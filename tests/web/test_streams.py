"""The stream as a reader gets it."""

import asyncio
import json
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from tests.people import Fragment, Listener, Person
from tests.serving import Server, serving
from tests.sse import Parser
from tests.streaming.servers import hosted
from tests.streaming.wire import wire
from tests.web.conftest import new_room

HEARTBEAT = 0.2
REPLAY_LIMIT = 5


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def brisk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server for which little time passes between heartbeats, and few events make an age."""
    settings = {"heartbeat": str(HEARTBEAT), "replay_limit": str(REPLAY_LIMIT), "stream_age": "0.3"}
    async with serving(tmp_path_factory.mktemp("brisk"), limits="off", **settings) as running:
        yield running


@pytest.fixture
async def carol(brisk: Server) -> AsyncIterator[Person]:
    async with Person("Carol", brisk.url) as person:
        yield person


async def texts(stream: Listener, count: int) -> list[str]:
    return [Fragment((await stream.next("message")).data).text for _ in range(count)]


def position(cursor: str) -> int:
    return int(cursor.split(".")[1])


def epoch(stream: Listener) -> str:
    return stream.hello.last_event_id.split(".")[0]


async def test_message_reaches_a_listening_reader(alice: Person, bob: Person, room: str) -> None:
    async with bob.listen(room=room) as stream:
        await alice.post_message("hello", room=room)
        event = await stream.next("message")
    assert Fragment(event.data).text == "hello"


async def test_stop_says_farewell_and_exits_cleanly(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, Person("Bob", server.url) as bob, bob.listen() as stream:
        code = await server.stop()
        farewell = (await stream.rest())[-1]
    assert (code, farewell.type) == (0, "farewell")


async def test_headers_keep_proxies_from_holding_the_stream_back(bob: Person, room: str) -> None:
    async with bob.listen(room=room) as stream:
        headers = stream.response.headers
    assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache, no-transform"
    assert headers["X-Accel-Buffering"] == "no"
    assert "Content-Length" not in headers


async def test_first_event_comes_at_once_and_fills_a_scanners_buffer(bob: Person, room: str) -> None:
    opening = b""
    async with bob.client.stream("GET", f"/rooms/{room}/stream") as response:
        async for chunk in response.aiter_bytes():
            opening += chunk
            if b"\n\n" in opening:
                break
    assert opening.index(b"\n\n") >= 4096
    (hello,) = Parser().feed(opening)
    assert hello.type == "hello"
    assert json.loads(hello.data) == {"cursor": hello.last_event_id, "heartbeat": 15.0}


async def test_second_event_comes_at_once_and_in_a_piece_of_its_own(alice: Person, bob: Person, room: str) -> None:
    """Some scanners hold the first event back until a second comes. It names what the reader has, not what follows."""
    await alice.post_message("missed", room=room)
    chunks: list[bytes] = []
    async with bob.listen(room=room) as stream:
        start = f"{epoch(stream)}.0"
    async with bob.client.stream("GET", f"/rooms/{room}/stream?after={start}") as response:
        async for chunk in response.aiter_raw():
            chunks.append(chunk)
            if b"missed" in chunk:
                break
    parser = Parser()
    first, second, *_ = [[(event.type, event.data) for event in parser.feed(chunk)] for chunk in chunks]
    assert [type for type, _ in first] == ["hello"]
    assert second == [("heartbeat", start)]


@pytest.mark.parametrize("way", ["header", "query"])
async def test_returning_reader_gets_what_it_missed(alice: Person, bob: Person, room: str, way: str) -> None:
    async with bob.listen(room=room) as stream:
        await alice.post_message("seen", room=room)
        last = (await stream.next("message")).last_event_id
    for text in ("missed one", "missed two"):
        await alice.post_message(text, room=room)
    resumed = bob.listen(room=room, after=last) if way == "header" else bob.listen(room=room, query=f"?after={last}")
    async with resumed as stream:
        await alice.post_message("live", room=room)
        assert await texts(stream, 3) == ["missed one", "missed two", "live"]


async def test_header_wins_over_the_address(alice: Person, bob: Person, room: str) -> None:
    """A page's address stays the one it began with; the header is where the stream really broke off."""
    for text in ("one", "two", "three"):
        await alice.post_message(text, room=room)
    async with bob.listen(room=room) as stream:
        start = f"{epoch(stream)}.0"
        later = f"{epoch(stream)}.2"
    async with bob.listen(room=room, after=later, query=f"?after={start}") as stream:
        assert await texts(stream, 1) == ["three"]


async def test_edits_and_deletions_are_replayed_without_the_old_text(alice: Person, bob: Person, room: str) -> None:
    edited = await alice.post_message("frist", room=room)
    deleted = await alice.post_message("plover", room=room)
    await alice.edit_message(edited.message_id, "first", room=room)
    await alice.delete_message(deleted.message_id, room=room)
    async with bob.listen(room=room) as stream:
        start = f"{epoch(stream)}.0"
    async with bob.listen(room=room, after=start) as stream:
        events = [await stream.next("message") for _ in range(4)]
    assert [position(event.last_event_id) for event in events] == [1, 2, 3, 4]
    assert [Fragment(event.data).text for event in (events[0], events[2])] == ["first", "first"]
    assert not [event for event in events if "plover" in event.data or "frist" in event.data]


@pytest.mark.parametrize(
    "cursor", ["elsewhere.1", "{epoch}.999999", "{epoch}.0", "nonsense", "{epoch}.-1", "{epoch}." + "9" * 30],
    ids=["foreign", "future", "expired", "no cursor", "negative", "huge"],
)  # fmt: skip
async def test_cursor_that_cannot_be_continued_is_reset(carol: Person, brisk: Server, cursor: str) -> None:
    room = await new_room(brisk)
    for number in range(REPLAY_LIMIT + 1):
        await carol.post_message(f"text {number}", room=room)
    async with carol.listen(room=room) as stream:
        cursor = cursor.format(epoch=epoch(stream))
    async with carol.listen(room=room, after=cursor) as stream:
        reset = await stream.next()
        assert (reset.type, position(reset.last_event_id)) == ("reset", REPLAY_LIMIT + 1), "and no heartbeat before it"
        await carol.post_message("live", room=room)
        assert await texts(stream, 1) == ["live"], "the stream goes on from the head"


async def test_heartbeat_is_named_and_carries_the_head(carol: Person, brisk: Server) -> None:
    room = await new_room(brisk)
    async with carol.listen(room=room) as stream:
        before = await stream.next("heartbeat")
    await carol.post_message("hello", room=room)
    async with carol.listen(room=room) as stream:
        after = await stream.next("heartbeat")
        assert json.loads(stream.hello.data)["heartbeat"] == HEARTBEAT
    assert [position(event.data) for event in (before, after)] == [0, 1]


async def test_old_stream_ends_with_a_farewell_and_is_resumed(carol: Person, brisk: Server) -> None:
    room = await new_room(brisk)
    async with carol.listen(room=room) as stream:
        *_, last = await stream.rest()
    assert last.type == "farewell"
    assert 0 <= json.loads(last.data)["retry"] <= 1000
    await carol.post_message("meanwhile", room=room)
    async with carol.listen(room=room, after=last.last_event_id) as stream:
        assert await texts(stream, 1) == ["meanwhile"]


async def test_retry_comes_only_with_data(carol: Person, brisk: Server) -> None:
    """hx-sse ignores a block that has nothing but `retry:`."""
    async with carol.client.stream("GET", f"/rooms/{await new_room(brisk)}/stream", timeout=None) as response:
        blocks = (await response.aread()).split(b"\n\n")
    with_retry = [block for block in blocks if b"\nretry: " in b"\n" + block]
    assert len(with_retry) == 2, "hello and farewell"
    assert all(b"\ndata: " in block for block in with_retry)


async def test_head_request_ends_at_once(bob: Person, room: str) -> None:
    answer = await bob.client.head(f"/rooms/{room}/stream")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"].startswith("text/event-stream")


@pytest.mark.parametrize("address", ["stream", "poll"])
async def test_unknown_room_is_not_found_and_never_a_page(bob: Person, address: str) -> None:
    """hx-sse asks again and again when it gets a page; a poller would put it among the messages."""
    answer = await bob.client.get(f"/rooms/nowhere/{address}")
    assert (answer.status_code, answer.headers["Chat-Error"]) == (404, "room_not_found")
    assert "<html" not in answer.text


async def test_readers_see_one_order(alice: Person, bob: Person, mallory: Person, room: str) -> None:
    people = (alice, bob, mallory)
    for person in people:
        await person.post_message("here", room=room)
    async with alice.listen(room=room) as one, bob.listen(room=room) as two:
        await asyncio.gather(*(p.post_message(f"{p.name} {n}", room=room) for n in range(10) for p in people))
        seen = [[await stream.next("message") for _ in range(30)] for stream in (one, two)]
    assert seen[0] == seen[1]
    assert [position(event.last_event_id) for event in seen[0]] == list(range(4, 34))


async def test_reader_that_never_reads_stops_nobody(server: Server, alice: Person, bob: Person, room: str) -> None:
    with never_reading(server, room) as stuck:
        async with bob.listen(room=room) as stream:
            seen = asyncio.create_task(texts(stream, FILL + 1))
            await fill(alice, room)
            await alice.post_message("the end", room=room)
            assert (await seen)[-1] == "the end"
        received = await asyncio.to_thread(read_to_the_end, stuck)
    assert b"hello" in received
    assert b"the end" not in received, "it was closed, and would resume"


async def test_nobody_makes_the_server_send_megabytes_with_one_request(tmp_path: Path) -> None:
    """Whoever has missed more than a page could show is told to load that."""
    async with serving(tmp_path, limits="off", replay_bytes="100000") as server, Person("Alice", server.url) as alice:
        async with alice.listen() as stream:
            start = f"{epoch(stream)}.0"
        for _ in range(25):
            await alice.post_message("&" * 8000)
        async with alice.listen(after=start) as stream:
            assert (await stream.next()).type == "reset"
            await alice.post_message("live")
            assert await texts(stream, 1) == ["live"], "and from there it goes on"
        answer = await alice.client.get("/rooms/lobby/poll", params={"after": start})
        assert (answer.headers["Chat-Reset"], answer.content) == ("true", b"")


async def test_draining_server_sends_new_readers_away_and_is_not_held_up_by_a_replay_that_is_never_read(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, limits="off", replay_bytes=str(2**30)) as server, Person("Alice", server.url) as alice:
        async with alice.listen() as stream:
            start = f"{epoch(stream)}.0"
        await fill(alice, "lobby")
        # A replay that is never read keeps the server draining, long enough to ask it.
        with never_reading(server, "lobby", start):
            await settle(alice)
            async with alice.listen() as stream:
                assert server.process is not None
                server.process.terminate()
                await stream.next("farewell")
            for address in ("stream", "poll"):
                answer = await alice.client.get(f"/rooms/lobby/{address}")
                assert (answer.status_code, answer.headers["Chat-Error"]) == (503, "draining")
                assert "<html" not in answer.text
            assert await server.process.wait() == 0
        assert "did not end in time" not in server.log


async def test_replay_that_is_never_read_keeps_no_connection(tmp_path: Path) -> None:
    brief = {"stream_age": "1", "heartbeat": "0.2", "replay_bytes": str(2**30)}
    async with serving(tmp_path, limits="off", **brief) as server, Person("Alice", server.url) as alice:
        async with alice.listen() as stream:
            start = f"{epoch(stream)}.0"
        await fill(alice, "lobby")
        before = server.sockets
        with never_reading(server, "lobby", start):
            assert server.sockets > before
            async with asyncio.timeout(60):
                while server.sockets > before:
                    await asyncio.sleep(0.02)


FILL = 130
"""Messages of 40 KB, once escaped: more than the kernel's buffers and the server's hold for one connection."""


async def fill(person: Person, room: str) -> None:
    for _ in range(FILL):
        await person.post_message('"' * 8000, room=room)


async def settle(person: Person) -> None:
    """Let the server get on with what it is doing for others, until it is held up."""
    for _ in range(200):
        await person.client.get("/healthz")


def never_reading(server: Server, room: str, after: str = "") -> socket.socket:
    """A connection that asks for the stream, and does not read the answer."""
    host, port = server.bind.split(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(10)
    connection.connect((host, int(port)))
    connection.sendall(f"GET /rooms/{room}/stream?after={after} HTTP/1.1\r\nHost: {server.bind}\r\n\r\n".encode())
    # One byte of the answer shows that the stream has begun.
    assert connection.recv(1) == b"H"
    return connection


def read_to_the_end(connection: socket.socket) -> bytes:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024 * 1024)
    received = b""
    while chunk := connection.recv(1024 * 1024):
        received += chunk
    return received


@pytest.mark.parametrize(
    ("statement", "body"),
    [
        ("ALTER TABLE events RENAME TO away", b'"reason": "unavailable"'),
        (f"UPDATE messages SET created_at = {10**17}", b""),
    ],
    ids=["cannot be read", "cannot be shown"],
)
async def test_stream_that_fails_when_it_has_begun_says_so_where_it_knows_why_and_is_broken_off_elsewhere(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    statement: str,
    body: bytes,
) -> None:
    monkeypatch.setattr("quart_chat.streaming.feed.REFILL", 0)
    async with hosted(tmp_path) as host, Person("Alice", host.url) as alice:
        await alice.post_message("more than a new feed knows of")
        await host.feed()
        with closing(sqlite3.connect(tmp_path / "chat.db")) as connection, connection:
            connection.execute(statement)
        async with wire(host.bind) as reader:
            await reader.request(f"/rooms/lobby/stream?after={host.serving.chat.epoch}.0")
            await reader.read_to_the_end()
            assert "200" in reader.head
            assert body in reader.body
            assert (b"farewell" in reader.body) == bool(body)
            assert b"more than" not in reader.body
    assert [record.message for record in caplog.records if record.name.startswith("hypercorn")] == []


async def test_stream_can_only_be_read(alice: Person, room: str) -> None:
    answer = await alice.send(f"/rooms/{room}/stream")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
