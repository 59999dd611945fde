"""Nobody gets into a room but by `access`, and no rule is asked without saying who asks."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from quart_chat import assets
from quart_chat.domain import access, embed_keys, messages, moderation, rooms
from quart_chat.domain.access import LEAST, Action
from quart_chat.domain.actors import CONSOLE, Asker, Console, Embed, GuestKey
from quart_chat.domain.chat import Chat
from quart_chat.domain.gates import Gates, digest
from quart_chat.errors import (
    ChatError,
    MemberNotFound,
    NeedsConfirmation,
    NetworkShut,
    NotModerator,
    NotOperator,
    NotOwner,
    RemovedFromRoom,
)
from quart_chat.models import Draft, Rank, Room, Standing, User
from quart_chat.store import bans, members, users
from quart_chat.store.database import Transaction
from tests.domain.recorded import Recorded, Recording


@dataclass(frozen=True)
class Viewing:
    """As streams and polls are known to a gate."""

    asker: Asker
    vouched_by: str | None = None

    @property
    def user_key(self) -> str | None:
        return self.asker.credential.user_key if isinstance(self.asker.credential, GuestKey) else None

    @property
    def address(self) -> str:
        return self.asker.address


ASKED_BY_NOBODY = {
    "access.embedders": "a list that is in the headers of every embed",
    "guests.current": "whose key that is has been verified",
    "log.events_after": "the engine asks, which lets nobody in whom the gate does not",
    "log.head": "as before",
    "following.begin": "the server's own work asks",
    "following.behind": "as before",
    "following.waiting": "as before",
    "following.done": "as before",
    "names.tell_elsewhere": "what was asked has been done: it is told in other rooms",
    "log.size_after": "as before",
}


def public_coroutines() -> Iterator[tuple[str, ast.AsyncFunctionDef]]:
    for path in sorted((assets.PACKAGE / "domain").glob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_"):
                yield f"{path.stem}.{node.name}", node


def test_every_rule_is_asked_by_somebody() -> None:
    wrong, found = [], set()
    for name, function in public_coroutines():
        found.add(name)
        given = {ast.unparse(argument.annotation) for argument in function.args.args if argument.annotation}
        if ("Asker" in given) == (name in ASKED_BY_NOBODY):
            wrong.append(name)
    assert not wrong
    assert set(ASKED_BY_NOBODY) <= found


def test_rooms_are_found_by_access_alone() -> None:
    """`rooms.create` looks whether an address is free, `gates` is where access remembers, and `following` is the server
    itself."""
    callers = {"access.py", "following.py", "gates.py", "rooms.py"}
    for path in sorted((assets.PACKAGE / "domain").glob("*.py")):
        text = path.read_text("utf-8")
        if path.name not in callers:
            assert "rooms.select" not in text, path.name
            assert "rooms.claim(" not in text, path.name


@pytest.fixture
async def ana(chat: Chat) -> Asker:
    """Who owns the room `tea`."""
    nobody = Asker(None, "Ana", "192.0.2.1")
    created = await rooms.create(chat, "Tea", "tea", nobody, "a" * 24)
    assert created.owner
    return replace(nobody, credential=GuestKey(created.owner.key))


async def guest(chat: Chat, name: str, address: str = "192.0.2.2") -> tuple[Asker, User]:
    """Who has written in `tea`."""
    nobody = Asker(None, name, address)
    posted = await messages.post(chat, "tea", nobody, Draft("hello", name.ljust(24, "0")))
    return replace(nobody, credential=GuestKey(posted.author.key)), posted.author


async def refused(chat: Chat, asker: Asker, action: Action) -> list[type[ChatError]]:
    """How both ways in refuse it."""
    found: list[type[ChatError]] = []
    try:
        await access.admit(chat, "tea", asker, action)
    except ChatError as error:
        found.append(type(error))
    try:
        await chat.database.read(lambda tx: access.enter(tx, chat, "tea", asker, action))
    except ChatError as error:
        found.append(type(error))
    return found


async def test_each_rank_may_what_the_table_says(chat: Chat, ana: Asker) -> None:
    """Both ways in say the same, which also is what makes the one in memory right."""
    bo, _ = await guest(chat, "Bo")
    mo, mo_user = await guest(chat, "Mo")
    op, op_user = await guest(chat, "Op")
    tea = await rooms.find(chat, "tea", CONSOLE)
    await chat.database.write(lambda tx: members.update_rank(tx, tea.id, mo_user.id, Rank.MODERATOR, by=None, now=0))
    await chat.database.write(lambda tx: users.update_operator(tx, op_user.id, True))
    chat.gates.forget({})
    ranks = {
        Asker(None, None, "192.0.2.9"): Rank.READER, bo: Rank.READER, mo: Rank.MODERATOR, ana: Rank.OWNER,
        op: Rank.OPERATOR, CONSOLE: Rank.OPERATOR,
    }  # fmt: skip
    by_rank = {Rank.MODERATOR: NotModerator, Rank.OWNER: NotOwner, Rank.OPERATOR: NotOperator}
    for asker, rank in ranks.items():
        for action, least in LEAST.items():
            expected = [] if rank >= least else [by_rank[least]] * 2
            assert await refused(chat, asker, action) == expected, (asker, action)
            if asker.credential is None or isinstance(asker.credential, Console):
                continue
            embedded = replace(asker, embed=Embed("http://localhost:9", local=True))
            least_refusal = by_rank.get(least, NeedsConfirmation)
            if action in (Action.DELETE, Action.MODERATE, Action.APPOINT):
                least_refusal = NeedsConfirmation
            allowed = action in access.IN_EMBEDS
            assert await refused(chat, embedded, action) == ([] if allowed else [least_refusal] * 2), (asker, action)


async def test_who_is_out_gets_in_nowhere(chat: Chat, ana: Asker) -> None:
    bo, user = await guest(chat, "Bo")
    cy, _ = await guest(chat, "Cy")
    tea = await rooms.find(chat, "tea", CONSOLE)
    stranger = Asker(None, "Di", bo.address)
    for standing in (Standing.REMOVED, Standing.BANNED):
        await chat.database.write(
            lambda tx, standing=standing: members.update_standing(
                tx, tea.id, user.id, standing, reason="noise", by=None, now=0
            )
        )
        chat.gates.forget({})
        for action in Action:
            assert await refused(chat, bo, action) == [RemovedFromRoom] * 2, action
        with pytest.raises(RemovedFromRoom, match="noise"):
            await access.admit(chat, "tea", bo)
        assert await refused(chat, stranger, Action.READ) == []
    await chat.database.write(lambda tx: bans.insert(tx, tea.id, user.id, digest(chat.secret, bo.address), now=0))
    chat.gates.forget({})
    assert await refused(chat, stranger, Action.READ) == [NetworkShut] * 2, "who was never in was not removed"
    assert await refused(chat, replace(stranger, address="192.0.2.77"), Action.WRITE) == []
    assert await refused(chat, cy, Action.WRITE) == [], "who was a member before is not meant"
    assert await refused(chat, replace(ana, address=bo.address), Action.SETTINGS) == []


async def test_owner_cannot_be_shut_out(chat: Chat, ana: Asker) -> None:
    tea = await rooms.find(chat, "tea", CONSOLE)
    assert tea.owner_id
    owner = tea.owner_id
    await chat.database.write(lambda tx: members.update_standing(tx, tea.id, owner, Standing.REMOVED, by=None, now=0))
    chat.gates.forget({})
    assert await refused(chat, ana, Action.SETTINGS) == []


async def test_first_message_sent_again_does_not_write_for_who_is_out(chat: Chat, ana: Asker) -> None:
    """Its key finds the guest that it made, whatever cookie comes along."""
    bo, user = await guest(chat, "Bo")
    cy, _ = await guest(chat, "Cy")
    tea = await rooms.find(chat, "tea", CONSOLE)
    await chat.database.write(lambda tx: members.update_standing(tx, tea.id, user.id, Standing.REMOVED, by=None, now=0))
    chat.gates.forget({})
    for asker in (replace(bo, credential=None), replace(cy, name="Bo")):
        with pytest.raises(RemovedFromRoom):
            await messages.post(chat, "tea", asker, Draft("hello", "Bo".ljust(24, "0")))


async def test_member_is_known_from_wherever_they_come(chat: Chat, ana: Asker) -> None:
    """Who has become a member since the gate was read, and comes from a network that is shut now."""
    tea = await rooms.find(chat, "tea", CONSOLE)
    bo, user = await guest(chat, "Bo", "192.0.2.2")
    await chat.database.write(lambda tx: bans.insert(tx, tea.id, user.id, digest(chat.secret, bo.address), now=0))
    chat.gates.forget({})
    await access.admit(chat, "tea", ana)
    cy, _ = await guest(chat, "Cy", "192.0.2.3")
    moved = replace(cy, address=bo.address)
    assert await refused(chat, moved, Action.WRITE) == []
    gate = await chat.gates.of("tea")
    assert gate.keeps(Viewing(moved)), "as whom a stream is let in"
    stranger = Viewing(replace(moved, credential=GuestKey("nobody")))
    assert not gate.keeps(stranger)
    again = Gates(chat.database, chat.secret)
    gate = await again.of_room(tea.id, [Viewing(moved), stranger])
    assert (gate.keeps(Viewing(moved)), gate.keeps(stranger)) == (True, False), "and as whom it goes on"


async def test_revoked_key_vouches_for_nobody(chat: Chat, ana: Asker) -> None:
    key = (await embed_keys.create(chat, "tea", CONSOLE, "HS256")).key.id
    tea = await rooms.find(chat, "tea", CONSOLE)
    _, user = await guest(chat, "Bo", "192.0.2.2")
    await chat.database.write(lambda tx: bans.insert(tx, tea.id, user.id, digest(chat.secret, "192.0.2.2"), now=0))
    chat.gates.forget({})
    sigrid = Viewing(Asker(GuestKey("sigrid"), None, "192.0.2.2"), key)
    assert (await chat.gates.of("tea")).keeps(sigrid)
    await embed_keys.revoke(chat, "tea", CONSOLE, key)
    assert not (await chat.gates.of("tea")).keeps(sigrid)


async def test_nobody_hears_who_is_on_the_server_by_removing_them(chat: Chat, ana: Asker) -> None:
    """Whoever makes a room looks after it: that is anybody."""
    lobby = Asker(None, "Victoria", "192.0.2.8")
    victoria = (await messages.post(chat, "lobby", lobby, Draft("hello", "v" * 24))).author
    for user_id in (victoria.id, victoria.id + 1000):
        for asked in (
            moderation.ask_to_remove(chat, "tea", ana, user_id),
            moderation.remove(chat, "tea", ana, user_id),
            moderation.let_in(chat, "tea", ana, user_id),
        ):
            with pytest.raises(MemberNotFound):
                await asked
    await moderation.remove(chat, "tea", CONSOLE, victoria.id)


async def test_gate_is_read_without_going_through_everybody(chat: Chat) -> None:
    """However many people there are, and with a shut network, too."""
    recorded = Recorded(None)

    def read(tx: Transaction) -> list[str]:
        users.select_operators(Recording(tx, recorded))
        members.select_places(Recording(tx, recorded), 1)
        plans = [tx.all(f"EXPLAIN QUERY PLAN {sql}", room_id=1) for sql in recorded.statements]
        return [" | ".join(row["detail"] for row in plan) for plan in plans]

    operators, places = await chat.database.read(read)
    assert "users_operators" in operators
    assert "members_notable" in places


async def test_rooms_that_one_is_out_of_are_not_listed(chat: Chat, ana: Asker) -> None:
    """The list says when something happened last in each."""
    tea = await rooms.find(chat, "tea", CONSOLE)
    bo, user = await guest(chat, "Bo")
    cy, _ = await guest(chat, "Cy")
    stranger = Asker(None, None, bo.address)
    await moderation.remove(chat, "tea", CONSOLE, user.id, ban=True)

    async def sees(asker: Asker) -> bool:
        return tea in [replace(room, cursor=tea.cursor, active_at=tea.active_at) for room in await listed(asker)]

    async def listed(asker: Asker) -> list[Room]:
        return await rooms.public(chat, asker)

    here = replace(ana, address=bo.address)
    assert [await sees(one) for one in (bo, stranger, cy, here, CONSOLE)] == [False, False, True, True, True]
    assert await sees(replace(stranger, address="192.0.2.99"))
