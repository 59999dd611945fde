"""How work after a commit reads the logs of all rooms: where it is behind, what comes next there, how far it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quart_chat.domain.chat import Chat
from quart_chat.events import Event
from quart_chat.models import Room
from quart_chat.store import events, followers, rooms
from quart_chat.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Waiting:
    """What comes next for a follower in a room; there may be more of it."""

    room: Room
    events: list[Event]


async def begin(chat: Chat, name: str, *, from_now: bool) -> None:
    """The first time, a follower begins with the first event of each room, or `from_now` with what comes next; later
    this does nothing. Raises StoreUnavailable."""
    if from_now:
        await chat.database.write(lambda tx: followers.insert_at_heads(tx, name))


async def behind(chat: Chat, name: str, since: int) -> list[int]:
    """The ids of rooms in which a follower has something to do, of those in which something happened at `since` or
    later. Raises StoreUnavailable."""
    return await chat.database.read(lambda tx: followers.select_behind(tx, name, since=since))


async def waiting(chat: Chat, name: str, room_ids: Sequence[int], limit: int) -> tuple[list[Waiting], int]:
    """What comes next in these rooms, at most `limit` events, of those rooms in which there is something; and how many
    of the rooms that was for. Raises StoreUnavailable."""

    def query(tx: Transaction) -> tuple[list[Waiting], int]:
        found: list[Waiting] = []
        left = limit
        for looked_at, room_id in enumerate(room_ids):
            if not left:
                return found, looked_at
            room = rooms.select_by_id(tx, room_id)
            done = followers.select(tx, name, room_id)
            if room is None or room.cursor <= done:
                continue
            if next_events := events.select_after(tx, room_id, done, limit=left):
                found.append(Waiting(room, next_events))
                left -= len(next_events)
        return found, len(room_ids)

    return await chat.database.read(query)


async def done(chat: Chat, name: str, cursors: Mapping[int, int]) -> None:
    """A follower has done everything up to these cursors, by the ids of their rooms. Raises StoreUnavailable."""

    def job(tx: Transaction) -> None:
        # In one order, so that nobody waits in a circle.
        for room_id, cursor in sorted(cursors.items()):
            followers.upsert(tx, name, room_id, cursor)

    await chat.database.write(job)
