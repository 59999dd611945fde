"""A room's log as the streaming engine reads it, which lets nobody in whom the room's gate does not."""

from quart_chat.domain.chat import Chat
from quart_chat.events import Event
from quart_chat.store import events


async def events_after(chat: Chat, room_id: int, cursor: int, limit: int) -> tuple[list[Event], int]:
    """The log after a position, at most `limit` events, each with its message as it is now; and the position of the
    room's newest event, which says when that is."""
    return await chat.database.read(
        lambda tx: (events.select_after(tx, room_id, cursor, limit=limit), events.select_head(tx, room_id))
    )


async def head(chat: Chat, room_id: int) -> int:
    """The position of a room's newest event."""
    return await chat.database.read(lambda tx: events.select_head(tx, room_id))


async def size_after(chat: Chat, room_id: int, cursor: int) -> int:
    """About how many bytes the log has after a position, as its messages are now."""
    return await chat.database.read(lambda tx: events.select_size_after(tx, room_id, cursor))
