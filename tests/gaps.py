"""What no version of this program writes itself: rows of the log that it cannot show."""

import sqlite3
from contextlib import closing
from pathlib import Path


def add_unknown(path: Path, slug: str, **other: object) -> None:
    """Append an event of a type that only another version knows, as that would beside a server; or one that is so in
    another way."""
    with closing(sqlite3.connect(path)) as connection, connection:
        (room, cursor) = connection.execute(
            "UPDATE rooms SET cursor = cursor + 1 WHERE slug = ? RETURNING id, cursor", (slug,)
        ).fetchone()
        row = dict(zip(*_last(connection, room), strict=True)) | {"cursor": cursor, "type": "from_the_future"} | other
        names, places = ", ".join(row), ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO events ({names}) VALUES ({places})", [*row.values()])


def lose_subject(path: Path, slug: str, cursor: int) -> None:
    """Take away what an event is about."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE events SET message_id = -1 WHERE cursor = ? AND room_id = (SELECT id FROM rooms WHERE slug = ?)",
            (cursor, slug),
        )


def _last(connection: sqlite3.Connection, room: int) -> tuple[list[str], list[object]]:
    found = connection.execute("SELECT * FROM events WHERE room_id = ? ORDER BY cursor DESC LIMIT 1", (room,))
    return [column[0] for column in found.description], [*found.fetchone()]
