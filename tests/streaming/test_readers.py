"""What a feed may expect of a reader, whatever carries its bytes: one contract, run over every implementation."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass

import pytest

from quart_chat.streaming import sse
from quart_chat.streaming.reader import WAITING_BYTES, WAITING_FRAMES, QueueReader, Reader, Reason
from tests.sse import Parser, SSEvent


@dataclass
class Carried:
    """A reader, and what arrives at its other end until the stream is over."""

    reader: Reader
    arriving: AsyncIterator[bytes]

    async def arrived(self) -> list[SSEvent]:
        parser = Parser()
        async with aclosing(self.arriving) as chunks:
            return [event async for chunk in chunks for event in parser.feed(chunk)]


Carry = Callable[..., Carried]


def queue(age: float = 600.0) -> Carried:
    reader = QueueReader(age)
    return Carried(reader, reader.frames())


@pytest.fixture(params=[queue], ids=["queue"])
def carry(request: pytest.FixtureRequest) -> Carry:
    """Makes readers; a second implementation is one more parameter."""
    made: Carry = request.param
    return made


def frames(count: int, *, size: int = 1) -> list[bytes]:
    return [sse.frame("x" * size, id=str(number)) for number in range(count)]


async def test_frames_arrive_once_and_in_order(carry: Carry) -> None:
    carried = carry()
    for frame in frames(500):
        carried.reader.write(frame)
    carried.reader.close(Reason.SHUTDOWN)
    *messages, farewell = await carried.arrived()
    assert [event.last_event_id for event in messages] == [str(number) for number in range(500)]
    assert farewell.type == "farewell"


async def test_frames_written_while_others_are_read_arrive_too(carry: Carry) -> None:
    carried = carry()
    carried.reader.write(frames(1)[0])
    first = await anext(carried.arriving)
    for frame in frames(3)[1:]:
        carried.reader.write(frame)
    carried.reader.close(Reason.SHUTDOWN)
    rest = b"".join([chunk async for chunk in carried.arriving])
    assert (first + rest).startswith(b"".join(frames(3)))


@pytest.mark.parametrize("reason", [Reason.AGE, Reason.SHUTDOWN])
async def test_farewell_is_the_last_event_and_says_when_to_come_back(carry: Carry, reason: Reason) -> None:
    retries = []
    for _ in range(50):
        carried = carry()
        carried.reader.close(reason)
        (farewell,) = await carried.arrived()
        assert farewell.type == "farewell"
        retries.append(int(farewell.data.removeprefix('{"retry": ').removesuffix("}")))
    assert reason.value[0] <= min(retries) < max(retries) <= reason.value[1], "spread, so that no herd comes back"


async def test_closing_again_changes_nothing(carry: Carry) -> None:
    carried = carry()
    for reason in (Reason.SHUTDOWN, Reason.AGE, Reason.SLOW):
        carried.reader.close(reason)
    assert [event.type for event in await carried.arrived()] == ["farewell"]


async def test_writing_to_a_closed_reader_is_harmless(carry: Carry) -> None:
    carried = carry()
    carried.reader.close(Reason.AGE)
    for frame in frames(WAITING_FRAMES + 5):
        carried.reader.write(frame)
    assert [event.type for event in await carried.arrived()] == ["farewell"]


@pytest.mark.parametrize(
    "written",
    [frames(WAITING_FRAMES + 1), frames(20, size=WAITING_BYTES // 10), frames(1, size=WAITING_BYTES + 1)],
    ids=["many", "large", "huge"],
)
async def test_slow_reader_is_ended_without_a_hole(carry: Carry, written: list[bytes]) -> None:
    carried = carry()
    for frame in written:
        carried.reader.write(frame)
    chunks = [chunk async for chunk in carried.arriving]
    assert b"".join(written).startswith(b"".join(chunks)), "what arrives is a beginning of what was written"
    assert sum(map(len, chunks)) <= WAITING_BYTES


async def test_slow_reader_holds_no_memory(carry: Carry) -> None:
    carried = carry()
    frame = sse.frame("x" * 1000)
    for _ in range(10 * WAITING_BYTES // len(frame)):
        carried.reader.write(frame)
    assert [chunk async for chunk in carried.arriving] == []


async def test_reader_at_its_bound_is_not_slow_yet(carry: Carry) -> None:
    carried = carry()
    frame = b":" + b"x" * (WAITING_BYTES // 4 - 2) + b"\n"
    for _ in range(4):
        carried.reader.write(frame)
    assert await anext(carried.arriving) == frame * 4
    carried.reader.write(frame)
    assert await anext(carried.arriving) == frame, "what was read makes place again"


async def test_closing_a_full_reader_ends_it(carry: Carry) -> None:
    carried = carry()
    for _ in range(WAITING_FRAMES - 1):
        carried.reader.write(b":\n")
    carried.reader.close(Reason.SHUTDOWN)
    assert [event.type for event in await carried.arrived()] in ([], ["farewell"])


async def test_age_is_randomised_around_its_setting(carry: Carry) -> None:
    begun = time.monotonic()
    deadlines = [carry(1000.0).reader.deadline - begun for _ in range(50)]
    assert 790 < min(deadlines) < max(deadlines) < 1210
    assert max(deadlines) - min(deadlines) > 50
