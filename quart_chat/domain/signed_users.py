"""People whom a room's site has signed in: rows like those of guests, made with the first message."""

from dataclasses import dataclass, replace

from quart_chat.domain import access
from quart_chat.domain.access import Action
from quart_chat.domain.actors import Actor, Asker
from quart_chat.domain.chat import Chat
from quart_chat.identity.lookalikes import skeleton
from quart_chat.models import Rank, User
from quart_chat.store import users
from quart_chat.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Present:
    """Who is asking, what they may do in the room, and until when, in milliseconds since 1970, if that has an end."""

    user: User | None
    rank: Rank
    expires_at: int | None


async def present(chat: Chat, slug: str, asker: Asker) -> Present:
    """Nothing is stored.

    Raises RoomNotFound, RemovedFromRoom, EmbedRefused, IdentityRefused, IdentityExpired.
    """

    def query(tx: Transaction) -> Actor:
        entered = access.enter(tx, chat, slug, asker, Action.ASK)
        access.check_embed(entered.room, asker.embed)
        return entered.actor

    actor = await chat.database.read(query)
    if actor.signed is None:
        return Present(actor.user, actor.rank, None)
    user = replace(actor.signed.user, id=actor.user.id if actor.user else 0)
    return Present(user, actor.rank, actor.signed.expires_at)


def acting(tx: Transaction, actor: Actor) -> User | None:
    """The row of whoever does something, made where a room's site vouches for somebody who has not written yet; None
    for the operator at a console."""
    return actor.stored or (store(tx, actor.signed.user, None) if actor.signed else None)


def store(tx: Transaction, signed: User, known: User | None) -> User:
    """Their row, as the site now describes them."""
    if known is not None and (known.name, known.avatar, known.role) == (signed.name, signed.avatar, signed.role):
        return known
    return users.upsert_signed(tx, signed, skeleton=skeleton(signed.name))
