"""What is confirmed on a page of its own before it is done."""

from collections.abc import Callable
from typing import TypeVar

from quart_chat.domain import access, signed_users
from quart_chat.domain.access import Action, Entered
from quart_chat.domain.actors import Asker, SiteToken
from quart_chat.domain.chat import Chat
from quart_chat.identity.tickets import AGE, Confirmed
from quart_chat.store import used_tickets
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
        user = signed_users.acting(tx, entered.actor)
        assert user is not None, "nobody at a console is asked"
        return found, Confirmed(user.key, signed.key_id if signed else None, signed.user.role if signed else None)

    return await (chat.database.write(job, room=slug) if writes else chat.database.read(job))


def use(tx: Transaction, asker: Asker, now: int) -> bool:
    """Whether what is asked for is still to be done: a ticket counts once, and what it was for is noted in the same
    transaction. Whoever sends a form again, because no answer came or by a second click, MUST be told how things are
    now, and nothing may be done: somebody else may have taken it back since."""
    credential = asker.credential
    if not isinstance(credential, Confirmed):
        return True
    used_tickets.delete_old(tx, now)
    return used_tickets.insert(tx, credential.ticket, until=now + AGE * 1000)
