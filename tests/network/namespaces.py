"""A bad network: two network namespaces and a cable, on which packets are late, or lost, or all gone.

While `network()` is open, this thread is at one end of it: what it connects or starts is there, a browser too. What is
started with `Network.far` before its command is at the other end. Nobody else sees any of it: were an address to come
or go where the browsers of other tests are, they would break off what they are fetching (ERR_NETWORK_CHANGED).
"""

import ctypes
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
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

HERE = Path("/proc/thread-self/ns/net")
"""The namespace of this thread."""

# Python has both calls from 3.12 on.
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
    with ExitStack() as stack:
        try:
            near, here = stack.enter_context(_end(NEAR))
            far, there = stack.enter_context(_end(FAR))
        except OSError as error:
            pytest.skip(f"NOT RUN: a network of its own needs root, /dev/net/tun and Debian's iproute2 ({error})")
        cable = stack.enter_context(relaying(here, there))
        stack.enter_context(_within(near))
        yield Network(cable, (find("nsenter") or "nsenter", f"--net=/proc/{os.getpid()}/fd/{far}"))


@contextmanager
def _end(address: str) -> Iterator[tuple[int, int]]:
    """A namespace with one network device, by their descriptors.

    It has no name: it is gone with its descriptor and its processes, however the tests end.
    """
    with ExitStack() as stack:
        namespace = _new_namespace()
        stack.callback(os.close, namespace)
        with _within(namespace):
            end = device("cable0")
            stack.callback(os.close, end)
            _ip("address", "add", f"{address}/30", "dev", "cable0")
            # Without addresses of IPv6, which would talk on it unasked.
            _ip("link", "set", "cable0", "addrgenmode", "none", "up")
            _ip("link", "set", "lo", "up")
        yield namespace, end


def _new_namespace() -> int:
    with HERE.open() as home:
        _succeed(_libc.unshare(CLONE_NEWNET))
        try:
            return os.open(HERE, os.O_RDONLY)
        finally:
            _succeed(_libc.setns(home.fileno(), CLONE_NEWNET))


@contextmanager
def _within(namespace: int) -> Iterator[None]:
    """This thread is in that namespace. Sockets and processes stay where they were made."""
    with HERE.open() as home:
        _succeed(_libc.setns(namespace, CLONE_NEWNET))
        try:
            yield
        finally:
            _succeed(_libc.setns(home.fileno(), CLONE_NEWNET))


def _succeed(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _ip(*arguments: str) -> None:
    done = subprocess.run([find("ip") or "ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
