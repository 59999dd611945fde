"""Statements about tickets that have been used: each counts once."""

from quart_chat.store.database import Transaction


def insert(tx: Transaction, id: str, *, until: int) -> bool:
    """Note that this one is used, until it is too old anyway. False where it was used before."""
    return bool(
        tx.run(
            """
            INSERT INTO used_tickets (id, until)
            VALUES (:id, :until)
                ON CONFLICT (id) DO NOTHING
            """,
            id=id,
            until=until,
        )
    )


def delete_old(tx: Transaction, now: int) -> None:
    """Those that nobody could use any more."""
    tx.run("DELETE FROM used_tickets WHERE until <= :now", now=now)
