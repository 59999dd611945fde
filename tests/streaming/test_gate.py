"""Who loses a room gets nothing of what happens in it after that, however they read; whoever stays misses nothing."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest

from quart_chat.domain import moderation
from quart_chat.domain.actors import CONSOLE
from quart_chat.errors import StoreUnavailable
from quart_chat.events import ACT_NAMES, Event, MessagePosted
from quart_chat.streaming import feed as feed_module
from quart_chat.streaming.gate import Gate
from quart_chat.streaming.reader import Reason, Viewer
from tests.people import Person
from tests.sse import Parser
from tests.streaming.engine import ANYBODY, Engine, HoldingBroker, about, engine
from tests.streaming.servers import hosted
from tests.streaming.test_feed import Interrupted
from tests.streaming.test_heartbeats import Recorder, join
from tests.streaming.wire import eventually
from tests.streaming.wrapped import WrapsSend

ANA = replace(ANYBODY, user_key="ana")
BOB = replace(ANYBODY, user_key="bob", address="elsewhere")
GUEST = replace(ANYBODY, user_key=None)


@dataclass(frozen=True, slots=True)
class Lost(MessagePosted):
    """Somebody loses the room."""

    changes_access: ClassVar[bool] = True


@dataclass
class Rules:
    """Who has lost the room, as the store knows it at once, and feeds when they ask."""

    users: frozenset[str | None] = frozenset()
    addresses: frozenset[str] = frozenset()
    failures: int = 0
    asked: int = 0

    async def gate(self, _: int, __: Sequence[Viewer]) -> Gate:
        self.asked += 1
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable
        return _Gate(self.users, self.addresses)


@dataclass(frozen=True)
class _Gate:
    users: frozenset[str | None]
    addresses: frozenset[str]

    def keeps(self, viewer: Viewer) -> bool:
        return viewer.user_key not in self.users and viewer.address not in self.addresses


class Losing:
    """A room's log in the store, which knows of these positions that somebody lost the room there."""

    def __init__(self, log: feed_module.Log, *lost: int) -> None:
        self._log = log
        self._lost = lost
        self.head = log.head
        self.size_after = log.size_after

    async def after(self, cursor: int, limit: int) -> tuple[Sequence[Event], int]:
        events, now = await self._log.after(cursor, limit)
        return [replace(e, act=Lost(about(e))) if e.cursor in self._lost else e for e in events], now


def losing(committed: Sequence[Event]) -> list[Event]:
    """What was committed; a message "remove" stands for somebody who loses the room."""
    return [replace(e, act=Lost(e.act.message)) if e.act.message.text == "remove" else e for e in committed]


async def committed(running: Engine, broker: HoldingBroker, *texts: str) -> None:
    for text in texts:
        await running.post(text)
    broker.held = losing(broker.held)
    broker.release()


def positions(reader: Recorder) -> list[int]:
    return [int(event.last_event_id.split(".")[1]) for event in reader.events if event.type == "message"]


async def test_all_ways_of_who_is_removed_end_and_those_of_others_go_on(tmp_path: Path) -> None:
    broker, rules = HoldingBroker(), Rules()
    async with engine(tmp_path, broker=broker, gates=rules.gate) as running, asyncio.timeout(10):
        feed = await running.feed()
        anas, (guest,), (bob,) = join(feed, 3, viewer=ANA), join(feed, 1, viewer=GUEST), join(feed, 1, viewer=BOB)
        replaying = Recorder(viewer=ANA)
        feed.admit(replaying)
        rules.users = frozenset({"ana"})
        await committed(running, broker, "before", "remove", "after")
        while positions(bob) != [1, 2, 3]:
            await asyncio.sleep(0)
        assert [positions(reader) for reader in anas] == [[1, 2]] * 3
        assert [reader.ended for reader in (*anas, replaying)] == [Reason.REMOVED] * 4
        assert (guest.ended, bob.ended, positions(guest)) == (None, None, [1, 2, 3]), "the user alone"
        rules.addresses = frozenset({GUEST.address})
        await committed(running, broker, "remove", "after that")
        while positions(bob) != [1, 2, 3, 4, 5]:
            await asyncio.sleep(0)
        assert (guest.ended, bob.ended, positions(guest)) == (Reason.REMOVED, None, [1, 2, 3, 4])
        late = Recorder(viewer=ANA)
        feed.admit(late)
        assert (late.ended, late.bursts) == (Reason.REMOVED, []), "and who comes late"


async def test_nothing_is_handed_out_while_nobody_can_say_who_may_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "STORE_PAUSE", 0.01)
    broker, rules = HoldingBroker(), Rules()
    async with engine(tmp_path, broker=broker, gates=rules.gate) as running, asyncio.timeout(10):
        feed = await running.feed()
        (ana,), (bob,) = join(feed, 1, viewer=ANA), join(feed, 1, viewer=BOB)
        rules.users, rules.failures = frozenset({"ana"}), 3
        await committed(running, broker, "remove", "after")
        while rules.failures:
            assert (positions(ana), positions(bob)) in (([], []), ([1], [1]))
            await asyncio.sleep(0)
        while positions(bob) != [1, 2]:
            await asyncio.sleep(0)
        assert (positions(ana), ana.ended) == ([1], Reason.REMOVED)


async def test_poll_that_waits_ends_with_the_room(tmp_path: Path) -> None:
    broker, rules = HoldingBroker(), Rules()
    async with engine(tmp_path, broker=broker, gates=rules.gate) as running, asyncio.timeout(10):
        feed = await running.feed()
        rules.users = frozenset({"ana"})
        waits = [asyncio.create_task(feed.polls.wait_beyond(9, 600, viewer)) for viewer in (ANA, ANA, BOB)]
        await asyncio.sleep(0)
        await committed(running, broker, "remove")
        await asyncio.gather(*waits[:2])
        assert not waits[2].done()
        waits[2].cancel()


async def test_replay_ends_where_the_room_was_lost(tmp_path: Path) -> None:
    """Also what was read from the store meanwhile is not sent: it is as it is after that."""
    broker, rules = HoldingBroker(), Rules()
    async with engine(tmp_path, broker=broker, gates=rules.gate) as running, asyncio.timeout(10):
        for number in range(60):
            await running.post(f"text {number}")
        feed = await running.feed()
        broker.held.clear()

        async def lose() -> None:
            rules.users = frozenset({"ana"})
            await committed(running, broker, "remove", "after")
            await feed.wait_beyond(61, 10)

        async def rest(body: AsyncIterator[bytes]) -> list[str]:
            parser = Parser()
            events = [event async for chunk in body for event in parser.feed(chunk)]
            assert '"reason": "removed"' in events[-1].data
            return [event.type for event in events]

        async with (
            aclosing(running.stream(feed, running.at(0), viewer=ANA)) as replaying,
            aclosing(running.stream(feed, running.at(0), viewer=ANA)) as reading,
        ):
            for body, pieces in ((replaying, 3), (reading, 2)):
                for _ in range(pieces):
                    await anext(body)
            feed._stored = Interrupted(feed._stored, lose)
            assert await rest(reading) == ["farewell"]
            assert await rest(replaying) == ["farewell"]


async def test_replay_shows_nothing_as_it_became_after_the_room_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older event shows its message as it is by now, of which the feed may not have heard. Nor does one that catches
    up hand it out."""
    monkeypatch.setattr(feed_module, "REFILL", 0)
    broker, rules = HoldingBroker(), Rules()
    async with engine(tmp_path, broker=broker, gates=rules.gate) as running, asyncio.timeout(10):
        first = await running.post("first")
        await running.post("second")
        broker.held.clear()
        feed = await running.feed()
        (bob,), (ana,) = join(feed, 1, viewer=BOB), join(feed, 1, viewer=ANA)
        feed._stored = Losing(feed._stored, 3)
        lost = await running.post("the room is lost")
        rules.users = frozenset({"ana"})
        await running.edit(lost, "what became of it")
        await running.edit(first, "what became of the first")
        broker.held.clear()
        parser = Parser()
        async with aclosing(running.stream(feed, running.at(0), viewer=ANA)) as body:
            events = [event async for chunk in body for event in parser.feed(chunk)]
        assert "became" not in "".join(event.data for event in events)
        assert events[-1].type == "farewell"
        assert (positions(ana), ana.ended) == ([], Reason.REMOVED)
        while positions(bob) != [3, 4, 5]:
            await asyncio.sleep(0)


async def test_feed_that_catches_up_asks_once_who_may_read_and_not_at_all_where_nobody_lost_the_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "STEP", 4)
    broker, rules = HoldingBroker(), Rules()
    async with engine(tmp_path, broker=broker, gates=rules.gate) as running, asyncio.timeout(10):
        feed = await running.feed()
        (bob,), (ana,) = join(feed, 1, viewer=BOB), join(feed, 1, viewer=ANA)
        feed._stored = Losing(feed._stored, 15, 16, 22)
        asked, found = rules.asked, []
        for count in (3, 9, 1, 12):
            for number in range(count):
                await running.post(f"text {number}")
            rules.users = frozenset({"ana"} if count == 12 else ())
            broker.held = broker.held[-1:]
            broker.release()
            while positions(bob)[-1:] != [await running.head()]:
                await asyncio.sleep(0)
            found.append(rules.asked - asked)
            asked = rules.asked
        assert found == [0, 1, 0, 1], "in one step nobody has to be asked; in several, once"
        assert (positions(bob), positions(ana), ana.ended) == ([*range(1, 26)], [*range(1, 14)], Reason.REMOVED)


async def test_feed_that_catches_up_asks_again_where_somebody_loses_the_room_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "STEP", 4)
    broker, rules = HoldingBroker(), Rules()
    async with engine(tmp_path, broker=broker, gates=rules.gate) as running, asyncio.timeout(10):
        feed = await running.feed()
        (bob,), (ana,) = join(feed, 1, viewer=BOB), join(feed, 1, viewer=ANA)
        for number in range(12):
            last = await running.post(f"text {number}")
        broker.held = broker.held[-1:]

        async def lose() -> None:
            await running.post("the room is lost")
            rules.users = frozenset({"ana"})
            await running.edit(last, "what became of it")

        async def third() -> None:
            feed._stored = Interrupted(log, lose)

        log = Losing(feed._stored, 13)
        feed._stored = Interrupted(log, third)
        broker.release()
        while positions(bob)[-1:] != [12]:
            await asyncio.sleep(0)
        broker.release()
        while positions(bob) != [*range(1, 15)]:
            await asyncio.sleep(0)
        assert "became" not in b"".join(burst.data for burst in ana.bursts).decode()
        assert ana.ended is Reason.REMOVED


async def test_new_feed_has_nothing_as_it_became_after_somebody_lost_the_room(tmp_path: Path) -> None:
    broker, rules = HoldingBroker(), Rules()

    async def gate(number: int, viewers: Sequence[Viewer]) -> Gate:
        found = await rules.gate(number, viewers)
        if not rules.users:
            rules.users = frozenset({"ana"})
            await running.post("the room is lost")
            await running.edit(first, "what became of it")
        return found

    async with engine(tmp_path, broker=broker, gates=gate) as running, asyncio.timeout(10):
        first = await running.post("first")
        broker.held.clear()
        feed = await running.feed()
        found = feed.at_hand(running.at(0), 9, ANA.form)
        assert found is not None
        assert b"became" not in found.frames


async def test_who_was_let_in_again_is_not_refused_by_a_feed_that_has_not_heard_of_it(tmp_path: Path) -> None:
    broker, rules = HoldingBroker(), Rules(frozenset({"ana"}))
    async with engine(tmp_path, broker=broker, gates=rules.gate) as running, asyncio.timeout(10):
        feed = await running.feed()
        await committed(running, broker, "remove")
        await feed.wait_beyond(0, 10)
        assert not await feed.keeps(ANA, 1)
        rules.users = frozenset()
        await running.post("remove")  # a return, about which nobody is told yet
        asked = asyncio.create_task(feed.keeps(ANA, 2))
        await asyncio.sleep(0)
        assert not asked.done()
        broker.held = losing(broker.held)
        broker.release()
        assert await asked


async def test_stream_of_who_is_out_by_now_says_nothing_of_the_room(tmp_path: Path) -> None:
    async with engine(tmp_path, gates=Rules(frozenset({"ana"})).gate) as running, asyncio.timeout(10):
        feed, parser = await running.feed(), Parser()
        async with aclosing(running.stream(feed, None, viewer=ANA)) as body:
            events = [event async for chunk in body for event in parser.feed(chunk)]
        assert [event.type for event in events] == ["farewell"]


async def test_stream_and_poll_end_with_the_token_that_let_them_in(tmp_path: Path) -> None:
    async with engine(tmp_path, heartbeat=0.05) as running, asyncio.timeout(10):
        feed = await running.feed()
        over = replace(ANA, until=running.chat.now() - 1)
        parser = Parser()
        async with aclosing(running.stream(feed, None, viewer=over)) as body:
            types = [event.type async for chunk in body for event in parser.feed(chunk)]
        assert types == ["hello", "heartbeat", "farewell"]
        assert running.feeds.left(over) == 0
        assert 58 < running.feeds.left(replace(ANA, until=running.chat.now() + 60_000)) <= 60
        (young,) = join(feed, 1, time.monotonic() + 600, ANA)
        await feed._beat()
        assert young.ended is None


@pytest.mark.parametrize("kind", ["socket", "queue"])
async def test_server_says_farewell_to_streams_and_refuses_polls(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ACT_NAMES, Lost, "message_posted")
    rules = Rules()
    around = {} if kind == "socket" else {"around": WrapsSend}
    async with (
        hosted(tmp_path, **around) as host,
        Person("Ana", host.url) as ana,
        Person("Bob", host.url) as bob,
        AsyncExitStack() as stack,
    ):
        host.serving.feeds._gates = rules.gate
        broker = host.serving.chat.broker
        publish = broker.publish
        monkeypatch.setattr(broker, "publish", lambda committed: publish(losing(committed)))
        await bob.post_message("hello")
        feed = await host.feed()
        streams = [await stack.enter_async_context(ana.listen()) for _ in range(2)]
        others = await stack.enter_async_context(bob.listen())
        unnamed = {reader.viewer.user_key for reader in await host.readers(3)} - {None}
        assert len(unnamed) == 1, "Bob has a name by now, Ana has none"
        await ana.post_message("I am Ana")
        known = await stack.enter_async_context(ana.listen())
        (key,) = {reader.viewer.user_key for reader in await host.readers(4)} - {None} - unnamed
        url = f"/rooms/lobby/poll?after={feed.cursor(2)}&wait=25"
        poll = asyncio.create_task(ana.client.get(url))
        await eventually(lambda: len(feed.polls._waiting) == 1)
        rules.users = frozenset({key, None})
        await bob.post_message("remove")
        await bob.post_message("what followed")
        await eventually(lambda: feed.head == 4)
        for stream in (*streams, known):
            rest = [event async for event in stream._events]
            assert (rest[-1].type, '"reason": "removed"' in rest[-1].data) == ("farewell", True)
            assert not [event for event in rest if "followed" in event.data]
        assert "followed" not in (await poll).text, "at most that they were removed"
        for answer in (await ana.client.get(url), await ana.client.get("/rooms/lobby/stream")):
            assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "removed")
            assert "removed from this room" in answer.text
        while "followed" not in (await others.next("message")).data:
            pass


async def test_member_whose_network_is_shut_in_the_middle_of_a_poll_is_not_taken_for_a_stranger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody had to know who is a member until then. Whoever is none hears that they are out."""
    monkeypatch.setattr(feed_module, "REFILL", 0)
    async with (
        hosted(tmp_path) as host,
        Person("Ana", host.url) as ana,
        Person("Eve", host.url) as eve,
        Person("Cy", host.url) as cy,
    ):
        await ana.post_message("hello")
        found = re.search(r'data-author="([0-9]+)"', (await eve.post_message("spam")).html)
        assert found
        feed, chat, number = await host.feed(), host.serving.chat, int(found[1])

        async def ban() -> None:
            await moderation.remove(chat, "lobby", CONSOLE, number, ban=True)
            await eventually(lambda: feed.head > 2 and not feed._gate_is_old)

        for person, status in ((ana, 200), (cy, 403)):
            await moderation.let_in(chat, "lobby", CONSOLE, number)
            await eventually(lambda: not feed._gate_is_old)
            feed._stored = Interrupted(feed._stored, ban)
            answer = await person.client.get(f"/rooms/LOBBY/poll?after={feed.cursor(0)}")
            assert answer.status_code == status, person.name
