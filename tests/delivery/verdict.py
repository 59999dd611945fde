"""What must be true when the dust has settled: of the database, and of every reader."""

import json
import re
import sqlite3
from bisect import bisect_left
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from tests.delivery.ledger import Ledger, Outcast, Posted
from tests.delivery.moderators import Pursued
from tests.delivery.readers import Reader, articles, author_of, kind
from tests.people import Fragment, Person


class Happened(NamedTuple):
    """A row of the log."""

    type: str
    message_id: int | None
    user_id: int | None
    actor_id: int | None

    @property
    def is_strange(self) -> bool:
        """Whether it was put there as one that nobody can show."""
        return self.type == "from_the_future" or (self.message_id is None and self.user_id is None)


Log = dict[int, Happened]
"""By cursor."""

EVENTS = "SELECT cursor, type, message_id, user_id, actor_id FROM events WHERE room_id = 1 ORDER BY cursor"

TEXT = re.compile("[a-z]+ [0-9a-f]{16}|Proteus [0-9]+")
"""What people write, and what somebody calls themselves: each once."""


def judge_database(path: Path, ledger: Ledger) -> Log:
    """Every acknowledged message, edit and deletion is there, once; and nothing else is. Returns the room's log."""
    with closing(sqlite3.connect(path)) as connection:
        stored = {row[0]: row[1:] for row in connection.execute("SELECT id, key, text, deleted_at FROM messages")}
        log = {cursor: Happened(*row) for cursor, *row in connection.execute(EVENTS)}
        (head,) = connection.execute("SELECT cursor FROM rooms WHERE slug = 'lobby'").fetchone()
        (authors,) = connection.execute("SELECT count(*) FROM users").fetchone()

    assert stored.keys() == ledger.messages.keys(), "the acknowledged messages, and no others"
    assert authors == ledger.authors, "one guest for each who wrote"
    for message in ledger.messages.values():
        key, text, deleted_at = stored[message.id]
        assert key == message.key
        assert (deleted_at is not None) == (message.deleted_at is not None), message
        assert text == ("" if deleted_at else message.texts[-1]), message

    assert [*log] == list(range(1, head + 1)), "the log has no gaps"
    assert sum(row.is_strange for row in log.values()) == ledger.strange
    happened = defaultdict(list)
    for row in log.values():
        if not row.is_strange:
            happened[row.message_id].append(row.type)
    for message in ledger.messages.values():
        assert happened[message.id] == expected_events(message), message
    return log


def judge_audit_log(path: Path, log: Log) -> None:
    """It has a line for every event, whole, in order, and none twice, however often it was killed while it wrote."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [int(line["cursor"].split(".")[1]) for line in lines] == [*range(1, len(log) + 1)]
    for line, row in zip(lines, log.values(), strict=True):
        told = line["act"], line.get("message"), line.get("member"), line["actor"]
        assert told == (("erased", None, None, row.actor_id) if row.is_strange else row), line


def judge_backup(path: Path, known: dict[int, Posted], ledger: Ledger, log: Log) -> None:
    """A restored backup has all that was acknowledged before it was taken, and nothing that did not happen; its log is
    the beginning of the whole one, and then what was posted since."""
    with closing(sqlite3.connect(path)) as connection:
        stored = {row[0]: row[1:] for row in connection.execute("SELECT id, key, text, deleted_at FROM messages")}
        events = [(cursor, Happened(*row)) for cursor, *row in connection.execute(EVENTS)]
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    *before, last = events
    assert [row for _, row in before] == [log[cursor] for cursor, _ in before]
    assert [cursor for cursor, _ in events] == list(range(1, len(events) + 1)), "the log has no gaps"
    assert last[1].message_id
    del stored[last[1].message_id]
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
    assert reader.seen[-1].cursor == len(log), reader.name
    for seen in reader.seen:
        rows = [row for cursor in range(seen.after + 1, seen.cursor + 1) if not (row := log[cursor]).is_strange]
        for fragment, row in zip(seen.fragments, rows, strict=True):
            _judge_fragment(reader.name, fragment, row, seen.asked_at, ledger)

    # It began with a page: what is older than that page it does not have, and is not given.
    oldest = min(reader.messages, default=0)
    shown = {message_id: content(article) for message_id, article in room.items() if message_id >= oldest}
    built = {message_id: content(article) for message_id, article in reader.messages.items()}
    assert list(built.items()) == list(shown.items()), reader.name
    for number, name in ledger.names.items():
        assert {author_of(article.html)[1] for article in room.values() if author_of(article.html)[0] == number} == {
            name
        }
        assert set(reader.names.get(number, {}).values()) <= {name}, reader.name


def _judge_fragment(reader: str, fragment: Fragment, row: Happened, asked_at: float, ledger: Ledger) -> None:
    """It shows what the row is about, as that was then or later."""
    if row.user_id is not None:
        assert kind(fragment) == row.type, (reader, fragment)
        assert author_of(fragment.html)[0] == row.user_id, (reader, fragment)
        return
    assert row.message_id
    message = ledger.messages[row.message_id]
    assert fragment.message_id == row.message_id, (reader, fragment)
    assert kind(fragment) in (row.type, "message_deleted"), (reader, fragment)
    assert kind(fragment) != "message_deleted" or message.deleted_at, (reader, fragment)
    if message.deleted_at and message.deleted_at < asked_at:
        sent = [text for text in message.texts if text in fragment.html]
        assert not sent, f"{reader} was sent deleted text: {fragment}"


def judge_outcast(who: Pursued, reader: Reader, log: Log, ledger: Ledger) -> None:
    """Nothing that happened after a removal has come before whoever had decided it wanted them in again, by whatever
    way: neither a position, nor a text or a name of later that stands in something older."""
    positions, outcast = removals(who.outcast, log), who.outcast
    born = origins(log, ledger)
    got = [(seen.cursor, "".join(fragment.html for fragment in seen.fragments), seen.at) for seen in reader.seen]
    for cursor, html, at in [*got, *((got.cursor, got.html, got.at) for got in who.got)]:
        newest = max([cursor, *(born.get(text, 0) for text in TEXT.findall(html))])
        if before := bisect_left(positions, newest):
            assert at > outcast.returns[before - 1], (
                f"{reader.name} was removed at {positions[before - 1]} and got what happened at {newest}: {html}"
            )


def removals(outcast: Outcast, log: Log) -> list[int]:
    """The positions of their removals. There is one, then a return, and so on."""
    acts = [
        cursor
        for cursor, row in log.items()
        if row.user_id == outcast.user_id and row.actor_id != outcast.user_id and not row.is_strange
    ]
    assert len(acts) == 2 * len(outcast.returns), outcast
    return acts[::2]


def origins(log: Log, ledger: Ledger) -> dict[str, int]:
    """By each text and each new name, the position from which on it was there."""
    found, texts = {}, {message.id: iter(message.texts) for message in ledger.messages.values()}
    names = {number: iter(range(1, ledger.renames + 1)) for number in ledger.names}
    for cursor, row in log.items():
        if row.message_id is not None and not row.is_strange and row.type != "message_deleted":
            found[next(texts[row.message_id])] = cursor
        elif row.user_id in names and row.user_id == row.actor_id and not row.is_strange:
            found[f"Proteus {next(names[row.user_id])}"] = cursor
    return found


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
