"""Statements about work after a commit: how far each follower has come in each room's log."""

from quart_chat.store.database import Transaction


def select_behind(tx: Transaction, name: str, *, since: int) -> list[int]:
    """The ids of rooms with events after what the follower has done, of those in which something happened at `since` or
    later. Looks at no others."""
    rows = tx.all(
        """
        SELECT r.id
          FROM rooms AS r
          LEFT JOIN followers AS f ON f.name = :name AND f.room_id = r.id
         WHERE r.active_at >= :since
           AND r.cursor > coalesce(f.cursor, 0)
         ORDER BY r.active_at, r.id
        """,
        name=name,
        since=since,
    )
    return [row["id"] for row in rows]


def select(tx: Transaction, name: str, room_id: int) -> int:
    """Up to where it is done."""
    row = tx.one("SELECT cursor FROM followers WHERE name = :name AND room_id = :room_id", name=name, room_id=room_id)
    return int(row["cursor"]) if row else 0


def insert_at_heads(tx: Transaction, name: str) -> None:
    """Have a follower of whom nothing is stored begin behind what has happened so far."""
    tx.run(
        """
        INSERT INTO followers (name, room_id, cursor)
        SELECT :name, id, cursor
          FROM rooms
         WHERE NOT EXISTS (SELECT 1 FROM followers WHERE name = :name)
        """,
        name=name,
    )


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
