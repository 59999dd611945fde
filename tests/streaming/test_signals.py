"""Signals: told in named frames without a cursor, at most one a second, the latest of each kind and user."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

import jinja2
import pytest

from quart_chat.broker.broker import Topic
from quart_chat.streaming import signals as signals_module
from quart_chat.streaming.forms import JSON
from quart_chat.streaming.signals import FRESH, MOST, PAUSE, Signals
from tests.people import Person
from tests.streaming.engine import ANYBODY, Engine, engine
from tests.streaming.servers import hosted
from tests.streaming.test_heartbeats import Recorder, join
from tests.streaming.wire import eventually
from tests.streaming.wrapped import WrapsSend


@dataclass(frozen=True)
class Waving:
    user_id: int
    how: str = ""
    kind: str = "waving"


def signal(running: Engine, *signals: Waving) -> None:
    for one in signals:
        running.chat.broker.signal(Topic.room(running.room.id), one)


async def told(reader: Recorder, count: int) -> list[str]:
    while len(found := [event.data for event in reader.events if event.type == "signal"]) < count:
        await asyncio.sleep(0)
    return found


def test_latest_of_each_kind_and_user_is_told_once_and_no_more_than_once_a_second() -> None:
    signals = Signals()
    assert signals.due is None
    for one in (Waving(1, "left"), Waving(2), Waving(1, "right"), Waving(1, kind="singing")):
        signals.put(one, 100.0)
    assert signals.due is not None
    assert signals.due <= 100.0
    assert signals.tell(100.0) == [Waving(2), Waving(1, "right"), Waving(1, kind="singing")]
    assert signals.due is None
    signals.put(Waving(2), 100.1)
    assert signals.due == 100.0 + PAUSE
    assert signals.tell(101.0) == [Waving(2)]
    assert signals.latest(101.0) == [Waving(1, "right"), Waving(1, kind="singing"), Waving(2)]
    assert signals.latest(100.05 + FRESH) == [Waving(2)], "a poll brings nothing that is over"
    assert signals.latest(101.0 + FRESH) == []


def test_signals_of_a_crowd_are_bounded() -> None:
    signals = Signals()
    for user in range(3 * MOST):
        signals.put(Waving(user), 0.0)
    assert signals.tell(0.0) == signals.latest(0.0) == [Waving(user) for user in range(2 * MOST, 3 * MOST)]


async def test_signal_is_a_named_frame_of_each_form_and_moves_no_cursor(tmp_path: Path) -> None:
    async with engine(tmp_path) as running, asyncio.timeout(10):
        feed = await running.feed()
        (page,), (program,) = join(feed, 1), join(feed, 1, viewer=replace(ANYBODY, form=JSON))
        await running.post("before")
        signal(running, Waving(7), Waving(8), Waving(7))
        assert await told(page, 1) == ["waving 8 waving 7"]
        assert await told(program, 1) == ['{"signal": "waving", "user": 8}\n{"signal": "waving", "user": 7}\n']
        for reader in (page, program):
            assert b"\nid:" not in next(burst.data for burst in reader.bursts if b"event: signal" in burst.data)
        assert feed.head == 1


async def test_who_has_anything_waiting_is_told_nothing_and_who_has_not_hears_of_each_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals_module, "PAUSE", 0.01)
    async with engine(tmp_path) as running, asyncio.timeout(10):
        feed = await running.feed()
        behind, there = join(feed, 2)
        behind.is_behind = True
        signal(running, Waving(1))
        assert await told(there, 1) == ["waving 1"]
        behind.is_behind = False
        signal(running, Waving(2))
        assert await told(there, 2) == ["waving 1", "waving 2"]
        assert await told(behind, 1) == ["waving 2"], "what it was not told is not told later"


@pytest.mark.parametrize("kind", ["socket", "queue"])
async def test_signal_reaches_streams_and_polls_of_a_server(tmp_path: Path, kind: str) -> None:
    around = {} if kind == "socket" else {"around": WrapsSend}
    async with hosted(tmp_path, **around) as host, Person("Alice", host.url) as alice:
        environment = host.serving.templates._environment
        waving = jinja2.DictLoader({"signals/waving.html": "<i>{{ signal.how }} of {{ signal.user_id }}</i>"})
        assert environment.loader is not None
        environment.loader = jinja2.ChoiceLoader([environment.loader, waving])
        feed = await host.feed()
        topic = Topic.room((await host.serving.chat.database.read(lambda tx: tx.one("SELECT id FROM rooms")))["id"])
        await alice.post_message("hello")
        async with alice.listen() as stream:
            await host.readers()
            host.serving.chat.broker.signal(topic, Waving(3, "<hand>"))
            event = await stream.next("signal")
            assert (event.data, event.last_event_id) == ("<i>&lt;hand&gt; of 3</i>", str(feed.cursor(1)))
            poll = await alice.client.get(f"/rooms/lobby/poll?after={feed.cursor(0)}")
            assert poll.text.endswith("<i>&lt;hand&gt; of 3</i>")
            assert "hello" in poll.text
            assert poll.headers["Chat-Cursor"] == str(feed.cursor(1))
        await eventually(lambda: not feed.readers)
