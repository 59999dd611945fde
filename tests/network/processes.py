"""A real program in a folder of its own: started, frozen, killed and started again on the ports it has."""

import asyncio
import os
import random
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.connections import connected
from tests.network.programs import find

START = 40.0
"""Seconds that a program may take to listen, on a busy machine."""

STOP = 5.0
"""Seconds after which a program that does not stop is killed."""

PORTS = range(12_000, 32_000)
"""Below those that the kernel gives to clients, one of which could have taken a killed program's port."""

_taken: list[socket.socket] = []
"""Sockets with names that only one process at a time can have, and that end with it: one for each port."""


def free_port(host: str = "127.0.0.1") -> int:
    """A port that no other test of this machine is given as long as this process lives, in whichever run."""
    for port in random.sample(PORTS, 1000):
        mark = socket.socket(socket.AF_UNIX)
        with socket.socket() as probe:
            try:
                mark.bind(f"\0quart-chat-test-port-{port}")
                probe.bind((host, port))
            except OSError:
                mark.close()
                continue
        _taken.append(mark)
        return port
    raise OSError("no free port")


class Program:
    """A command that stays in the foreground, run as nobody in particular where the tests run as root.

    `files` are written into its folder; in them and in `command`, FOLDER is that folder's path. One that keeps more
    elsewhere, in shared memory, removes that itself when it stops: it `tidies`, and is not simply killed at the end.
    """

    def __init__(
        self,
        name: str,
        *command: str,
        port: int,
        files: dict[str, str] | None = None,
        prefix: Sequence[str] = (),
        tidies: bool = False,
    ) -> None:
        self.name = name
        self.port = port
        self.host = "127.0.0.1"
        self.tidies = tidies
        self.folder = Path(tempfile.mkdtemp(prefix=f"quart-chat-{name}-"))
        self._process: asyncio.subprocess.Process | None = None
        path = find(command[0])
        assert path, f"{command[0]} is not installed"
        self._command = [*prefix, path, *(part.replace("FOLDER", str(self.folder)) for part in command[1:])]
        for file, text in (files or {}).items():
            (self.folder / file).write_text(text.replace("FOLDER", str(self.folder)))
        self._give_away()

    @property
    def log(self) -> str:
        """What it says, on its own output and in whatever logs it keeps in its folder."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    async def start(self) -> None:
        with (self.folder / "program.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=self.folder, env=os.environ | {"HOME": str(self.folder)},
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, **_nobody(),
            )  # fmt: skip
        async with asyncio.timeout(START):
            while not await self._listens():
                assert self._process.returncode is None, f"{self.name} ended:\n{self.log}"
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """End it as a power cut would, with all processes it has made."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """End it as an operator would; what then still runs is killed."""
        self.thaw()
        with suppress(TimeoutError):
            await self._end(signal.SIGTERM)
        await self._end(signal.SIGKILL)

    async def restart(self) -> None:
        await self.kill()
        await self.start()

    def freeze(self) -> None:
        """Stop it in the middle: connections stay, and nothing moves on them."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        # The group may outlive its first process, and the other way round.
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def _end(self, number: signal.Signals) -> None:
        self._signal(number)
        if self._process is not None:
            async with asyncio.timeout(STOP if number == signal.SIGTERM else START):
                await self._process.wait()

    async def _listens(self) -> bool:
        try:
            async with connected(self.host, self.port):
                return True
        except OSError:
            return False

    def _give_away(self) -> None:
        self.folder.chmod(0o755)
        if user := _nobody():
            for path in [self.folder, *self.folder.iterdir()]:
                shutil.chown(path, user["user"], user["group"])


def _nobody() -> dict[str, Any]:
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


@asynccontextmanager
async def started(*programs: Program) -> AsyncIterator[None]:
    """These programs, all started at once; at the end they are ended and their folders removed."""
    try:
        async with asyncio.TaskGroup() as starting:
            for program in programs:
                starting.create_task(program.start())
        yield
    finally:
        await asyncio.gather(*(program.stop() if program.tidies else program.kill() for program in programs))
        for program in programs:
            program.remove()
