"""Memory that is not needed any more goes back to the operating system."""

import sys
from pathlib import Path

import pytest

from quart_chat.memory import MANY
from tests.serving import run

CROWD = """
import asyncio, gc, sys
from quart_chat import memory

memory.INTERVAL = 0.05

async def main(streams):
    gc.disable()  # or it would look for itself, at some time
    asyncio.get_running_loop().call_soon(asyncio.create_task, memory.give_back(lambda: streams))
    await asyncio.sleep(0.01)
    before = memory._resident()
    crowd = [bytearray(2000) for _ in range(20_000)]
    top = bytearray(2000)  # what lies above what is freed keeps the C library from giving it back by itself
    crowd.append(crowd)  # as connections that were cut refer to themselves
    gc.collect()  # and were there for long
    grown = memory._resident() - before
    del crowd
    for _ in range(40):
        await asyncio.sleep(0.05)
        if (left := memory._resident() - before) < grown / 5:
            break
    print(grown > 30_000_000, left < grown / 5)

asyncio.run(main(int(sys.argv[1])))
"""
"""A process in which a crowd comes and goes, beside this many streams."""


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries are not told")
async def test_what_a_crowd_has_taken_is_given_back_but_not_searched_for_among_many(tmp_path: Path) -> None:
    for streams, given_back in ((MANY, True), (MANY + 1, False)):
        ended = await run(tmp_path, sys.executable, "-c", CROWD, str(streams))
        assert (ended.out, ended.err) == (f"True {given_back}\n", "")
