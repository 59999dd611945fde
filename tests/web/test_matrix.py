"""Every address, asked by everybody: what each is answered stands in one table."""

import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

import pytest
from quart import Quart

from quart_chat import errors
from quart_chat.app import create_app
from quart_chat.assets import fingerprint, folder
from quart_chat.config import Config
from quart_chat.domain import embed_keys, messages, moderation, rooms
from quart_chat.domain.actors import CONSOLE, Asker, GuestKey
from quart_chat.domain.chat import Chat
from quart_chat.events import MessagePosted
from quart_chat.http import cookies
from quart_chat.http.context import EXTENSION
from quart_chat.identity import guests
from quart_chat.models import Draft, Rank, User
from quart_chat.store import events, members, users
from quart_chat.store import messages as stored_messages
from quart_chat.store import rooms as stored_rooms
from quart_chat.store.database import Transaction
from quart_chat.web import static, streams
from tests.asgi import Answer, ask
from tests.diagnose.test_verdict import FLAWLESS
from tests.embeds import SITE, Site

COLUMNS = """
    nobody stranger member moderator owner operator
    removed banned newcomer removed-in-embed removed-signed
    in-embed signed signed-moderator
    forged-cookie forged-in-embed forged-signed expired of-another-room
""".split()
"""Who asks. A stranger has written in another room, a newcomer comes from the network of who is banned; whoever is
forged shows what nobody here has signed."""

CODES = {
    "R": "removed",
    "Y": "not_yours",
    "M": "not_moderator",
    "O": "not_owner",
    "C": "needs_confirmation",
    "I": "identity_refused",
    "E": "identity_expired",
    "S": "sign_in_over",
    "A": "nobody_yet",
    "V": "name_of_site",
    "L": "room_not_found",
}
"""Why it is refused; a dot where it is not."""

TABLE = """
GET    -   /                                                          200  ...... ..... ... .....
GET    -   /apple-touch-icon.png                                      200  ...... ..... ... .....
GET    -   /diagnose                                                  200  ...... ..... ... .....
GET    -   /diagnose/echo                                             200  ...... ..... ... .....
GET    -   /diagnose/poll                                             200  ...... ..... ... .....
GET    -   /diagnose/stream                                           200  ...... ..... ... .....
GET    -   /diagnose/verdict                                          200  ...... ..... ... .....
GET    -   /diagnose/websocket                                        426  ...... ..... ... .....
GET    -   /embed.js                                                  200  ...... ..... ... .....
GET    -   /embed/<slug>                                              200  ...... RRR.R ... .....
POST   -   /embed/<slug>/me                                           303  A..... ..AAV AVV AAVVV
POST   -   /embed/<slug>/messages                                     303  ...... RRR.R ... ..IEI
GET    -   /healthz                                                   200  ...... ..... ... .....
GET    -   /manifest.webmanifest                                      200  ...... ..... ... .....
GET    -   /me                                                        200  ...... ..... ... .....
POST   -   /me                                                        303  A..... ..ALV LVV AAVVV
GET    -   /oembed                                                    200  ...... RRRRR ... .....
GET    -   /readyz                                                    200  ...... ..... ... .....
GET    -   /rooms                                                     303  ...... ..... ... .....
POST   -   /rooms                                                     303  ...... ..... ... .....
GET    -   /rooms/                                                    303  ...... ..... ... .....
GET    -   /rooms/<slug>                                              200  ...... RRRRR ... .....
GET    -   /rooms/<slug>/embed                                        200  ...... RRRRR ... .....
POST   -   /rooms/<slug>/embed                                        303  OOOO.. RRRRR OOO OOIEI
GET    -   /rooms/<slug>/identity                                     200  ...... RRRRR ... ..IEI
GET    -   /rooms/<slug>/members                                      200  MMM... RRRRR CCC MCIEI
POST   -   /rooms/<slug>/members/<number:user_id>/confirmation        200  MMMMMM MRRRR MM. MMSSS
GET    -   /rooms/<slug>/members/<number:user_id>/rank                200  OOOO.. RRRRR OOO OOIEI
POST   -   /rooms/<slug>/members/<number:user_id>/rank                303  OOOO.. RRRCC CCC OCCCC
POST   -   /rooms/<slug>/members/<number:user_id>/rank/confirmation   200  OOOOOO ORRRR OOO OOSSS
GET    -   /rooms/<slug>/members/<number:user_id>/removal             200  MMM... RRRRR MM. MMIEI
POST   -   /rooms/<slug>/members/<number:user_id>/removal             303  MMM... RRRCC CCC MCCCC
POST   -   /rooms/<slug>/members/<number:user_id>/return              303  MMM... RRRCC CCC MCCCC
GET    -   /rooms/<slug>/messages                                     200  ...... RRRRR ... .....
POST   -   /rooms/<slug>/messages                                     303  ...... RRRRR ... ..IEI
DELETE -   /rooms/<slug>/messages/<number:message_id>                 303  YYY... RRRCC CCC YCCCC
DELETE own /rooms/<slug>/messages/<number:message_id>                 303  YY.... RRRCC CCC YCCCC
GET    -   /rooms/<slug>/messages/<number:message_id>                 200  ...... RRRRR ... .....
POST   -   /rooms/<slug>/messages/<number:message_id>                 303  YYYYYY RRRRR YYY YYIEI
POST   own /rooms/<slug>/messages/<number:message_id>                 303  YY.... RRRRR ... YYIEI
PUT    -   /rooms/<slug>/messages/<number:message_id>                 303  YYYYYY RRRRR YYY YYIEI
PUT    own /rooms/<slug>/messages/<number:message_id>                 303  YY.... RRRRR ... YYIEI
POST   -   /rooms/<slug>/messages/<number:message_id>/confirmation    200  YYYYYY YRRRR YY. YYSSS
POST   own /rooms/<slug>/messages/<number:message_id>/confirmation    200  YYYYYY YRRRR ... YYSSS
GET    -   /rooms/<slug>/messages/<number:message_id>/deletion        200  YYY... RRRRR YY. YYIEI
GET    own /rooms/<slug>/messages/<number:message_id>/deletion        200  YY.... RRRRR ... YYIEI
POST   -   /rooms/<slug>/messages/<number:message_id>/deletion        303  YYY... RRRCC CCC YCCCC
POST   own /rooms/<slug>/messages/<number:message_id>/deletion        303  YY.... RRRCC CCC YCCCC
GET    -   /rooms/<slug>/messages/<number:message_id>/source          200  YYYYYY RRRRR YYY YYIEI
GET    own /rooms/<slug>/messages/<number:message_id>/source          200  YY.... RRRRR ... YYIEI
GET    -   /rooms/<slug>/poll                                         200  ...... RRRRR ... .....
GET    -   /rooms/<slug>/qr.svg                                       200  ...... RRRRR ... .....
GET    -   /rooms/<slug>/share                                        200  ...... RRRRR ... .....
GET    -   /rooms/<slug>/stream                                       200  ...... RRRRR ... .....
GET    -   /static/<path>                                             200  ...... ..... ... .....
"""
"""Method; whether what it is about is the asker's own; address; the status of what is not refused; and the columns."""

OUT = ("removed", "banned", "newcomer", "removed-in-embed", "removed-signed")
"""Who gets nothing."""

CANARY = "Kanarie"
"""In every name and every text of others in the room, and nowhere else."""

HOST = "localhost"
ORIGIN = f"http://{HOST}"
HOME, AWAY = "192.0.2.1", "198.51.100.1"
"""Where people write from; who is banned has written from the other one."""

QUERIES = {
    "/oembed": f"?url={ORIGIN}/rooms/<slug>",
    "/diagnose/verdict": f"?measurement={quote(json.dumps(asdict(FLAWLESS)))}",
}
"""What an address needs."""

FURTHER = {
    "/rooms/<slug>": ("?message=<id>", "?before=9", "?after=0", "?refresh=off"),
    "/rooms/<slug>/messages": ("?message=<id>", "?before=9", "?after=0"),
    "/rooms/<slug>/poll": ("?after=<epoch>.0&wait=25", "?after=<epoch>.99999", "?after=x"),
    "/rooms/<slug>/stream": ("?after=<epoch>.0", "?after=<epoch>.99999", "?after=x"),
    "/embed/<slug>": ("?message=<id>", "?before=9", "?theme=none"),
}
"""What else some may be asked."""

AHEAD = ["Proxies", "ChecksHost", "WebSockets", "Held", "AddsHeaders", "Static"]
"""What sees a request before Quart does. Whatever of it answers has its addresses in `routes`."""


@dataclass(frozen=True)
class Row:
    method: str
    own: bool
    rule: str
    status: int
    cells: str

    def expected(self, column: str) -> tuple[int, str]:
        code = CODES.get(self.cells[COLUMNS.index(column)], "")
        return (STATUSES[code] if code else self.status), code


def _kinds(error: type[errors.ChatError]) -> Iterator[type[errors.ChatError]]:
    yield error
    for kind in error.__subclasses__():
        yield from _kinds(kind)


STATUSES = {error.code: error.status for error in _kinds(errors.ChatError)}


def rows() -> Iterator[Row]:
    for line in TABLE.strip().splitlines():
        method, own, rule, status, *cells = line.split()
        yield Row(method, own == "own", rule, int(status), "".join(cells))


def routes(app: Quart) -> set[tuple[str, str]]:
    """Every address with each of its methods: those of Quart, and those that are answered ahead of it."""
    found = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    held = re.search(r"\(([a-z|]+)\)$", streams.ADDRESS.pattern)
    assert held
    found |= {("GET", f"/rooms/<slug>/{what}") for what in held[1].split("|")}
    return found | {("GET", f"{static.PREFIX}<path>"), ("GET", "/embed.js")}


@dataclass(frozen=True)
class Who:
    """Somebody who asks in one room: what their requests carry."""

    headers: dict[str, str]
    address: str = HOME
    user: User | None = None


@dataclass
class World:
    """The room `tea` is full of what outcasts must not get; `void` has no more than what they have written there."""

    app: Quart
    chat: Chat
    people: dict[tuple[str, str], Who]
    """By column and room."""
    author: User
    """Whose messages others find."""
    _messages: dict[int, list[int]] = field(default_factory=dict)
    _persons: list[int] = field(default_factory=list)

    async def message(self, author: User) -> int:
        """One of theirs that nobody has asked for yet."""

        def write(tx: Transaction) -> list[int]:
            written = []
            for _ in range(50):
                room = stored_rooms.claim(tx, "tea")
                assert room
                key = secrets.token_urlsafe(18)
                message = stored_messages.insert(tx, room, author, key=key, text=f"{CANARY} said", now=0)
                assert message
                events.append(tx, room, MessagePosted(message), actor=author.id, now=0)
                written.append(message.id)
            return written

        if not self._messages.get(author.id):
            self._messages[author.id] = await self.chat.database.write(write)
        return self._messages[author.id].pop()

    async def person(self) -> int:
        """Somebody in the room of whom nobody has asked yet."""

        def write(tx: Transaction) -> list[int]:
            room = stored_rooms.select(tx, "tea")
            assert room
            made = [users.insert(tx, name=f"Kim {CANARY}", key=secrets.token_urlsafe(18), now=0) for _ in range(200)]
            for user in made:
                members.upsert(tx, room.id, user.id, rank=Rank.MEMBER, now=0)
            return [user.id for user in made]

        if not self._persons:
            self._persons = await self.chat.database.write(write)
        return self._persons.pop()

    async def answer(
        self,
        row: Row,
        column: str,
        slug: str = "tea",
        *,
        method: str = "",
        query: str = "",
        written: Callable[[str], str] = str,
        **headers: str,
    ) -> Answer:
        """`written` is how the number in the address is."""
        who = self.people[column, slug]
        path = row.rule + (query or QUERIES.get(row.rule, ""))
        if "message_id" in path or "<id>" in path:
            number = str(await self.message(who.user if row.own and who.user else self.author))
            path = path.replace("<number:message_id>", written(number)).replace("<id>", number)
        if "user_id" in path:
            path = path.replace("<number:user_id>", written(str(await self.person())))
        path = path.replace("<path>", f"{fingerprint(folder('static'))}/room.js")
        path = path.replace("<slug>", slug).replace("<epoch>", self.chat.epoch)
        form = None
        if row.method != "GET":
            headers = {"Origin": ORIGIN, **headers}
            form = {
                "text": "words of their own", "name": "Rhea", "slug": f"new-{secrets.token_hex(8)}", "owner": "Rhea",
                "key": secrets.token_urlsafe(18), "reason": "noise", "rank": "moderator", "origins": "", "room": slug,
            }  # fmt: skip
            if row.rule.endswith("/confirmation"):
                form |= {"host": who.headers.get("Chat-Host", ""), "token": who.headers.get("Chat-Token", "")}
        headers = {"Host": HOST, **who.headers, **headers}
        return await ask(self.app, method or row.method, path, headers, form, address=who.address)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    app = create_app(Config(database_url=f"sqlite:///{tmp_path}/chat.db", limits="off"), local=True)
    async with app.test_app():
        yield await populated(app, app.extensions[EXTENSION].chat)


async def populated(app: Quart, chat: Chat) -> World:
    """Everybody has written what they are to have written, and is out who is to be out."""

    def cookie(user: User, secret: bytes = chat.secret) -> dict[str, str]:
        return {"Cookie": f"{cookies.name(cookies.PAGE, chat.secret, https=False)}={guests.issue(secret, user)}"}

    def embedded(user: User, secret: bytes = chat.secret) -> dict[str, str]:
        return {"Chat-Host": SITE, "Chat-Token": guests.issue_for_embed(secret, user, SITE)}

    def signed(token: str) -> dict[str, str]:
        return {"Chat-Host": SITE, "Chat-Token": token}

    async def made(slug: str, name: str) -> User:
        created = await rooms.create(chat, f"{slug} {name}", slug, Asker(None, name, HOME), slug.ljust(24, "0"))
        assert created.owner
        return created.owner

    async def guest(name: str, slug: str = "tea", address: str = HOME) -> User:
        draft = Draft(f"I am {name}", secrets.token_urlsafe(18))
        return (await messages.post(chat, slug, Asker(None, name, address), draft)).author

    async def writes(who: Who, slug: str) -> Who:
        headers = {"Host": HOST, "Origin": ORIGIN, "HX-Request": "true", **who.headers}
        form = {"text": "words", "key": secrets.token_urlsafe(18)}
        answer = await ask(app, "POST", f"/rooms/{slug}/messages", headers, form, address=who.address)
        assert answer.status == 201, answer
        written = await messages.find(chat, slug, CONSOLE, int(answer.headers["chat-message"]))
        return replace(who, user=await chat.database.read(lambda tx: users.select_by_id(tx, written.author.id)))

    owner, *_ = [await made(slug, name) for slug, name in (("tea", f"Olga {CANARY}"), ("void", "V"), ("garden", "G"))]
    sites = {
        slug: Site(slug, await embed_keys.create(chat, slug, CONSOLE, "HS256")) for slug in ("tea", "void", "garden")
    }
    stranger = await guest("Stella", "garden")
    removed, banned, gone = await guest("Remi"), await guest("Bela", address=AWAY), await guest("Rolf")
    member, moderator, operator, in_embed, author = [
        await guest(f"{name} {CANARY}") for name in ("Mel", "Moe", "Opal", "Finn", "Ada")
    ]
    await moderation.appoint(chat, "tea", CONSOLE, moderator.id, True)
    await chat.database.write(lambda tx: users.update_operator(tx, operator.id, True))
    chat.gates.forget({})
    people: dict[tuple[str, str], Who] = {}
    for slug in ("tea", "void"):
        claims = {"sub": "u-3", "name": f"Sol {CANARY}", "role": "moderator"}
        forged = Site(slug, replace(sites[slug].key, secret="x" * 43))
        outcasts = {
            "removed": Who(cookie(removed), user=removed),
            "banned": Who(cookie(banned), AWAY, banned),
            "removed-in-embed": Who(embedded(gone), user=gone),
            "removed-signed": Who(signed(sites[slug].token("u-1", "Rina"))),
        }
        found = {
            "nobody": Who({}),
            "stranger": Who(cookie(stranger)),
            "member": Who(cookie(member), user=member),
            "moderator": Who(cookie(moderator), user=moderator),
            "owner": Who(cookie(owner), user=owner),
            "operator": Who(cookie(operator), user=operator),
            "newcomer": Who({}, AWAY),
            "in-embed": Who(embedded(in_embed), user=in_embed),
            "signed": await writes(Who(signed(sites[slug].token("u-2", f"Sigrid {CANARY}"))), slug),
            "signed-moderator": await writes(Who(signed(sites[slug].token(**claims))), slug),
            "forged-cookie": Who(cookie(owner, b"o" * 32)),
            "forged-in-embed": Who(embedded(owner, b"o" * 32)),
            "forged-signed": Who(signed(forged.token(**claims))),
            "expired": Who(signed(sites[slug].token(**claims, exp=int(time.time()) - 3600))),
            "of-another-room": Who(signed(sites["garden"].token(**claims))),
        }
        for column, who in outcasts.items():
            found[column] = await writes(who, slug)
            user = found[column].user
            assert user
            await moderation.remove(chat, slug, CONSOLE, user.id, ban=column == "banned", reason="Noise, for days")
        people |= {(column, slug): who for column, who in found.items()}
    return World(app, chat, people, author)


def test_every_address_has_its_row() -> None:
    app = create_app()
    assert {(row.method, row.rule) for row in rows()} == routes(app)
    assert {len(row.cells) for row in rows()} == {len(COLUMNS)}
    layers, layer = [], app.asgi_app
    while (inner := getattr(layer, "_app", None)) is not None:
        layers.append(type(layer).__name__)
        layer = inner
    assert layers == AHEAD


async def test_everybody_is_answered_as_the_table_says(world: World) -> None:
    wrong = []
    for row in rows():
        for column in COLUMNS:
            for method in ("GET", "HEAD") if row.method == "GET" else (row.method,):
                answer = await world.answer(row, column, method=method)
                if (found := (answer.status, answer.code)) != row.expected(column):
                    wrong.append(f"{method} {row.rule} for {column}: {found}, and not {row.expected(column)}")
    assert not wrong, "\n".join(wrong)


NUMBERS: dict[str, Callable[[str], str]] = {
    "Arabic-Indic": lambda number: quote(number.translate({ord("0") + digit: 0x660 + digit for digit in range(10)})),
    "full width": lambda number: quote(number.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})),
    "zeros before it": lambda number: f"000{number}",
    "a sign": lambda number: f"+{number}",
    "a line break": lambda number: f"{number}%0a",
    "past what databases hold": lambda _: "9" * 19,
    "past what Python reads": lambda _: "9" * 5_000,
    "nothing": lambda _: "0",
}
"""How a number in an address is not written."""


async def test_number_in_an_address_is_written_in_one_way(world: World) -> None:
    numbered = [row for row in rows() if "_id>" in row.rule]
    assert len(numbered) > 15
    wrong = []
    for row in numbered:
        for what, written in NUMBERS.items():
            answer = await world.answer(row, "operator", written=written)
            if (found := (answer.status, answer.code)) != (404, "not_found"):
                wrong.append(f"{row.method} {row.rule}, {what}: {found}")
    assert not wrong, "\n".join(wrong)


async def test_who_is_out_is_told_the_same_whatever_is_in_the_room(world: World) -> None:
    """No text, no name, no count: every answer is that of a room in which nobody else has said a word."""

    def said(answer: Answer, slug: str) -> tuple[int, dict[str, str], str]:
        plain = re.sub(r"nonce[-=][\"']?[\w-]+", "nonce", f"{json.dumps(dict(answer.headers))}\0{answer.body.decode()}")
        headers, _, body = plain.replace(f"/{slug}", "/slug").partition("\0")
        return (
            answer.status,
            {name: value for name, value in json.loads(headers).items() if name != "content-length"},
            body,
        )

    await world.message(world.author)
    full = await world.answer(next(row for row in rows() if row.rule == "/rooms/<slug>"), "nobody")
    assert f"{CANARY} said" in full.body.decode()
    wrong, asked = [], 0
    for row in rows():
        for column in OUT:
            if row.expected(column)[1] != "removed":
                continue
            for query in ("", *FURTHER.get(row.rule, ())):
                for headers in ({}, {"HX-Request": "true"}, {"Sec-Fetch-Dest": "document"}):
                    tea, void = [
                        said(await world.answer(row, column, slug, query=query, **headers), slug)
                        for slug in ("tea", "void")
                    ]
                    asked += 1
                    if tea != void or tea[1].get("chat-error") != "removed" or CANARY in str(tea):
                        wrong.append(f"{row.method} {row.rule}{query} for {column}, {headers}:\n{tea}\n{void}")
    assert asked > 300
    assert not wrong, "\n".join(wrong)


async def test_ticket_of_somebody_who_is_out_by_now_does_nothing(world: World) -> None:
    """Nor does that of a moderator who is none any more."""
    chat, found = world.chat, {}
    for column, what in (("member", "messages"), ("moderator", "messages"), ("moderator", "members")):
        user = world.people[column, "tea"].user
        assert user
        asker = Asker(GuestKey(user.key), None, HOME)
        if what == "messages":
            number = await world.message(user)
            _, ticket = await messages.ask_to_delete(chat, "tea", asker, number)
        else:
            number = await world.person()
            ticket = (await moderation.ask_to_remove(chat, "tea", asker, number)).ticket
        found[column, what] = number, ticket
    for column in ("member", "moderator"):
        user = world.people[column, "tea"].user
        assert user
        await moderation.remove(chat, "tea", CONSOLE, user.id)
    for (column, what), (number, ticket) in found.items():
        path = f"/rooms/tea/{what}/{number}/{'deletion' if what == 'messages' else 'removal'}"
        answer = await ask(world.app, "POST", path, {"Host": HOST, "Origin": ORIGIN}, {"ticket": ticket}, address=HOME)
        assert answer.code == "removed", (column, what)
    user = world.people["moderator", "tea"].user
    assert user
    await moderation.let_in(chat, "tea", CONSOLE, user.id)
    number, ticket = found["moderator", "members"]
    form = {"ticket": ticket}
    answer = await ask(
        world.app, "POST", f"/rooms/tea/members/{number}/removal", {"Host": HOST, "Origin": ORIGIN}, form
    )
    assert answer.code == "not_moderator"
