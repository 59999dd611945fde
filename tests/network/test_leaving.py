"""Who has left is gone, behind every proxy: its stream at the server ends, and does not wait for a write that fails."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.network.certificates import Certificate
from tests.network.proxies import available, running
from tests.network.test_ways import POLLED
from tests.network.ways import Visitor
from tests.serving import Server, serving
from tests.streaming.wire import eventually

ESTABLISHED, CLOSE_WAIT = "01", "08"

LATE = {"haproxy-idle", "haproxy-deploy", "apache-stock", "apache-deploy", "varnish-stock"}
"""Those that look for their client when they have something for it: with the next heartbeats, that is."""


@pytest.mark.long
@pytest.mark.parametrize(("late", "heartbeat"), [(False, "15"), (True, "1")], ids=["at once", "with a heartbeat"])
async def test_stream_ends_when_its_reader_leaves(
    late: bool, heartbeat: str, tmp_path: Path, certificate: Certificate
) -> None:
    names = [name for name in available() if name not in POLLED and (name in LATE) == late]
    if not names:
        pytest.skip("NOT RUN: none of these programs is here")
    async with (
        serving(tmp_path, limits="off", heartbeat=heartbeat) as server,
        running(server.bind, certificate, *names) as components,
    ):
        async with AsyncExitStack() as stack:
            for name in names:
                reader = await stack.enter_async_context(Visitor(name, components[name].way))
                await stack.enter_async_context(reader.listen())
            # A proxy may be about to let go of one more, which it had opened to see whether the server is there.
            await eventually(lambda: connections(server) == len(names))
        async with asyncio.timeout(10):
            await eventually(lambda: connections(server) == 0)


def connections(server: Server) -> int:
    """How many the server has its end of, in the kernel's own table."""
    port = f":{int(server.bind.split(':')[1]):04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(
        fields[1].endswith(port) and fields[3] in (ESTABLISHED, CLOSE_WAIT) and fields[9] != "0" for fields in lines
    )
