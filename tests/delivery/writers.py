"""People who write, and insist: whatever is not acknowledged they send again, with the same key."""

import asyncio
import random
import secrets

import httpx

from tests.delivery.ledger import Ledger, Posted
from tests.delivery.readers import Guest, author_of
from tests.people import Fragment, Person

PAUSE = 0.02
"""Seconds at most between two things that one person does."""

RETRY = 0.1
"""Seconds at most between two attempts at one thing."""

IMPATIENCE = 0.01
"""Seconds after which an impatient person sends again: about as long as an answer takes, so that it is often lost."""

CHANGEABLE = 10
"""How many of their newest messages people still edit and delete."""


async def write(url: str, ledger: Ledger, chance: random.Random, stopping: asyncio.Event) -> None:
    """One person with one cookie, until `stopping`: posts, edits, deletes."""
    async with Person(f"Writer {chance.randrange(1000)}", url) as person:
        own = [await post(person, ledger, chance)]
        ledger.authors += 1
        while not stopping.is_set():
            await asyncio.sleep(chance.uniform(0, PAUSE))
            what = chance.choices(["post", "edit", "delete"], [6, 3, 1])[0]
            if what == "post" or not own:
                own = [*own, await post(person, ledger, chance)][-CHANGEABLE:]
            elif what == "edit":
                await edit(person, ledger, chance, chance.choice(own))
            else:
                await delete(person, ledger, chance, own.pop(chance.randrange(len(own))))


async def come_and_go(url: str, ledger: Ledger, chance: random.Random, stopping: asyncio.Event) -> None:
    """People without a cookie who write one message each. However often they send it, it makes one guest."""
    while not stopping.is_set():
        async with Person("Passer-by", url) as person:
            ledger.passing.append(await post(person, ledger, chance))
            ledger.authors += 1
        await asyncio.sleep(chance.uniform(0, 10 * PAUSE))


async def proteus(person: Person, ledger: Ledger, chance: random.Random) -> int:
    """Somebody has written who will change their name; the number by which they are known."""
    number, name = author_of(await first_words(person, ledger, chance))
    ledger.names[number] = name
    return number


async def change_names(
    person: Person, number: int, ledger: Ledger, chance: random.Random, stopping: asyncio.Event
) -> None:
    """Write, and be called something else again and again."""
    while not stopping.is_set():
        await asyncio.sleep(chance.uniform(0, 10 * PAUSE))
        person.name = f"Proteus {ledger.renames + 1}"
        while await attempt(person, "/me", ledger, htmx=False, name=person.name) is None:
            await again(ledger, chance)
        ledger.names[number] = person.name
        ledger.renames += 1
        if chance.random() < 0.5:
            await post(person, ledger, chance)


async def first_words(person: Person, ledger: Ledger, chance: random.Random) -> str:
    """By which somebody becomes an author: the fragment that acknowledges it."""
    key, text = secrets.token_urlsafe(18), words(chance)
    path = f"/rooms/{person.room}/messages"
    while not (answer := await attempt(person, path, ledger, text=text, key=key, name=person.name)):
        await again(ledger, chance)
    ledger.posted(Fragment(answer).message_id, key, text)
    ledger.authors += 1
    return answer


async def post(person: Person, ledger: Ledger, chance: random.Random) -> Posted:
    key, text = secrets.token_urlsafe(18), words(chance)
    while True:
        attempts = [
            attempt(
                person, f"/rooms/{person.room}/messages", ledger, impatient=chance, text=text, key=key, name=person.name
            )
            for _ in range(chance.choice([1, 1, 1, 2]))
        ]
        answers = [answer for answer in await asyncio.gather(*attempts) if answer]
        ids = {Fragment(answer).message_id for answer in answers}
        assert len(ids) <= 1, f"{key} made several messages: {ids}"
        if ids:
            return ledger.posted(ids.pop(), key, text)
        await again(ledger, chance)


async def edit(person: Person, ledger: Ledger, chance: random.Random, message: Posted) -> None:
    """Patient: an attempt that was given up on could still arrive after the next edit, and be the newer one."""
    text = words(chance)
    while not await attempt(person, f"/rooms/{person.room}/messages/{message.id}", ledger, text=text):
        await again(ledger, chance)
    ledger.edited(message, text)


async def delete(person: Person, ledger: Ledger, chance: random.Random, message: Posted) -> None:
    path = f"/rooms/{person.room}/messages/{message.id}/deletion"
    while not await attempt(person, path, ledger, impatient=chance):
        await again(ledger, chance)
    ledger.deleted(message)


async def attempt(
    person: Person,
    path: str,
    ledger: Ledger,
    impatient: random.Random | None = None,
    *,
    htmx: bool = True,
    **fields: str,
) -> str | None:
    """Send once; the acknowledging fragment, or None when there was no answer or a 503."""
    patience = IMPATIENCE if impatient and impatient.random() < 0.1 else 30
    try:
        async with asyncio.timeout(patience):
            answer = await person.send(path, htmx=htmx, **fields)
    except (httpx.TransportError, TimeoutError) as error:
        ledger.cut += isinstance(error, httpx.ReadError | httpx.RemoteProtocolError)
        return None
    if answer.status_code == 503:
        return None
    if answer.headers.get("Chat-Error") == "removed":
        assert isinstance(person, Guest), f"{person.name} was removed"
        ledger.refused += 1
        return None
    assert answer.status_code in (200, 201, 303), f"{path} {fields}: {answer.status_code} {answer.text}"
    ledger.found += "key" in fields and answer.status_code == 200
    return answer.text


async def again(ledger: Ledger, chance: random.Random) -> None:
    ledger.retries += 1
    await asyncio.sleep(chance.uniform(0, RETRY))


def words(chance: random.Random) -> str:
    """A text that nobody else writes."""
    return f"{chance.choice(['tea', 'owls', 'rain', 'boats'])} {secrets.token_hex(8)}"
