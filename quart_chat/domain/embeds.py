"""Which sites may show a room in a frame of their pages."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from quart_chat import sites
from quart_chat.domain import rooms
from quart_chat.domain.chat import Chat
from quart_chat.domain.sender import Frame, Sender
from quart_chat.errors import FramingRefused, NotOwner, OriginInvalid
from quart_chat.events import RoomChanged
from quart_chat.models import Room
from quart_chat.store import events, users
from quart_chat.store import rooms as stored
from quart_chat.store.database import Transaction

MOST = 50
"""Origins in a room's list. They go out with every page of the room, in a header."""


def check(room: Room, frame: Frame | None) -> None:
    """Refuse whoever is in a frame where the room may not be now, whatever it was when it was opened. Raises
    FramingRefused."""
    if frame is None or sites.allows(room, frame.host, local=frame.local):
        return
    if frame.host in ("", sites.NOBODY):
        raise FramingRefused(
            "The page around this room does not say which site it is of, so nothing can be sent from here. Its frame "
            'needs referrerpolicy="origin".'
        )
    raise FramingRefused(
        f"{frame.host[:200]} is not among the sites that may show this room, so nothing can be sent from here. The "
        "room’s owner can add it."
    )


async def change(
    chat: Chat,
    slug: str,
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
    signed_only: bool | None = None,
) -> Room:
    """Change who may frame a room, and whether only signed-in people write there, as its operator. A list that had not
    been set is set by this, unless nothing is added or removed. Raises RoomNotFound, OriginInvalid."""
    add, remove = [sites.clean_origin(origin) for origin in add], [sites.clean_origin(origin) for origin in remove]

    def job(tx: Transaction) -> Room:
        room = rooms.claim_in(tx, slug)
        kept = [origin for origin in room.origins or () if origin not in remove]
        origins = (*kept, *(origin for origin in dict.fromkeys(add) if origin not in kept))
        return _update(tx, room, origins if add or remove else room.origins, signed_only, now=chat.now())

    return await chat.database.write(job, room=slug)


async def set_by_owner(chat: Chat, slug: str, sender: Sender, origins: Sequence[str], signed_only: bool) -> Room:
    """Set both, as the room's owner. No origins where no list was set leave it unset. What is in the list is looked at
    when everything else is right: it may be long. Raises RoomNotFound, NotOwner, OriginInvalid, TooFast."""
    chat.limits.spend_message(sender.user_key, sender.address)

    def check_owns(tx: Transaction, room: Room) -> Room:
        if sender.frame is not None or not _owns(tx, room, sender.user_key):
            raise NotOwner
        return room

    await chat.database.read(lambda tx: check_owns(tx, rooms.find_in(tx, slug)))
    if len(origins) > MOST:
        raise _too_many()
    cleaned = tuple(dict.fromkeys(sites.clean_origin(origin) for origin in origins))

    def job(tx: Transaction) -> Room:
        room = check_owns(tx, rooms.claim_in(tx, slug))
        origins = cleaned if cleaned or room.origins is not None else None
        return _update(tx, room, origins, signed_only, actor=room.owner_id, now=chat.now())

    return await chat.database.write(job, room=slug)


async def clear(chat: Chat, slug: str) -> Room:
    """Let nobody frame the room, as its operator. Raises RoomNotFound."""

    def job(tx: Transaction) -> Room:
        return _update(tx, rooms.claim_in(tx, slug), (), None, now=chat.now())

    return await chat.database.write(job, room=slug)


def _owns(tx: Transaction, room: Room, user_key: str | None) -> bool:
    user = users.select(tx, user_key) if user_key else None
    return user is not None and user.id == room.owner_id


def _update(
    tx: Transaction,
    room: Room,
    origins: tuple[str, ...] | None,
    signed_only: bool | None,
    *,
    actor: int | None = None,
    now: int,
) -> Room:
    if origins is not None and len(origins) > MOST:
        raise _too_many()
    changed = replace(
        room,
        origins=room.origins if origins is None else origins,
        signed_only=room.signed_only if signed_only is None else signed_only,
    )
    if changed == room:
        return room
    if changed.origins is not None and changed.origins != room.origins:
        stored.update_origins(tx, room.id, changed.origins)
    if changed.signed_only != room.signed_only:
        stored.update_signed_only(tx, room.id, changed.signed_only)
    event = events.append(tx, room, RoomChanged(changed), actor=actor, now=now)
    return replace(changed, cursor=event.cursor, active_at=event.at)


def _too_many() -> OriginInvalid:
    return OriginInvalid(f"A room’s list holds {MOST} origins at most. One like https://*.example.org counts once.")
