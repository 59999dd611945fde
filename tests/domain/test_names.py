"""What people are called: by one name in all rooms that they are in, and by none that looks like a verified one."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from quart_chat.domain import log, messages, moderation, names, operators, rooms
from quart_chat.domain.actors import CONSOLE, Asker, Embed, GuestKey, SiteToken
from quart_chat.domain.chat import Chat
from quart_chat.domain.limits import NAMES, ROOMS_TOLD, Buckets
from quart_chat.errors import (
    ChatError,
    EmbedRefused,
    NameInvalid,
    NameOfSite,
    NameReserved,
    NobodyYet,
    RoomNotFound,
    TooFast,
)
from quart_chat.identity.lookalikes import skeleton
from quart_chat.models import Draft, Kind, Standing, User
from quart_chat.store import users

SITE = "http://site.localhost:4000"


@pytest.fixture
async def ana(chat: Chat) -> Asker:
    """Who has written in the lobby and in the garden, and not in the room `tea`."""
    nobody = Asker(None, "Ana", "192.0.2.1")
    await rooms.create(chat, "Tea", "tea", replace(nobody, name=None))
    posted = await messages.post(chat, "lobby", nobody, Draft("hello", "0" * 24))
    ana = replace(nobody, credential=GuestKey(posted.author.key), name=None)
    await messages.post(chat, "garden", ana, Draft("hello", "1" * 24))
    return ana


async def told(chat: Chat, slug: str) -> list[tuple[str, str]]:
    """What each event of the log of a room is, and whom it shows."""
    found, _ = await log.events_after(chat, (await rooms.find(chat, slug, CONSOLE)).id, 0, 100)
    shown: list[Any] = [getattr(event.act, "member", None) or getattr(event.act, "message", None) for event in found]
    return [(type(event.act).__name__, each.author.name) for event, each in zip(found, shown, strict=True)]


async def shown(chat: Chat, slug: str) -> set[str]:
    return {message.author.name for message in (await messages.page(chat, slug, CONSOLE)).messages}


async def sign_in(chat: Chat, slug: str, name: str) -> None:
    room = await rooms.find(chat, slug, CONSOLE)
    user = User(0, name, f"key of {name}", 0, room.id, None, None, Kind.SIGNED)
    await chat.database.write(lambda tx: users.upsert_signed(tx, user, skeleton=skeleton(name)))


async def stand(chat: Chat, slug: str, called: str, standing: Standing) -> None:
    """As an operator has it, who calls people what they are called in the room."""
    (found,) = await operators.find(chat, CONSOLE, called, slug)
    if standing is Standing.IN:
        await moderation.let_in(chat, slug, CONSOLE, found.user.id)
    else:
        await moderation.remove(chat, slug, CONSOLE, found.user.id, ban=standing is Standing.BANNED)


async def refused(chat: Chat, asker: Asker, name: str, slug: str | None = None) -> type[ChatError] | None:
    try:
        await names.rename(chat, asker, name, slug)
    except ChatError as error:
        return type(error)
    return None


async def test_new_name_is_an_event_in_each_room_of_whoever_has_it_and_the_same_again_is_none(
    chat: Chat, ana: Asker
) -> None:
    kept = [await shown(chat, slug) for slug in ("lobby", "garden")]
    for name in ("  Bea ", "Bea", "Ｂｅａ"):
        assert (await names.rename(chat, ana, name)).name == "Bea"
    assert kept == [{"Ana"}] * 2
    assert [await shown(chat, slug) for slug in ("lobby", "garden")] == [{"Bea"}] * 2
    for slug in ("lobby", "garden"):
        assert await told(chat, slug) == [("MessagePosted", "Bea"), ("MemberChanged", "Bea")], slug
    assert await told(chat, "tea") == []
    posted = await messages.post(chat, "tea", replace(ana, name="Cleo"), Draft("hello", "2" * 24))
    assert posted.event.act.message.author.name == "Bea", "who is known gives no name along"


async def test_two_new_names_at_once_are_one_after_the_other_everywhere(chat: Chat, ana: Asker) -> None:
    await asyncio.gather(*(names.rename(chat, ana, name) for name in ("Bea", "Cleo", "Bea", "Cleo")))
    (name,) = await shown(chat, "lobby")
    assert await shown(chat, "garden") == {name}
    # Whoever comes while they are called so already changes nothing.
    assert len(await told(chat, "lobby")) in (3, 4, 5)
    assert await told(chat, "garden") == await told(chat, "lobby")


async def test_new_name_has_no_gate_read_again(chat: Chat, ana: Asker) -> None:
    before = await chat.gates.of("lobby")
    await names.rename(chat, ana, "Bea")
    assert await chat.gates.of("lobby") is before


async def test_name_that_looks_like_a_verified_one_in_any_room_of_theirs_is_refused(chat: Chat, ana: Asker) -> None:
    chat = replace(chat, limits=replace(chat.limits, users=None))
    await sign_in(chat, "garden", "Sigrid")
    await sign_in(chat, "tea", "Tilda")
    await stand(chat, "garden", "Ana", Standing.REMOVED)  # they may be let in again
    for name in ("Sigrid", "SIGRID", "Sigríd", "Ѕigrid", "S i g r i d", "S1grid."):
        assert await refused(chat, ana, name) is NameReserved, name
    assert await told(chat, "lobby") == [("MessagePosted", "Ana")]
    await names.rename(chat, ana, "Tilda")  # where they are not, and must not be called so
    with pytest.raises(NameReserved):
        await messages.post(chat, "tea", ana, Draft("hello", "2" * 24))
    with pytest.raises(NameReserved):  # nor may that give them a name that is somebody's elsewhere
        await messages.post(chat, "tea", replace(ana, name="Sigrid"), Draft("hello", "3" * 24))
    await messages.post(chat, "tea", replace(ana, name="Bea"), Draft("hello", "3" * 24))


async def test_whoever_is_out_of_a_room_changes_nothing_there_until_they_are_let_in(chat: Chat, ana: Asker) -> None:
    called = "Ana"
    for standing in (Standing.REMOVED, Standing.BANNED):
        await stand(chat, "garden", called, standing)
        before = await told(chat, "garden")
        for name in (f"Bea {standing}", f"Cleo {standing}"):
            await names.rename(chat, ana, name)
            assert await shown(chat, "lobby") == {name}
        assert await told(chat, "garden") == before
        assert {author for _, author in before} == await shown(chat, "garden") == {called}
        (outcast,) = (await moderation.people(chat, "garden", CONSOLE)).outcasts
        assert outcast.author.name == called
        await stand(chat, "garden", called, Standing.IN)
        called = f"Cleo {standing}"
        assert await shown(chat, "garden") == {called}
        assert await told(chat, "garden") == [*((act, called) for act, _ in before), ("MemberChanged", called)]


async def test_who_may_change_no_name_is_told_why(chat: Chat, ana: Asker) -> None:
    embedded = replace(ana, embed=Embed(SITE, True))
    cases = [
        (replace(ana, credential=None), None, NobodyYet),
        (replace(ana, credential=GuestKey("of nobody")), None, NobodyYet),
        (CONSOLE, None, NobodyYet),
        (replace(ana, credential=SiteToken("a.b.c")), None, NameOfSite),
        (embedded, None, RoomNotFound),
        (embedded, "nowhere", RoomNotFound),
        (replace(ana, embed=Embed("https://evil.example", True)), "lobby", EmbedRefused),
        (embedded, "lobby", None),
    ]
    assert [await refused(chat, asker, "Bea", slug) for asker, slug, _ in cases] == [error for *_, error in cases]


async def test_name_that_nobody_may_have_is_refused_before_anything_is_done(chat: Chat, ana: Asker) -> None:
    hostile = [
        "", "   ", "\u202eana", "A\u2066na", "\u200b", "\u200d\u200d", "\u3164", "Ana\0", "A" * 41, "x" * 131_072,
        "Ana ✓", "Z" + "\u0301" * 9, "\ud83d",
    ]  # fmt: skip
    assert [await refused(chat, ana, name) for name in hostile] == [NameInvalid] * len(hostile)
    newer = "Ana \U0001faea\U0001f6d8"  # emoji that this Python does not know
    assert (await names.rename(chat, ana, newer)).name == newer


async def test_names_have_a_limit_of_their_own_and_cost_more_in_many_rooms(chat: Chat, ana: Asker) -> None:
    _, burst = NAMES
    chat = replace(chat, limits=replace(chat.limits, users=None))
    await sign_in(chat, "garden", "Sigrid")
    for number in range(burst):
        for name in ("Sigrid", f"Ana {number}", f"Ana {number}"):
            await refused(chat, ana, name)  # what changes nothing costs no more than a message
    with pytest.raises(TooFast):
        await names.rename(chat, ana, "Bea")
    before = await told(chat, "lobby")
    for _ in range(50):  # what one is called already costs nothing, not even as a message
        assert (await names.rename(chat, ana, f" Ana {burst - 1}")).name == f"Ana {burst - 1}"
    assert await told(chat, "lobby") == before
    await messages.post(chat, "lobby", ana, Draft("still here", "4" * 24))
    fresh = replace(chat, limits=replace(chat.limits, names=Buckets(*NAMES)))
    fresh.limits.count_name("key", "192.0.2.1", burst * ROOMS_TOLD)
    with pytest.raises(TooFast):
        fresh.limits.spend_name("key", "192.0.2.1")
