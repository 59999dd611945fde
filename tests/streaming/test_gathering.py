"""Polls of one room are answered together: at once where nothing has happened for a while, else after a pause."""

import asyncio

import pytest

from quart_chat.streaming import gathering
from quart_chat.streaming.gathering import Gathering
from tests.streaming.engine import ANYBODY


class Clock:
    """A loop's time that a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "time", lambda: self.now)


async def waiting(polls: Gathering, count: int, position: int = 0) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(polls.wait_beyond(position, 600, ANYBODY)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def answered(tasks: list[asyncio.Task[None]]) -> int:
    for _ in range(3):
        await asyncio.sleep(0)
    return sum(task.done() for task in tasks)


async def test_all_hear_at_once_and_then_again_when_the_pause_for_them_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    polls = Gathering(0)
    first = await waiting(polls, 100)
    assert await answered(first) == 0
    polls.happened(1)
    assert await answered(first) == 100
    again = await waiting(polls, 100, position=1)
    polls.happened(2)
    polls.happened(3)
    late = await waiting(polls, 1, position=2)
    assert await answered(again + late) == 0, "a pause for a hundred"
    clock.now += 100 * gathering.COST + 0.001
    assert await answered(again + late) == 101
    polls.close()


async def test_one_poll_in_a_room_hardly_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    polls = Gathering(0)
    for head in range(1, 20):
        polls.happened(head)
        clock.now += gathering.COST + 0.001
        assert await answered(await waiting(polls, 1, position=head - 1)) == 1
    polls.close()


async def test_pause_has_a_bound_and_ends_with_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    polls = Gathering(0)
    many = await waiting(polls, 2000)
    polls.happened(1)
    assert await answered(many) == 2000
    again = await waiting(polls, 2, position=0)
    clock.now += gathering.LONGEST + 0.001
    assert await answered(again) == 2
    polls.happened(2)
    idle, behind = await waiting(polls, 1, position=2), await waiting(polls, 1, position=1)
    assert await answered(idle + behind) == 0
    polls.close()
    assert await answered(idle + behind) == 2
    assert await answered(await waiting(polls, 1, position=9)) == 1
