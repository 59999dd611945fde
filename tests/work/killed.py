"""Audit logs whose writing is killed: `python -m tests.work.killed FOLDER`, in a folder of its own for each moment."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from quart_chat.events import Event
from quart_chat.models import Room
from quart_chat.work import follow as module
from quart_chat.work.audit_log import AuditLog
from quart_chat.work.follow import follow
from tests.work.logs import chat_in, post

MOMENTS = ["at the first event", "in the middle of a room", "half of a line written", "written", "stored"]

ROOMS = {"lobby": 50, "tea": 30, "cake": 10}

ROUND = 40
"""Events in a round; the second one meets the moment."""

AUDIT_LOG = "audit.jsonl"


def killed(folder: Path) -> dict[str, Path]:
    """Have everything posted and the audit log written until each of the moments; returns where that was."""
    subprocess.run([sys.executable, "-m", __name__, folder], check=True)
    return {moment: folder / moment for moment in MOMENTS}


class Killed:
    """An audit log whose process is killed."""

    name = AuditLog.name
    from_now = False

    def __init__(self, moment: str, audit_log: AuditLog, path: Path) -> None:
        self._moment = moment
        self._audit_log = audit_log
        self._path = path
        self._events = 0

    async def work(self, room: Room, event: Event) -> None:
        dying = {"at the first event": ROUND, "in the middle of a room": ROUND + 5, "stored": 2 * ROUND}
        if self._events == dying.get(self._moment):
            self._die()
        self._events += 1
        await self._audit_log.work(room, event)

    async def settle(self) -> None:
        if self._events == 2 * ROUND and self._moment == "half of a line written":
            with self._path.open("ab") as file:
                file.write(b"\n".join(self._audit_log._waiting.values())[:-20])
            self._die()
        await self._audit_log.settle()
        if self._events == 2 * ROUND and self._moment == "written":
            self._die()

    def _die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


async def _write(moment: str, folder: Path) -> None:
    module.EVENTS, module.GATHER = ROUND, 0.0
    folder.mkdir()
    path = folder / AUDIT_LOG
    async with chat_in(folder) as chat:
        for slug, count in ROOMS.items():
            await post(chat, slug, count)
        with AuditLog.opened(path, chat.epoch) as audit_log:
            async with follow(chat, Killed(moment, audit_log, path)):
                await asyncio.sleep(600)


def _main(folder: Path) -> None:
    for moment in MOMENTS:
        child = os.fork()
        if not child:
            asyncio.run(_write(moment, folder / moment))
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, moment


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
