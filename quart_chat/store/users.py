"""Statements about users."""

from quart_chat.models import User
from quart_chat.store.sqlite import Transaction


def select(tx: Transaction, key: str) -> User | None:
    row = tx.one(
        """
        SELECT id, name, key, created_at
          FROM users
         WHERE key = :key
        """,
        key=key,
    )
    return User(*row) if row else None


def insert(tx: Transaction, *, name: str, key: str, now: int) -> User:
    row = tx.one(
        """
        INSERT INTO users (name, key, created_at)
        VALUES (:name, :key, :now)
        RETURNING id, name, key, created_at
        """,
        name=name,
        key=key,
        now=now,
    )
    assert row is not None
    return User(*row)
