"""Statements about the keys with which sites sign who their people are."""

from quart_chat.models import EmbedKey
from quart_chat.store.database import Row, Transaction


def select(tx: Transaction, room_id: int) -> list[EmbedKey]:
    """All keys of a room that were not revoked, oldest first; also those whose time is over."""
    rows = tx.all(
        """
        SELECT id, room_id, algorithm, material, created_at, retires_at
          FROM embed_keys
         WHERE room_id = :room_id
         ORDER BY created_at, id
        """,
        room_id=room_id,
    )
    return [_key(row) for row in rows]


def insert(tx: Transaction, key: EmbedKey) -> None:
    tx.run(
        """
        INSERT INTO embed_keys (id, room_id, algorithm, material, created_at, retires_at)
        VALUES (:id, :room_id, :algorithm, :material, :created_at, :retires_at)
        """,
        id=key.id,
        room_id=key.room_id,
        algorithm=key.algorithm,
        material=key.material,
        created_at=key.created_at,
        retires_at=key.retires_at,
    )


def update_retires_at(tx: Transaction, key_id: str, retires_at: int) -> None:
    tx.run("UPDATE embed_keys SET retires_at = :retires_at WHERE id = :id", id=key_id, retires_at=retires_at)


def delete(tx: Transaction, room_id: int, key_id: str) -> bool:
    """Forget a key; False when the room has none of this id."""
    tx.forget()
    return tx.run("DELETE FROM embed_keys WHERE room_id = :room_id AND id = :id", room_id=room_id, id=key_id) > 0


def _key(row: Row) -> EmbedKey:
    return EmbedKey(row["id"], row["room_id"], row["algorithm"], row["material"], row["created_at"], row["retires_at"])
