"""Which sites may embed a room."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from quart_chat import sites
from quart_chat.domain import access
from quart_chat.domain.access import Action, Entered
from quart_chat.domain.actors import Asker
from quart_chat.domain.chat import Chat
from quart_chat.errors import OriginInvalid
from quart_chat.events import RoomChanged
from quart_chat.models import Room
from quart_chat.store import events
from quart_chat.store import rooms as stored
from quart_chat.store.database import Transaction

MOST = 50
"""Origins in a room's list. They go out with every page of the room, in a header."""


async def change(
    chat: Chat,
    slug: str,
    asker: Asker,
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
    signed_only: bool | None = None,
) -> Room:
    """Change who may embed a room, and whether only signed-in people write there. A list that had not been set is
    set by this, unless nothing is added or removed. Raises OriginInvalid, and what `access.enter` raises."""
    add, remove = [sites.clean_origin(origin) for origin in add], [sites.clean_origin(origin) for origin in remove]

    def job(tx: Transaction) -> Room:
        entered = access.enter(tx, chat, slug, asker, Action.SETTINGS, claim=True)
        room = entered.room
        kept = [origin for origin in room.origins or () if origin not in remove]
        origins = (*kept, *(origin for origin in dict.fromkeys(add) if origin not in kept))
        return _update(tx, entered, origins if add or remove else room.origins, signed_only, now=chat.now())

    return await chat.database.write(job, room=slug)


async def replace_list(chat: Chat, slug: str, asker: Asker, origins: Sequence[str], signed_only: bool) -> Room:
    """Set both. No origins where no list was set leave it unset. What is in the list is looked at when everything else
    is right: it may be long. Raises OriginInvalid, TooFast, and what `access.enter` raises."""
    key, _ = await access.identify(chat, slug, asker)
    chat.limits.spend_message(key, asker.address)
    await chat.database.read(lambda tx: access.enter(tx, chat, slug, asker, Action.SETTINGS))
    if len(origins) > MOST:
        raise _too_many()
    cleaned = tuple(dict.fromkeys(sites.clean_origin(origin) for origin in origins))

    def job(tx: Transaction) -> Room:
        entered = access.enter(tx, chat, slug, asker, Action.SETTINGS, claim=True)
        origins = cleaned if cleaned or entered.room.origins is not None else None
        return _update(tx, entered, origins, signed_only, now=chat.now())

    return await chat.database.write(job, room=slug)


async def clear(chat: Chat, slug: str, asker: Asker) -> Room:
    """Let nobody embed the room. Raises what `access.enter` raises."""

    def job(tx: Transaction) -> Room:
        return _update(tx, access.enter(tx, chat, slug, asker, Action.SETTINGS, claim=True), (), None, now=chat.now())

    return await chat.database.write(job, room=slug)


def _update(
    tx: Transaction, entered: Entered, origins: tuple[str, ...] | None, signed_only: bool | None, *, now: int
) -> Room:
    room, actor = entered.room, entered.actor.stored
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
    event = events.append(tx, room, RoomChanged(changed), actor=actor.id if actor else None, now=now)
    return replace(changed, cursor=event.cursor, active_at=event.at)


def _too_many() -> OriginInvalid:
    return OriginInvalid(f"A room’s list holds {MOST} origins at most. One like https://*.example.org counts once.")
