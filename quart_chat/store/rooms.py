"""Statements about rooms."""

import sqlite3

from quart_chat.models import Room
from quart_chat.store.sqlite import Transaction


def select(tx: Transaction, slug: str) -> Room | None:
    row = tx.one(
        """
        SELECT id, slug, name, created_at, active_at, cursor, owner_id, origins, signed_only
          FROM rooms
         WHERE slug = :slug
        """,
        slug=slug,
    )
    return _room(row) if row else None


def select_active(tx: Transaction, *, limit: int) -> list[Room]:
    """The lobby, then the rooms with the newest events."""
    rows = tx.all(
        """
        SELECT id, slug, name, created_at, active_at, cursor, owner_id, origins, signed_only
          FROM rooms
         ORDER BY slug = 'lobby' DESC, active_at DESC, id
         LIMIT :limit
        """,
        limit=limit,
    )
    return [_room(row) for row in rows]


def count(tx: Transaction) -> int:
    row = tx.one("SELECT count(*) FROM rooms")
    assert row is not None
    return int(row[0])


def insert(tx: Transaction, *, slug: str, name: str, owner_id: int | None, now: int) -> Room:
    """Make a room; its slug MUST be free."""
    row = tx.one(
        """
        INSERT INTO rooms (slug, name, owner_id, created_at, active_at)
        VALUES (:slug, :name, :owner_id, :now, :now)
        RETURNING id, slug, name, created_at, active_at, cursor, owner_id, origins, signed_only
        """,
        slug=slug,
        name=name,
        owner_id=owner_id,
        now=now,
    )
    assert row is not None
    return _room(row)


def update_origins(tx: Transaction, room_id: int, origins: tuple[str, ...]) -> None:
    tx.one("UPDATE rooms SET origins = :origins WHERE id = :id", id=room_id, origins=" ".join(origins))


def update_signed_only(tx: Transaction, room_id: int, signed_only: bool) -> None:
    tx.one("UPDATE rooms SET signed_only = :signed_only WHERE id = :id", id=room_id, signed_only=signed_only)


def _room(row: sqlite3.Row) -> Room:
    values = dict(row)
    if values["origins"] is not None:
        values["origins"] = tuple(values["origins"].split())
    return Room(**values | {"signed_only": bool(values["signed_only"])})
