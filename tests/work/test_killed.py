"""What is killed in the middle of its work leaves nothing out, and doubles nothing that its file shows."""

import asyncio
import json
from pathlib import Path

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
