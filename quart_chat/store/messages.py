"""Statements about messages."""

from quart_chat.models import Message, User
from quart_chat.store.database import Row, Transaction


def select(tx: Transaction, room_id: int, message_id: int) -> Message | None:
    row = tx.one(
        """
        SELECT m.id, m.room_id, m.key, m.text, m.created_at, m.edited_at, m.deleted_at, m.version,
               u.id AS user_id, u.name, u.key AS user_key, u.created_at AS user_created_at,
               u.room_id AS user_room_id, u.avatar, u.role
          FROM messages AS m
          JOIN users AS u ON u.id = m.user_id
         WHERE m.room_id = :room_id
           AND m.id = :id
        """,
        room_id=room_id,
        id=message_id,
    )
    return message(row) if row else None


def select_by_key(tx: Transaction, room_id: int, user_id: int, key: str) -> Message | None:
    row = tx.one(
        """
        SELECT m.id, m.room_id, m.key, m.text, m.created_at, m.edited_at, m.deleted_at, m.version,
               u.id AS user_id, u.name, u.key AS user_key, u.created_at AS user_created_at,
               u.room_id AS user_room_id, u.avatar, u.role
          FROM messages AS m
          JOIN users AS u ON u.id = m.user_id
         WHERE m.room_id = :room_id
           AND m.user_id = :user_id
           AND m.key = :key
        """,
        room_id=room_id,
        user_id=user_id,
        key=key,
    )
    return message(row) if row else None


def select_before(tx: Transaction, room_id: int, before: int, *, limit: int) -> list[Message]:
    """The newest `limit` messages with an id below `before` that are not deleted, oldest first."""
    rows = tx.all(
        """
        SELECT m.id, m.room_id, m.key, m.text, m.created_at, m.edited_at, m.deleted_at, m.version,
               u.id AS user_id, u.name, u.key AS user_key, u.created_at AS user_created_at,
               u.room_id AS user_room_id, u.avatar, u.role
          FROM messages AS m
          JOIN users AS u ON u.id = m.user_id
         WHERE m.room_id = :room_id
           AND m.id < :before
           AND m.deleted_at IS NULL
         ORDER BY m.id DESC
         LIMIT :limit
        """,
        room_id=room_id,
        before=before,
        limit=limit,
    )
    return [message(row) for row in reversed(rows)]


def select_after(tx: Transaction, room_id: int, after: int, *, limit: int) -> list[Message]:
    """The oldest `limit` messages with an id above `after` that are not deleted, oldest first."""
    rows = tx.all(
        """
        SELECT m.id, m.room_id, m.key, m.text, m.created_at, m.edited_at, m.deleted_at, m.version,
               u.id AS user_id, u.name, u.key AS user_key, u.created_at AS user_created_at,
               u.room_id AS user_room_id, u.avatar, u.role
          FROM messages AS m
          JOIN users AS u ON u.id = m.user_id
         WHERE m.room_id = :room_id
           AND m.id > :after
           AND m.deleted_at IS NULL
         ORDER BY m.id
         LIMIT :limit
        """,
        room_id=room_id,
        after=after,
        limit=limit,
    )
    return [message(row) for row in rows]


def insert(tx: Transaction, *, room_id: int, author: User, key: str, text: str, now: int) -> Message | None:
    """Store a message; None when its author has used this key in this room before."""
    row = tx.one(
        """
        INSERT INTO messages (room_id, user_id, key, text, created_at)
        VALUES (:room_id, :user_id, :key, :text, :now)
            ON CONFLICT (user_id, room_id, key) DO NOTHING
        RETURNING id
        """,
        room_id=room_id,
        user_id=author.id,
        key=key,
        text=text,
        now=now,
    )
    return Message(row["id"], room_id, author, key, text, now, None, None, 1) if row else None


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


def message(row: Row) -> Message:
    author = User(
        row["user_id"],
        row["name"],
        row["user_key"],
        row["user_created_at"],
        row["user_room_id"],
        row["avatar"],
        row["role"],
    )
    return Message(
        row["id"],
        row["room_id"],
        author,
        row["key"],
        row["text"],
        row["created_at"],
        row["edited_at"],
        row["deleted_at"],
        row["version"],
    )
