"""People who look after the room, those whom they put out of it, and rows of the log that are of no use to anybody."""

import asyncio
import random
import secrets
import sqlite3
import time
from dataclasses import dataclass, field

import httpx

from tests import zygote
from tests.delivery.ledger import Ledger, Outcast
from tests.delivery.readers import Guest, author_of
from tests.delivery.writers import PAUSE, again, attempt, delete, first_words, words
from tests.gaps import add_unknown
from tests.people import Fragment, Person
from tests.serving import Server, run

OUT = 0.5
"""Seconds at most that somebody is out, and that they are in between two removals."""

STRANGE = 0.3
"""Seconds at most between two rows that nobody can show."""


@dataclass
class Got:
    """What somebody was answered, but for streams and polls: up to which position, what it says, and when it came."""

    cursor: int
    html: str
    at: float


@dataclass
class Pursued:
    """Somebody who is put out of the room, and what they get all the same."""

    person: Guest
    outcast: Outcast
    got: list[Got] = field(default_factory=list)


async def pursued(person: Guest, ledger: Ledger, chance: random.Random) -> Pursued:
    number, _ = author_of(await first_words(person, ledger, chance))
    return Pursued(person, Outcast(person.name, number))


async def moderator(person: Person, server: Server, ledger: Ledger, chance: random.Random) -> Person:
    """The person, who looks after the room from now on."""
    number, _ = author_of(await first_words(person, ledger, chance))
    await command(server, ledger, chance, "room", "moderator", person.room, str(number))
    return person


async def put_out(
    server: Server,
    moderator: Person,
    outcast: Outcast,
    ledger: Ledger,
    chance: random.Random,
    stopping: asyncio.Event,
    *,
    ban: bool,
) -> None:
    """Remove somebody and let them in again, by a moderator or by a command; until `stopping`, when they are in."""
    path = f"/rooms/{moderator.room}/members/{outcast.user_id}"
    who = (moderator.room, str(outcast.user_id))
    while not stopping.is_set():
        await asyncio.sleep(chance.uniform(0, OUT))
        if chance.random() < 0.5:
            await insist(moderator, f"{path}/removal", ledger, chance, ban="1" if ban else "", reason="noise")
        else:
            await command(server, ledger, chance, "room", "remove", *who, "--reason", "noise", *["--ban"] * ban)
        ledger.removals += 1
        await asyncio.sleep(chance.uniform(0, OUT))
        outcast.returns.append(time.monotonic())
        if chance.random() < 0.5:
            await insist(moderator, f"{path}/return", ledger, chance)
        else:
            await command(server, ledger, chance, "room", "let-in", *who)


async def tidy_up(
    server: Server, moderator: Person, ledger: Ledger, chance: random.Random, stopping: asyncio.Event
) -> None:
    """Delete what passers-by have left."""
    while not stopping.is_set():
        await asyncio.sleep(chance.uniform(0, 10 * PAUSE))
        if len(ledger.passing) < 2:
            continue
        message = ledger.passing.pop(chance.randrange(len(ledger.passing)))
        if chance.random() < 0.7:
            await delete(moderator, ledger, chance, message)
        else:
            await command(server, ledger, chance, "message", "delete", str(message.id))
            ledger.deleted(message)


async def go_on(who: Pursued, ledger: Ledger, chance: random.Random, stopping: asyncio.Event) -> None:
    """Write and look at pages, in the room or out of it."""
    person, path = who.person, f"/rooms/{who.person.room}"
    while not stopping.is_set():
        key, text = secrets.token_urlsafe(18), words(chance)
        while not (html := await attempt(person, f"{path}/messages", ledger, text=text, key=key, name=person.name)):
            await look(who, f"{path}/messages", ledger)
            await again(ledger, chance)
        who.got.append(Got(Fragment(html).position, html, time.monotonic()))
        ledger.posted(Fragment(html).message_id, key, text)
        await look(who, path, ledger)
        await asyncio.sleep(chance.uniform(0, 5 * PAUSE))


async def look(who: Pursued, path: str, ledger: Ledger) -> None:
    try:
        answer = await who.person.client.get(path)
    except httpx.TransportError:
        return
    ledger.refused += answer.headers.get("Chat-Error") == "removed"
    cursor = int(answer.headers.get("Chat-Cursor", ".0").partition(".")[2])
    who.got.append(Got(cursor, answer.text, time.monotonic()))


async def add_strange_rows(server: Server, ledger: Ledger, chance: random.Random, stopping: asyncio.Event) -> None:
    """Of a type that nobody knows, or about nothing that there is, as another program would beside the server."""
    gone: dict[str, object] = {"type": "message_changed", "message_id": None, "user_id": None}
    while not stopping.is_set():
        await asyncio.sleep(chance.uniform(0, STRANGE))
        other = chance.choice([{}, gone])
        try:
            await asyncio.to_thread(add_unknown, server.folder / "quart_chat.db", "lobby", **other)
        except sqlite3.OperationalError:
            continue  # somebody else writes
        ledger.strange += 1


async def insist(person: Person, path: str, ledger: Ledger, chance: random.Random, **fields: str) -> None:
    while await attempt(person, path, ledger, None, htmx=True, **fields) is None:
        await again(ledger, chance)


async def command(server: Server, ledger: Ledger, chance: random.Random, *words: str) -> None:
    """Run one beside the server, or while there is none, until it has done it."""
    while (ended := await run(server.folder, *zygote.COMMAND, *words)).code != 0:
        assert "cannot store" in ended.err or "locked" in ended.err or "busy" in ended.err, ended
        await again(ledger, chance)
