"""Statements about messages."""

from quart_chat.models import Message, Room, User
from quart_chat.store import users
from quart_chat.store.database import Row, Transaction

SELECTING = """
        SELECT m.id, m.room_id, m.key, m.text, m.created_at, m.edited_at, m.deleted_at, m.version, m.position,
               m.user_id, coalesce(mb.shown_as, u.name) AS name, u.key AS user_key, u.avatar, u.role, u.kind
          FROM messages AS m
          JOIN users AS u ON u.id = m.user_id
          LEFT JOIN members AS mb ON mb.room_id = m.room_id AND mb.user_id = m.user_id
        """
"""What is shown of a message, by name; the end says of which."""


def select(tx: Transaction, room_id: int, message_id: int) -> Message | None:
    found = load(tx, "WHERE m.room_id = :room_id AND m.id = :id", room_id=room_id, id=message_id)
    return found[0] if found else None


def select_slug(tx: Transaction, message_id: int) -> str | None:
    """Of the room of a message, also of one that is deleted."""
    row = tx.one(
        """
        SELECT r.slug
          FROM messages AS m
          JOIN rooms AS r ON r.id = m.room_id
         WHERE m.id = :id
        """,
        id=message_id,
    )
    return str(row["slug"]) if row else None


def select_by_key(tx: Transaction, room_id: int, user_id: int, key: str) -> Message | None:
    found = load(
        tx,
        "WHERE m.room_id = :room_id AND m.user_id = :user_id AND m.key = :key",
        room_id=room_id,
        user_id=user_id,
        key=key,
    )
    return found[0] if found else None


def select_before(tx: Transaction, room_id: int, before: int, *, limit: int) -> list[Message]:
    """The newest `limit` messages at a position below `before` that are not deleted, oldest first."""
    found = load(
        tx,
        """
         WHERE m.room_id = :room_id
           AND m.position < :before
           AND m.deleted_at IS NULL
         ORDER BY m.position DESC
         LIMIT :limit
        """,
        room_id=room_id,
        before=before,
        limit=limit,
    )
    return found[::-1]


def select_after(tx: Transaction, room_id: int, after: int, *, limit: int) -> list[Message]:
    """The oldest `limit` messages at a position above `after` that are not deleted, oldest first."""
    return load(
        tx,
        """
         WHERE m.room_id = :room_id
           AND m.position > :after
           AND m.deleted_at IS NULL
         ORDER BY m.position
         LIMIT :limit
        """,
        room_id=room_id,
        after=after,
        limit=limit,
    )


def select_of_events(tx: Transaction, room_id: int, after: int, last: int) -> list[Message]:
    """Those that the events after one position up to another are about, each once."""
    return load(
        tx,
        """
         WHERE m.id IN (
               SELECT message_id
                 FROM events
                WHERE room_id = :room_id
                  AND cursor > :after
                  AND cursor <= :last)
        """,
        room_id=room_id,
        after=after,
        last=last,
    )


def load(tx: Transaction, which: str, **values: object) -> list[Message]:
    """Messages with all that is shown of them. `which` is how a statement of this module ends: `m` are the messages."""
    return [_message(row) for row in tx.all(SELECTING + which, **values)]


def insert(tx: Transaction, room: Room, author: User, *, key: str, text: str, now: int) -> Message | None:
    """Store a message in a room that this transaction has claimed, at the position that is next there; None when its
    author has used this key in this room before."""
    row = tx.one(
        """
        INSERT INTO messages (room_id, user_id, key, text, created_at, position)
        VALUES (:room_id, :user_id, :key, :text, :now, :position)
            ON CONFLICT (user_id, room_id, key) DO NOTHING
        RETURNING id
        """,
        room_id=room.id,
        user_id=author.id,
        key=key,
        text=text,
        now=now,
        position=room.cursor + 1,
    )
    return Message(row["id"], room.id, author.author, key, text, now, None, None, 1, room.cursor + 1) if row else None


def update_text(tx: Transaction, message_id: int, text: str, *, now: int) -> None:
    tx.forget()
    tx.run(
        """
        UPDATE messages
           SET text = :text, edited_at = :now, version = version + 1
         WHERE id = :id
        """,
        id=message_id,
        text=text,
        now=now,
    )


def update_deleted(tx: Transaction, message_id: int, *, now: int) -> None:
    """Mark the message as deleted and forget its text."""
    tx.forget()
    tx.run(
        """
        UPDATE messages
           SET text = '', deleted_at = :now, version = version + 1
         WHERE id = :id
        """,
        id=message_id,
        now=now,
    )


def _message(row: Row) -> Message:
    return Message(
        row["id"],
        row["room_id"],
        users.author(row),
        row["key"],
        row["text"],
        row["created_at"],
        row["edited_at"],
        row["deleted_at"],
        row["version"],
        row["position"],
    )
