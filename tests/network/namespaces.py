"""A bad network: a namespace at the other end of a cable of its own, on which packets are late, or lost, or all gone.

What is started within it, `Network.inside` before its command, is reached from here at `Network.address`; browsers and
clients run here as always.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest

from tests.network.programs import find, need
from tests.serving import Server

NOBODY = "02:00:00:00:00:01"
"""The address of a network card that is not there."""


@dataclass(frozen=True)
class Network:
    name: str
    """Of the namespace, and of our end of the cable."""
    address: str
    here: str

    @property
    def inside(self) -> tuple[str, ...]:
        """What a command begins with to be run at the other end."""
        ip = find("ip")
        assert ip
        return (ip, "netns", "exec", self.name)

    async def late(self) -> None:
        """Packets take 150 ms each way, and one of twenty is lost. Skips where the kernel has no netem."""
        netem = ("root", "netem", "delay", "150ms", "loss", "5%")
        try:
            await _run("tc", "qdisc", "replace", "dev", self.name, *netem)
            await _run(*self.inside, "tc", "qdisc", "replace", "dev", "eth0", *netem)
        except PermissionError as error:
            pytest.skip(f"NOT RUN: late and lost packets need netem ({error})")

    async def gone(self) -> None:
        """Nothing arrives, and nobody is told so: each end sends to a card that is not there."""
        await _run("ip", "neighbour", "replace", self.address, "lladdr", NOBODY, "dev", self.name, "nud", "permanent")
        await _run(
            "ip",
            "-n",
            self.name,
            "neighbour",
            "replace",
            self.here,
            "lladdr",
            NOBODY,
            "dev",
            "eth0",
            "nud",
            "permanent",
        )

    async def good(self) -> None:
        """As it was in the beginning."""
        for inside, device in ((), self.name), (self.inside, "eth0"):
            for command in (
                ("tc", "qdisc", "delete", "dev", device, "root"),
                ("ip", "neighbour", "flush", "all", "dev", device, "nud", "permanent"),
            ):
                with suppress(PermissionError):
                    await _run(*inside, *command)

    def server(self, server: Server) -> Server:
        """The same server, to be started at the other end."""
        server.command = (*self.inside, *server.command)
        server.bind = f"{self.address}:0"
        return server


@asynccontextmanager
async def network() -> AsyncIterator[Network]:
    """A good one, of two addresses that nobody else can reach. Skips where the system does not allow it."""
    need("tc")
    # A name of an interface has 15 characters at most. The numbers are those for tests of networks (RFC 2544).
    prefix, number = f"198.18.{secrets.randbelow(256)}", 4 * secrets.randbelow(64)
    made = Network(f"qc{secrets.token_hex(4)}", f"{prefix}.{number + 2}", f"{prefix}.{number + 1}")
    try:
        await _run("ip", "netns", "add", made.name)
    except PermissionError as error:
        pytest.skip(f"NOT RUN: a network namespace needs root ({error})")
    try:
        await _run("ip", "link", "add", made.name, "type", "veth", "peer", "name", "eth0", "netns", made.name)
        await _run("ip", "address", "add", f"{made.here}/30", "dev", made.name)
        await _run("ip", "link", "set", made.name, "up")
        await _run("ip", "-n", made.name, "address", "add", f"{made.address}/30", "dev", "eth0")
        await _run("ip", "-n", made.name, "link", "set", "eth0", "up")
        await _run("ip", "-n", made.name, "link", "set", "lo", "up")
        yield made
    finally:
        # The cable goes with it.
        await _run("ip", "netns", "delete", made.name)


async def _run(program: str, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        find(program) or program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise PermissionError(f"{program} {' '.join(arguments)}: {said.decode().strip()}")
