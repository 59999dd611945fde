"""Who removes whom, what a removal and a ban do, and what changes nothing."""

from dataclasses import replace

import pytest

from quart_chat.domain import access, embed_keys, log, messages, moderation, operators, rooms
from quart_chat.domain.actors import CONSOLE, Asker, Embed, GuestKey, SiteToken
from quart_chat.domain.chat import Chat
from quart_chat.errors import (
    CannotAppoint,
    CannotRemove,
    ChatError,
    MemberNotFound,
    NeedsConfirmation,
    NotModerator,
    NotOperator,
    NotOwner,
    ReasonInvalid,
    RemovedFromRoom,
)
from quart_chat.events import Event, MemberChanged
from quart_chat.identity import tickets
from quart_chat.identity.tickets import Deed
from quart_chat.models import Draft, Member, Rank, Standing, User
from quart_chat.store import users
from tests.domain.conftest import Clock
from tests.domain.test_access import ana, guest
from tests.embeds import Site

__all__ = ["ana"]

EMBED = Embed("http://localhost:9", local=True)


async def head(chat: Chat) -> int:
    return (await rooms.find(chat, "tea", CONSOLE)).cursor


def member(event: Event) -> Member:
    assert isinstance(event.act, MemberChanged)
    return event.act.member


async def refusal(asked: object) -> type[ChatError] | None:
    try:
        await asked  # type: ignore[misc]
    except ChatError as error:
        return type(error)
    return None


async def owner_of(chat: Chat, asker: Asker) -> User:
    assert isinstance(asker.credential, GuestKey)
    user = await chat.database.read(lambda tx: users.select(tx, asker.credential.user_key))  # type: ignore[union-attr]
    assert user is not None
    return user


async def signed(chat: Chat) -> Site:
    return Site("tea", await embed_keys.create(chat, "tea", CONSOLE, "HS256"))


def vouched(chat: Chat, site: Site, sub: str, **claims: object) -> Asker:
    token = site.token(sub, sub, exp=chat.now() // 1000 + 60, **claims)
    return Asker(SiteToken(token), None, "192.0.2.50")


async def test_nobody_removes_who_may_as_much(chat: Chat, ana: Asker) -> None:
    """Each row is somebody, each column whom they would remove; a second moderator has it from the room's site."""
    site = await signed(chat)
    bo, mo, op = [await guest(chat, name) for name in ("Bo", "Mo", "Op")]
    await moderation.appoint(chat, "tea", ana, mo[1].id, True)
    await operators.appoint(chat, CONSOLE, op[1].id, True)
    role = vouched(chat, site, "Ro", role="moderator")
    ro = (await messages.post(chat, "tea", role, Draft("hello", "r" * 24))).author
    whom = {
        "stranger": (await messages.post(chat, "garden", Asker(None, "Di", "192.0.2.9"), Draft("x", "d" * 24))).author,
        "member": bo[1], "moderator": mo[1], "role": ro, "owner": await owner_of(chat, ana), "operator": op[1],
    }  # fmt: skip
    askers = {
        "nobody": Asker(None, None, "192.0.2.8"), "member": bo[0], "moderator": mo[0], "role": role, "owner": ana,
        "operator": op[0], "console": CONSOLE,
    }  # fmt: skip
    all_but = {"nobody": set(), "member": set()}
    by_moderators = {"member"}
    by_operators = by_moderators | {"stranger", "moderator", "role"}
    may = {
        **all_but, "moderator": by_moderators, "role": by_moderators, "owner": by_moderators | {"moderator", "role"},
        "operator": by_operators, "console": by_operators,
    }  # fmt: skip
    wrong = []
    for name, asker in askers.items():
        for target, user in whom.items():
            found = await refusal(moderation.remove(chat, "tea", asker, user.id, ban=True))
            least = MemberNotFound if target == "stranger" else CannotRemove
            least = NotModerator if name in ("nobody", "member") else least
            if found is not (None if target in may[name] else least):
                wrong.append((name, target, found))
            if found is None:
                await moderation.let_in(chat, "tea", CONSOLE, user.id)
                await moderation.appoint(chat, "tea", CONSOLE, user.id, target == "moderator")
    assert not wrong


async def test_refusals_say_which_rule_it_was(chat: Chat, ana: Asker) -> None:
    bo, user = await guest(chat, "Bo")
    owner, (mo, moderator) = await owner_of(chat, ana), await guest(chat, "Mo")
    await moderation.appoint(chat, "tea", ana, moderator.id, True)
    garden = Site("garden", await embed_keys.create(chat, "garden", CONSOLE, "HS256"))
    elsewhere = Asker(SiteToken(garden.token(exp=chat.now() // 1000 + 60)), None, "192.0.2.50")
    other = (await messages.post(chat, "garden", elsewhere, Draft("hello", "o" * 24))).author
    embedded = replace(mo, embed=EMBED)
    rows = {
        "oneself": (moderation.remove(chat, "tea", mo, moderator.id), CannotRemove),
        "no such number": (moderation.remove(chat, "tea", mo, 2**70), MemberNotFound),
        "nobody has it": (moderation.remove(chat, "tea", mo, 999), MemberNotFound),
        "of another room's site": (moderation.remove(chat, "tea", mo, other.id), MemberNotFound),
        "too long": (moderation.remove(chat, "tea", mo, user.id, reason="x" * 201), ReasonInvalid),
        "in an embed": (moderation.remove(chat, "tea", embedded, user.id), NeedsConfirmation),
        "back, in an embed": (moderation.let_in(chat, "tea", embedded, user.id), NeedsConfirmation),
        "let in, by a member": (moderation.let_in(chat, "tea", bo, user.id), NotModerator),
        "list, by a member": (moderation.people(chat, "tea", bo), NotModerator),
        "asked, a member": (moderation.ask_to_remove(chat, "tea", replace(bo, embed=EMBED), 1), NotModerator),
        "asked, about oneself": (moderation.ask_to_remove(chat, "tea", mo, moderator.id), CannotRemove),
        "appointed by a moderator": (moderation.appoint(chat, "tea", mo, user.id, True), NotOwner),
        "the owner appointed": (moderation.appoint(chat, "tea", ana, owner.id, True), CannotAppoint),
        "operators by an owner": (operators.appoint(chat, ana, user.id, True), NotOperator),
        "found by an owner": (operators.find(chat, ana, "Bo"), NotOperator),
        "a room's site's operator": (operators.appoint(chat, CONSOLE, other.id, True), CannotAppoint),
    }  # fmt: skip
    before = await head(chat)
    found = {name: await refusal(asked) for name, (asked, _) in rows.items()}
    assert found == {name: error for name, (_, error) in rows.items()}
    assert await head(chat) == before
    for asker, whom in ((ana, owner), (mo, moderator)):
        with pytest.raises(CannotRemove, match="You cannot remove yourself"):
            await moderation.remove(chat, "tea", asker, whom.id)
    await moderation.remove(chat, "tea", ana, user.id)
    assert await refusal(moderation.appoint(chat, "tea", ana, user.id, True)) is CannotAppoint
    assert await refusal(moderation.let_in(chat, "tea", bo, user.id)) is RemovedFromRoom


async def test_what_changes_is_told_once_and_with_who_did_it(chat: Chat, ana: Asker) -> None:
    """A second removal weakens no ban, and changes the reason where it says one, also that there is none."""
    _, user = await guest(chat, "Bo")
    owner, before = await owner_of(chat, ana), await head(chat)
    steps = [
        (False, None, Standing.REMOVED, "", True),
        (False, "", Standing.REMOVED, "", False),
        (False, " no\tspam\n", Standing.REMOVED, "no spam", True),
        (False, None, Standing.REMOVED, "no spam", False),
        (True, None, Standing.BANNED, "no spam", True),
        (False, None, Standing.BANNED, "no spam", False),
        (False, " ", Standing.BANNED, "", True),
        (False, "still", Standing.BANNED, "still", True),
    ]
    for ban, reason, standing, kept, changes in steps:
        now = member(await moderation.remove(chat, "tea", ana, user.id, ban=ban, reason=reason))
        assert (now.standing, now.reason) == (standing, kept)
        before += changes
        assert await head(chat) == before, (ban, reason)
    for changes in (True, False):
        now = member(await moderation.let_in(chat, "tea", ana, user.id))
        assert (now.standing, now.reason) == (Standing.IN, "")
        before += changes
        assert await head(chat) == before
    events, _ = await log.events_after(chat, now.room_id, before - 6, 10)
    assert [(type(event.act), event.actor_id) for event in events] == [(MemberChanged, owner.id)] * 6


async def test_ban_shuts_the_network_last_written_from_and_coming_back_opens_it(chat: Chat, ana: Asker) -> None:
    bo, user = await guest(chat, "Bo", "2001:db8:0:1::/64")
    await messages.post(chat, "tea", replace(bo, address="2001:db8:0:2::/64"), Draft("moved", "m" * 24))
    cy, _ = await guest(chat, "Cy", "2001:db8:0:2::/64")
    _, other = await guest(chat, "Ed", "2001:db8:0:2::/64")
    stranger = {network: Asker(None, "Di", f"2001:db8:0:{network}::/64") for network in (1, 2)}

    async def shut() -> list[int]:
        reading = [network for network in stranger if await refusal(access.admit(chat, "tea", stranger[network]))]
        writing = [
            network
            for network in stranger
            if await refusal(messages.post(chat, "tea", stranger[network], Draft("x", f"{network}" * 8)))
        ]
        assert reading == writing
        return reading

    await moderation.remove(chat, "tea", ana, user.id, ban=True)
    assert await shut() == [2]
    assert await refusal(access.admit(chat, "tea", cy)) is None, "who was a member before is not meant"
    await moderation.remove(chat, "tea", ana, other.id, ban=True)
    await moderation.let_in(chat, "tea", ana, user.id)
    assert await shut() == [2], "it is shut because of another, too"
    await moderation.let_in(chat, "tea", ana, other.id)
    assert await shut() == []


async def test_removal_and_a_signed_persons_ban_shut_no_network(chat: Chat, ana: Asker) -> None:
    site = await signed(chat)
    sy = vouched(chat, site, "Sy")
    banned = (await messages.post(chat, "tea", sy, Draft("hello", "s" * 24))).author
    bo, removed = await guest(chat, "Bo", "192.0.2.50")
    await moderation.remove(chat, "tea", ana, banned.id, ban=True)
    await moderation.remove(chat, "tea", ana, removed.id)
    for asker in (sy, bo):
        assert await refusal(access.admit(chat, "tea", asker)) is RemovedFromRoom
    assert await refusal(access.admit(chat, "tea", Asker(None, "Di", "192.0.2.50"))) is None


async def test_who_looks_after_a_room_does_so_from_a_network_that_is_shut(chat: Chat, ana: Asker) -> None:
    """Also whom the room's site vouches for, by a ticket, and who has not written yet."""
    site = await signed(chat)
    bo, user = await guest(chat, "Bo", "192.0.2.50")
    _, other = await guest(chat, "Cy")
    ro = replace(vouched(chat, site, "Ro", role="moderator"), embed=EMBED)
    await moderation.remove(chat, "tea", ana, user.id, ban=True)
    question = await moderation.ask_to_remove(chat, "tea", ro, other.id)
    assert [out.author.name for out, _ in question.outcasts] == ["Bo"]
    assert (await operators.find(chat, CONSOLE, "Ro"))[0].rooms == [], "a row, and no member"
    confirmed = tickets.verify(chat.secret, question.outcasts[0][1], Deed(moderation.RETURN, "tea", user.id))
    assert await refusal(moderation.let_in(chat, "tea", Asker(confirmed, None, bo.address), user.id)) is None
    assert await refusal(access.admit(chat, "tea", bo)) is None


async def test_moderator_who_was_removed_is_none_when_they_come_back(chat: Chat, ana: Asker) -> None:
    mo, user = await guest(chat, "Mo")
    _, other = await guest(chat, "Bo")
    await moderation.appoint(chat, "tea", ana, user.id, True)
    await moderation.remove(chat, "tea", mo, other.id)
    await moderation.remove(chat, "tea", ana, user.id)
    assert await refusal(moderation.let_in(chat, "tea", mo, other.id)) is RemovedFromRoom
    assert member(await moderation.let_in(chat, "tea", ana, user.id)).rank is Rank.MEMBER
    assert await refusal(moderation.let_in(chat, "tea", mo, other.id)) is NotModerator


async def test_who_never_wrote_there_is_kept_out_by_operators_alone(chat: Chat, ana: Asker) -> None:
    """To anybody else who looks after a room, nobody but its own people is there."""
    posted = await messages.post(chat, "garden", Asker(None, "Di", "192.0.2.9"), Draft("x", "d" * 24))
    di = Asker(GuestKey(posted.author.key), None, "192.0.2.9")
    assert await refusal(moderation.remove(chat, "tea", ana, posted.author.id)) is MemberNotFound
    assert member(await moderation.let_in(chat, "tea", CONSOLE, posted.author.id)).standing is Standing.IN
    assert member(await moderation.remove(chat, "tea", CONSOLE, posted.author.id)).rank is Rank.MEMBER
    assert await refusal(messages.post(chat, "tea", di, Draft("x", "e" * 24))) is RemovedFromRoom
    assert [out.author.name for out in (await moderation.people(chat, "tea", ana)).outcasts] == ["Di"]
    assert await refusal(messages.post(chat, "garden", di, Draft("x", "f" * 24))) is None


async def test_those_who_went_last_are_listed_first_and_no_more_than_fit(
    chat: Chat, ana: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moderation, "LISTED", 2)
    for number, name in enumerate(("Bo", "Cy", "Di")):
        _, user = await guest(chat, name)
        later = replace(chat, now=lambda number=number: chat.now() + number)
        await moderation.remove(later, "tea", ana, user.id)
    assert [out.author.name for out in (await moderation.people(chat, "tea", ana)).outcasts] == ["Di", "Cy"]


async def test_used_tickets_are_kept_no_longer_than_they_could_count(chat: Chat, ana: Asker, clock: Clock) -> None:
    _, user = await guest(chat, "Bo")
    kept = []
    for _ in range(3):
        ticket = (await moderation.ask_to_remove(chat, "tea", ana, user.id)).ticket
        confirmed = tickets.verify(chat.secret, ticket, Deed(moderation.REMOVAL, "tea", user.id))
        await moderation.remove(chat, "tea", Asker(confirmed, None, "192.0.2.1"), user.id)
        rows = await chat.database.read(lambda tx: tx.all("SELECT id FROM used_tickets"))
        kept.append(len(rows))
        clock.seconds += tickets.AGE / 2
    assert kept == [1, 2, 2]


async def test_moderation_counts_as_messages_do(chat: Chat, ana: Asker) -> None:
    _, user = await guest(chat, "Bo")
    for _ in range(30):
        if error := await refusal(moderation.remove(chat, "tea", ana, user.id)):
            break
    assert error is not None
    assert error.code == "too_fast"
