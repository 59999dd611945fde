"""People whom a room's site has signed in: rows like those of guests, made with the first message."""

from dataclasses import replace

from quart_chat.domain import embeds, rooms
from quart_chat.domain.chat import Chat
from quart_chat.domain.sender import Sender
from quart_chat.errors import ConfirmationInvalid
from quart_chat.identity import site_tokens
from quart_chat.identity.lookalikes import skeleton
from quart_chat.identity.site_tokens import Signed
from quart_chat.models import EmbedKey, Room, User
from quart_chat.store import embed_keys, users
from quart_chat.store.database import Transaction


async def signed_in(chat: Chat, slug: str, sender: Sender) -> User | None:
    """Whom the sender's token names, verified anew with each call; None where there is no token.

    Raises RoomNotFound, IdentityRefused, IdentityExpired.
    """
    found = await verified(chat, slug, sender)
    return found.user if found else None


async def verified(chat: Chat, slug: str, sender: Sender) -> Signed | None:
    """The same, with what vouches for them."""
    if sender.token is None:
        return None
    return await verify(chat, slug, sender.token, local=sender.frame is not None and sender.frame.local)


async def verify(chat: Chat, slug: str, token: str, *, local: bool) -> Signed:
    """Whom the site of the room `slug` has signed in. Nothing is stored. Raises RoomNotFound, IdentityExpired,
    IdentityRefused."""

    def query(tx: Transaction) -> tuple[Room, list[EmbedKey]]:
        room = rooms.find_in(tx, slug)
        return room, embed_keys.select(tx, room.id)

    room, keys = await chat.database.read(query)
    return site_tokens.verify(token, room, keys, chat.secret, chat.now(), local=local)


async def present(chat: Chat, slug: str, sender: Sender) -> tuple[User | None, int | None]:
    """Who the sender is, and until when, in milliseconds since 1970, if that has an end. Nothing is stored.

    Raises RoomNotFound, FramingRefused, IdentityRefused, IdentityExpired.
    """
    found = await verified(chat, slug, sender)
    key = found.user.key if found else sender.user_key

    def query(tx: Transaction) -> User | None:
        embeds.check(rooms.find_in(tx, slug), sender.frame)
        return users.select(tx, key) if key else None

    known = await chat.database.read(query)
    if found is None:
        return known, None
    return replace(found.user, id=known.id if known else 0), found.expires_at


def check_vouched(tx: Transaction, room: Room, sender: Sender, now: int) -> None:
    """Refuse whom a key stood behind that counts no more, at `now` in milliseconds. Raises ConfirmationInvalid."""
    if sender.vouched_by is None:
        return
    keys = embed_keys.select(tx, room.id)
    if not any(key.id == sender.vouched_by and key.is_valid(now) for key in keys):
        raise ConfirmationInvalid


def store(tx: Transaction, member: User, known: User | None) -> User:
    """The member's row, as the site now describes them."""
    if known is not None and (known.name, known.avatar, known.role) == (member.name, member.avatar, member.role):
        return known
    return users.upsert_signed(tx, member, skeleton=skeleton(member.name))
