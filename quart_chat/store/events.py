"""Statements about the log."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from quart_chat.events import (
    ACT_NAMES,
    AboutMessage,
    Act,
    Erased,
    Event,
    MemberChanged,
    MessageChanged,
    MessageDeleted,
    MessagePosted,
    RoomChanged,
)
from quart_chat.models import Member, Message, Rank, Room, Standing
from quart_chat.store import members, messages, rooms
from quart_chat.store.database import Row, Transaction

MARKUP = 600
"""Bytes around the text of a message, about, when it is shown."""

OF_MESSAGES: dict[str, type[MessagePosted | MessageChanged | MessageDeleted]] = {
    ACT_NAMES[act]: act for act in (MessagePosted, MessageChanged, MessageDeleted)
}


def append(tx: Transaction, room: Room, act: Act, *, actor: int | None, now: int) -> Event:
    """Write what the user with the id `actor` did, or the operator where that is None, to the log of a room that this
    transaction has claimed, and emit it. A MessagePosted has the position that is next.

    After the commit app.py hands it to broker/memory.py.
    """
    (event,) = append_all(tx, room, [act], actor=actor, now=now)
    return event


def append_all(tx: Transaction, room: Room, acts: Sequence[Act], *, actor: int | None, now: int) -> list[Event]:
    """The same for many, in this order."""
    row = tx.one(
        """
        UPDATE rooms
           SET cursor = cursor + :count, active_at = :now
         WHERE id = :room_id
        RETURNING cursor
        """,
        room_id=room.id,
        count=len(acts),
        now=now,
    )
    assert row is not None
    first = row["cursor"] - len(acts) + 1
    return [_append(tx, Event(room.id, cursor, now, actor, act)) for cursor, act in enumerate(acts, first)]


def _append(tx: Transaction, event: Event) -> Event:
    message_id = user_id = None
    detail: dict[str, object] = {}
    match event.act:
        case MessagePosted(message) if message.position != event.cursor:
            raise ValueError(f"the message {message.id} is at {message.position}, and not at {event.cursor}")
        case AboutMessage(message):
            message_id = message.id
        case MemberChanged(member, renamed):
            user_id = member.author.id
            made = None if renamed else (member.rank, member.standing)
            detail = {"name": True} if made is None else {"rank": int(made[0]), "standing": made[1]}
            event = replace(event, act=MemberChanged(member, renamed, made))
        case RoomChanged(room):
            event = replace(event, act=RoomChanged(replace(room, cursor=event.cursor, active_at=event.at)))
    tx.run(
        """
        INSERT INTO events (room_id, cursor, at, type, actor_id, message_id, user_id, detail)
        VALUES (:room_id, :cursor, :at, :type, :actor_id, :message_id, :user_id, :detail)
        """,
        room_id=event.room_id,
        cursor=event.cursor,
        at=event.at,
        type=ACT_NAMES[type(event.act)],
        actor_id=event.actor_id,
        message_id=message_id,
        user_id=user_id,
        detail=json.dumps(detail) if detail else "{}",
    )
    tx.emit(event)
    return event


def select_after(tx: Transaction, room_id: int, cursor: int, *, limit: int) -> list[Event]:
    """The events after `cursor`, oldest first, each with what it is about as that is now: one for every position."""
    rows = tx.all(
        """
        SELECT cursor, at, type, actor_id, message_id, user_id, detail
          FROM events
         WHERE room_id = :room_id
           AND cursor > :cursor
         ORDER BY cursor
         LIMIT :limit
        """,
        room_id=room_id,
        cursor=cursor,
        limit=limit,
    )
    last = rows[-1]["cursor"] if rows else cursor
    subjects = _Subjects(
        {message.id: message for message in messages.select_of_events(tx, room_id, cursor, last)},
        {member.author.id: member for member in members.select_of_events(tx, room_id, cursor, last)}
        if any(row["user_id"] is not None for row in rows)
        else {},
        rooms.select_by_id(tx, room_id) if any(row["type"] == ACT_NAMES[RoomChanged] for row in rows) else None,
    )
    return [Event(room_id, row["cursor"], row["at"], row["actor_id"], subjects.act(row) or Erased()) for row in rows]


class _Subjects:
    """What some rows of a log are about."""

    def __init__(self, messages: Mapping[int, Message], members: Mapping[int, Member], room: Room | None) -> None:
        self._messages = messages
        self._members = members
        self._room = room

    def act(self, row: Row) -> Act | None:
        """None where its subject is gone, and for a type that this version does not know."""
        kind = row["type"]
        if kind in OF_MESSAGES:
            message = self._messages.get(row["message_id"])
            return OF_MESSAGES[kind](message) if message else None
        if kind == ACT_NAMES[MemberChanged]:
            member = self._members.get(row["user_id"])
            return _member_changed(member, row["detail"]) if member else None
        return RoomChanged(self._room) if kind == ACT_NAMES[RoomChanged] and self._room else None


def _member_changed(member: Member, detail: str) -> MemberChanged:
    told = json.loads(detail)
    made = (Rank(told["rank"]), Standing(told["standing"])) if "standing" in told else None
    return MemberChanged(member, "name" in told, made)


def select_size_after(tx: Transaction, room_id: int, cursor: int) -> int:
    """Characters of the messages that the events after `cursor` show, and MARKUP for each."""
    row = tx.one(
        """
        SELECT coalesce(sum(coalesce(length(m.text), 0) + :markup), 0) AS size
          FROM events AS e
          LEFT JOIN messages AS m ON m.id = e.message_id
         WHERE e.room_id = :room_id
           AND e.cursor > :cursor
        """,
        room_id=room_id,
        cursor=cursor,
        markup=MARKUP,
    )
    assert row is not None
    return int(row["size"])


def select_head(tx: Transaction, room_id: int) -> int:
    """The position of the room's newest event; 0 when there is none."""
    row = tx.one("SELECT cursor FROM rooms WHERE id = :room_id", room_id=room_id)
    return int(row["cursor"]) if row else 0


def select_epoch(tx: Transaction) -> str:
    row = tx.one("SELECT value FROM facts WHERE name = 'epoch'")
    assert row is not None
    return str(row["value"])
