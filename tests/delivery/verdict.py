"""What must be true when the dust has settled: of the database, and of every reader."""

import json
import re
import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path

from tests.delivery.ledger import Ledger, Posted
from tests.delivery.readers import Reader, articles
from tests.people import Fragment, Person

Log = dict[int, tuple[str, int]]
"""By cursor: the type of the event, and the message it is about."""


def judge_database(path: Path, ledger: Ledger) -> Log:
    """Every acknowledged message, edit and deletion is there, once; and nothing else is. Returns the room's log."""
    with closing(sqlite3.connect(path)) as connection:
        stored = {row[0]: row[1:] for row in connection.execute("SELECT id, key, text, deleted_at FROM messages")}
        events = list(connection.execute("SELECT cursor, type, message_id FROM events ORDER BY cursor"))
        (head,) = connection.execute("SELECT cursor FROM rooms WHERE slug = 'lobby'").fetchone()
        (authors,) = connection.execute("SELECT count(*) FROM users").fetchone()

    assert stored.keys() == ledger.messages.keys(), "the acknowledged messages, and no others"
    assert authors == ledger.authors, "one guest for each who wrote"
    for message in ledger.messages.values():
        key, text, deleted_at = stored[message.id]
        assert key == message.key
        assert (deleted_at is not None) == (message.deleted_at is not None), message
        assert text == ("" if deleted_at else message.texts[-1]), message

    assert [cursor for cursor, _, _ in events] == list(range(1, head + 1)), "the log has no gaps"
    happened = defaultdict(list)
    for _, type, message_id in events:
        happened[message_id].append(type)
    for message in ledger.messages.values():
        assert happened[message.id] == expected_events(message), message
    return {cursor: (type, message_id) for cursor, type, message_id in events}


def judge_audit_log(path: Path, log: Log) -> None:
    """It has a line for every event, whole, in order, and none twice, however often it was killed while it wrote."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [int(line["cursor"].split(".")[1]) for line in lines] == [*range(1, len(log) + 1)]
    assert [(line["act"], line.get("message")) for line in lines] == [*log.values()]


def judge_backup(path: Path, known: dict[int, Posted], ledger: Ledger, log: Log) -> None:
    """A restored backup has all that was acknowledged before it was taken, and nothing that did not happen; its log is
    the beginning of the whole one, and then what was posted since."""
    with closing(sqlite3.connect(path)) as connection:
        stored = {row[0]: row[1:] for row in connection.execute("SELECT id, key, text, deleted_at FROM messages")}
        events = list(connection.execute("SELECT cursor, type, message_id FROM events ORDER BY cursor"))
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    *before, last = events
    assert [(type, message_id) for _, type, message_id in before] == [log[cursor] for cursor, _, _ in before]
    assert [cursor for cursor, _, _ in events] == list(range(1, len(events) + 1)), "the log has no gaps"
    del stored[last[2]]
    assert known.keys() <= stored.keys() <= ledger.messages.keys()
    for message_id, (key, text, deleted_at) in stored.items():
        message = ledger.messages[message_id]
        assert key == message.key
        assert deleted_at or text in message.texts, message
        if message_id in known:
            assert deleted_at or known[message_id].deleted_at is None, message
            assert deleted_at or text in message.texts[len(known[message_id].texts) - 1 :], message


def expected_events(message: Posted) -> list[str]:
    edits = len(message.texts) - 1
    return ["message_posted"] + ["message_changed"] * edits + ["message_deleted"] * (message.deleted_at is not None)


def judge_reader(reader: Reader, log: Log, room: dict[int, Fragment], ledger: Ledger) -> None:
    """It saw every event from its start to the head, once, in order; and now it has what the room has."""
    assert [event.cursor for event in reader.seen] == list(range(reader.start + 1, len(log) + 1)), reader.name
    for event in reader.seen:
        type, message_id = log[event.cursor]
        message = ledger.messages[message_id]
        assert event.fragment.message_id == message_id, (reader.name, event)
        assert event.kind in (type, "message_deleted"), (reader.name, event)
        assert event.kind != "message_deleted" or message.deleted_at, (reader.name, event)
        if message.deleted_at and message.deleted_at < event.asked_at:
            sent = [text for text in message.texts if text in event.fragment.html]
            assert not sent, f"{reader.name} was sent deleted text: {event}"

    # It began with a page: what is older than that page it does not have, and is not given.
    oldest = min(reader.messages, default=0)
    shown = {message_id: content(article) for message_id, article in room.items() if message_id >= oldest}
    built = {message_id: content(article) for message_id, article in reader.messages.items()}
    assert list(built.items()) == list(shown.items()), reader.name


async def whole_room(person: Person) -> tuple[dict[int, Fragment], int]:
    """Everything the room's pages show, from its newest page to its oldest, and the cursor of the newest."""
    answer = await person.client.get(f"/rooms/{person.room}/messages")
    position = int(answer.headers["Chat-Cursor"].split(".")[1])
    room = page = articles(answer.text)
    while page:
        answer = await person.client.get(
            f"/rooms/{person.room}/messages", params={"before": str(min(article.position for article in page.values()))}
        )
        page = articles(answer.text)
        room = page | room
    return room, position


def content(article: Fragment) -> tuple[str, str]:
    """What changes of a message: its version and its text. (Grouping depends on what is shown before it.)"""
    found = re.search(r'data-version="([0-9]+)"', article.html)
    assert found, article.html
    return found[1], article.text
