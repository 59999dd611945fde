"""What people are called: a guest by one name everywhere, whoever a room's site has signed in as that site says."""

from contextlib import suppress
from dataclasses import replace

from quart_chat.domain import access
from quart_chat.domain.access import Action
from quart_chat.domain.actors import Asker, GuestKey, SiteToken
from quart_chat.domain.chat import Chat
from quart_chat.errors import NameOfSite, NameReserved, NobodyYet, StoreUnavailable
from quart_chat.events import MemberChanged
from quart_chat.identity.lookalikes import skeletons
from quart_chat.models import Room, User
from quart_chat.store import events, members, rooms, users
from quart_chat.store.database import Transaction
from quart_chat.text import clean_name

RESERVED = (
    "In one of your rooms, a member whom the room’s site has signed in has a name that looks like this. "
    "Please choose another."
)


async def rename(chat: Chat, asker: Asker, name: str, slug: str | None = None) -> User:
    """Call whoever asks by another name, on all that they have written; the same name again changes nothing, and costs
    nothing. Out of an embed that is of the room in it, by its `slug`.

    Raises NobodyYet, NameOfSite, NameInvalid, NameReserved, TooFast, StoreUnavailable, and in an embed what
    `access.enter` raises.
    """
    if isinstance(asker.credential, SiteToken):
        raise NameOfSite
    if not isinstance(asker.credential, GuestKey):
        raise NobodyYet
    key = asker.credential.user_key
    name = clean_name(name)

    def find(tx: Transaction) -> User:
        if asker.embed is not None:
            access.enter(tx, chat, slug or "", asker, Action.WRITE)
        if (user := users.select(tx, key)) is None:
            raise NobodyYet
        return user

    if (user := await chat.database.read(find)).name == name:
        return user
    chat.limits.spend_name(key, asker.address)
    chat.database.check_space()

    def job(tx: Transaction) -> tuple[User, int | None]:
        claimed = rooms.claim_where_in(tx, key)
        before = find(tx)
        if before.name == name:
            return before, None
        if _is_reserved_elsewhere(tx, before, name):
            raise NameReserved(RESERVED)
        after = _call(tx, before, name)
        _tell(tx, after, claimed, chat.now())
        return after, len(claimed)

    user, told = await chat.database.write(job)
    if told is not None:
        chat.limits.count_name(key, asker.address, told)
    return user


def keep_off_reserved(tx: Transaction, room: Room, guest: User, name: str | None) -> User:
    """The guest, under another name where a member whom the room's site has signed in has one that looks the same.

    Raises NameReserved where no other was given, NameInvalid.
    """
    if not _is_reserved(tx, room, guest.name):
        return guest
    other = clean_name(name or guest.name)
    if _is_reserved(tx, room, other):
        raise NameReserved
    if _is_reserved_elsewhere(tx, guest, other):
        raise NameReserved(RESERVED)
    return _call(tx, guest, other)


def tell(tx: Transaction, room: Room, before: User, after: User, now: int) -> bool:
    """Where somebody has a new name by now, as an event in this room, which is claimed. Whether they have: then
    `tell_elsewhere` MUST follow after the commit, as a transaction that holds one room claims no others."""
    if after is before or after.author == before.author:
        return False
    _tell(tx, after, [room], now)
    return True


async def tell_elsewhere(chat: Chat, user: User, room_id: int) -> None:
    """The same in all other rooms that they are in. Where it cannot be stored, open pages there show the new name with
    what is next written or loaded."""
    if user.room_id is not None:
        return

    def job(tx: Transaction) -> None:
        claimed = [room for room in rooms.claim_where_in(tx, user.key) if room.id != room_id]
        _tell(tx, user, claimed, chat.now())

    with suppress(StoreUnavailable):
        await chat.database.write(job)


def _call(tx: Transaction, user: User, name: str) -> User:
    """Nothing that somebody does is seen in a room that they are out of: there they keep their name."""
    members.update_shown_as(tx, user.id, user.name)
    users.update_name(tx, user.id, name)
    return replace(user, name=name)


def _tell(tx: Transaction, user: User, claimed: list[Room], now: int) -> None:
    people = {member.room_id: member for member in members.select_of_user(tx, user.id)}
    for room in claimed:
        events.append(tx, room, MemberChanged(people[room.id], renamed=True), actor=user.id, now=now)


def _is_reserved(tx: Transaction, room: Room, name: str) -> bool:
    return any(users.is_reserved(tx, room.id, look) for look in skeletons(name))


def _is_reserved_elsewhere(tx: Transaction, user: User, name: str) -> bool:
    return any(users.is_reserved_for_member(tx, user.id, look) for look in skeletons(name))
