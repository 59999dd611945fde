"""Statements about users."""

from quart_chat.models import Author, Kind, User
from quart_chat.store.database import Row, Transaction


def select(tx: Transaction, key: str) -> User | None:
    row = tx.one(
        """
        SELECT *
          FROM users
         WHERE key = :key
        """,
        key=key,
    )
    return _user(row) if row else None


def select_by_id(tx: Transaction, user_id: int) -> User | None:
    row = tx.one("SELECT * FROM users WHERE id = :id", id=user_id)
    return _user(row) if row else None


def select_by_name(tx: Transaction, name: str) -> list[User]:
    """Everybody of that name, also those who have it only in a room that they are out of, by looking at everybody there
    is."""
    rows = tx.all(
        """
        SELECT *
          FROM users
         WHERE name = :name
            OR id IN (SELECT user_id FROM members WHERE shown_as = :name)
         ORDER BY id
        """,
        name=name,
    )
    return [_user(row) for row in rows]


def select_key(tx: Transaction, user_id: int) -> str | None:
    row = tx.one("SELECT key FROM users WHERE id = :id", id=user_id)
    return str(row["key"]) if row else None


def select_operators(tx: Transaction) -> list[str]:
    """Their keys."""
    return [row["key"] for row in tx.all("SELECT key FROM users WHERE operator = 1")]


def insert(tx: Transaction, *, name: str, key: str, now: int) -> User:
    row = tx.one(
        """
        INSERT INTO users (id, name, key, created_at)
        VALUES ((SELECT next_id FROM next_user), :name, :key, :now)
        RETURNING *
        """,
        name=name,
        key=key,
        now=now,
    )
    assert row is not None
    return _user(row)


def upsert_signed(tx: Transaction, user: User, *, skeleton: str) -> User:
    """Store somebody whom a room's site has signed in, or what that site now says of them."""
    row = tx.one(
        """
        INSERT INTO users (id, kind, name, key, created_at, room_id, avatar, role, skeleton)
        VALUES ((SELECT next_id FROM next_user),
                'signed', :name, :key, :created_at, :room_id, :avatar, :role, :skeleton)
            ON CONFLICT (key) DO UPDATE
           SET name = :name, avatar = :avatar, role = :role, skeleton = :skeleton
        RETURNING *
        """,
        name=user.name,
        key=user.key,
        created_at=user.created_at,
        room_id=user.room_id,
        avatar=user.avatar,
        role=user.role,
        skeleton=skeleton,
    )
    assert row is not None
    return _user(row)


def update_name(tx: Transaction, user_id: int, name: str) -> None:
    tx.forget()
    tx.run("UPDATE users SET name = :name WHERE id = :id", id=user_id, name=name)


def is_reserved(tx: Transaction, room_id: int, skeleton: str) -> bool:
    """Whether somebody whom the room's site has signed in has a name that looks like this."""
    row = tx.one(
        "SELECT 1 FROM users WHERE room_id = :room_id AND skeleton = :skeleton LIMIT 1",
        room_id=room_id,
        skeleton=skeleton,
    )
    return row is not None


def is_reserved_for_member(tx: Transaction, user_id: int, skeleton: str) -> bool:
    """The same of all rooms of the user with this id; they may be let in again where they are out."""
    row = tx.one(
        """
        SELECT 1
          FROM members AS mb
          JOIN users AS u ON u.room_id = mb.room_id AND u.skeleton = :skeleton
         WHERE mb.user_id = :user_id
         LIMIT 1
        """,
        user_id=user_id,
        skeleton=skeleton,
    )
    return row is not None


def update_operator(tx: Transaction, user_id: int, operator: bool) -> None:
    tx.run("UPDATE users SET operator = :operator WHERE id = :id", id=user_id, operator=int(operator))


def author(row: Row) -> Author:
    """Of a row that has `user_id, name, user_key, avatar, role, kind`."""
    return Author.of(row["user_id"], row["name"], row["user_key"], row["avatar"], row["role"], Kind(row["kind"]))


def _user(row: Row) -> User:
    return User(
        row["id"],
        row["name"],
        row["key"],
        row["created_at"],
        row["room_id"],
        row["avatar"],
        row["role"],
        Kind(row["kind"]),
        bool(row["operator"]),
    )
