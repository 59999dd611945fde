"""What is killed in the middle of its work leaves nothing out, and doubles nothing that its file shows."""

import asyncio
import json
import random
import secrets
import sqlite3
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path

import httpx
import pytest

from quart_chat.work import follow as module
from quart_chat.work.audit_log import AuditLog
from quart_chat.work.follow import follow
from tests.people import Person
from tests.serving import run, serving
from tests.work.killed import AUDIT_LOG, ROOMS, killed
from tests.work.logs import chat_in, until, until_stored
from tests.zygote import COMMAND


def by_room(path: Path) -> dict[str, list[int]]:
    """The cursors of each room, in the order of the file."""
    found: dict[str, list[int]] = {}
    for line in map(json.loads, path.read_text().splitlines()):
        found.setdefault(line["room"], []).append(int(line["cursor"].split(".")[1]))
    return found


async def test_nothing_is_missing_doubled_or_out_of_order_after_a_kill_at_any_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GATHER", 0.0)
    wrong = []
    for moment, folder in (await asyncio.to_thread(killed, tmp_path)).items():
        async with chat_in(folder) as chat:
            before = len((folder / AUDIT_LOG).read_bytes().splitlines())
            with AuditLog.opened(folder / AUDIT_LOG, chat.epoch) as audit_log:
                async with follow(chat, audit_log):
                    await until_stored(chat, AuditLog.name, ROOMS)
        found = by_room(folder / AUDIT_LOG)
        if found != {slug: [*range(1, count + 1)] for slug, count in ROOMS.items()}:
            wrong.append(f"{moment}: {found}")
        if not 40 <= before < sum(ROOMS.values()):
            wrong.append(f"{moment}: it was killed after {before} lines, which shows nothing")
    assert not wrong


async def test_what_commands_do_while_no_server_runs_is_written_by_the_next_one(tmp_path: Path) -> None:
    settings = {"limits": "off", "audit_log": AUDIT_LOG}
    path = tmp_path / AUDIT_LOG
    async with serving(tmp_path, **settings) as server:
        async with Person("Alice", server.url) as alice:
            message = await alice.post_message("one")
            await alice.delete_message(message.message_id)
            await server.kill()
            # Nobody is there to follow.
            for command in (
                ("room", "embed", "lobby", "--allow", "https://example.org"),
                ("embed-key", "create", "lobby"),
            ):
                assert (await run(tmp_path, *COMMAND, *command)).code == 0
            await server.start()
            await alice.post_message("two")
            await until(lambda: path.read_bytes().count(b"\n") == 5)
        acts = [json.loads(line)["act"] for line in path.read_text().splitlines()]
        assert acts == ["message_posted", "message_deleted", "room_changed", "room_changed", "message_posted"]
        assert by_room(path) == {"lobby": [1, 2, 3, 4, 5]}
        assert "Traceback" not in server.log, server.log


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_log_of_every_room_is_in_the_file_however_often_the_server_is_killed(tmp_path: Path) -> None:
    chance = random.Random(1)
    rooms = ["lobby", *(f"room-{number}" for number in range(5))]
    stopping = asyncio.Event()

    async def insist(person: Person) -> None:
        number = 0
        while not stopping.is_set():
            number += 1
            with suppress(httpx.TransportError, AssertionError):
                await person.post_message(f"text {number}", room=chance.choice(rooms))

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(tmp_path, limits="off", audit_log=AUDIT_LOG))
        people = [await stack.enter_async_context(Person(f"Writer {number}", server.url)) for number in range(6)]
        for name in rooms[1:]:
            await people[0].send("/rooms", name=name, key=secrets.token_urlsafe(18))
        async with asyncio.TaskGroup() as posting:
            for person in people:
                posting.create_task(insist(person))
            for kills in range(25):
                await asyncio.sleep(chance.uniform(0.05, 1.0))
                site = f"https://{kills}.example.org"
                command = asyncio.create_task(
                    run(tmp_path, *COMMAND, "room", "embed", chance.choice(rooms), "--allow", site)
                )
                await asyncio.sleep(chance.uniform(0, 0.5))
                await server.kill()
                assert (await command).code == 0, await command
                await server.start()
            stopping.set()
        with closing(sqlite3.connect(tmp_path / "quart_chat.db")) as connection:
            sql = (
                "SELECT slug, e.cursor, type FROM events AS e JOIN rooms ON rooms.id = room_id ORDER BY slug, e.cursor"
            )
            happened = connection.execute(sql).fetchall()
        path = tmp_path / AUDIT_LOG
        await until(lambda: path.read_bytes().count(b"\n") >= len(happened))
        assert "Traceback" not in server.log, server.log
    written = [json.loads(line) for line in path.read_text().splitlines()]
    found = [(line["room"], int(line["cursor"].split(".")[1]), line["act"]) for line in written]
    assert sorted(found, key=lambda line: line[0]) == happened, "in each room in order"
    assert sum(act == "room_changed" for _, _, act in happened) == 25
    assert len(happened) > 100
