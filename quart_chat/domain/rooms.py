"""Rooms: which addresses they may have, how they are found and made."""

import re

from slugify import slugify

from quart_chat.domain.chat import Chat
from quart_chat.domain.text import clean_name
from quart_chat.errors import NameInvalid, RoomInvalid, RoomNotFound, RoomTaken
from quart_chat.models import Room
from quart_chat.store import rooms
from quart_chat.store.sqlite import Transaction

SLUG_LENGTH = 40
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

RESERVED = frozenset(
    "about account admin api assets auth bot bots css diagnose edit embed event events health healthz help index js "
    "login logout message messages metrics moderation new null oembed poll readyz room rooms search settings sign-in "
    "sign-out static stream support system undefined user users".split()
)
"""Slugs that are, or may become, addresses of their own, and those that could pose as the server itself."""

LISTED = 200
"""Rooms on the front page: the most recently active ones."""


async def find(chat: Chat, slug: str) -> Room:
    """Raises RoomNotFound."""
    return await chat.database.read(lambda tx: find_in(tx, slug))


def find_in(tx: Transaction, slug: str) -> Room:
    room = rooms.select(tx, slug)
    if room is None:
        raise RoomNotFound
    return room


async def public(chat: Chat) -> list[Room]:
    return await chat.database.read(lambda tx: rooms.select_active(tx, limit=LISTED))


async def create(chat: Chat, name: str, slug: str, address: str) -> Room:
    """Make a public room. An empty `slug` is made from the name.

    Raises RoomInvalid, RoomTaken, TooFast.
    """
    name = _clean_room_name(name)
    slug = clean_slug(slug or slugify(name, max_length=SLUG_LENGTH))
    chat.limits.spend_room(address)
    room = await chat.database.write(lambda tx: rooms.insert(tx, slug=slug, name=name, owner_id=None, now=chat.now()))
    if room is None:
        raise RoomTaken(slug)
    return room


def clean_slug(slug: str) -> str:
    """A slug as it is kept: 1 to 40 of a-z, 0-9 and single hyphens inside, not reserved. Raises RoomInvalid."""
    slug = slug.strip().lower()
    if len(slug) > SLUG_LENGTH or not SLUG.fullmatch(slug):
        raise RoomInvalid(
            f"A room's address has 1 to {SLUG_LENGTH} letters a to z, digits, and single hyphens between them."
        )
    if slug in RESERVED:
        raise RoomInvalid(f"“{slug}” is reserved. Please choose another address.")
    return slug


def _clean_room_name(name: str) -> str:
    try:
        return clean_name(name)
    except NameInvalid as error:
        raise RoomInvalid(error.sentence.replace("The name", "The room's name")) from error
