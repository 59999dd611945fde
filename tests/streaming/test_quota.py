"""Streams and held polls of one address, and of one user, are bounded: the oldest goes, and nothing is left behind."""

import asyncio
import dataclasses
import gc
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from quart_chat.domain.networks import LARGER, shares
from quart_chat.streaming.quota import Seats
from quart_chat.streaming.reader import Reason, Viewer
from tests.people import Listener, Person
from tests.serving import Server, serving
from tests.streaming.engine import ANYBODY
from tests.streaming.servers import Hosted, hosted, running
from tests.streaming.wire import eventually, wire
from tests.streaming.wrapped import WrapsSend

KINDS = ["socket", "queue", "wrapped"]


def caller(address: str, user: str | None) -> Viewer:
    return dataclasses.replace(ANYBODY, address=address, user_key=user)


class Held:
    """Whatever holds a seat, and what it is told."""

    def __init__(self) -> None:
        self.closed: list[Reason] = []

    def close(self, reason: Reason) -> None:
        self.closed.append(reason)


def take(seats: Seats, count: int, address: str = "192.0.2.1", user: str | None = None) -> list[Held]:
    holders = [Held() for _ in range(count)]
    for holder in holders:
        seats.take(caller(address, user), holder)
    return holders


def gone(holders: list[Held]) -> list[int]:
    assert all(holder.closed in ([], [Reason.LIMIT]) for holder in holders)
    return [number for number, holder in enumerate(holders) if holder.closed]


def test_oldest_of_an_address_goes() -> None:
    seats = Seats(3, 100)
    here, elsewhere = take(seats, 5), take(seats, 3, "192.0.2.2")
    assert (gone(here), gone(elsewhere)) == ([0, 1], [])
    assert seats.taken() == (6, 0)


def test_oldest_of_a_user_goes_wherever_it_is() -> None:
    seats = Seats(100, 2)
    holders = [Held() for _ in range(4)]
    for number, holder in enumerate(holders):
        seats.take(caller(f"192.0.2.{number % 2}", "ana"), holder)
    assert gone(holders) == [0, 1]
    assert seats.taken() == (2, 2)
    assert gone(take(seats, 2, user="bo")) == []


def test_oldest_of_a_network_goes_though_its_addresses_have_one_each() -> None:
    for length, times in LARGER.items():
        seats = Seats(2, 100)
        apart = 2 ** (64 - length) // 256  # so that they share this network, and as few others as can be
        held = [take(seats, 1, f"2001:db8:0:{apart * number:x}::/64")[0] for number in range(2 * times + 3)]
        elsewhere = take(seats, 2, "2001:db9::/64")
        assert (gone(held), gone(elsewhere)) == ([0, 1, 2], []), length
        assert seats.taken() == (2 * times + 2, 0)


def test_who_has_left_is_not_counted_whoever_its_neighbours_are() -> None:
    for leaving in ([0], [1], [2], [0, 1], [1, 2], [0, 2], [2, 1, 0]):
        seats = Seats(3, 3)
        holders = [Held() for _ in range(3)]
        taken = [seats.take(caller("here", "ana"), holder) for holder in holders]
        for number in leaving:
            taken[number].leave()
            taken[number].leave()
        assert seats.taken() == (3 - len(leaving),) * 2
        more = take(seats, 3, "here", "ana")
        assert gone(holders) == [number for number in range(3) if number not in leaving]
        assert gone(more) == []


def test_nothing_is_kept_of_who_has_left_not_even_for_the_garbage_collector() -> None:
    seats = Seats(5, 3)
    for number in range(1000):
        shares(f"2001:db8:{number}::/64")  # which networks an address is in is kept, up to a bound
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for number in range(1000):
            seat = seats.take(caller(f"2001:db8:{number}::/64", f"user {number}"), Held())
            other = seats.take(caller(f"2001:db8:{number}::/64", None), Held())
            seat.leave()
            other.leave()
        del seat, other
        assert len(gc.get_objects()) - before < 50
    finally:
        gc.enable()
    assert seats.taken() == (0, 0)


@pytest.fixture(params=KINDS)
async def limited(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Server]:
    """Two streams for a user, three for an address; carried by either reader."""
    bounds = {"streams_per_address": "3", "streams_per_user": "2"}
    async with running(request.param, tmp_path, limits="on", **bounds) as server:
        yield server


async def end(stream: Listener) -> tuple[str, str, int]:
    """How a stream ends."""
    *_, last = await stream.rest()
    said = json.loads(last.data)
    return last.type, said["reason"], said["retry"]


async def says(streams: list[Listener], person: Person, text: str) -> None:
    """Assert that a message reaches all of them."""
    await person.post_message(text)
    for stream in streams:
        assert text in (await stream.next("message")).data


async def test_fourth_stream_of_an_address_ends_the_first_and_no_other(limited: Server) -> None:
    async with AsyncExitStack() as stack:
        alice = await stack.enter_async_context(Person("Alice", limited.url))
        program = await stack.enter_async_context(Person("Program", limited.url, address="127.0.0.2"))
        del program.client.headers["Origin"]
        first, *others = [await stack.enter_async_context(program.listen()) for _ in range(3)]
        await says([first, *others], alice, "three are open")
        others.append(await stack.enter_async_context(program.listen()))
        type, reason, retry = await end(first)
        assert (type, reason) == ("farewell", "limit")
        assert 10_000 <= retry <= 20_000, "it must not come back at once and end another"
        await says(others, alice, "the others go on")


async def test_third_stream_of_a_user_ends_the_first_though_it_is_elsewhere(limited: Server) -> None:
    async with AsyncExitStack() as stack:
        alice = await stack.enter_async_context(Person("Alice", limited.url))
        await alice.post_message("here I am")
        away = await stack.enter_async_context(Person("Alice", limited.url, address="127.0.0.2"))
        away.client.cookies.update(alice.client.cookies)
        first = await stack.enter_async_context(alice.listen())
        others = [await stack.enter_async_context(away.listen()) for _ in range(2)]
        assert (await end(first))[:2] == ("farewell", "limit")
        await says(others, alice, "the others go on")


async def test_cookie_without_the_sites_own_origin_takes_nobodys_seat(limited: Server) -> None:
    """Another site could have a browser ask for streams with somebody's cookie, but not with our origin."""
    async with AsyncExitStack() as stack:
        alice = await stack.enter_async_context(Person("Alice", limited.url))
        await alice.post_message("here I am")
        stream = await stack.enter_async_context(alice.listen())
        program = await stack.enter_async_context(Person("Program", limited.url, address="127.0.0.2"))
        program.client.cookies.update(alice.client.cookies)
        del program.client.headers["Origin"]
        others = [await stack.enter_async_context(program.listen()) for _ in range(3)]
        await says([stream, *others], alice, "everybody goes on")


async def test_poll_that_must_go_is_answered_at_once(tmp_path: Path) -> None:
    async with counted(tmp_path, "socket") as (host, seats), AsyncExitStack() as stack:
        bob = await stack.enter_async_context(Person("Bob", host.url, address="127.0.0.2"))
        cursor = (await bob.client.get("/rooms/lobby/poll")).headers["Chat-Cursor"]
        held = poll(bob, cursor)
        await eventually(lambda: seats.taken() == (1, 0))
        streams = [await stack.enter_async_context(bob.listen()) for _ in range(2)]
        newest = poll(bob, cursor)
        answer = await held
        assert (answer.status_code, answer.content, answer.headers["Chat-Limit"]) == (200, b"", "true")
        assert answer.headers["Chat-Cursor"] == cursor
        streams.append(await stack.enter_async_context(bob.listen()))
        assert (await end(streams[0]))[1] == "limit", "after that poll it was the oldest"
        alice = await stack.enter_async_context(Person("Alice", host.url))
        await says(streams[1:], alice, "the others go on")
        answer = await newest
        assert "the others go on" in answer.text
        assert "Chat-Limit" not in answer.headers


async def test_poll_that_need_not_wait_takes_no_seat(tmp_path: Path) -> None:
    async with counted(tmp_path, "socket") as (host, seats), Person("Bob", host.url) as bob:
        await bob.post_message("here")
        cursor = (await bob.client.get("/rooms/lobby/poll")).headers["Chat-Cursor"].split(".")[0] + ".0"
        async with bob.listen(), bob.listen(), bob.listen():
            for wait in ("0", "20"):
                answer = await bob.client.get("/rooms/lobby/poll", params={"after": cursor, "wait": wait})
                assert "here" in answer.text
            assert seats.taken() == (3, 3)


async def test_poll_gives_its_place_back_however_it_ends(tmp_path: Path) -> None:
    async with counted(tmp_path, "socket") as (host, seats), Person("Bob", host.url) as bob:
        await bob.post_message("here")
        for end in ("time", "news", "client"):
            wait = "0.3" if end == "time" else "25"
            held = asyncio.create_task(bob.client.get("/rooms/lobby/poll", params={"wait": wait}))
            await eventually(lambda: seats.taken() == (1, 1))
            if end == "news":
                await bob.post_message("news")
            if end == "client":
                held.cancel()
            await asyncio.gather(held, return_exceptions=True)
            await eventually(lambda: seats.taken() == (0, 0))


def poll(person: Person, cursor: str) -> asyncio.Task[httpx.Response]:
    query = {"after": cursor, "wait": "25"}
    return asyncio.create_task(person.client.get("/rooms/lobby/poll", params=query))


async def test_limits_that_are_off_end_nothing(tmp_path: Path) -> None:
    bounds = {"streams_per_address": "1", "streams_per_user": "1"}
    async with serving(tmp_path, limits="off", **bounds) as server, AsyncExitStack() as stack:
        alice = await stack.enter_async_context(Person("Alice", server.url))
        await says([await stack.enter_async_context(alice.listen()) for _ in range(4)], alice, "everybody goes on")


@asynccontextmanager
async def counted(folder: Path, kind: str) -> AsyncIterator[tuple[Hosted, Seats]]:
    """A server in this process, whose seats can be looked at."""
    around = WrapsSend if kind == "wrapped" else lambda app: app
    async with hosted(folder, around=around, limits="on", streams_per_address=3) as host:
        seats = host.serving.feeds.seats
        assert seats is not None
        yield host, seats


@pytest.mark.parametrize("kind", ["socket", "wrapped"])
async def test_stream_has_one_place_from_its_first_byte_to_its_last(tmp_path: Path, kind: str) -> None:
    async with counted(tmp_path, kind) as (host, seats), Person("Alice", host.url) as alice:
        await alice.post_message("here I am")
        async with alice.listen(), alice.listen():
            await host.readers(2)
            assert seats.taken() == (2, 2)
        await eventually(lambda: seats.taken() == (0, 0))
        await host.readers(0)


@pytest.mark.parametrize("kind", ["socket", "wrapped"])
async def test_nothing_is_left_of_a_thousand_streams_however_they_end(tmp_path: Path, kind: str) -> None:
    """By leaving during the opening, the replay, or live; by being the oldest; as polls; and with the server's stop."""
    async with counted(tmp_path, kind) as (host, seats):
        async with Person("Alice", host.url) as alice:
            await alice.post_message("here I am")

        async def round(number: int) -> None:
            async with wire(host.bind) as connection:
                ways = ("stream", "stream?after=x.1", "poll?wait=20", "stream")
                await connection.request(f"/rooms/lobby/{ways[number % 4]}")
                if number % 4 != 2 and number % 3:
                    await connection.read_until(lambda at: at.has("hello"))
                connection.reset() if number % 2 else connection.close()

        for start in range(0, 1000, 20):
            await asyncio.gather(*(round(start + number) for number in range(20)))
            assert max(seats.taken()) <= 3
        await eventually(lambda: seats.taken() == (0, 0))
        assert (seats._addresses, seats._networks, seats._users) == ({}, {}, {})
        async with wire(host.bind) as connection:
            await connection.request("/rooms/lobby/stream")
            await connection.read_until(lambda at: at.has("heartbeat"))
            await host.serving.feeds.drain()
            await eventually(lambda: seats.taken() == (0, 0))
        assert host.serving.feeds.open_streams == 0
