"""The audit log: each act is a line, whole, once where nothing was killed, and with nobody's words."""

import asyncio
import json
import os
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from quart_chat.domain.chat import Chat
from quart_chat.errors import StartupError
from quart_chat.events import MemberChanged, MessageChanged, MessageDeleted, RoomChanged
from quart_chat.models import Author, Member, Message, Rank, Standing
from quart_chat.store import members, rooms
from quart_chat.store.database import Transaction
from quart_chat.work import follow as module
from quart_chat.work.audit_log import AuditLog
from quart_chat.work.follow import follow
from tests.work.logs import chat_in, happen, post, stored, until, until_stored

NAME = AuditLog.name


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    async with chat_in(tmp_path) as opened:
        yield opened


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits."""
    for name, value in {"GATHER": 0.0, "RETRY": (0.0, 0.0)}.items():
        monkeypatch.setattr(module, name, value)


async def follow_to(chat: Chat, path: Path, heads: dict[str, int]) -> list[dict[str, object]]:
    """Write the audit log until it has everything; returns its lines."""
    with AuditLog.opened(path, chat.epoch) as audit_log:
        async with follow(chat, audit_log):
            await until_stored(chat, NAME, heads)
    return lines(path)


def lines(path: Path) -> list[dict[str, object]]:
    text = path.read_text("ascii")
    assert text.endswith("\n") or not text
    return [json.loads(line) for line in text.splitlines()]


def cursors(path: Path) -> list[int]:
    return [int(str(line["cursor"]).split(".")[1]) for line in lines(path)]


async def test_line_says_who_did_what_to_whom_and_nobody_words(chat: Chat, tmp_path: Path) -> None:
    await post(chat, "lobby", text="the secret text")
    author = Author(1, "Ana the named", "tags", 1, "https://example.org/her.png", "teacher", False)
    message = Message(1, 1, author, "key of the message", "another text", 0, 1, None, 2, 1)

    def removed(tx: object) -> None:
        tx.run(  # type: ignore[attr-defined]
            """
            UPDATE members SET rank = 3, standing = 'banned', reason = 'for the reason', network = 'their network'
            """
        )

    def member(room: object) -> MemberChanged:
        return MemberChanged(Member(1, author, Rank.MODERATOR, Standing.BANNED, "for the reason", 0))

    await chat.database.write(
        lambda tx: tx.run("INSERT INTO members (room_id, user_id, rank, changed_at) VALUES (1, 1, 2, 0)")
    )
    await chat.database.write(removed)
    await happen(chat, lambda room: MessageChanged(message), actor=1)
    await happen(chat, lambda room: MessageDeleted(message))
    await happen(chat, member, actor=1)
    await happen(chat, RoomChanged)
    path = tmp_path / "audit.jsonl"
    found = await follow_to(chat, path, {"lobby": 5})
    assert [re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(line.pop("at"))) is not None for line in found]
    common = {"room": "lobby", "room_id": 1}
    about = {"message": 1, "author": 1}
    assert [(line | {"cursor": str(line["cursor"]).removeprefix(chat.epoch)}) for line in found] == [
        common | {"cursor": ".1", "act": "message_posted", "actor": 1} | about,
        common | {"cursor": ".2", "act": "message_changed", "actor": 1} | about,
        common | {"cursor": ".3", "act": "message_deleted", "actor": None} | about,
        common
        | {"cursor": ".4", "act": "member_changed", "actor": 1, "member": 1, "rank": "moderator", "standing": "banned"},
        common | {"cursor": ".5", "act": "room_changed", "actor": None},
    ]
    for word in ("text", "key", "Ana", "tags", "example", "teacher", "reason", "network"):
        assert word not in path.read_text(), word
    assert path.stat().st_mode & 0o777 == 0o600


async def test_line_that_was_written_is_not_written_again(chat: Chat, tmp_path: Path) -> None:
    """A kill between the file and the store: all of it comes again."""
    path = tmp_path / "audit.jsonl"
    await post(chat, "lobby", 3)
    first = await follow_to(chat, path, {"lobby": 3})
    await chat.database.write(lambda tx: tx.run("DELETE FROM followers"))
    await post(chat, "lobby")
    assert await follow_to(chat, path, {"lobby": 4}) == [*first, lines(path)[-1]]
    assert cursors(path) == [1, 2, 3, 4]


async def test_act_that_was_written_is_not_written_again_in_other_words(chat: Chat, tmp_path: Path) -> None:
    """After a kill: what stands there is told as it is when it is read, and by then somebody was let in again."""
    path = tmp_path / "audit.jsonl"
    await post(chat, "lobby")
    await chat.database.write(
        lambda tx: tx.run("INSERT INTO members (room_id, user_id, rank, changed_at) VALUES (1, 1, 2, 0)")
    )
    author = Author(1, "Ana", "tags", 1, None, None, False)
    for standing in (Standing.REMOVED, Standing.IN):

        def change(tx: Transaction, standing: Standing = standing) -> None:
            members.update_standing(tx, 1, 1, standing, by=None, now=0)
            tx.run("DELETE FROM followers")

        await chat.database.write(change)
        changed = Member(1, author, Rank.MEMBER, standing, "", 0)
        await happen(chat, lambda _, changed=changed: MemberChanged(changed))  # type: ignore[misc]  # as it is now
        head = (await chat.database.read(lambda tx: rooms.select(tx, "lobby"))).cursor  # type: ignore[union-attr]
        await follow_to(chat, path, {"lobby": head})
    assert cursors(path) == [1, 2, 3]


async def test_line_is_on_the_disk_before_it_counts_as_written(
    chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audit.jsonl"
    synced: list[tuple[int, int]] = []
    sync = os.fsync

    def watched(handle: int) -> None:
        """How many lines the file had when it was synced, and up to where it was stored that they are written."""
        sync(handle)
        if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
            with closing(sqlite3.connect(tmp_path / "chat.db")) as connection:
                (cursor,) = connection.execute("SELECT coalesce(max(cursor), 0) FROM followers").fetchone()
            synced.append((len(lines(path)), cursor))

    monkeypatch.setattr(os, "fsync", watched)
    with AuditLog.opened(path, chat.epoch) as audit_log:
        async with follow(chat, audit_log):
            for cursor in range(1, 4):
                await post(chat, "lobby")
                await until_stored(chat, NAME, {"lobby": cursor})
    assert synced == [(0, 0), (1, 0), (2, 1), (3, 2)]


ONE = b'{"at":"2026-01-01T00:00:00.000Z","cursor":"x.1"}\n'

TORN = {
    "empty": (b"", b""),
    "whole": (ONE, ONE),
    "whole, and the operator's own line before": (b"# since May\n" + ONE, b"# since May\n" + ONE),
    "first line torn": (b'{"at":"2026', b""),
    "first character": (b"{", b""),
    "last line torn": (ONE * 3 + b'{"at":"2026-01-01T00:00:00.000Z","cur', ONE * 3),
    "last line without its end": (ONE + ONE[:-1], ONE),
    "zeros after a power cut": (ONE + b"\0" * 5000, ONE),
    "zeros within what was not synced": (ONE + b'{"at":' + b"\0" * 500 + ONE, ONE),
    "zeros alone": (b"\0" * 500, b""),
    "longer than what is looked at": (ONE * 10_000 + b'{"at"', ONE * 10_000),
    "a database": (b"SQLite format 3\0" + b"\0" * 5000, None),
    "a secret": (b"0123456789abcdef", None),
    "another log": (b"2026-01-01 something happened\n", None),
    "a log of JSON": (b'{"level":"info"}\n', None),
    "our beginning, and something else": (ONE + b"shopping list", None),
    "a long file without lines": (b"x" * 300_000, None),
    "a broken line as the last": (ONE + b'{"at":"2026\n', None),
}
"""What may be in the file at the start, and what is left of it; None where it must be left alone."""


def test_end_that_a_kill_has_torn_is_mended_and_no_other_file_is_touched(tmp_path: Path) -> None:
    wrong = []
    for name, (before, after) in TORN.items():
        path = tmp_path / name.replace(" ", "-")
        path.write_bytes(before)
        with structlog.testing.capture_logs() as said:
            try:
                with AuditLog.opened(path, "epoch"):
                    pass
                refused = False
            except StartupError as error:
                refused = "cannot be written: it is something else already" in str(error)
        left = path.read_bytes()
        if left != (before if after is None else after) or refused != (after is None):
            wrong.append(f"{name}: {left[-80:]!r}, refused: {refused}")
        if bool(said) != (left != before):
            wrong.append(f"{name}: said {said}")
    assert not wrong


def test_what_is_no_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for path, reason in {
        tmp_path / "folder": "Is a directory",
        tmp_path / "nowhere" / "audit.jsonl": "No such file or directory",
        tmp_path / "pipe": "it is not a file",
        Path("/dev/full"): "it is not a file",
    }.items():
        with pytest.raises(StartupError, match=f"{path} cannot be written: {reason}"), AuditLog.opened(path, "epoch"):
            pass


async def test_lines_go_on_in_a_new_file_where_the_old_one_is_moved_away(chat: Chat, tmp_path: Path) -> None:
    path, old = tmp_path / "audit.jsonl", tmp_path / "audit.jsonl.1"
    with AuditLog.opened(path, chat.epoch) as audit_log:
        async with follow(chat, audit_log):
            await post(chat, "lobby", 2)
            await until_stored(chat, NAME, {"lobby": 2})
            path.rename(old)
            await post(chat, "lobby", 2)
            await until_stored(chat, NAME, {"lobby": 4})
            assert (cursors(old), cursors(path)) == ([1, 2], [3, 4])
            # As logrotate does with `create`: another file is there already, with rights of its own.
            path.rename(old)
            path.touch(mode=0o640)
            await post(chat, "lobby")
            await until_stored(chat, NAME, {"lobby": 5})
            assert (cursors(old), cursors(path)) == ([3, 4], [5])
            assert path.stat().st_mode & 0o777 == 0o640
            # With `copytruncate`: the same file, shorter.
            os.truncate(path, 0)
            await post(chat, "lobby")
            await until_stored(chat, NAME, {"lobby": 6})
            assert cursors(path) == [6]


async def test_new_file_that_cannot_be_made_is_made_when_it_can(chat: Chat, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    path = folder / "audit.jsonl"
    with structlog.testing.capture_logs() as said, AuditLog.opened(path, chat.epoch) as audit_log:
        async with follow(chat, audit_log):
            await post(chat, "lobby", 2)
            await until_stored(chat, NAME, {"lobby": 2})
            folder.rename(tmp_path / "elsewhere")
            await post(chat, "lobby", 2)
            await until(lambda: len(said) > 2)
            assert await stored(chat, NAME) == {"lobby": 2}
            folder.mkdir()
            await until_stored(chat, NAME, {"lobby": 4})
    assert cursors(path) == [3, 4]


async def test_full_disk_stops_the_cursor_and_no_post_and_it_goes_on_when_there_is_room(
    chat: Chat, tmp_path: Path, small_disk: Path
) -> None:
    path, ballast = small_disk / "audit.jsonl", small_disk / "ballast"
    with structlog.testing.capture_logs() as said, AuditLog.opened(path, chat.epoch) as audit_log:
        async with follow(chat, audit_log):
            await post(chat, "lobby", 3)
            await until_stored(chat, NAME, {"lobby": 3})
            free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
            ballast.write_bytes(b"x" * free)
            await post(chat, "lobby", 100)
            await until(lambda: len(said) > 2)
            with audit_log._file._lock:  # between two attempts
                before = path.read_bytes()
                assert cursors(path) == [1, 2, 3], "nothing half written is left"
            assert await stored(chat, NAME) == {"lobby": 3}
            await post(chat, "tea", 2)
            with audit_log._file._lock:
                assert path.read_bytes() == before
            ballast.unlink()
            await until_stored(chat, NAME, {"lobby": 103, "tea": 2})
    found = [(line["room"], int(str(line["cursor"]).split(".")[1])) for line in lines(path)]
    assert sorted(found) == sorted([*(("lobby", n) for n in range(1, 104)), ("tea", 1), ("tea", 2)])
    assert {str(one["error"]) for one in said} == {"[Errno 28] No space left on device"}


async def test_line_is_there_once_where_it_could_not_be_stored_that_it_is(chat: Chat, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    await chat.database.write(
        lambda tx: tx.run("""
            CREATE TRIGGER refuse BEFORE INSERT ON followers BEGIN SELECT raise(ABORT, 'not now'); END
        """)
    )
    with structlog.testing.capture_logs() as said, AuditLog.opened(path, chat.epoch) as audit_log:
        async with follow(chat, audit_log):
            await post(chat, "lobby", 3)
            await until(lambda: len(said) > 2)
            await post(chat, "lobby")
            await chat.database.write(lambda tx: tx.run("DROP TRIGGER refuse"))
            await until_stored(chat, NAME, {"lobby": 4})
    assert cursors(path) == [1, 2, 3, 4]


async def test_what_could_not_be_cut_back_is_mended_before_anything_follows_it(
    chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audit.jsonl"
    write, cut = os.write, os.ftruncate
    broken: list[str] = []

    def half(handle: int, data: bytes) -> int:
        if not broken and bytes(data[:2]) == b'{"':
            broken.append("write")
            write(handle, data[:30])
            raise OSError(28, "No space left on device")
        return write(handle, data)

    def never(handle: int, size: int) -> None:
        if len(broken) == 1:
            broken.append("cut")
            raise OSError(5, "Input/output error")
        cut(handle, size)

    monkeypatch.setattr(os, "write", half)
    monkeypatch.setattr(os, "ftruncate", never)
    await post(chat, "lobby", 3)
    await follow_to(chat, path, {"lobby": 3})
    assert broken == ["write", "cut"]
    assert cursors(path) == [1, 2, 3]


async def test_database_of_another_epoch_is_told_apart_by_the_cursor(chat: Chat, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    await post(chat, "lobby", 2)
    await follow_to(chat, path, {"lobby": 2})
    other = tmp_path / "other"
    other.mkdir()
    async with chat_in(other) as another:
        await post(another, "lobby", 2)
        await follow_to(another, path, {"lobby": 2})
        epochs = [str(line["cursor"]) for line in lines(path)]
        assert epochs == [f"{epoch}.{n}" for epoch in (chat.epoch, another.epoch) for n in (1, 2)]


async def test_what_is_written_while_it_is_closed_goes_to_no_other_file(chat: Chat, tmp_path: Path) -> None:
    """A handle that is closed under a thread that writes would soon be that of the next file that is opened."""
    path = tmp_path / "audit.jsonl"
    with AuditLog.opened(path, chat.epoch) as audit_log:
        audit_log._file._lock.acquire()
        writing = asyncio.create_task(asyncio.to_thread(audit_log._file.append, ONE))
    handle = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    audit_log._file._lock.release()
    await writing
    assert os.fstat(handle).st_size == 0
    assert path.read_bytes() == ONE
    os.close(handle)
    audit_log._file.close()
