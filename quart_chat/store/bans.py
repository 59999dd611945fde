"""Statements about networks from which nobody comes into a room. A network is a keyed digest, never an address."""

from quart_chat.store.database import Transaction


def select(tx: Transaction, room_id: int) -> set[str]:
    rows = tx.all("SELECT DISTINCT network FROM bans WHERE room_id = :room_id", room_id=room_id)
    return {row["network"] for row in rows}


def select_rooms(tx: Transaction, network: str) -> set[int]:
    """The ids of rooms that are shut to a network."""
    rows = tx.all("SELECT DISTINCT room_id FROM bans WHERE network = :network", network=network)
    return {row["room_id"] for row in rows}


def exists(tx: Transaction, room_id: int, network: str) -> bool:
    sql = "SELECT 1 FROM bans WHERE room_id = :room_id AND network = :network LIMIT 1"
    return tx.one(sql, room_id=room_id, network=network) is not None


def insert(tx: Transaction, room_id: int, user_id: int, network: str, *, now: int) -> None:
    """Because of one user, who may be the reason for several."""
    tx.run(
        """
        INSERT INTO bans (room_id, network, user_id, at)
        VALUES (:room_id, :network, :user_id, :now)
            ON CONFLICT (room_id, network, user_id) DO NOTHING
        """,
        room_id=room_id,
        network=network,
        user_id=user_id,
        now=now,
    )


def delete(tx: Transaction, room_id: int, user_id: int) -> None:
    """All that are because of one user."""
    tx.run("DELETE FROM bans WHERE room_id = :room_id AND user_id = :user_id", room_id=room_id, user_id=user_id)
