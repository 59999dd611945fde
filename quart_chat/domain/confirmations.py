"""What is confirmed on a page of its own before it is done."""

from collections.abc import Callable
from typing import TypeVar

from quart_chat.domain import access, site_members
from quart_chat.domain.access import Action, Entered
from quart_chat.domain.actors import Asker, SiteToken
from quart_chat.domain.chat import Chat
from quart_chat.identity.tickets import Confirmed
from quart_chat.store.database import Transaction

T = TypeVar("T")


async def ask(chat: Chat, slug: str, asker: Asker, find: Callable[[Transaction, Entered], T]) -> tuple[T, Confirmed]:
    """What it is about, as `find` has it, which raises where the asker may not do it; and who they are, for tickets
    with which a page of this site itself may have it done.

    Raises StoreUnavailable, what `access.enter` raises, and what `find` raises.
    """
    # Whoever has not written yet becomes somebody here: of a ticket nobody could say whose deed it was.
    writes = isinstance(asker.credential, SiteToken)

    def job(tx: Transaction) -> tuple[T, Confirmed]:
        entered = access.enter(tx, chat, slug, asker, Action.ASK, claim=writes)
        found, signed = find(tx, entered), entered.actor.signed
        user = site_members.acting(tx, entered.actor)
        assert user is not None, "nobody at a console is asked"
        return found, Confirmed(user.key, signed.key_id if signed else None, signed.user.role if signed else None)

    return await (chat.database.write(job, room=slug) if writes else chat.database.read(job))
