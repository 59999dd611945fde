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
from pathlib import Path

INTERVAL = 5.0
"""Seconds between two looks at how much there is."""

GROWN = 1.05
"""Times as much as was left the last time: less is not worth the milliseconds that it takes to look for free pages."""

UNDER_WAY = 60.0
"""Seconds after it has grown for which memory is given back at each look: some of it may be in use until then."""

SHARE = 0.01
"""Of the time that may go into this: with thousands of streams there is more to look through."""

STATM = Path("/proc/self/statm")


async def give_back() -> None:
    """Do so now and then, until cancelled. Where the C library cannot be told, or says nothing, return."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None or sys.platform != "linux":
        return
    left = _resident()
    until = took = 0.0
    while True:
        await asyncio.sleep(max(INTERVAL, took / SHARE))
        began = time.monotonic()
        if _resident() > GROWN * left:
            until = began + UNDER_WAY
        if began < until:
            gc.collect()  # connections that were cut refer to themselves, and were there for long
            trim(0)
            left = _resident()
        took = time.monotonic() - began


def _resident() -> int:
    """Bytes of memory that this process holds."""
    return int(STATM.read_text().split()[1]) * resource.getpagesize()
