"""The log: what is written to it, in the order of its cursors, and read back as things are by then."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from quart_chat.events import (
    Act,
    Erased,
    Event,
    MemberChanged,
    MessageChanged,
    MessagePosted,
    RoomChanged,
)
from quart_chat.models import Message, Rank, Room, Standing
from quart_chat.store import bans, events, followers, members, messages, rooms, users
from quart_chat.store.database import Transaction
from tests.domain.recorded import Recorded, Recording
from tests.store.conftest import Stored


async def log(stored: Stored, after: int = 0, limit: int = 100) -> list[Event]:
    room = await stored.room()
    return await stored.database.read(lambda tx: events.select_after(tx, room.id, after, limit=limit))


def acts(found: list[Event]) -> list[str]:
    return [type(event.act).__name__ for event in found]


async def happen(stored: Stored) -> None:
    """One of each act, in the lobby."""
    await stored.post(await stored.room(), "first")
    message = await stored.post(await stored.room(), "second", "hello")

    def change(tx: Transaction) -> None:
        room = claimed(tx)
        messages.update_text(tx, message.id, "changed", now=2)
        changed = replace(message, text="changed", edited_at=2, version=2)
        events.append(tx, room, MessageChanged(changed), actor=stored.author.id, now=2)
        members.upsert(tx, room.id, stored.author.id, rank=Rank.MEMBER, now=3)
        members.update_standing(tx, room.id, stored.author.id, Standing.REMOVED, reason="noise", by=None, now=3)
        member = members.select(tx, room.id, stored.author.id)
        assert member
        rooms.update_signed_only(tx, room.id, True)
        told = [MemberChanged(member), RoomChanged(replace(room, signed_only=True))]
        events.append_all(tx, room, told, actor=None, now=3)

    await stored.database.write(change)


def claimed(tx: Transaction, slug: str = "lobby") -> Room:
    room = rooms.claim(tx, slug)
    assert room
    return room


async def test_what_is_read_back_is_what_was_told(stored: Stored) -> None:
    await happen(stored)
    found = await log(stored)
    assert acts(found) == ["MessagePosted", "MessagePosted", "MessageChanged", "MemberChanged", "RoomChanged"]
    assert [event.cursor for event in stored.published] == [1, 2, 3, 4, 5]
    assert found[2:] == stored.published[2:], "actors, times and subjects too"
    assert [event.actor_id for event in found] == [stored.author.id] * 3 + [None] * 2
    member, room = found[3].act.member, found[4].act.room
    assert (member.standing, member.reason, member.author) == (Standing.REMOVED, "noise", stored.author.author)
    assert (room.cursor, room.signed_only) == (5, True)
    assert found[1].act.message.text == "changed", "shown as it is now"


async def test_many_acts_move_the_cursor_once(stored: Stored) -> None:
    await stored.room()
    recorded = Recorded(None)

    def tell(tx: Transaction) -> list[Event]:
        room = claimed(tx)
        told: list[Act] = [RoomChanged(room)] * 50
        return events.append_all(Recording(tx, recorded), room, told, actor=None, now=1)

    told = await stored.database.write(tell)
    assert [event.cursor for event in told] == [*range(1, 51)] == [event.cursor for event in await log(stored)]
    assert len([sql for sql in recorded.statements if sql.startswith("UPDATE rooms")]) == 1


async def test_rows_without_subject_or_of_another_version_leave_no_hole(stored: Stored) -> None:
    for key in ("one", "two"):
        await stored.post(await stored.room(), key)
    await happen(stored)
    await stored.post(await stored.room(), "last")
    broken = {
        1: "UPDATE events SET message_id = 999 WHERE cursor = :cursor",
        3: "UPDATE events SET message_id = NULL WHERE cursor = :cursor",
        5: "UPDATE events SET type = 'from_the_future' WHERE cursor = :cursor",
        6: "UPDATE events SET user_id = 999 WHERE cursor = :cursor",
        7: "UPDATE events SET type = 'member_changed' WHERE cursor = :cursor",
    }
    with closing(sqlite3.connect(stored.path)) as connection, connection:
        for cursor, sql in broken.items():
            connection.execute(sql, {"cursor": cursor})
    for after in range(9):
        for limit in (1, 2, 100):
            found = await log(stored, after, limit)
            assert [event.cursor for event in found] == [*range(after + 1, 9)][:limit]
            assert {event.cursor for event in found if isinstance(event.act, Erased)} == {
                cursor for cursor in broken if after < cursor <= after + limit
            }
    room = await stored.room()
    size = await stored.database.read(lambda tx: events.select_size_after(tx, room.id, 0))
    assert size >= 8 * events.MARKUP, "each of them has to be sent"


async def test_subject_that_is_erased_leaves_its_position(stored: Stored) -> None:
    """Whoever takes a row away for good, with the references that the tables keep."""
    await happen(stored)
    with closing(sqlite3.connect(stored.path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM messages")
        connection.execute("DELETE FROM members")
        connection.execute("DELETE FROM users")
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    found = await log(stored)
    assert acts(found) == ["Erased"] * 4 + ["RoomChanged"]
    assert [event.actor_id for event in found] == [None] * 5


async def test_message_stands_where_its_event_does_or_nowhere(stored: Stored) -> None:
    """A job that told of something else before, with the room as it was."""
    await stored.room()

    def post(tx: Transaction) -> Message:
        room = claimed(tx)
        events.append(tx, room, RoomChanged(room), actor=None, now=0)
        message = messages.insert(tx, room, stored.author, key="key", text="text", now=0)
        assert message
        events.append(tx, room, MessagePosted(message), actor=stored.author.id, now=0)
        return message

    with pytest.raises(ValueError, match="is at 1, and not at 2"):
        await stored.database.write(post)
    assert stored.rows("SELECT * FROM events") == [] == stored.rows("SELECT * FROM messages")


async def test_position_and_not_id_orders_a_room(stored: Stored) -> None:
    """Where several programs write, ids are given out before anybody has the room."""
    posted = [await stored.post(await stored.room(), str(number)) for number in range(6)]
    ids = [message.id for message in posted]
    with closing(sqlite3.connect(stored.path)) as connection, connection:
        connection.execute("UPDATE messages SET id = 100 - id")
        connection.execute("UPDATE events SET message_id = 100 - message_id")
    room = await stored.room()

    def page(tx: Transaction) -> list[list[Message]]:
        return [
            messages.select_before(tx, room.id, 2**62, limit=10),
            messages.select_before(tx, room.id, 4, limit=2),
            messages.select_after(tx, room.id, 4, limit=10),
        ]

    everything, before, after = await stored.database.read(page)
    assert [message.id for message in everything] == [100 - number for number in ids]
    assert [message.position for message in before] == [2, 3]
    assert [message.position for message in after] == [5, 6]
    assert [event.act.message.position for event in await log(stored)] == [1, 2, 3, 4, 5, 6]


async def test_member_keeps_rank_and_standing_and_is_known_by_the_last_network(stored: Stored) -> None:
    room = await stored.room()
    ana = stored.author.id

    def come(tx: Transaction) -> list[object]:
        seen: list[object] = []
        for network in ("first", "", "second"):
            members.upsert(tx, room.id, ana, rank=Rank.MEMBER, network=network, now=1)
            place = members.select_place(tx, room.id, ana)
            assert place
            seen.append(place.network)
            members.update_rank(tx, room.id, ana, Rank.MODERATOR, by=None, now=2)
            members.update_standing(tx, room.id, ana, Standing.BANNED, reason="noise", by=ana, now=3)
        member = members.select(tx, room.id, ana)
        assert member
        return [*seen, member.rank, member.standing, member.reason, member.changed_at]

    assert await stored.database.write(come) == [
        "first", "first", "second", Rank.MODERATOR, Standing.BANNED, "noise", 3
    ]  # fmt: skip

    def others(tx: Transaction) -> list[str]:
        return list(members.select_places(tx, room.id))

    assert await stored.database.read(others) == [stored.author.key]
    assert await stored.database.read(lambda tx: rooms.claim_of_member(tx, ana)) == [room]
    assert await stored.database.read(lambda tx: rooms.claim_where_in(tx, stored.author.key)) == []
    await stored.database.write(lambda tx: members.update_standing(tx, room.id, ana, Standing.IN, by=None, now=4))
    assert await stored.database.read(lambda tx: rooms.claim_where_in(tx, stored.author.key)) == [room]
    await stored.database.write(lambda tx: members.update_rank(tx, room.id, ana, Rank.MEMBER, by=None, now=4))
    assert await stored.database.read(others) == []


async def test_network_is_banned_as_long_as_anybody_is_the_reason(stored: Stored) -> None:
    room = await stored.room()
    bo = await stored.database.write(lambda tx: users.insert(tx, name="Bo", key="bo", now=0))

    def ban(tx: Transaction) -> list[set[str]]:
        seen = []
        for user in (stored.author, stored.author, bo):
            bans.insert(tx, room.id, user.id, "a network", now=0)
        for user in (stored.author, bo):
            seen.append(bans.select(tx, room.id))
            bans.delete(tx, room.id, user.id)
        return [*seen, bans.select(tx, room.id)]

    assert await stored.database.write(ban) == [{"a network"}, {"a network"}, set()]


async def test_follower_goes_on_from_where_it_was_in_each_room(stored: Stored) -> None:
    lobby, tea = await stored.room(), await stored.room("tea")

    async def behind(name: str) -> set[tuple[int, int]]:
        def query(tx: Transaction) -> set[tuple[int, int]]:
            found = followers.select_behind(tx, name, since=0)
            return {(room_id, followers.select(tx, name, room_id)) for room_id in found}

        return await stored.database.read(query)

    assert await behind("push") == set()
    for room in (lobby, lobby, tea):
        await stored.post(room, f"key {len(stored.published)}")
    assert await behind("push") == {(lobby.id, 0), (tea.id, 0)}
    await stored.database.write(lambda tx: followers.upsert(tx, "push", lobby.id, 1))
    assert await behind("push") == {(lobby.id, 1), (tea.id, 0)}
    await stored.database.write(lambda tx: followers.upsert(tx, "push", lobby.id, 2))
    assert await behind("push") == {(tea.id, 0)}
    assert await behind("webhooks") == {(lobby.id, 0), (tea.id, 0)}


async def test_operator_is_one_until_it_is_taken_back(stored: Stored) -> None:
    for operator in (True, False):
        await stored.database.write(lambda tx, to=operator: users.update_operator(tx, stored.author.id, to))
        user = await stored.database.read(lambda tx: users.select(tx, stored.author.key))
        assert user
        assert user.operator is operator
