"""A bad network: two network namespaces and a cable, on which packets are late, or lost, or all gone.

While `network()` is open, this thread is at one end of it: what it connects or starts is there, a browser too. What is
started with `Network.far` before its command is at the other end. Nobody else sees any of it: were an address to come
or go where the browsers of other tests are, they would break off what they are fetching (ERR_NETWORK_CHANGED).
"""

import asyncio
import ctypes
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.network.programs import find
from tests.network.relay import Relay, device, relaying
from tests.serving import Server

NEAR = "198.18.0.1"
FAR = "198.18.0.2"
"""Addresses for tests of networks (RFC 2544). To a browser `http://` and such a one is no secure site."""

CLONE_NEWNET = 0x40000000
"""From linux/sched.h."""

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Network:
    cable: Relay
    far: tuple[str, ...]
    """What a command begins with to be run at the other end."""

    def late(self) -> None:
        """Packets take 150 ms each way, and one of twenty is lost."""
        self.cable.delay, self.cable.loss = 0.15, 0.05

    def gone(self) -> None:
        """Nothing arrives, and nobody is told so."""
        self.cable.loss = 1.0

    def good(self) -> None:
        """As it was in the beginning."""
        self.cable.delay, self.cable.loss = 0.0, 0.0

    def server(self, server: Server) -> Server:
        """The same server, to be started at the other end."""
        server.command = (*self.far, *server.command)
        server.bind = f"{FAR}:0"
        return server


@asynccontextmanager
async def network() -> AsyncIterator[Network]:
    """A good one. Skips where the system does not allow it."""
    async with AsyncExitStack() as stack:
        try:
            near, here = await stack.enter_async_context(_end(NEAR))
            far, there = await stack.enter_async_context(_end(FAR))
        except OSError as error:
            pytest.skip(f"NOT RUN: a network of its own needs root, /dev/net/tun and Debian's iproute2 ({error})")
        cable = stack.enter_context(relaying(here, there))
        stack.enter_context(_within(near))
        yield Network(cable, (find("ip") or "ip", "netns", "exec", far))


@asynccontextmanager
async def _end(address: str) -> AsyncIterator[tuple[str, int]]:
    """A namespace with one network device: its name, and the device's descriptor."""
    name = f"quart-chat-{secrets.token_hex(4)}"
    await _ip("netns", "add", name)
    try:
        with _within(name):
            end = device("cable0")
        try:
            await _ip("-n", name, "address", "add", f"{address}/30", "dev", "cable0")
            # Without addresses of IPv6, which would talk on it unasked.
            await _ip("-n", name, "link", "set", "cable0", "addrgenmode", "none", "up")
            await _ip("-n", name, "link", "set", "lo", "up")
            yield name, end
        finally:
            os.close(end)
    finally:
        await _ip("netns", "delete", name)


@contextmanager
def _within(name: str) -> Iterator[None]:
    """This thread is in that namespace. Sockets and processes stay where they were made."""
    with Path("/proc/thread-self/ns/net").open() as home, Path("/run/netns", name).open() as there:
        _enter(there.fileno())
        try:
            yield
        finally:
            _enter(home.fileno())


def _enter(namespace: int) -> None:
    # Python has it from 3.12 on.
    if _libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


async def _ip(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        find("ip") or "ip", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise OSError(f"ip {' '.join(arguments)}: {said.decode().strip()}")
