"""Statements about rooms."""

from quart_chat.models import Room
from quart_chat.store.database import Row, Transaction


def select(tx: Transaction, slug: str) -> Room | None:
    row = tx.one("SELECT * FROM rooms WHERE slug = :slug", slug=slug)
    return _room(row) if row else None


def select_by_id(tx: Transaction, room_id: int) -> Room | None:
    row = tx.one("SELECT * FROM rooms WHERE id = :id", id=room_id)
    return _room(row) if row else None


def claim(tx: Transaction, slug: str) -> Room | None:
    """The room, for this transaction alone until that ends: so cursors are in the order of the commits.

    MUST come first in every transaction that appends to the room's log: whoever holds something else by then may wait
    for somebody who waits for it.
    """
    row = tx.one("SELECT * FROM rooms WHERE slug = :slug FOR UPDATE", slug=slug)
    return _room(row) if row else None


def claim_of_member(tx: Transaction, user_id: int) -> list[Room]:
    """All rooms that somebody is a member of, each as by `claim`; in one order, so that nobody waits in a circle."""
    rows = tx.all(
        """
        SELECT r.*
          FROM rooms AS r
          JOIN members AS mb ON mb.room_id = r.id
         WHERE mb.user_id = :user_id
         ORDER BY r.id
           FOR UPDATE
        """,
        user_id=user_id,
    )
    return [_room(row) for row in rows]


def claim_where_in(tx: Transaction, user_key: str) -> list[Room]:
    """The same without those that they are out of, by their key."""
    rows = tx.all(
        """
        SELECT r.*
          FROM users AS u
          JOIN members AS mb ON mb.user_id = u.id
          JOIN rooms AS r ON r.id = mb.room_id
         WHERE u.key = :user_key
           AND mb.standing = 'in'
         ORDER BY r.id
           FOR UPDATE
        """,
        user_key=user_key,
    )
    return [_room(row) for row in rows]


def select_active(tx: Transaction, *, limit: int) -> list[Room]:
    """The lobby, then the rooms with the newest events."""
    rows = tx.all(
        """
        SELECT *
          FROM rooms
         ORDER BY slug = 'lobby' DESC, active_at DESC, id
         LIMIT :limit
        """,
        limit=limit,
    )
    return [_room(row) for row in rows]


def count(tx: Transaction) -> int:
    row = tx.one("SELECT count(*) AS rooms FROM rooms")
    assert row is not None
    return int(row["rooms"])


def insert(tx: Transaction, *, slug: str, name: str, owner_id: int | None, now: int) -> Room:
    """Make a room; its slug MUST be free."""
    row = tx.one(
        """
        INSERT INTO rooms (slug, name, owner_id, created_at, active_at)
        VALUES (:slug, :name, :owner_id, :now, :now)
        RETURNING *
        """,
        slug=slug,
        name=name,
        owner_id=owner_id,
        now=now,
    )
    assert row is not None
    return _room(row)


def update_origins(tx: Transaction, room_id: int, origins: tuple[str, ...]) -> None:
    tx.run("UPDATE rooms SET origins = :origins WHERE id = :id", id=room_id, origins=" ".join(origins))


def update_signed_only(tx: Transaction, room_id: int, signed_only: bool) -> None:
    tx.run("UPDATE rooms SET signed_only = :signed_only WHERE id = :id", id=room_id, signed_only=int(signed_only))


def _room(row: Row) -> Room:
    origins = row["origins"]
    return Room(
        row["id"],
        row["slug"],
        row["name"],
        row["created_at"],
        row["active_at"],
        row["cursor"],
        row["owner_id"],
        None if origins is None else tuple(origins.split()),
        bool(row["signed_only"]),
    )
