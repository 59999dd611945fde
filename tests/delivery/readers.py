"""People who read, lose the connection, and come back with the last cursor they have."""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from tests.delivery.ledger import Ledger
from tests.people import Fragment, Person

PAUSE = 0.2
"""Seconds at most between two attempts to connect."""

STAYS = 200
"""Events after which a restless reader has left for certain."""

AWAY = 1.0
"""Seconds at most that it then misses what happens."""


@dataclass(frozen=True)
class Seen:
    """One event, as it came: at which cursor, and when the connection that brought it was asked for."""

    cursor: int
    fragment: Fragment
    asked_at: float

    @property
    def kind(self) -> str:
        if "data-deleted=" in self.fragment.html:
            return "message_deleted"
        return "message_posted" if "<hx-upsert" in self.fragment.html else "message_changed"


@dataclass
class Reader:
    """What one reader has: the page it began with, and every event since."""

    name: str
    messages: dict[int, Fragment]
    start: int
    epoch: str
    seen: list[Seen] = field(default_factory=list)

    @property
    def position(self) -> int:
        return self.seen[-1].cursor if self.seen else self.start

    @property
    def cursor(self) -> str:
        return f"{self.epoch}.{self.position}"

    def take(self, cursor: str, html: str, asked_at: float) -> None:
        """Put an event where a page would put it. It MUST be the next one."""
        epoch, position = cursor.split(".")
        assert (epoch, int(position)) == (self.epoch, self.position + 1), f"{self.name}: {cursor} after {self.cursor}"
        event = Seen(int(position), Fragment(html), asked_at)
        self.seen.append(event)
        message_id = event.fragment.message_id
        if event.kind == "message_deleted":
            self.messages.pop(message_id, None)
        elif event.kind == "message_posted" or message_id in self.messages:
            self.messages[message_id] = articles(html)[message_id]


async def open_page(person: Person, name: str) -> Reader:
    """The newest messages of a room, and the cursor from which its stream goes on."""
    while True:
        try:
            answer = await person.client.get(f"/rooms/{person.room}/messages")
            break
        except httpx.TransportError:
            await asyncio.sleep(PAUSE)
    epoch, position = answer.headers["Chat-Cursor"].split(".")
    return Reader(name, articles(answer.text), int(position), epoch)


Read = Callable[[Person, Reader, int], Awaitable[None]]


async def read(
    way: Read, person: Person, reader: Reader, ledger: Ledger, chance: random.Random, stopping: asyncio.Event
) -> None:
    """Read one way until cancelled, reconnecting whenever the connection ends; until `stopping`, restlessly."""
    while True:
        restless = not stopping.is_set()
        try:
            await way(person, reader, chance.randrange(1, STAYS) if restless else 2**62)
            await asyncio.sleep(chance.uniform(0, AWAY) if restless else 0)
        except httpx.TransportError:
            await asyncio.sleep(chance.uniform(0, PAUSE))
        ledger.reconnects += 1


async def by_stream(person: Person, reader: Reader, stays: int) -> None:
    """One stream, for at most `stays` events."""
    asked_at = time.monotonic()
    async with person.listen(after=reader.cursor) as stream:
        assert stream.hello.last_event_id == reader.cursor, (
            f"{reader.name} was not resumed at {reader.cursor} but at {stream.hello.last_event_id}"
        )
        for _ in range(stays):
            try:
                event = await stream.next(seconds=30)
            except AssertionError:
                return
            assert event.type != "reset", f"{reader.name} was reset at {reader.cursor}"
            if event.type == "message":
                reader.take(event.last_event_id, event.data, asked_at)


async def by_poll(person: Person, reader: Reader, stays: int) -> None:
    """Long polls, until they brought `stays` events."""
    until = reader.position + stays
    while reader.position < until:
        asked_at = time.monotonic()
        answer = await person.client.get(f"/rooms/{person.room}/poll", params={"after": reader.cursor, "wait": "10"})
        if answer.status_code == 503:
            raise httpx.ReadError("the server is stopping")
        assert answer.status_code == 200, answer.text
        assert "Chat-Reset" not in answer.headers, f"{reader.name} was reset at {reader.cursor}"
        for fragment in re.findall(r"<hx-(?:upsert|partial)\b.*?</hx-(?:upsert|partial)>", answer.text, re.DOTALL):
            reader.take(f"{reader.epoch}.{reader.position + 1}", fragment, asked_at)
        assert answer.headers["Chat-Cursor"] == reader.cursor, "as many fragments as positions"


def articles(html: str) -> dict[int, Fragment]:
    """The messages in a page or fragment, by id, in their order."""
    found = re.findall(r'<article class="message" id="message-[0-9]+".*?</article>', html, re.DOTALL)
    fragments = [Fragment(article) for article in found]
    return {fragment.message_id: fragment for fragment in fragments}
