"""A file that says who did what to whom, when and in which room: one line of JSON for each act, and nobody's words.

Of the same epoch, room and cursor it is the same act. A line may be there twice after a kill, and none is missing.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from quart_chat.errors import StartupError
from quart_chat.events import ACT_NAMES, AboutMessage, Event, MemberChanged
from quart_chat.models import Cursor, Room
from quart_chat.work.appended import Appended

START = b'{"at":"'
"""With which each line begins."""

LAST = 2_000
"""Lines that are remembered, so that they are not written again where it was not stored that they are."""

ERASED = "erased"
"""What an act is called whose subject is gone, or which only newer versions know."""


Key = tuple[int, str]
"""Of a room, and a cursor: what stands there may be told in another way later, and is the same act."""

_encode = json.JSONEncoder(separators=(",", ":")).encode


class AuditLog:
    """A `Follower`. It begins with the first event: whoever asks who did something asks afterwards."""

    name = "audit log"
    from_now = False

    def __init__(self, path: Path, epoch: str) -> None:
        self._file = Appended(path, START, _is_line)
        self._epoch = epoch
        self._waiting: dict[Key, bytes] = {}
        self._written: dict[Key, None] = {}

    @classmethod
    @contextmanager
    def opened(cls, path: Path, epoch: str) -> Iterator["AuditLog"]:
        """Raises StartupError where it cannot be written, or is something else."""
        audit_log = cls(path, epoch)
        try:
            audit_log._remember(filter(None, map(_key, audit_log._file.open())))
        except OSError as error:
            raise StartupError(f"The audit log {path} cannot be written: {error.strerror}.") from error
        try:
            yield audit_log
        finally:
            audit_log._file.close()

    async def work(self, room: Room, event: Event) -> None:
        key = room.id, str(Cursor(self._epoch, event.cursor))
        if key not in self._written:
            self._waiting[key] = described(self._epoch, room, event)

    async def settle(self) -> None:
        lines, self._waiting = self._waiting, {}
        if lines:
            await asyncio.to_thread(self._file.append, b"".join(line + b"\n" for line in lines.values()))
            self._remember(lines)

    def _remember(self, keys: Iterable[Key]) -> None:
        self._written |= dict.fromkeys(keys)
        for key in [*islice(self._written, max(0, len(self._written) - LAST))]:
            del self._written[key]


def described(epoch: str, room: Room, event: Event) -> bytes:
    """An act as a line, without its end."""
    at = datetime.fromtimestamp(event.at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line: dict[str, object] = {
        "at": at,
        "room": room.slug,
        "room_id": room.id,
        "cursor": str(Cursor(epoch, event.cursor)),
        "act": ACT_NAMES.get(type(event.act), ERASED),
        "actor": event.actor_id,
    }
    match event.act:
        case AboutMessage(message):
            line |= {"message": message.id, "author": message.author.id}
        case MemberChanged(member, renamed, made):
            rank, standing = made or (member.rank, member.standing)
            line |= {"member": member.author.id}
            line |= {"change": "name"} if renamed else {"rank": rank.name.lower(), "standing": standing}
    return _encode(line).encode()


def _is_line(line: bytes) -> bool:
    return _told(line) is not None


def _key(line: bytes) -> Key | None:
    """None for what others have written into the file."""
    told = _told(line) or {}
    room_id, cursor = told.get("room_id"), told.get("cursor")
    return (room_id, cursor) if isinstance(room_id, int) and isinstance(cursor, str) else None


def _told(line: bytes) -> dict[str, object] | None:
    """What a line says; None for what is none of an audit log."""
    try:
        told = json.loads(line) if line.startswith(START) else None
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
