"""Statements about rooms."""

import sqlite3

from quart_chat.models import Room
from quart_chat.store.sqlite import Transaction


def select(tx: Transaction, slug: str) -> Room | None:
    row = tx.one(
        """
        SELECT id, slug, name, created_at, active_at, cursor
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
        SELECT id, slug, name, created_at, active_at, cursor
          FROM rooms
         ORDER BY slug = 'lobby' DESC, active_at DESC, id
         LIMIT :limit
        """,
        limit=limit,
    )
    return [_room(row) for row in rows]


def insert(tx: Transaction, *, slug: str, name: str, now: int) -> Room | None:
    """Make a room; None when the slug is taken."""
    row = tx.one(
        """
        INSERT INTO rooms (slug, name, created_at, active_at)
        VALUES (:slug, :name, :now, :now)
            ON CONFLICT (slug) DO NOTHING
        RETURNING id, slug, name, created_at, active_at, cursor
        """,
        slug=slug,
        name=name,
        now=now,
    )
    return _room(row) if row else None


def _room(row: sqlite3.Row) -> Room:
    return Room(*row)
