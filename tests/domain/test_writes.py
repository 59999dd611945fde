"""What every write of the rules has in common: it claims its room first, and may run again."""

import ast
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

from quart_chat.assets import PACKAGE
from quart_chat.domain import embed_keys, embeds, guests, log, messages, moderation, names, operators, rooms
from quart_chat.domain.actors import CONSOLE, Asker, Embed, GuestKey, SiteToken
from quart_chat.domain.chat import Chat
from quart_chat.identity.lookalikes import skeleton
from quart_chat.models import Draft, Kind, User
from quart_chat.store import users
from tests.domain.recorded import RecordedDatabase
from tests.embeds import Site

CLAIM = "FOR UPDATE"

ROOMS = {"rooms.create": "cake", "operators.appoint": None, "names.rename": None, "names.tell_elsewhere": None}
"""For which room a write says it is, where that is not tea; None for one in all rooms of somebody."""


class Cast:
    """Ana, who owns a room and has written in it."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self._sender = Asker(None, "Ana", "192.0.2.1")
        self._key = iter(f"{number:024}" for number in range(100))

    async def arrive(self) -> None:
        created = await rooms.create(self.chat, "Tea", "tea", self._sender, next(self._key))
        assert created.owner
        self.sender = replace(self._sender, credential=GuestKey(created.owner.key))
        self.message = (await self.post()).event.act.message.id
        bo = await messages.post(self.chat, "tea", Asker(None, "Bo", "192.0.2.2"), Draft("hello", next(self._key)))
        self.bo = bo.author.id

    async def rotate(self) -> None:
        self.key = await embed_keys.rotate(self.chat, "tea", CONSOLE)

    async def ask(self) -> None:
        """As somebody whom the room's site vouches for, and who has not written yet."""
        token = Site("tea", self.key).token(role="moderator", exp=self.chat.now() // 1000 + 60)
        embed = Embed("http://localhost:9", local=True)
        await moderation.ask_to_remove(self.chat, "tea", Asker(SiteToken(token), None, "192.0.2.3", embed), self.bo)

    async def tell(self) -> None:
        """As after a message in some other room that came with a new name."""
        user = await guests.current(self.chat, self.sender.credential.user_key)
        await names.tell_elsewhere(self.chat, user, 0)

    async def post(self) -> messages.Posted:
        return await messages.post(self.chat, "tea", self.sender, Draft("hello", next(self._key)))


WRITES: dict[str, Callable[[Chat, Cast], Awaitable[object]]] = {
    "rooms.create": lambda chat, ana: rooms.create(chat, "Cake", "cake", ana.sender),
    "messages.post": lambda chat, ana: ana.post(),
    "messages.edit": lambda chat, ana: messages.edit(chat, "tea", ana.sender, ana.message, "changed"),
    "messages.delete": lambda chat, ana: messages.delete(chat, "tea", ana.sender, ana.message),
    "moderation.appoint": lambda chat, ana: moderation.appoint(chat, "tea", ana.sender, ana.bo, True),
    "moderation.remove": lambda chat, ana: moderation.remove(chat, "tea", ana.sender, ana.bo, ban=True),
    "moderation.let_in": lambda chat, ana: moderation.let_in(chat, "tea", ana.sender, ana.bo),
    "names.rename": lambda chat, ana: names.rename(chat, ana.sender, "Bea"),
    "names.tell_elsewhere": lambda chat, ana: ana.tell(),
    "embed_keys.create": lambda chat, ana: embed_keys.create(chat, "tea", CONSOLE, "HS256"),
    "embed_keys.rotate": lambda chat, ana: ana.rotate(),
    "confirmations.ask": lambda chat, ana: ana.ask(),
    "embed_keys.revoke": lambda chat, ana: revoke(chat),
    "embeds.change": lambda chat, ana: embeds.change(chat, "tea", CONSOLE, add=["https://example.org"]),
    "embeds.replace_list": lambda chat, ana: embeds.replace_list(
        chat, "tea", ana.sender, ["https://two.example"], True
    ),
    "operators.appoint": lambda chat, ana: operators.appoint(chat, CONSOLE, ana.bo, True),
    "embeds.clear": lambda chat, ana: embeds.clear(chat, "tea", CONSOLE),
}
"""In an order in which all of them do something."""


NO_LOG = {"following.begin", "following.done"}
"""These append to the log of no room: they say how far somebody else has read it."""


async def revoke(chat: Chat) -> None:
    await embed_keys.revoke(chat, "tea", CONSOLE, (await embed_keys.valid(chat, "tea", CONSOLE))[0].id)


def writing() -> Iterator[str]:
    """The functions of the domain that write."""
    for path in sorted((PACKAGE / "domain").glob("*.py")):
        for function in ast.parse(path.read_text("utf-8")).body:
            if isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef):
                calls = {ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
                if "chat.database.write" in calls:
                    yield f"{path.stem}.{function.name}"


def test_every_write_of_the_rules_is_in_the_table() -> None:
    assert set(writing()) == set(WRITES) | NO_LOG


async def test_every_write_claims_its_room_first_and_may_run_again(chat: Chat) -> None:
    database = RecordedDatabase(chat.database)
    chat = replace(chat, database=database)
    ana = Cast(chat)
    await ana.arrive()
    wrong = []
    for name, write in WRITES.items():
        database.writes.clear()
        await write(chat, ana)
        (recorded,) = database.writes
        claims = [number for number, sql in enumerate(recorded.statements) if sql.endswith(CLAIM)]
        if claims != [0] or recorded.room != ROOMS.get(name, "tea"):
            wrong.append(f"{name}: claims {claims}, for {recorded.room}")
        if not any(not sql.startswith("SELECT") for sql in recorded.statements):
            wrong.append(f"{name} wrote nothing")
    assert not wrong


TOLD = {
    "rooms.create": None,
    "messages.post": "MessagePosted",
    "messages.edit": "MessageChanged",
    "messages.delete": "MessageDeleted",
    "moderation.appoint": "MemberChanged",
    "moderation.remove": "MemberChanged",
    "moderation.let_in": "MemberChanged",
    "operators.appoint": "MemberChanged",
    "confirmations.ask": None,
    "names.rename": "MemberChanged",
    "names.tell_elsewhere": "MemberChanged",
}
"""What is in the log of the room afterwards; where nothing else stands, RoomChanged."""


async def test_every_write_is_in_the_log_with_who_did_it(chat: Chat) -> None:
    ana = Cast(chat)
    await ana.arrive()
    room = await rooms.find(chat, "tea", CONSOLE)
    told = {}
    for name, write in WRITES.items():
        head = await log.head(chat, room.id)
        await write(chat, ana)
        found, _ = await log.events_after(chat, room.id, head, 10)
        told[name] = [(type(event.act).__name__, event.actor_id) for event in found]
    by_operator = {
        "operators.appoint",
        "embed_keys.create",
        "embed_keys.rotate",
        "embed_keys.revoke",
        "embeds.change",
        "embeds.clear",
    }
    assert told == {
        name: [(act, None if name in by_operator else room.owner_id)] if act else []
        for name, act in ((name, TOLD.get(name, "RoomChanged")) for name in WRITES)
    }


async def test_change_that_changes_nothing_is_not_told(chat: Chat) -> None:
    await embeds.change(chat, "lobby", CONSOLE, add=["https://example.org"], signed_only=True)
    for again in (
        embeds.change(chat, "lobby", CONSOLE, add=["https://example.org"], signed_only=True),
        embeds.change(chat, "lobby", CONSOLE, remove=["https://other.example"]),
        embeds.change(chat, "lobby", CONSOLE),
    ):
        assert (await again).cursor == 1


async def test_new_name_is_told_in_every_room_of_whoever_has_it(chat: Chat) -> None:
    """A site has signed somebody in whose name a guest had before, who writes in three rooms."""
    ana = Asker(None, "Sigrid", "192.0.2.1")
    key = (await messages.post(chat, "lobby", ana, Draft("hello", "0" * 24))).author.key
    ana = replace(ana, credential=GuestKey(key))
    for number, slug in enumerate(("tea", "garden", "cake"), 1):
        await rooms.create(chat, slug, slug, Asker(None, None, "192.0.2.1")) if slug != "garden" else None
        if slug != "cake":
            await messages.post(chat, slug, ana, Draft("hello", f"{number}" * 24))
    room = await rooms.find(chat, "tea", CONSOLE)
    sigrid = User(0, "Sigrid", "key of sigrid", 0, room.id, None, None, Kind.SIGNED)
    await chat.database.write(lambda tx: users.upsert_signed(tx, sigrid, skeleton=skeleton("Sigrid")))
    database = RecordedDatabase(chat.database)
    posted = await messages.post(
        replace(chat, database=database), "tea", replace(ana, name="Ana"), Draft("again", "9" * 24)
    )
    claims = [[number for number, sql in enumerate(job.statements) if "FOR UPDATE" in sql] for job in database.writes]
    assert claims == [[0], [0]], "whoever holds a room claims no other"
    assert posted.event.act.message.author.name == "Ana"
    names = {}
    for slug in ("lobby", "tea", "garden", "cake"):
        found, _ = await log.events_after(chat, (await rooms.find(chat, slug, CONSOLE)).id, 0, 10)
        shown = [getattr(event.act, "member", None) or event.act.message for event in found]
        names[slug] = [
            (type(event.act).__name__, subject.author.name) for event, subject in zip(found, shown, strict=True)
        ]
    posts, changed = ("MessagePosted", "Ana"), ("MemberChanged", "Ana")
    assert names == {
        "lobby": [posts, changed], "tea": [posts, posts, changed], "garden": [posts, changed], "cake": []
    }  # fmt: skip
