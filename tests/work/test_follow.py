"""Work after a commit: every event of every room at least once and in order, whatever fails in between."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from quart_chat.domain.chat import Chat
from quart_chat.events import Erased, Event, RoomChanged
from quart_chat.models import Room
from quart_chat.store import followers
from quart_chat.store.batches import OpenTransaction
from quart_chat.work import follow as module
from quart_chat.work.follow import follow
from tests.work.logs import PATIENCE, Recorder, chat_in, happen, post, stored, until, until_stored


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    async with chat_in(tmp_path) as opened:
        yield opened


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits."""
    for name, value in {"GATHER": 0.0, "RETRY": (0.0, 0.0)}.items():
        monkeypatch.setattr(module, name, value)


def never(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    for name in names:
        monkeypatch.setattr(module, name, 600.0)


@pytest.mark.usefixtures("quick")
async def test_every_event_of_every_room_comes_in_order_from_the_first(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVENTS", 7)
    monkeypatch.setattr(module, "ROOMS", 2)
    heads = {"lobby": 30, "tea": 20, "cake": 13, "owls": 1}
    for slug, head in heads.items():
        await post(chat, slug, head // 2)
    recorder = Recorder()
    async with follow(chat, recorder):
        await asyncio.gather(*(post(chat, slug) for slug, head in heads.items() for _ in range(head - head // 2)))
        await until_stored(chat, "recorder", heads)
    assert recorder.got == {slug: [*range(1, head + 1)] for slug, head in heads.items()}


async def test_what_is_gone_or_unknown_is_a_position_like_any_other(
    chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a row that is missing, which there never is, keeps nobody busy."""
    await post(chat, "lobby", 3)
    with closing(sqlite3.connect(tmp_path / "chat.db", isolation_level=None)) as connection:
        connection.execute("UPDATE events SET message_id = NULL WHERE cursor = 1")
        connection.execute("UPDATE events SET type = 'from_the_future' WHERE cursor = 2")
        connection.execute("UPDATE rooms SET cursor = 4")
    acts: list[object] = []
    async with asyncio.timeout(PATIENCE), follow(chat, Recorder(lambda room, event: acts.append(event.act))):
        await until_stored(chat, "recorder", {"lobby": 3})
        never(monkeypatch, "STOP")
    assert [isinstance(act, Erased) for act in acts] == [True, True, False]


@pytest.mark.usefixtures("quick")
async def test_room_whose_work_fails_is_done_again_and_stops_no_other(chat: Chat) -> None:
    times = 0

    def fail(room: Room, event: Event) -> None:
        nonlocal times
        if (room.slug, event.cursor) == ("lobby", 3) and times < 4:
            times += 1
            raise OSError("its site does not answer")

    recorder = Recorder(fail)
    with structlog.testing.capture_logs() as said:
        async with follow(chat, recorder):
            await post(chat, "lobby", 5)
            await post(chat, "tea", 5)
            await until_stored(chat, "recorder", {"lobby": 5, "tea": 5})
    assert recorder.got == {"lobby": [1, 2, 3, 4, 5], "tea": [1, 2, 3, 4, 5]}
    assert times == 4
    assert [(one["event"], one["room"], one["error"], one["exc_info"]) for one in said] == [
        ("work after a commit failed; it is done again", "lobby", "its site does not answer", False)
    ] * 4


async def test_room_that_has_failed_waits_twice_as_long_each_time_and_the_others_do_not_wait(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GATHER", 0.0)
    monkeypatch.setattr(module, "RETRY", (0.001, 0.016))

    def fail(room: Room, event: Event) -> None:
        if room.slug == "lobby":
            raise ZeroDivisionError

    recorder = Recorder(fail)
    with structlog.testing.capture_logs() as said:
        async with follow(chat, recorder):
            await post(chat, "lobby")
            await until(lambda: len(said) > 6)
            monkeypatch.setattr(module, "RETRY", (600.0, 600.0))
            await until(lambda: said[-1]["again_in"] == 600.0)
            for _ in range(3):
                await post(chat, "tea")
            await until_stored(chat, "recorder", {"tea": 3})
    assert [one["again_in"] for one in said[:6]] == [0.001, 0.002, 0.004, 0.008, 0.016, 0.016]
    assert [one["again_in"] for one in said].count(600.0) == 1, "it waits, whatever others do"
    assert (said[0]["error"], said[0]["exc_info"]) == ("ZeroDivisionError", True)
    assert recorder.got == {"tea": [1, 2, 3]}


@pytest.mark.usefixtures("quick")
async def test_work_that_does_not_end_has_failed(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 0.01)
    recorder = Recorder(lambda room, event: asyncio.sleep(600) if room.slug == "lobby" else None)
    with structlog.testing.capture_logs() as said:
        async with follow(chat, recorder):
            await post(chat, "lobby")
            await post(chat, "tea")
            await until_stored(chat, "recorder", {"tea": 1})
            await until(lambda: said)
    assert (said[0]["room"], said[0]["error"]) == ("lobby", "TimeoutError")


@pytest.mark.usefixtures("quick")
async def test_nothing_counts_as_done_before_it_is_kept(chat: Chat) -> None:
    """As where a disk is full: all of it comes again, and posting goes on."""
    full = True

    def settle() -> None:
        if full:
            raise OSError("no space left")

    recorder = Recorder(settling=settle)
    async with follow(chat, recorder):
        with structlog.testing.capture_logs() as said:
            await post(chat, "lobby", 2)
            await post(chat, "tea")
            await until(lambda: len(said) > 2)
            await post(chat, "lobby")
            assert await stored(chat, "recorder") == {}
            full = False
            await until_stored(chat, "recorder", {"lobby": 3, "tea": 1})
    assert {one["error"] for one in said} == {"no space left"}
    assert recorder.got["lobby"][:2] == [1, 2]
    assert recorder.got["lobby"][-3:] == [1, 2, 3]
    assert recorder.got["tea"].count(1) > 1


async def test_follower_may_begin_with_what_comes_next(chat: Chat) -> None:
    await post(chat, "lobby", 5)
    for expected in ({}, {"lobby": [6], "tea": [1, 2]}):
        recorder = Recorder(from_now=True)
        async with follow(chat, recorder):
            pass
        assert recorder.got == expected
        if not expected:  # nobody follows meanwhile: that is not missed
            await post(chat, "lobby")
            await post(chat, "tea", 2)


async def test_what_is_left_is_done_before_the_end(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    never(monkeypatch, "GATHER", "LOOK", "STOP")
    recorder = Recorder()
    async with asyncio.timeout(PATIENCE), follow(chat, recorder):
        await post(chat, "lobby", 3)
    assert recorder.got == {"lobby": [1, 2, 3]}
    assert await stored(chat, "recorder") == {"lobby": 3}


async def test_work_that_hangs_holds_up_no_end(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP", 0.01)
    entered = asyncio.Event()

    async def hang() -> None:
        entered.set()
        await asyncio.sleep(600)

    async with asyncio.timeout(PATIENCE), follow(chat, Recorder(lambda room, event: hang())):
        await post(chat, "lobby")
        await entered.wait()
    assert await stored(chat, "recorder") == {}


@pytest.mark.usefixtures("quick")
async def test_what_commands_do_beside_a_server_is_found(
    chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK", 0.01)
    recorder = Recorder()
    async with follow(chat, recorder), chat_in(tmp_path, alone=False) as beside:
        await until(lambda: True)
        for cursor in range(1, 4):
            await happen(beside, lambda room: RoomChanged(replace(room, name="New")))
            await until_stored(chat, "recorder", {"lobby": cursor})
    assert recorder.got == {"lobby": [1, 2, 3]}


@pytest.mark.usefixtures("quick")
async def test_clock_that_is_put_back_hides_nothing(
    chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK", 0.01)
    now = 2_000_000_000_000
    asked: list[int] = []

    def clock() -> int:
        asked.append(now)
        return now

    async with follow(replace(chat, now=clock), Recorder()), chat_in(tmp_path, alone=False) as beside:
        await until(lambda: asked)
        now -= 3_600_000
        await post(replace(beside, now=clock), "lobby")
        await until_stored(chat, "recorder", {"lobby": 1})


def test_look_at_many_idle_rooms_costs_what_one_at_few_does(tmp_path: Path) -> None:
    """Counted in steps of SQLite's machine, which are the same on every one."""
    path = tmp_path / "chat.db"
    asyncio.run(begun(tmp_path))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row

        def steps(since: int) -> tuple[int, list[int]]:
            counted = 0

            def count() -> int:
                nonlocal counted
                counted += 1
                return 0

            connection.set_progress_handler(count, 1)
            tx = OpenTransaction(connection.execute, alone=True)
            found = followers.select_behind(tx, "work", since=since)
            connection.set_progress_handler(None, 0)
            return counted, found

        steps(1_000)  # the first one reads the tables' definitions as well
        few, _ = steps(1_000)
        connection.execute("""
            INSERT INTO rooms (slug, name, created_at, active_at, cursor)
            WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 50000)
            SELECT 'room-' || n, 'Room', 1, 500, 5 FROM numbers
        """)
        connection.execute("INSERT INTO followers SELECT 'work', id, cursor FROM rooms WHERE id % 2")
        many, found = steps(1_000)
        assert (many, found) == (few, [])
        everything, found = steps(0)
        assert len(found) == 25_000
        assert everything > 50_000 > 100 * many


async def begun(folder: Path) -> None:
    async with chat_in(folder) as chat:
        await chat.database.write(lambda tx: tx.run("UPDATE rooms SET active_at = 500"))


async def test_nothing_is_asked_of_the_store_while_nothing_happens(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the look, of which there is one at the start here."""
    never(monkeypatch, "LOOK")
    asked = 0
    read = chat.database.read

    async def counted(query):  # type: ignore[no-untyped-def]
        nonlocal asked
        asked += 1
        return await read(query)

    monkeypatch.setattr(chat.database, "read", counted)
    recorder = Recorder()
    async with follow(chat, recorder):
        await post(chat, "lobby")
        await until(lambda: recorder.got)
        await until(lambda: len([task for task in asyncio.all_tasks() if "follower" in task.get_name()]) == 1)
        after_work = asked
        for _ in range(1000):
            await asyncio.sleep(0)
        assert asked == after_work
    assert after_work == 2, "the look, and what was waiting"
