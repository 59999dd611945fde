"""Statements about work after a commit: how far each follower has come in each room's log."""

from dataclasses import dataclass

from quart_chat.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Behind:
    """A room in which a follower has something to do."""

    room_id: int
    cursor: int
    """Up to where it is done."""


def select_behind(tx: Transaction, name: str, *, limit: int) -> list[Behind]:
    """Rooms with events after what the follower has done, those first in which something happened last."""
    rows = tx.all(
        """
        SELECT r.id, coalesce(f.cursor, 0) AS cursor
          FROM rooms AS r
          LEFT JOIN followers AS f ON f.room_id = r.id AND f.name = :name
         WHERE r.cursor > coalesce(f.cursor, 0)
         ORDER BY r.active_at DESC, r.id
         LIMIT :limit
        """,
        name=name,
        limit=limit,
    )
    return [Behind(row["id"], row["cursor"]) for row in rows]


def upsert(tx: Transaction, name: str, room_id: int, cursor: int) -> None:
    """All up to `cursor` is done. In the same transaction as what was done, it is done once."""
    tx.run(
        """
        INSERT INTO followers (name, room_id, cursor)
        VALUES (:name, :room_id, :cursor)
            ON CONFLICT (name, room_id) DO UPDATE SET cursor = excluded.cursor
        """,
        name=name,
        room_id=room_id,
        cursor=cursor,
    )
