"""Gives memory back that the server does not need any more.

The C library keeps what was freed for the next time: after thousands of clients at once that is most of what they took,
for as long as the process lives.
"""

import asyncio
import ctypes
import gc
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

INTERVAL = 5.0
"""Seconds between two looks at how much there is."""

GROWN = 1.05
"""Times as much as was left the last time: less is not worth the milliseconds that it takes to look for free pages."""

UNDER_WAY = 60.0
"""Seconds after it has grown for which memory is given back at each look: some of it may be in use until then."""

MANY = 250
"""Open streams with which what is old is looked through as well: some ten milliseconds. With ten thousand it would hold
everybody up for half a second, and it is mostly theirs."""

STATM = Path("/proc/self/statm")


async def give_back(streams: Callable[[], int]) -> None:
    """Do so now and then, until cancelled; `streams` says how many are open. Where the C library cannot be told, or
    says nothing, return."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None or sys.platform != "linux":
        return
    left = _resident()
    until = 0.0
    while True:
        await asyncio.sleep(INTERVAL)
        if _resident() > GROWN * left:
            until = time.monotonic() + UNDER_WAY
        if time.monotonic() < until:
            # Connections that were cut refer to themselves; those that were there for long are old by then.
            gc.collect(2 if streams() <= MANY else 1)
            trim(0)
            left = _resident()


def _resident() -> int:
    """Bytes of memory that this process holds."""
    return int(STATM.read_text().split()[1]) * resource.getpagesize()
