"""People whom a room's site has signed in: rows like those of guests, made with the first message."""

from dataclasses import replace

from quart_chat.domain import access
from quart_chat.domain.access import Action
from quart_chat.domain.actors import Actor, Asker
from quart_chat.domain.chat import Chat
from quart_chat.identity.lookalikes import skeleton
from quart_chat.models import User
from quart_chat.store import users
from quart_chat.store.database import Transaction


async def present(chat: Chat, slug: str, asker: Asker) -> tuple[User | None, int | None]:
    """Who is asking, and until when, in milliseconds since 1970, if that has an end. Nothing is stored.

    Raises RoomNotFound, RemovedFromRoom, FramingRefused, IdentityRefused, IdentityExpired.
    """

    def query(tx: Transaction) -> Actor:
        entered = access.enter(tx, chat, slug, asker, Action.ASK)
        access.check_embed(entered.room, asker.embed)
        return entered.actor

    actor = await chat.database.read(query)
    if actor.signed is None:
        return actor.user, None
    return replace(actor.signed.user, id=actor.user.id if actor.user else 0), actor.signed.expires_at


def store(tx: Transaction, member: User, known: User | None) -> User:
    """The member's row, as the site now describes them."""
    if known is not None and (known.name, known.avatar, known.role) == (member.name, member.avatar, member.role):
        return known
    return users.upsert_signed(tx, member, skeleton=skeleton(member.name))
