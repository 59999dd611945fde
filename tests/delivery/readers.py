"""People who read, lose the connection, and come back with the last cursor they have."""

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from tests.delivery.ledger import Ledger
from tests.people import Fragment, Listener, Person

PAUSE = 0.2
"""Seconds at most between two attempts to connect."""

STAYS = 200
"""Events after which a restless reader has left for certain."""

AWAY = 1.0
"""Seconds at most that it then misses what happens."""


class Out(Exception):
    """Whoever reads was removed."""


class Guest(Person):
    """Who may be removed at any moment."""

    @asynccontextmanager
    async def listen(self, *, room: str = "", after: str | None = None, query: str = "") -> AsyncIterator[Listener]:
        headers = {"Last-Event-ID": after} if after else {}
        path = f"/rooms/{room or self.room}/stream{query}"
        async with self.client.stream("GET", path, headers=headers, timeout=None) as response:
            if response.headers.get("Chat-Error") == "removed":
                raise Out
            assert response.status_code == 200, response.status_code
            listener = Listener(response)
            try:
                listener.hello = await listener.next("hello", seconds=30)
            except AssertionError:
                raise Out from None  # while it was opened
            yield listener


@dataclass(frozen=True)
class Seen:
    """What came at a time: one event, or by a poll all that are after one position up to another."""

    after: int
    cursor: int
    fragments: list[Fragment]
    asked_at: float
    """When the connection that brought it was asked for."""
    at: float


def kind(fragment: Fragment) -> str:
    if "data-member=" in fragment.html:
        return "member_changed"
    if "data-deleted=" in fragment.html:
        return "message_deleted"
    return "message_posted" if "<hx-upsert" in fragment.html else "message_changed"


@dataclass
class Reader:
    """What one reader has: the page it began with, and every event since."""

    name: str
    messages: dict[int, Fragment]
    start: int
    epoch: str
    names: dict[int, dict[int, str]] = field(default_factory=dict)
    """By author and message, what the author is called there."""
    seen: list[Seen] = field(default_factory=list)

    @property
    def position(self) -> int:
        return self.seen[-1].cursor if self.seen else self.start

    @property
    def cursor(self) -> str:
        return f"{self.epoch}.{self.position}"

    def take(self, cursor: str, html: str, asked_at: float) -> None:
        """Put what follows where a page would put it. A stream's MUST be the next event."""
        epoch, position = cursor.split(".")
        fragments = [Fragment(one) for one in FRAGMENT.findall(html)]
        assert epoch == self.epoch, cursor
        self.seen.append(Seen(self.position, int(position), fragments, asked_at, time.monotonic()))
        for fragment in fragments:
            self._put(fragment)

    def _put(self, fragment: Fragment) -> None:
        if kind(fragment) == "member_changed":
            author, name = author_of(fragment.html)
            for message_id in self.names.get(author, {}):
                self.names[author][message_id] = name
            return
        message_id = fragment.message_id
        if kind(fragment) == "message_deleted":
            self.messages.pop(message_id, None)
        elif kind(fragment) == "message_posted" or message_id in self.messages:
            self.messages[message_id] = articles(fragment.html)[message_id]
            self.know(self.messages[message_id])

    def know(self, article: Fragment) -> None:
        author, name = author_of(article.html)
        self.names.setdefault(author, {})[article.message_id] = name


FRAGMENT = re.compile(r"<hx-upsert\b.*?</hx-upsert>|<hx-partial\b.*?</hx-partial>|<i data-member=.*?</i>", re.DOTALL)


def author_of(html: str) -> tuple[int, str]:
    """Whose it is: their number, and what they are called."""
    number = re.search(r'data-(?:author|member)="([0-9]+)"', html)
    name = re.search(r'<bdi class="message-author"[^>]*>(.*?)</bdi>', html)
    assert number, html
    assert name, html
    return int(number[1]), name[1]


async def open_page(person: Person, name: str) -> Reader:
    """The newest messages of a room, and the cursor from which its stream goes on."""
    while True:
        try:
            answer = await person.client.get(f"/rooms/{person.room}/messages")
            break
        except httpx.TransportError:
            await asyncio.sleep(PAUSE)
    epoch, position = answer.headers["Chat-Cursor"].split(".")
    reader = Reader(name, articles(answer.text), int(position), epoch)
    for article in reader.messages.values():
        reader.know(article)
    return reader


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
        except Out:
            assert isinstance(person, Guest), f"{reader.name} was removed"
            ledger.refused += 1
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
                expected = f"{reader.epoch}.{reader.position + 1}"
                assert event.last_event_id == expected, f"{reader.name}: {event.last_event_id} and not {expected}"
                reader.take(event.last_event_id, event.data, asked_at)


async def by_poll(person: Person, reader: Reader, stays: int) -> None:
    """Long polls, until they brought `stays` events."""
    until = reader.position + stays
    while reader.position < until:
        asked_at = time.monotonic()
        answer = await person.client.get(f"/rooms/{person.room}/poll", params={"after": reader.cursor, "wait": "10"})
        if answer.status_code == 503:
            raise httpx.ReadError("the server is stopping")
        if answer.headers.get("Chat-Error") == "removed":
            raise Out
        assert answer.status_code == 200, answer.text
        assert "Chat-Reset" not in answer.headers, f"{reader.name} was reset at {reader.cursor}"
        if answer.headers["Chat-Cursor"] != reader.cursor:
            reader.take(answer.headers["Chat-Cursor"], answer.text, asked_at)


def articles(html: str) -> dict[int, Fragment]:
    """The messages in a page or fragment, by id, in their order."""
    found = re.findall(r'<article class="message" id="message-[0-9]+".*?</article>', html, re.DOTALL)
    fragments = [Fragment(article) for article in found]
    return {fragment.message_id: fragment for fragment in fragments}
