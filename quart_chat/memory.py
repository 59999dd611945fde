"""Gives memory back that the server does not need any more.

The C library keeps what was freed for the next time: after thousands of clients at once that is most of what they took,
for as long as the process lives.
"""

import asyncio
import ctypes
import gc
import resource
import sys
from pathlib import Path

INTERVAL = 5.0
"""Seconds between two looks at how much there is."""

GROWN = 1.05
"""Times as much as was left the last time: less is not worth the milliseconds that it takes to look for free pages."""

STATM = Path("/proc/self/statm")


async def give_back() -> None:
    """Do so now and then, until cancelled. Where the C library cannot be told, or says nothing, return."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None or sys.platform != "linux":
        return
    left = _resident()
    while True:
        await asyncio.sleep(INTERVAL)
        if _resident() > GROWN * left:
            gc.collect(1)  # what refused requests leave behind refers to itself; what is older is mostly streams
            trim(0)
            left = _resident()


def _resident() -> int:
    """Bytes of memory that this process holds."""
    return int(STATM.read_text().split()[1]) * resource.getpagesize()
