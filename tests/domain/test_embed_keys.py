"""A room's keys for signing: made, rotated, revoked; which of them count, and when."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from quart_chat.domain import embed_keys, rooms
from quart_chat.domain.actors import CONSOLE
from quart_chat.domain.chat import Chat
from quart_chat.errors import EmbedKeyInvalid, RoomNotFound
from quart_chat.store import embed_keys as stored
from tests.domain.conftest import Clock

HOUR = 3600


async def valid(chat: Chat, slug: str = "lobby") -> list[str]:
    return [key.id for key in await embed_keys.valid(chat, slug, CONSOLE)]


async def kept(chat: Chat, slug: str = "lobby") -> list[str]:
    """Those in the database, valid or not."""
    room = await rooms.find(chat, slug, CONSOLE)
    return [key.id for key in await chat.database.read(lambda tx: stored.select(tx, room.id))]


async def test_shared_secret_is_the_material(chat: Chat) -> None:
    new = await embed_keys.create(chat, "lobby", CONSOLE, "HS256")
    assert [new.key] == await embed_keys.valid(chat, "lobby", CONSOLE)
    assert (new.key.algorithm, new.key.material, new.key.retires_at) == ("HS256", new.secret, None)
    assert len(base64.urlsafe_b64decode(new.secret + "=")) == 32


async def test_private_key_is_not_kept(chat: Chat) -> None:
    new = await embed_keys.create(chat, "lobby", CONSOLE, "EdDSA")
    private = load_pem_private_key(new.secret.encode(), None)
    assert isinstance(private, Ed25519PrivateKey)
    public = private.public_key().public_bytes_raw()
    (key,) = await embed_keys.valid(chat, "lobby", CONSOLE)
    assert base64.urlsafe_b64decode(key.material + "=") == public
    assert private.private_bytes_raw() not in repr(key).encode()


async def test_ids_are_readable_and_random(chat: Chat) -> None:
    ids = {(await embed_keys.create(chat, slug, CONSOLE, "HS256")).key.id for slug in ("lobby", "garden")}
    assert len(ids) == 2
    assert all(len(kid) == 10 and kid.isalnum() and not set(kid) & set("ilouILOU") for kid in ids)


async def test_keys_are_of_one_room(chat: Chat) -> None:
    new = await embed_keys.create(chat, "lobby", CONSOLE, "HS256")
    assert await valid(chat, "garden") == []
    with pytest.raises(EmbedKeyInvalid, match="no key"):
        await embed_keys.revoke(chat, "garden", CONSOLE, new.key.id)
    assert await valid(chat) == [new.key.id]


async def test_second_key_is_made_by_rotation_alone(chat: Chat) -> None:
    first = await embed_keys.create(chat, "lobby", CONSOLE, "HS256")
    with pytest.raises(EmbedKeyInvalid, match=f"{first.key.id} already. Rotate it"):
        await embed_keys.create(chat, "lobby", CONSOLE, "EdDSA")


async def test_old_key_is_valid_for_the_time_of_grace(chat: Chat, clock: Clock) -> None:
    old = await embed_keys.create(chat, "lobby", CONSOLE, "EdDSA")
    clock.seconds += 1
    new = await embed_keys.rotate(chat, "lobby", CONSOLE, 2 * HOUR)
    assert new.key.algorithm == "EdDSA"
    clock.seconds += 2 * HOUR - 0.001
    assert await valid(chat) == [old.key.id, new.key.id]
    clock.seconds += 0.001
    assert await valid(chat) == [new.key.id]


async def test_rotation_may_change_the_algorithm_and_end_the_old_key_at_once(chat: Chat) -> None:
    await embed_keys.create(chat, "lobby", CONSOLE, "HS256")
    new = await embed_keys.rotate(chat, "lobby", CONSOLE, 0, "EdDSA")
    assert new.key.algorithm == "EdDSA"
    assert await valid(chat) == [new.key.id]


async def test_default_grace_is_a_day(chat: Chat, clock: Clock) -> None:
    await embed_keys.create(chat, "lobby", CONSOLE, "HS256")
    clock.seconds += 1
    await embed_keys.rotate(chat, "lobby", CONSOLE)
    old, _ = await embed_keys.valid(chat, "lobby", CONSOLE)
    assert old.retires_at == (clock.seconds + 24 * HOUR) * 1000


async def test_third_key_is_refused_until_one_is_revoked(chat: Chat, clock: Clock) -> None:
    first = await embed_keys.create(chat, "lobby", CONSOLE, "HS256")
    clock.seconds += 1
    second = await embed_keys.rotate(chat, "lobby", CONSOLE)
    with pytest.raises(EmbedKeyInvalid, match=f"{first.key.id} and {second.key.id}: revoke one"):
        await embed_keys.rotate(chat, "lobby", CONSOLE)
    await embed_keys.revoke(chat, "lobby", CONSOLE, first.key.id)
    third = await embed_keys.rotate(chat, "lobby", CONSOLE)
    assert set(await valid(chat)) == {second.key.id, third.key.id}


async def test_rotation_does_not_lengthen_a_key_that_is_ending(chat: Chat, clock: Clock) -> None:
    first = await embed_keys.create(chat, "lobby", CONSOLE, "HS256")
    second = await embed_keys.rotate(chat, "lobby", CONSOLE, HOUR)
    await embed_keys.revoke(chat, "lobby", CONSOLE, second.key.id)
    await embed_keys.rotate(chat, "lobby", CONSOLE, 24 * HOUR)
    clock.seconds += HOUR
    assert first.key.id not in await valid(chat)


async def test_revoked_key_is_gone_at_once(chat: Chat) -> None:
    new = await embed_keys.create(chat, "lobby", CONSOLE, "HS256")
    await embed_keys.revoke(chat, "lobby", CONSOLE, new.key.id)
    assert await kept(chat) == []
    with pytest.raises(EmbedKeyInvalid, match="no key"):
        await embed_keys.revoke(chat, "lobby", CONSOLE, new.key.id)


async def test_ended_key_is_kept_to_say_so_until_the_next_is_made(chat: Chat, clock: Clock) -> None:
    first = await embed_keys.create(chat, "lobby", CONSOLE, "HS256")
    clock.seconds += 1
    second = await embed_keys.rotate(chat, "lobby", CONSOLE, HOUR)
    clock.seconds += HOUR + 1
    assert await kept(chat) == [first.key.id, second.key.id]
    third = await embed_keys.rotate(chat, "lobby", CONSOLE, HOUR)
    assert await kept(chat) == [second.key.id, third.key.id]


@pytest.mark.parametrize("algorithm", ["none", "hs256", "HS512", "RS256", ""])
async def test_other_algorithm_is_refused(chat: Chat, algorithm: str) -> None:
    with pytest.raises(EmbedKeyInvalid, match="HS256 or EdDSA"):
        await embed_keys.create(chat, "lobby", CONSOLE, algorithm)


@pytest.mark.parametrize("grace", [-1, float("nan"), float("inf"), 31 * 24 * HOUR])
async def test_grace_is_bounded(chat: Chat, grace: float) -> None:
    await embed_keys.create(chat, "lobby", CONSOLE, "HS256")
    with pytest.raises(EmbedKeyInvalid, match="0 to 720 hours"):
        await embed_keys.rotate(chat, "lobby", CONSOLE, grace)


async def test_nothing_can_be_rotated_without_a_key(chat: Chat) -> None:
    with pytest.raises(EmbedKeyInvalid, match="Create one"):
        await embed_keys.rotate(chat, "lobby", CONSOLE)


async def test_room_must_exist(chat: Chat) -> None:
    for doing in (
        embed_keys.create(chat, "nowhere", CONSOLE, "HS256"),
        embed_keys.rotate(chat, "nowhere", CONSOLE),
        embed_keys.revoke(chat, "nowhere", CONSOLE, "k"),
        embed_keys.valid(chat, "nowhere", CONSOLE),
    ):
        with pytest.raises(RoomNotFound):
            await doing
