"""Rooms: which addresses they may have, how they are found and made."""

import re
from dataclasses import dataclass

from slugify import slugify

from quart_chat.domain import access, gates, guests
from quart_chat.domain.access import Action
from quart_chat.domain.actors import Asker, GuestKey
from quart_chat.domain.chat import Chat
from quart_chat.errors import NameInvalid, RoomInvalid, RoomsFull, RoomTaken
from quart_chat.models import Rank, Room, Standing, User
from quart_chat.store import bans, members, rooms, users
from quart_chat.store.database import Transaction
from quart_chat.text import clean_title

SLUG_LENGTH = 40
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

RESERVED = frozenset(
    "about account admin api assets auth bot bots css diagnose edit embed event events health healthz help index js "
    "login logout me message messages metrics moderation new null oembed poll readyz room rooms search settings "
    "sign-in sign-out static stream support system undefined user users".split()
)
"""Slugs that are, or may become, addresses of their own, and those that could pose as the server itself."""

LISTED = 200
"""Rooms on the front page: the most recently active ones."""


async def find(chat: Chat, slug: str, asker: Asker) -> Room:
    """Raises what `access.enter` raises."""
    return await chat.database.read(lambda tx: access.enter(tx, chat, slug, asker, Action.READ).room)


async def public(chat: Chat, asker: Asker) -> list[Room]:
    """The lobby, then the rooms in which something happened last, without those that the asker is out of: to them it is
    not even said when that was. Raises StoreUnavailable."""

    def query(tx: Transaction) -> list[Room]:
        user = users.select(tx, asker.credential.user_key) if isinstance(asker.credential, GuestKey) else None
        found = rooms.select_active(tx, limit=LISTED)
        if user is not None and user.operator:
            return found
        standings = members.select_standings(tx, user.id) if user else {}
        shut = bans.select_rooms(tx, gates.digest(chat.secret, asker.address)) - standings.keys()
        out = {room_id for room_id, standing in standings.items() if standing is not Standing.IN} | shut
        return [room for room in found if room.id not in out or (user is not None and user.id == room.owner_id)]

    return await chat.database.read(query)


@dataclass(frozen=True, slots=True)
class Created:
    room: Room
    owner: User | None
    known: bool
    """Whether who asked was known as the owner already."""


async def create(chat: Chat, name: str, slug: str, asker: Asker, key: str | None = None) -> Created:
    """Make a public room, which its maker owns: the asker's user, or a new guest of the asker's name; nobody where
    there is neither. An empty `slug` is made from the name. The same form sent again, as its random `key` tells,
    returns the first result.

    Raises RoomInvalid, RoomTaken, RoomsFull, NameInvalid, KeyInvalid, TooFast, StoreUnavailable.
    """
    name = _clean_room_name(name)
    slug = clean_slug(slug or slugify(name, max_length=SLUG_LENGTH))
    chat.limits.spend_room(asker.address)
    chat.database.check_space()
    return await chat.database.write(lambda tx: _create(tx, chat, name, slug, asker, key), room=slug)


def _create(tx: Transaction, chat: Chat, name: str, slug: str, asker: Asker, key: str | None) -> Created:
    room = rooms.claim(tx, slug)
    known = users.select(tx, asker.credential.user_key) if isinstance(asker.credential, GuestKey) else None
    owner = known
    if asker.embed is not None:
        owner = None  # a guest of an embed could never come back to what it owns
    elif known is None and asker.name and key:
        owner = guests.find_or_make_owner(tx, chat, asker.name, key)
    if room is None:
        if chat.limits.all_rooms is not None and rooms.count(tx) >= chat.limits.all_rooms:
            raise RoomsFull
        room = rooms.insert(tx, slug=slug, name=name, owner_id=owner.id if owner else None, now=chat.now())
        if owner is not None:
            members.upsert(tx, room.id, owner.id, rank=Rank.OWNER, now=chat.now())
    else:
        if owner is None or room.owner_id != owner.id or room.name != name or not key:
            raise RoomTaken(slug)
    return Created(room, owner, known is not None)


def clean_slug(slug: str) -> str:
    """A slug as it is kept: 1 to 40 of a-z, 0-9 and single hyphens inside, not reserved. Raises RoomInvalid."""
    slug = slug.strip()
    if len(slug) > SLUG_LENGTH or not SLUG.fullmatch(slug := slug.lower()):
        raise RoomInvalid(
            f"A room's address has 1 to {SLUG_LENGTH} letters a to z, digits, and single hyphens between them."
        )
    if slug in RESERVED:
        raise RoomInvalid(f"“{slug}” is reserved. Please choose another address.")
    return slug


def _clean_room_name(name: str) -> str:
    try:
        return clean_title(name)
    except NameInvalid as error:
        raise RoomInvalid(error.sentence.replace("The name", "The room's name"), "name") from error
