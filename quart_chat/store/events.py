"""Statements about the log."""

from quart_chat.events import EVENT_NAMES, EVENT_TYPES, Erased, Event, Told
from quart_chat.models import Message
from quart_chat.store import messages
from quart_chat.store.database import Row, Transaction

MARKUP = 600
"""Bytes around the text of a message, about, when it is shown."""


def append(tx: Transaction, event: type[Told], message: Message, *, now: int) -> Told:
    """Give `event` the room's next cursor, write it to the log, and emit it when the transaction commits."""
    row = tx.one(
        """
        UPDATE rooms
           SET cursor = cursor + 1, active_at = :now
         WHERE id = :room_id
        RETURNING cursor
        """,
        room_id=message.room_id,
        now=now,
    )
    assert row is not None
    tx.run(
        """
        INSERT INTO events (room_id, cursor, type, message_id, created_at)
        VALUES (:room_id, :cursor, :type, :message_id, :now)
        """,
        room_id=message.room_id,
        cursor=row["cursor"],
        type=EVENT_NAMES[event],
        message_id=message.id,
        now=now,
    )
    happened = event(message.room_id, row["cursor"], message)
    tx.emit(happened)
    return happened


def select_after(tx: Transaction, room_id: int, cursor: int, *, limit: int) -> list[Event]:
    """The events after `cursor`, oldest first, each with its message as that is now: one for every position."""
    rows = tx.all(
        """
        SELECT e.cursor, e.type,
               m.id, m.room_id, m.key, m.text, m.created_at, m.edited_at, m.deleted_at, m.version,
               u.id AS user_id, u.name, u.key AS user_key, u.created_at AS user_created_at,
               u.room_id AS user_room_id, u.avatar, u.role
          FROM events AS e
          LEFT JOIN messages AS m ON m.id = e.message_id
          LEFT JOIN users AS u ON u.id = m.user_id
         WHERE e.room_id = :room_id
           AND e.cursor > :cursor
         ORDER BY e.cursor
         LIMIT :limit
        """,
        room_id=room_id,
        cursor=cursor,
        limit=limit,
    )
    return [_event(room_id, row) for row in rows]


def _event(room_id: int, row: Row) -> Event:
    told = EVENT_TYPES.get(row["type"])
    if told is None or row["id"] is None or row["user_id"] is None:
        return Erased(room_id, row["cursor"])
    return told(room_id, row["cursor"], messages.message(row))


def select_size_after(tx: Transaction, room_id: int, cursor: int) -> int:
    """Characters of the messages that the events after `cursor` show, and MARKUP for each."""
    row = tx.one(
        """
        SELECT coalesce(sum(length(m.text) + :markup), 0) AS size
          FROM events AS e
          JOIN messages AS m ON m.id = e.message_id
         WHERE e.room_id = :room_id
           AND e.cursor > :cursor
        """,
        room_id=room_id,
        cursor=cursor,
        markup=MARKUP,
    )
    assert row is not None
    return int(row["size"])


def select_head(tx: Transaction, room_id: int) -> int:
    """The position of the room's newest event; 0 when there is none."""
    row = tx.one("SELECT cursor FROM rooms WHERE id = :room_id", room_id=room_id)
    return int(row["cursor"]) if row else 0


def select_epoch(tx: Transaction) -> str:
    row = tx.one("SELECT value FROM facts WHERE name = 'epoch'")
    assert row is not None
    return str(row["value"])
