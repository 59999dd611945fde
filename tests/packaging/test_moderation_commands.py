"""`quart-chat user`, `message` and what `room` does with people, typed by an operator while a server runs."""

import asyncio
import re
from pathlib import Path

from quart_chat.app import open_chat
from quart_chat.config import Config
from quart_chat.domain import rooms
from quart_chat.domain.actors import Asker
from tests.packaging.test_embed_commands import command, done, folder, refused
from tests.people import Person
from tests.serving import Server

__all__ = ["folder"]


async def number_of(person: Person) -> str:
    return (await person.client.get("/rooms/lobby/identity")).headers["Chat-Identity"]


async def tag_of(person: Person) -> str:
    found = re.search("#([a-z0-9]{4})<", (await person.client.get("/rooms/lobby/identity")).text)
    assert found
    return f"{person.name}#{found[1]}"


async def test_readers_see_at_once_what_a_command_does(server: Server, alice: Person, bob: Person) -> None:
    """By streams and polls that are open; whoever is out gets nothing of what follows."""
    message = (await bob.post_message("spam")).message_id
    await alice.post_message("hello")
    async with alice.listen() as hers, bob.listen() as his:
        deleted = await done(server.folder, "message", "delete", str(message))
        assert re.fullmatch(rf"The message {message} of Bob#\w{{4}} in the room “lobby” is deleted.\n", deleted.out)
        for stream in (hers, his):
            assert f'data-deleted="message-{message}"' in (await stream.next("message")).data
        poll = asyncio.create_task(
            bob.client.get("/rooms/lobby/poll", params={"after": str(hers.hello.last_event_id), "wait": "20"})
        )
        removed = await done(server.folder, "room", "remove", "lobby", "Bob", "--reason", "Advertising.")
        assert removed.out.endswith(" is out of the room “lobby”. The reason given: Advertising.\n")
        assert 'data-member="' in (await hers.next("message")).data
        await alice.post_message("after that")
        assert "after that" in (await hers.next("message")).data
        rest = await his.rest()
        assert rest[-1].type == "farewell"
        assert '"reason": "removed"' in rest[-1].data
        assert not [event for event in rest if "after that" in event.data]
        assert "after that" not in (await poll).text
    refusal = await bob.send("/rooms/lobby/messages", text="I", key="k" * 24)
    assert (refusal.status_code, refusal.headers["Chat-Error"]) == (403, "removed")
    assert "Advertising." in refusal.text
    assert "may be in" in (await done(server.folder, "room", "let-in", "lobby", await tag_of(alice))).out
    assert "may be in" in (await done(server.folder, "room", "let-in", "lobby", "Bob")).out
    await bob.post_message("I am back")


async def test_moderators_and_operators_are_made_by_commands(server: Server, alice: Person, bob: Person) -> None:
    for person in (alice, bob):
        await person.post_message("hello")
    removal = f"/rooms/lobby/members/{await number_of(bob)}/removal"

    async def tries() -> int:
        return (await alice.send(removal)).status_code

    assert await tries() == 403
    alices, bobs = await tag_of(alice), await tag_of(bob)
    async with alice.listen() as stream:
        made = await done(server.folder, "room", "moderator", "lobby", alices)
        assert made.out == f"{alices} is a moderator of the room “lobby” now.\n"
        assert 'data-member="' in (await stream.next("message")).data
        assert await tries() == 200
        await stream.next("message")
        await done(server.folder, "room", "moderator", "lobby", "Alice", "--no")
        await stream.next("message")
        assert await tries() == 403
        assert (await done(server.folder, "user", "operator", alices)).out == f"{alices} is an operator now.\n"
        await stream.next("message")
        await done(server.folder, "room", "let-in", "lobby", bobs)
        assert await tries() == 200
        assert "whole server" in await refused(server.folder, "room", "remove", "lobby", "Alice")
        await done(server.folder, "user", "operator", "Alice", "--no-operator")
        assert await tries() == 403
    assert "Let them in first." in await refused(server.folder, "room", "moderator", "lobby", bobs)


async def test_people_of_one_name_are_listed_with_what_tells_them_apart(server: Server, alice: Person) -> None:
    async with Person("Alice", server.url) as second, Person("Alice", server.url) as third:
        await tell_apart(server, [alice, second, third])


async def tell_apart(server: Server, people: list[Person]) -> None:
    alice = people[0]
    for person in people:
        await person.post_message("hello")
    await people[0].send("/rooms", name="Tea", slug="tea")
    await people[0].post_message("hello", room="tea")
    for arguments in (("room", "remove", "lobby", "Alice"), ("user", "operator", "Alice")):
        ended = await command(server.folder, *arguments)
        assert (ended.code, ended.out) == (2, "")
        *listed, last = ended.err.splitlines()
        assert last == "quart-chat: 3 people may be meant by “Alice”. Name one with the tag, or by number."
        expected = [f"{await tag_of(person)}  number {await number_of(person)}  in " for person in people]
        assert [line.partition("in ")[0] + "in " for line in listed] == expected
        assert listed[0].endswith("in tea, lobby")
    assert "may be in" in (await done(server.folder, "room", "let-in", "tea", await tag_of(people[1]))).out
    assert f"{await tag_of(alice)} may be in" in (await done(server.folder, "room", "let-in", "tea", "Alice")).out
    async with alice.listen() as stream:
        for who in (await tag_of(people[1]), await number_of(people[2])):
            await done(server.folder, "room", "remove", "lobby", who)
            await stream.next("message")
    answers = [(await person.client.get("/rooms/lobby")).status_code for person in people]
    assert answers == [200, 403, 403]


LONG = "x" * 10_000

REFUSED: dict[tuple[str, ...], str] = {
    ("message", "delete", "77"): "There is no message 77.",
    ("message", "delete", str(2**62)): f"There is no message {2**62}.",
    ("user", "operator", "Nobody"): "There is nobody called “Nobody”.",
    ("user", "operator", "999"): "There is nobody called “999”.",
    ("room", "remove", "nowhere", "Olga"): "There is no room “nowhere” in ",
    ("room", "remove", "lobby", "Olga#0000"): "There is nobody called “Olga#0000”.",
    ("room", "remove", "tea", "Olga"): "This person owns the room. Nobody can remove them.",
    ("room", "remove", "tea", "Olga", "--reason", LONG): "The reason is too long: 10,000 characters, and 200 at most.",
    ("room", "remove", "tea", LONG): "… xxx",
    ("room", "let-in", LONG, "Olga"): "… xxx",
    ("room", "let-in", "tea", "a\nb\r\x1b[31m\u202e\x07"): r"There is nobody called “a\nb\r\x1b[31m\u202e\x07”.",
    ("room", "let-in", "a\nb\x85", "Olga"): r"There is no room “a\nb\x85” in ",
    ("room", "moderator", "tea", "\udcff\udcfe"): r"“\udcff\udcfe” is not UTF-8.",
    ("room", "embed", "\udcff"): r"“\udcff” is not UTF-8.",
    ("user", "operator", "👩\u200d👧 Ζωή"): "There is nobody called “👩\u200d👧 Ζωή”.",
    ("room", "moderator", "tea", "Olga"): "This person owns the room, and looks after it anyway.",
}
"""What commands do not do, and why."""


async def test_refused_command_says_why_in_one_line(folder: Path) -> None:
    async with open_chat(Config(database_url=f"sqlite:///{folder}/quart_chat.db")) as chat:
        await rooms.create(chat, "Tea", "tea", Asker(None, "Olga", "192.0.2.1"), "k" * 24)
    said = {arguments: await refused(folder, *arguments) for arguments in REFUSED}
    assert {arguments: line for arguments, line in said.items() if REFUSED[arguments] not in line} == {}
    assert max(map(len, said.values())) < 1100


async def test_help_says_what_each_does(folder: Path) -> None:
    named = (
        ("user", "operator"),
        ("message", "delete"),
        *(("room", name) for name in ("remove", "let-in", "moderator")),
    )
    helped = {arguments: (await done(folder, *arguments, "--help")).out for arguments in named}
    assert not [arguments for arguments, text in helped.items() if len(text.splitlines()) < 7]
