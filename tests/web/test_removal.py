"""Whoever looks after a room takes messages and people out of it, and who is out gets nothing of it any more."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from quart_chat.domain import embed_keys, log, moderation, operators, rooms
from quart_chat.domain.actors import CONSOLE, Asker
from quart_chat.errors import RemovedFromRoom
from quart_chat.events import MemberChanged
from quart_chat.identity import tickets
from quart_chat.identity.tickets import Deed
from tests.embeds import SITE, Site, Visitor, beside, site_of
from tests.people import Fragment, Listener, Person, client, only_cookie
from tests.serving import Server
from tests.streaming.wire import wire
from tests.web.conftest import new_room
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
    room, browser = f"/rooms/{person.room}", person.client
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
    found = {f"{room}{what}": code(await browser.get(f"{room}{what}")) for what in (*reading, "/stream", "/poll")}
    others = (f"/embed/{person.room}", f"/oembed?url={person.url}{room}")
    found |= {what: code(await browser.get(what)) for what in others}
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
    embedded = await bob.client.get(f"/embed/{bob.room}")
    assert "frame-ancestors 'self' http" in embedded.headers["Content-Security-Policy"], "it can be read in its embed"


async def test_who_is_out_is_let_in_again_without_a_script(olga: Person, bob: Person) -> None:
    number = await arrive(bob, olga.room)
    asked = Page((await olga.client.get(path(olga, number))).text)
    assert "Bob" in asked.all("h1")[0].text
    assert len(asked.all("form", action=path(olga, number))) == 1
    answer = await olga.send(path(olga, number), htmx=False, ban="1", reason="noise")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/rooms/{olga.room}/members")
    listed = Page((await olga.client.get(f"/rooms/{olga.room}/members")).text)
    person, keepers = listed.by_class("people")
    assert "Olga" in keepers.text
    assert "Bob" not in keepers.text
    assert all(word in person.text for word in ("Bob", "banned", "noise", "Let in again"))
    again = Page((await olga.client.get(path(olga, number))).text)
    assert again.field("reason") == "noise"
    assert "checked" in again.all("input", name="ban", value="1")[0].attributes
    for fields, shown in (({"ban": "1"}, True), ({"reason": ""}, False), ({"reason": "quite a noise"}, True)):
        await olga.send(path(olga, number), htmx=False, **fields)
        listed = (await olga.client.get(f"/rooms/{olga.room}/members")).text
        assert ("noise" in listed) is shown, fields
        assert "banned" in listed
        assert ("noise" in (await bob.client.get(f"/rooms/{bob.room}")).text) is shown, fields
    answer = await olga.send(path(olga, number, "return"), htmx=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/rooms/{olga.room}/members")
    assert "Nobody." in (await olga.client.get(f"/rooms/{olga.room}/members")).text
    await bob.post_message("I am back")


async def positions_until_out(listener: Listener) -> list[int]:
    """Of what a stream has brought, up to its end, which says why."""
    *brought, last = await listener.rest(seconds=30)
    assert (last.type, '"reason": "removed"' in last.data) == ("farewell", True)
    return [int(event.last_event_id.partition(".")[2]) for event in brought if event.type == "message"]


async def test_all_that_somebody_has_open_ends_and_nothing_after_arrives(olga: Person, bob: Person) -> None:
    """Streams, held polls and posts in several connections, while the others go on writing."""
    number = await arrive(bob, olga.room)
    posts: list[httpx.Response] = []
    bodies: list[str] = []

    async def post_on() -> None:
        while not posts or posts[-1].status_code == 201:
            posts.append(await bob.send(f"/rooms/{bob.room}/messages", text=f"mine {len(posts)}"))

    async def poll_on(after: str) -> None:
        while True:
            answer = await bob.client.get(f"/rooms/{bob.room}/poll", params={"after": after, "wait": "20"})
            if code(answer) == OUT:
                return
            assert answer.status_code == 200
            bodies.append(answer.text)
            after = answer.headers["Chat-Cursor"]

    async with bob.listen() as one, bob.listen() as two, olga.listen() as hers:
        at = hers.hello.last_event_id
        async with asyncio.TaskGroup() as tasks:
            ended = [tasks.create_task(positions_until_out(stream)) for stream in (one, two)]
            for _ in range(3):
                tasks.create_task(poll_on(at))
                tasks.create_task(post_on())
            while len(posts) < 3:
                await hers.next("message")
            await olga.send(path(olga, number))
            while True:
                event = await hers.next("message")
                if f'data-member="{number}"' in event.data:
                    break
            out = int(event.last_event_id.partition(".")[2])
            for text in ("after that 1", "after that 2"):
                await olga.post_message(text)
    assert all(max(task.result()) <= out for task in ended)
    assert "after that" not in "".join(bodies)
    accepted = [Fragment(answer.text).position for answer in posts if answer.status_code == 201]
    assert {code(answer) for answer in posts if answer.status_code != 201} == {OUT}
    assert max(accepted) < out
    page = Page((await olga.client.get(f"/rooms/{olga.room}")).text)
    assert page.texts[-2:] == ["after that 1", "after that 2"]


LONG = 110
"""Messages of 8 KB: nearly as much as may be replayed, and about what the kernel takes for who does not read."""


async def test_reader_of_a_long_backlog_gets_nothing_of_what_follows(server: Server, olga: Person, bob: Person) -> None:
    """The rest of it waits in the server when they are removed."""
    number = await arrive(bob, olga.room)
    for start in range(0, LONG, 10):
        await asyncio.gather(*(olga.post_message(f"{count} {'x' * 7900}") for count in range(start, start + 10)))
    epoch = (await bob.client.get(f"/rooms/{bob.room}/poll")).headers["Chat-Cursor"].partition(".")[0]
    async with wire(server.bind, window=4096) as connection, olga.listen() as hers:
        name, value = only_cookie(bob.client.cookies)
        said = f"Host: {server.bind}\r\nCookie: {name}={value}\r\nSec-Fetch-Site: same-origin\r\n\r\n"
        await connection.send(f"GET /rooms/{bob.room}/stream?after={epoch}.1 HTTP/1.1\r\n{said}".encode())
        await connection.read_until(lambda at: any(event.type == "message" for event in at.events))
        await olga.send(path(olga, number))
        await olga.post_message("after that")
        out = (await hers.next("message")).last_event_id
        await hers.next("message")
        await connection.read_to_the_end()
    types = [event.type for event in connection.events]
    last = [event.last_event_id for event in connection.events if event.type == "message"][-1]
    assert int(last.partition(".")[2]) <= int(out.partition(".")[2])
    assert b"after that" not in connection.received
    assert types[-1] == "farewell"
    assert b'"reason": "removed"' in connection.body


async def test_ban_ends_what_others_have_open_from_that_network(server: Server, olga: Person) -> None:
    """Who has no name there, and who comes anew; not who was a member before."""
    near, far = "127.0.0.61", "127.0.0.62"
    async with (
        Person("Mallory", server.url, olga.room, address=near) as mallory,
        Person("Bob", server.url, olga.room, address=near) as bob,
        Person("Nobody", server.url, olga.room, address=near) as nobody,
        Person("Mallory", server.url, olga.room, address=far) as elsewhere,
    ):
        number = await arrive(mallory, olga.room)
        await arrive(bob, olga.room)
        async with nobody.listen() as ending, elsewhere.listen() as reading, bob.listen() as going_on:
            await olga.send(path(olga, number), ban="1", reason="Advertising.")
            await positions_until_out(ending)
            for stream in (reading, going_on):
                await stream.next("message")
            await olga.post_message("after that")
            for stream in (reading, going_on):
                assert "after that" in (await stream.next("message")).data
        for person in (mallory, nobody):
            found = await surfaces(person)
            assert {what: said for what, said in found.items() if said != OUT} == {}, person.name
            mallory.client.cookies.clear()
        told = await nobody.client.get(f"/rooms/{olga.room}")
        assert "Advertising" not in told.text, "it is about somebody else"
        await elsewhere.post_message("another network")
        await olga.send(path(olga, number, "return"))
        await nobody.post_message("let in")


@pytest.fixture
async def site(server: Server, olga: Person) -> Site:
    return await site_of(server, olga.room)


async def confirm(visitor: Visitor, number: int, what: str = "confirmation") -> httpx.Response:
    """What the embed opens in a tab of its own."""
    async with client(visitor.url, Origin=visitor.url) as tab:
        asked = await tab.post(path(visitor, number, what), data={"token": visitor.token, "host": SITE})
        # What is pressed for the second time of a double click is not there yet.
        assert asked.is_error or Page(asked.text).by_class("late")
        return asked


async def press(visitor: Visitor, where: str, **fields: str) -> httpx.Response:
    """What is sent from such a tab, which has no cookie and no token."""
    async with client(visitor.url, Origin=visitor.url) as tab:
        return await tab.post(where, data=fields)


def ticket_in(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return Page(answer.text).all("input", name="ticket")[0].attributes["value"] or ""


async def test_moderator_of_a_site_removes_from_an_embed_by_a_page_of_its_own(
    server: Server, olga: Person, bob: Person, alice: Person, site: Site
) -> None:
    """Who has not written yet, so that nobody knows them there but by what the site has signed."""
    number, other, room = await arrive(bob, olga.room), await arrive(alice, olga.room), olga.room
    async with (
        Visitor("", server.url, room, token=site.token("mo", "Mo", role="moderator")) as mo,
        Visitor("", server.url, room, token=site.token("sy", "Sy")) as member,
        olga.listen() as hers,
    ):
        for htmx in (True, False):
            for where in (path(mo, number), path(mo, number, "return"), f"/rooms/{room}/messages/1/deletion"):
                assert code(await mo.send(where, htmx=htmx)) == (403, "needs_confirmation")
        assert 'data-rank="3"' in (await mo.client.get(f"/rooms/{room}/identity")).text
        assert code(await confirm(member, number)) == (403, "not_moderator")
        ticket = ticket_in(await confirm(mo, number))
        assert not (await bob.client.get(f"/rooms/{room}/identity")).is_error, "asking removes nobody"
        done = await press(mo, path(mo, number), ticket=ticket, reason="Advertising.", ban="1")
        assert "Bob" in Page(done.text).all("h1")[0].text
        assert f'data-member="{number}"' in (await hers.next("message")).data
        assert code(await bob.client.get(f"/rooms/{room}")) == OUT
        undone = await press(mo, path(mo, number, "return"), ticket=ticket_in(done))
        assert "in the room again" in Page(undone.text).all("h1")[0].text
        await press(mo, path(mo, number), ticket=ticket_in(await confirm(mo, number)))
        listed = Page((await confirm(mo, other)).text)
        assert "Bob" in listed.by_class("people")[0].text
        assert listed.all("form", action=path(mo, number, "return"))
        async with beside(server) as chat:
            found, _ = await log.events_after(chat, (await rooms.find(chat, room, CONSOLE)).id, 0, 100)
        actors = {event.actor_id for event in found if isinstance(event.act, MemberChanged)}
        assert len(actors) == 1
        assert None not in actors, "the log says whose act it was"


async def test_ticket_does_one_thing_to_one_person_in_one_room(
    server: Server, olga: Person, bob: Person, alice: Person, site: Site
) -> None:
    """What deletes a message removes nobody, though both have the same number. (Of a signature's last character only
    some bits count.)"""
    room, elsewhere = olga.room, await new_room(server)
    number, other = await arrive(bob, room), await arrive(alice, room)
    token = site.token("mo", "Mo", role="moderator")
    async with Visitor("", server.url, room, token=token) as mo, client(server.url, Origin=server.url) as tab:
        message = (await olga.post_message("words")).message_id
        asked = await tab.post(f"/rooms/{room}/messages/{message}/confirmation", data={"token": token, "host": SITE})
        deletes, removes = ticket_in(asked), ticket_in(await confirm(mo, number))
        rows = {
            f"/rooms/{room}/members/{message}/removal": deletes,
            f"/rooms/{room}/messages/{number}/deletion": removes,
            path(mo, other): removes,
            path(mo, number, "return"): removes,
            path(mo, number): removes[:-9] + ("A" if removes[-9] != "A" else "B") + removes[-8:],
        }
        found = {where: code(await press(mo, where, ticket=ticket)) for where, ticket in rows.items()}
        assert {where: said for where, said in found.items() if said != (403, "confirmation_invalid")} == {}
        async with Visitor("Vera", server.url, room) as vera, beside(server) as chat:
            for slug in (room, elsewhere):  # who looks after both, and whom no site's key binds to one
                await bob.post_message("hello", room=slug)
                await vera.post_message("hello", room=slug)
                await moderation.appoint(chat, slug, CONSOLE, await number_of(vera, slug), True)
            hers, there = ticket_in(await confirm(vera, number)), f"/rooms/{elsewhere}/members/{number}/removal"
            assert code(await press(vera, there, ticket=hers)) == (403, "confirmation_invalid")
        embedded = await tab.post(path(mo, number), data={"ticket": removes}, headers={"Chat-Host": SITE})
        assert code(embedded) == (403, "confirmation_invalid")
        await bob.post_message("still here")
        async with beside(server) as chat:
            await embed_keys.revoke(chat, room, CONSOLE, site.key.key.id)
        assert code(await press(mo, path(mo, number), ticket=removes)) == (403, "confirmation_invalid")
        await bob.post_message("still here")


async def test_owner_makes_moderators_and_unmakes_them_with_a_script_and_without(
    olga: Person, bob: Person, alice: Person
) -> None:
    number, room, people = await arrive(bob, olga.room), f"/rooms/{olga.room}", f"/rooms/{olga.room}/members"
    message = f"{room}/messages/{(await bob.post_message('words')).message_id}"
    rank = path(olga, number, "rank")
    assert Page((await olga.client.get(message)).text).all("form", action=rank)
    asked = Page((await olga.client.get(rank)).text)
    assert "Make Bob" in asked.all("h1")[0].text
    assert asked.field("rank") == "moderator"
    for wrong in ({"rank": "owner"}, {}):
        assert code(await olga.send(rank, **wrong)) == (422, "rank_invalid")
    async with alice.listen(room=olga.room) as reading:
        answer = await olga.send(rank, htmx=False, rank="moderator")
        assert (answer.status_code, answer.headers["Location"]) == (303, people)
        assert code(await olga.send(rank, rank="moderator")) == (200, "")  # changes nothing
        listed = Page((await olga.client.get(people)).text)
        (keepers,) = listed.by_class("people")
        assert "Bob" in keepers.text
        assert "moderator" in keepers.text
        assert listed.all("form", action=rank)
        assert 'data-rank="3"' in (await bob.client.get(f"{room}/identity")).text
        theirs = Page((await bob.client.get(people)).text)
        assert "Bob" in theirs.by_class("people")[0].text
        assert not theirs.all("form", action=rank), "moderators make no moderators"
        assert not Page((await bob.client.get(message)).text).all("form", action=rank)
        asked = Page((await olga.client.get(rank)).text)
        assert "no longer" in asked.all("h1")[0].text
        answer = await olga.send(rank, rank=asked.field("rank"))
        assert (answer.status_code, answer.headers["Chat-Member"]) == (200, str(number))
        assert 'data-rank="2"' in (await bob.client.get(f"{room}/identity")).text
        await bob.post_message("after that")
        live = [await reading.next("message") for _ in range(3)]
    assert f'data-member="{number}"' in live[0].data
    assert f'data-member="{number}"' in live[1].data
    assert "after that" in live[2].data
    async with alice.listen(room=olga.room, after=reading.hello.last_event_id) as again:
        replayed = [await again.next("message") for _ in range(3)]
    assert [event.last_event_id for event in replayed] == [event.last_event_id for event in live]
    assert f'data-member="{number}"' in replayed[0].data
    await olga.send(path(olga, number))
    assert code(await olga.client.get(rank)) == (403, "cannot_appoint")
    assert code(await olga.send(rank, rank="moderator")) == (403, "cannot_appoint")


async def test_operator_makes_a_moderator_from_an_embed_by_a_page_of_its_own(
    server: Server, olga: Person, bob: Person
) -> None:
    number, room = await arrive(bob, olga.room), olga.room
    async with Visitor("Vera", server.url, room) as vera, beside(server) as chat:
        await vera.post_message("hello")
        await operators.appoint(chat, CONSOLE, await number_of(vera), True)
        rank = path(vera, number, "rank")
        assert code(await vera.send(rank, rank="moderator")) == (403, "needs_confirmation")
        asked = await confirm(vera, number, "rank/confirmation")
        assert "Make Bob" in Page(asked.text).all("h1")[0].text
        ticket = ticket_in(asked)
        assert code(await press(vera, rank, ticket=ticket, rank="member")) == (403, "confirmation_invalid")
        assert code(await press(vera, path(vera, number), ticket=ticket)) == (403, "confirmation_invalid")
        done = Page((await press(vera, rank, ticket=ticket, rank="moderator")).text)
        assert "Bob" in done.all("h1")[0].text
        assert "is a moderator" in done.all("h1")[0].text
        assert 'data-rank="3"' in (await bob.client.get(f"/rooms/{room}/identity")).text
        asked = await confirm(vera, number, "rank/confirmation")
        for used, to in ((ticket_in(asked), "member"), (ticket, "moderator")):  # the second one a second time
            done = Page((await press(vera, rank, ticket=used, rank=to)).text)
            assert "is no moderator" in done.all("h1")[0].text
        assert 'data-rank="2"' in (await bob.client.get(f"/rooms/{room}/identity")).text


async def test_ticket_counts_once_and_a_form_that_is_sent_again_says_how_things_are(
    server: Server, olga: Person, bob: Person, site: Site
) -> None:
    """Nobody is stuck whose answer was lost, or who has clicked twice; and nothing is done that was taken back since,
    also where another process asks."""
    number, room = await arrive(bob, olga.room), olga.room

    async def position() -> int:
        return int((await olga.client.get(f"/rooms/{room}/poll")).headers["Chat-Cursor"].partition(".")[2])

    token = site.token("mo", "Mo", role="moderator")
    async with Visitor("", server.url, room, token=token) as mo, beside(server) as chat:
        ticket, before = ticket_in(await confirm(mo, number)), await position()
        assert code(await press(mo, path(mo, number), ticket=ticket, reason="x" * 201)) == (422, "reason_invalid")
        answers = await asyncio.gather(
            *(press(mo, path(mo, number), ticket=ticket, reason=reason) for reason in ("noise", "noise", "spite"))
        )
        assert {code(answer) for answer in answers} == {(200, "")}
        assert {"is removed" in Page(answer.text).all("h1")[0].text for answer in answers} == {True}
        assert await position() == before + 1
        back = ticket_in(answers[0])
        for _ in range(2):
            done = await press(mo, path(mo, number, "return"), ticket=back)
            assert "in the room again" in Page(done.text).all("h1")[0].text
        assert await position() == before + 2
        done = await press(mo, path(mo, number), ticket=ticket, ban="1")
        assert "in the room again" in Page(done.text).all("h1")[0].text
        confirmed = tickets.verify(chat.secret, ticket, Deed(moderation.REMOVAL, room, number))
        await moderation.remove(chat, room, Asker(confirmed, None, ""), number)
        await bob.post_message("still here")
        await olga.send(path(olga, number))
        await press(mo, path(mo, number, "return"), ticket=back)
        assert code(await bob.client.get(f"/rooms/{room}")) == OUT
        await olga.send(path(olga, number, "return"))
        message = (await bob.post_message("words")).message_id
        async with client(server.url, Origin=server.url) as tab:
            fields = {"token": token, "host": SITE}
            asked = await tab.post(f"/rooms/{room}/messages/{message}/confirmation", data=fields)
        for _ in range(2):
            deleted = await press(mo, f"/rooms/{room}/messages/{message}/deletion", ticket=ticket_in(asked))
            assert "is deleted" in Page(deleted.text).all("h1")[0].text


HOSTILE = {
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    "</span></hx-partial><hx-partial hx-target='body'>": "</span></hx-partial><hx-partial hx-target='body'>",
    "a\r\nSet-Cookie: x\n\nevent: reset\0": "a Set-Cookie: x event: reset",
    "\u202egnp.exe\u2066 \u200f": "gnp.exe",
    "\u200b\u2060 \t": "",
    "{{ 7 * 7 }} 🦊": "{{ 7 * 7 }} 🦊",
    "é" * 200: "é" * 200,
}
"""Reasons, and how they are told."""


async def test_reason_is_told_as_it_is_and_never_markup(olga: Person, bob: Person) -> None:
    number = await arrive(bob, olga.room)
    wrong = []
    for reason, told in HOSTILE.items():
        assert (await olga.send(path(olga, number), reason=reason)).status_code == 200
        sentence = f"{RemovedFromRoom.sentence} The reason given: {told}" if told else RemovedFromRoom.sentence
        shown, polled = [await bob.client.get(f"/rooms/{bob.room}{what}") for what in ("", "/poll")]
        posted = await bob.send(f"/rooms/{bob.room}/messages", text="x", key="k" * 24)
        listed = Page((await olga.client.get(f"/rooms/{olga.room}/members")).text)
        said = [
            Page(shown.text).alert,
            polled.text.rstrip("\n"),
            "".join(e.text for e in Page(posted.text).all("span")),
        ]
        if said != [sentence] * 3 or told not in listed.by_class("people")[0].text:
            wrong.append((reason, said))
        if any(
            element.attributes.get("hx-target") == "body" for element in (*Page(posted.text).elements, *listed.elements)
        ):
            wrong.append((reason, ["markup"]))
        await olga.send(path(olga, number, "return"))
    assert not wrong
    refused = await olga.send(path(olga, number), htmx=False, reason="x" * 201, ban="1")
    page = Page(refused.text)
    assert refused.status_code == 422
    assert "201 characters, and 200 at most" in page.alert
    assert page.field("reason") == "x" * 201
    await bob.post_message("still here")
