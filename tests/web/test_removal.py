"""Whoever looks after a room takes messages and people out of it, and who is out gets nothing of it any more."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.people import Person
from tests.serving import Server
from tests.web.page import Page


@pytest.fixture
async def olga(server: Server, room: str) -> AsyncIterator[Person]:
    """Who owns a room, which the others come to."""
    async with Person("Olga", server.url, f"{room}-hers") as owner:
        answer = await owner.send("/rooms", name="Hers", slug=owner.room, owner="Olga", key="k" * 24 + room)
        assert answer.status_code == 303
        yield owner


async def number_of(person: Person, room: str = "") -> int:
    """Everybody else's numbers are on their messages."""
    answer = await person.client.get(f"/rooms/{room or person.room}/identity")
    return int(answer.headers["Chat-Identity"])


async def arrive(person: Person, room: str, text: str = "hello") -> int:
    """Somebody writes in the room; the number by which they are known."""
    person.room = room
    await person.post_message(text)
    return await number_of(person)


def path(person: Person, number: int, what: str = "removal") -> str:
    return f"/rooms/{person.room}/members/{number}/{what}"


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("Chat-Error", "")


OUT = (403, "removed")


async def surfaces(person: Person) -> dict[str, tuple[int, str]]:
    """What each address of the room answers."""
    room, client = f"/rooms/{person.room}", person.client
    reading = (
        "",
        "?before=9",
        "?after=0",
        "/messages",
        "/messages?before=9",
        "/share",
        "/qr.svg",
        "/embed",
        "/identity",
    )
    found = {f"{room}{what}": code(await client.get(f"{room}{what}")) for what in (*reading, "/stream", "/poll")}
    others = (f"/embed/{person.room}", f"/oembed?url={person.url}{room}")
    found |= {what: code(await client.get(what)) for what in others}
    found["post"] = code(await person.send(f"{room}/messages", text="x", key="k" * 24))
    found["post without a script"] = code(await person.send(f"{room}/messages", htmx=False, text="x", key="l" * 24))
    return found


async def test_removed_person_reads_why_on_a_page_that_shows_nothing_else(olga: Person, bob: Person) -> None:
    number = await arrive(bob, olga.room, "words of bob")
    await olga.post_message("words of olga")
    answer = await olga.send(path(olga, number), reason="  No <b>spam</b>\nhere. ")
    assert (answer.status_code, answer.headers["Chat-Member"]) == (200, str(number))
    assert "spam" not in answer.text, "why is told to them alone"
    found = await surfaces(bob)
    assert {what: said for what, said in found.items() if said != OUT} == {}
    for answer in (
        await bob.client.get(f"/rooms/{bob.room}"),
        await bob.client.get(f"/embed/{bob.room}"),
        await bob.send(f"/rooms/{bob.room}/messages", htmx=False, text="my words", key="k" * 24),
    ):
        page = Page(answer.text)
        assert "No <b>spam</b> here." in page.alert
        assert not page.all("form")
        assert not page.by_class("message")
        assert "words of" not in answer.text
        assert "Hers" not in answer.text
    framed = await bob.client.get(f"/embed/{bob.room}")
    assert "frame-ancestors 'self' http" in framed.headers["Content-Security-Policy"], "it can be read in its frame"


async def test_who_is_out_is_let_in_again_without_a_script(olga: Person, bob: Person) -> None:
    number = await arrive(bob, olga.room)
    asked = Page((await olga.client.get(path(olga, number))).text)
    assert "Bob" in asked.all("h1")[0].text
    assert len(asked.all("form", action=path(olga, number))) == 1
    answer = await olga.send(path(olga, number), htmx=False, ban="1", reason="noise")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/rooms/{olga.room}/removed")
    listed = Page((await olga.client.get(f"/rooms/{olga.room}/removed")).text)
    (person,) = listed.by_class("people")
    assert all(word in person.text for word in ("Bob", "banned", "noise", "Let in again"))
    answer = await olga.send(path(olga, number, "return"), htmx=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/rooms/{olga.room}/removed")
    assert "Nobody." in (await olga.client.get(f"/rooms/{olga.room}/removed")).text
    await bob.post_message("I am back")
