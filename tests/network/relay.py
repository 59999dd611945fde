"""A cable between two network devices of programs: every packet on it can be late, or lost, or all of them.

The kernel could do this itself (netem), but not every kernel has it; every one has TUN, where packets come to a program
(https://docs.kernel.org/networking/tuntap.html). To TCP it is the same: what is lost here, it has to send again.
"""

import asyncio
import fcntl
import os
import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress

DEVICE = "/dev/net/tun"

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
"""From linux/if_tun.h: a device for IP packets, and nothing before them."""

PACKET = 65536
"""Bytes of the largest one."""

AT_ONCE = 64
"""Packets that are taken from a device before others have their turn."""


class Relay:
    """What moves the packets. `delay` (seconds), `loss` (a share from 0 to 1), `rate` (bytes per second each way; 0 for
    no limit) and `swallowed` (a TCP port to which nothing gets) can be changed at any time."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.loss = 0.0
        self.rate = 0.0
        self.swallowed = 0
        self.seed = random.randrange(2**32)
        self.carried = 0
        self.lost = 0
        self.cut = False
        self._chance = random.Random(self.seed)
        self._free: dict[int, float] = {}

    def __str__(self) -> str:
        return f"{self.carried} packets carried, {self.lost} lost (seed {self.seed})"

    def take(self, end: int, other: int) -> None:
        """What has come at one end is on its way to the other, or lost."""
        loop = asyncio.get_running_loop()
        with suppress(BlockingIOError):
            for _ in range(AT_ONCE):
                packet = os.read(end, PACKET)
                if self._chance.random() < self.loss or self._is_swallowed(packet):
                    self.lost += 1
                else:
                    self.carried += 1
                    loop.call_later(self.delay + self._turn(end, len(packet)), self._give, other, packet)

    def _turn(self, end: int, size: int) -> float:
        """Seconds until a packet that came at this end is on the cable: after all that came before it."""
        if not self.rate:
            return 0.0
        now = asyncio.get_running_loop().time()
        self._free[end] = max(now, self._free.get(end, now)) + size / self.rate
        return self._free[end] - now

    def _is_swallowed(self, packet: bytes) -> bool:
        header = 4 * (packet[0] & 15)
        return self.swallowed > 0 and int.from_bytes(packet[header + 2 : header + 4]) == self.swallowed

    def _give(self, end: int, packet: bytes) -> None:
        # When the cable is cut, the descriptor may be that of something else already.
        if not self.cut:
            # A device that is full takes none: lost, as on any cable.
            with suppress(OSError):
                os.write(end, packet)


@contextmanager
def relaying(here: int, there: int) -> Iterator[Relay]:
    """A relay at work between two devices, by their descriptors."""
    relay = Relay()
    loop = asyncio.get_running_loop()
    loop.add_reader(here, relay.take, here, there)
    loop.add_reader(there, relay.take, there, here)
    try:
        yield relay
    finally:
        relay.cut = True
        loop.remove_reader(here)
        loop.remove_reader(there)
        print(relay)


def device(name: str) -> int:
    """Make a network device; its packets come from and go to this descriptor, and it is gone when that is closed.

    OSError where the system does not allow it, or has none.
    """
    end = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    except OSError:
        os.close(end)
        raise
    return end
