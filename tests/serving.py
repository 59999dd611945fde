"""A real server for tests: its own process, a real database file, a free port."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests import zygote

START = 40.0
"""Seconds a server may take to say its address, on a busy machine."""


@dataclass
class Server:
    """`quart-chat serve` in `folder`. Killed and started again, it keeps its database and its port."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    bind: str = "127.0.0.1:0"
    command: tuple[str | Path, ...] = zygote.COMMAND
    process: asyncio.subprocess.Process | zygote.Forked | None = None
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.bind}"

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def sockets(self) -> int:
        """How many it has open; those that are closed while they are counted do not count."""
        found = 0
        for link in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                found += link.readlink().name.startswith("socket:")
        return found

    async def start(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self.process = await begin(
                *self.command, "serve", "--bind", self.bind,
                cwd=self.folder, env=environment(self.settings), stderr=log.fileno(),
            )  # fmt: skip
        assert self.process.stdout is not None
        async with asyncio.timeout(START):
            line = (await self.process.stdout.readline()).decode()
        found = re.search(r"running on (https?)://([^/]*)/", line)
        assert found, f"the server said {line!r} and logged:\n{self.log}"
        self.scheme, self.bind = found.groups()

    async def kill(self) -> None:
        """End it as a power cut would end the process."""
        await self._signal(signal.SIGKILL)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it as an operator would; returns the exit code."""
        return await self._signal(number)

    async def restart(self) -> None:
        await self.kill()
        await self.start()

    async def _signal(self, number: signal.Signals) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(START):
            return await self.process.wait()


@dataclass(frozen=True)
class Ended:
    """What a command that has ended leaves behind."""

    code: int
    out: str
    err: str


async def begin(
    *command: str | Path, cwd: Path, env: dict[str, str], stderr: int
) -> asyncio.subprocess.Process | zygote.Forked:
    """Start a command, with nothing to read: as a fork where it is a program of this interpreter."""
    if zygote.EXISTS and command[0] == sys.executable and command[1] in ("-m", "-P"):
        return await zygote.fork(command[1:], cwd=cwd, env=env, stderr=stderr)
    return await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=env,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=stderr,
    )  # fmt: skip


async def run(folder: Path, *command: str | Path, **settings: str) -> Ended:
    """Run a command in `folder` to its end. It must not be one that stays."""
    process = await begin(*command, cwd=folder, env=environment(settings), stderr=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(2 * START):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


def environment(settings: dict[str, str]) -> dict[str, str]:
    """That of the tests, with no other settings of quart-chat than these."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("QUART_CHAT_")}
    return clean | {f"QUART_CHAT_{name.upper()}": value for name, value in settings.items()}


@asynccontextmanager
async def serving(folder: Path, **settings: str) -> AsyncIterator[Server]:
    """A running server; `settings` are QUART_CHAT_* variables in lower case. Killed at the end if it still runs."""
    server = Server(folder, settings)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()
