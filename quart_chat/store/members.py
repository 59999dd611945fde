"""Statements about people in one room."""

from quart_chat.models import Member, Place, Rank, Standing
from quart_chat.store import users
from quart_chat.store.database import Row, Transaction

SELECTING = """
        SELECT mb.room_id, mb.user_id, mb.rank, mb.standing, mb.reason, mb.changed_at,
               coalesce(mb.shown_as, u.name) AS name, u.key AS user_key, u.avatar, u.role, u.kind
          FROM members AS mb
          JOIN users AS u ON u.id = mb.user_id
        """
"""What is shown of a member, by name; the end says of which."""


def select(tx: Transaction, room_id: int, user_id: int) -> Member | None:
    found = _load(tx, "WHERE mb.room_id = :room_id AND mb.user_id = :user_id", room_id=room_id, user_id=user_id)
    return found[0] if found else None


def select_out(tx: Transaction, room_id: int, *, limit: int) -> list[Member]:
    """Those who are out, who went last first."""
    return _load(
        tx,
        """
         WHERE mb.room_id = :room_id
           AND mb.standing <> 'in'
         ORDER BY mb.changed_at DESC, mb.user_id
         LIMIT :limit
        """,
        room_id=room_id,
        limit=limit,
    )


def select_keepers(tx: Transaction, room_id: int, *, limit: int) -> list[Member]:
    """Those who are in and have a higher rank than a member, the highest first, then those who had it first. The first
    condition is that of an index, which is used only where it is said."""
    return _load(
        tx,
        """
         WHERE mb.room_id = :room_id
           AND (mb.standing <> 'in' OR mb.rank <> 2)
           AND mb.standing = 'in'
           AND mb.rank > 2
         ORDER BY mb.rank DESC, mb.changed_at, mb.user_id
         LIMIT :limit
        """,
        room_id=room_id,
        limit=limit,
    )


def select_of_user(tx: Transaction, user_id: int) -> list[Member]:
    """Somebody as a member, once for each room."""
    return _load(tx, "WHERE mb.user_id = :user_id", user_id=user_id)


def select_of_events(tx: Transaction, room_id: int, after: int, last: int) -> list[Member]:
    """Those whom the events after one position up to another are about, each once."""
    return _load(
        tx,
        """
         WHERE mb.room_id = :room_id
           AND mb.user_id IN (
               SELECT user_id
                 FROM events
                WHERE room_id = :room_id
                  AND cursor > :after
                  AND cursor <= :last)
        """,
        room_id=room_id,
        after=after,
        last=last,
    )


def select_place(tx: Transaction, room_id: int, user_id: int) -> Place | None:
    row = tx.one(
        """
        SELECT rank, standing, reason, network
          FROM members
         WHERE room_id = :room_id
           AND user_id = :user_id
        """,
        room_id=room_id,
        user_id=user_id,
    )
    return _place(row) if row else None


def select_places(tx: Transaction, room_id: int) -> dict[str, Place]:
    """By the keys of users, the places of those who are out, or have another rank than most."""
    rows = tx.all(
        """
        SELECT u.key, mb.rank, mb.standing, mb.reason, mb.network
          FROM members AS mb
          JOIN users AS u ON u.id = mb.user_id
         WHERE mb.room_id = :room_id
           AND (mb.standing <> 'in' OR mb.rank <> 2)
        """,
        room_id=room_id,
    )
    return {row["key"]: _place(row) for row in rows}


def select_standings(tx: Transaction, user_id: int) -> dict[int, Standing]:
    """By the ids of rooms, how somebody stands in those that they are a member of."""
    rows = tx.all("SELECT room_id, standing FROM members WHERE user_id = :user_id", user_id=user_id)
    return {row["room_id"]: Standing(row["standing"]) for row in rows}


def is_there(tx: Transaction, room_id: int, user_key: str) -> bool:
    """Whether the user with this key is a member of the room, in or out."""
    row = tx.one(
        """
        SELECT 1
          FROM members AS mb
          JOIN users AS u ON u.id = mb.user_id
         WHERE mb.room_id = :room_id
           AND u.key = :user_key
        """,
        room_id=room_id,
        user_key=user_key,
    )
    return row is not None


def select_slugs(tx: Transaction, user_id: int, *, limit: int) -> list[str]:
    """Of rooms that somebody is a member of, those with the newest events first."""
    rows = tx.all(
        """
        SELECT r.slug
          FROM members AS mb
          JOIN rooms AS r ON r.id = mb.room_id
         WHERE mb.user_id = :user_id
         ORDER BY r.active_at DESC, r.id
         LIMIT :limit
        """,
        user_id=user_id,
        limit=limit,
    )
    return [row["slug"] for row in rows]


def upsert(tx: Transaction, room_id: int, user_id: int, *, rank: Rank, network: str = "", now: int) -> None:
    """Somebody is in the room, writing from `network` if that is known. Rank and standing of a member stay."""
    tx.run(
        """
        INSERT INTO members (room_id, user_id, rank, network, changed_at)
        VALUES (:room_id, :user_id, :rank, :network, :now)
            ON CONFLICT (room_id, user_id) DO UPDATE
           SET network = excluded.network
         WHERE excluded.network NOT IN ('', members.network)
        """,
        room_id=room_id,
        user_id=user_id,
        rank=int(rank),
        network=network,
        now=now,
    )


def update_rank(tx: Transaction, room_id: int, user_id: int, rank: Rank, *, by: int | None, now: int) -> None:
    tx.run(
        """
        UPDATE members
           SET rank = :rank, by_id = :by_id, changed_at = :now
         WHERE room_id = :room_id
           AND user_id = :user_id
        """,
        room_id=room_id,
        user_id=user_id,
        rank=int(rank),
        by_id=by,
        now=now,
    )


def update_standing(
    tx: Transaction, room_id: int, user_id: int, standing: Standing, *, reason: str = "", by: int | None, now: int
) -> None:
    """`by` is the id of whoever decided it; None for the operator. Whoever is in is called what they are now."""
    tx.run(
        """
        UPDATE members
           SET standing = :standing, reason = :reason, by_id = :by_id, changed_at = :now,
               shown_as = CASE :standing WHEN 'in' THEN NULL ELSE shown_as END
         WHERE room_id = :room_id
           AND user_id = :user_id
        """,
        room_id=room_id,
        user_id=user_id,
        standing=str(standing),
        reason=reason,
        by_id=by,
        now=now,
    )


def update_shown_as(tx: Transaction, user_id: int, name: str) -> None:
    """In rooms that somebody is out of, they stay `name`, or what they were called before."""
    tx.run(
        """
        UPDATE members
           SET shown_as = :name
         WHERE user_id = :user_id
           AND standing <> 'in'
           AND shown_as IS NULL
        """,
        user_id=user_id,
        name=name,
    )


def _load(tx: Transaction, which: str, **values: object) -> list[Member]:
    return [_member(row) for row in tx.all(SELECTING + which, **values)]


def _member(row: Row) -> Member:
    return Member(
        row["room_id"],
        users.author(row),
        Rank(row["rank"]),
        Standing(row["standing"]),
        row["reason"],
        row["changed_at"],
    )


def _place(row: Row) -> Place:
    return Place(Rank(row["rank"]), Standing(row["standing"]), row["reason"], row["network"])
