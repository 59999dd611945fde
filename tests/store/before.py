"""A database as the version before acts has written it: its own migrations, and rows as its statements made them."""

import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

MIGRATIONS = ("0001_initial.sql", "0002_embedding.sql", "0003_epochs.sql")

ROOMS = {"lobby": 1, "tea": 7, "empty": 9}

SITES = "https://example.org https://*.example.net"

GUESTS = ("ana", "bo", "cy")


@dataclass
class Rows:
    """What is to be written, in the order in which it happened."""

    messages: dict[int, dict[str, object]]
    events: list[dict[str, object]]


def make(path: Path, messages: int) -> None:
    """Two rooms in which things happened by turns, with edits and deletions, and one in which nothing did."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT")
        for number, name in enumerate(MIGRATIONS, 1):
            connection.executescript((files("quart_chat.store.migrations") / "sqlite" / name).read_text("utf-8"))
            connection.execute("INSERT INTO migrations VALUES (?, ?)", (number, name))
        _add_people(connection)
        connection.execute("BEGIN")
        rows = _happened(messages)
        for table, added in (("messages", [*rows.messages.values()]), ("events", rows.events)):
            names = [*added[0]]
            connection.executemany(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})", added
            )
        connection.execute(
            "UPDATE rooms SET cursor = (SELECT count(*) FROM events WHERE room_id = id), active_at = created_at + 1"
        )
        connection.execute("COMMIT")


def _add_people(connection: sqlite3.Connection) -> None:
    connection.executemany(
        "INSERT INTO users (id, name, key, created_at) VALUES (?, ?, ?, ?)",
        [(number, name.title(), f"key of {name}", number) for number, name in enumerate(GUESTS, 1)],
    )
    connection.executescript(
        f"""
        INSERT INTO rooms (id, slug, name, created_at, active_at, owner_id, origins, signed_only)
        VALUES (7, 'tea', 'Tea ✓', 1, 2, 1, '{SITES}', 1), (9, 'empty', 'Empty', 3, 3, 2, '', 0);
        INSERT INTO users (id, name, key, created_at, room_id, avatar, role, skeleton)
        VALUES (4, 'Sigrid', 'key of sigrid', 4, 7, 'https://example.org/s.png', 'moderator', 'sigrid');
        INSERT INTO embed_keys (id, room_id, algorithm, material, created_at, retires_at)
        VALUES ('old', 7, 'HS256', 'secret', 5, 99), ('new', 7, 'EdDSA', 'public', 6, NULL);
        INSERT INTO facts (name, value) VALUES ('lowest_user', '100');
        """
    )


def _happened(messages: int) -> Rows:
    choose = random.Random(13)
    rows = Rows({}, [])
    cursors = dict.fromkeys((1, 7), 0)
    now = 1_700_000_000_000

    def happen(kind: str, message: dict[str, object]) -> None:
        room = int(str(message["room_id"]))
        cursors[room] += 1
        rows.events.append(
            {
                "room_id": room,
                "cursor": cursors[room],
                "type": kind,
                "message_id": message["id"],
                "created_at": now,
            }
        )

    for number in range(1, messages + 1):
        now += choose.randrange(1, 10_000)
        room = choose.choice((1, 7))
        rows.messages[number] = message = {
            "id": number,
            "room_id": room,
            "user_id": choose.choice((1, 2, 3, 4) if room == 7 else (1, 2, 3)),
            "key": f"key {number}",
            "text": f"text {number} of {messages} 😀",
            "created_at": now,
            "edited_at": None,
            "deleted_at": None,
            "version": 1,
        }
        happen("message_posted", message)
        changed = rows.messages[choose.randrange(max(1, number - 50), number + 1)]
        if changed["deleted_at"] is None and number % 7 == 0:
            changed |= {
                "text": f"{changed['text']}, changed",
                "edited_at": now,
                "version": int(str(changed["version"])) + 1,
            }
            happen("message_edited", changed)
        if changed["deleted_at"] is None and number % 11 == 0:
            changed |= {"text": "", "deleted_at": now, "version": int(str(changed["version"])) + 1}
            happen("message_deleted", changed)
    return rows
