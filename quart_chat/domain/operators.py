"""Whoever may do everything everywhere, and how they find people and messages by what is said of them."""

import re
from dataclasses import dataclass

from quart_chat.domain import access
from quart_chat.domain.access import Action
from quart_chat.domain.actors import Asker, Console
from quart_chat.domain.chat import Chat
from quart_chat.errors import CannotAppoint, MemberNotFound, MessageNotFound, NotOperator
from quart_chat.events import MemberChanged
from quart_chat.models import TAG_ALPHABET, TAG_LENGTH, Kind, User
from quart_chat.store import events, members, messages, rooms, users
from quart_chat.store.database import Transaction

TAGGED = re.compile(rf"(.+)#([{TAG_ALPHABET}]{{{TAG_LENGTH}}})", re.DOTALL)

SHOWN = 5
"""Rooms of somebody that are named."""


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody who may be meant, and some of the rooms that they are in, by their slugs."""

    user: User
    rooms: list[str]


async def find(chat: Chat, asker: Asker, called: str, slug: str | None = None) -> list[Known]:
    """Whoever may be meant by a name, a name and its tag (`Ana#k3m9`), or a number. With `slug` those who could be in
    that room; its members alone where there are any. Raises NotOperator, RoomNotFound, StoreUnavailable."""
    _check(asker)

    def query(tx: Transaction) -> list[Known]:
        found = _called(tx, called)
        if slug is not None:
            room = access.enter(tx, chat, slug, asker, Action.MODERATE).room
            found = [user for user in found if user.room_id in (None, room.id)]
            found = [user for user in found if access.place_of(tx, room, user)] or found
        return [Known(user, members.select_slugs(tx, user.id, limit=SHOWN)) for user in found]

    return await chat.database.read(query)


async def appoint(chat: Chat, asker: Asker, user_id: int, operator: bool) -> User:
    """Make somebody an operator, or take that away; an event in each room that they are a member of. Raises
    NotOperator, MemberNotFound, CannotAppoint, StoreUnavailable."""
    _check(asker)

    def job(tx: Transaction) -> User:
        claimed = rooms.claim_of_member(tx, user_id)
        user = users.select_by_id(tx, user_id)
        if user is None:
            raise MemberNotFound
        if user.kind is not Kind.GUEST:
            raise CannotAppoint("A site says who this person is. Whoever has its key would be the operator.")
        if user.operator is operator:
            return user
        users.update_operator(tx, user.id, operator)
        for room in claimed:
            member = members.select(tx, room.id, user.id)
            assert member is not None
            events.append(tx, room, MemberChanged(member), actor=None, now=chat.now())
        return user

    return await chat.database.write(job)


async def room_of(chat: Chat, asker: Asker, message_id: int) -> str:
    """The slug of the room in which a message is, or was. Raises NotOperator, MessageNotFound, StoreUnavailable."""
    _check(asker)
    slug = await chat.database.read(lambda tx: messages.select_slug(tx, message_id))
    if slug is None:
        raise MessageNotFound
    return slug


def _called(tx: Transaction, called: str) -> list[User]:
    """Each once. A name may look like a number, or as if it had a tag."""
    found = users.select_by_name(tx, called)
    if tagged := TAGGED.fullmatch(called):
        found += [user for user in users.select_by_name(tx, tagged[1]) if user.tag == tagged[2]]
    if re.fullmatch("[0-9]{1,18}", called) and (user := users.select_by_id(tx, int(called))):
        found.append(user)
    return list({user.id: user for user in found}.values())


def _check(asker: Asker) -> None:
    """Names and numbers of everybody are for whoever has the database anyway."""
    if not isinstance(asker.credential, Console):
        raise NotOperator
