"""What becomes of the first bytes of a stream: why the first event is padded, and why pages may have to poll."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from tests.connections import accepting
from tests.network.programs import need
from tests.network.proxies import COMPONENTS, Built
from tests.network.ways import Way

HELD = 1.5
"""Seconds after which what has not come is held back. What comes takes a tenth of one,"""

BUSY = 20.0
"""and may take so many where the machine has other things to do."""

CASES = [
    ("squid-preview", 100, False),
    ("squid-preview", 4096, True),
    ("mitmproxy-forward", 4096, False),
    ("squid-plain", 100, True),
]
"""A component, the bytes of a first event, and whether they come through."""


async def test_first_event_must_be_larger_than_a_preview(components: dict[str, Built]) -> None:
    names = {name for name, _, _ in CASES}
    need(*(program for name in names for program in COMPONENTS[name].needs))
    asked: list[int] = []
    async with saying(asked) as upstream:
        heard = await asyncio.gather(
            *(hears(replace(components[name].way, url=upstream), size, comes) for name, size, comes in CASES)
        )
    assert [(name, size, comes) for (name, size, _), comes in zip(CASES, heard, strict=True)] == CASES
    assert sorted(asked) == sorted(size for _, size, _ in CASES), "all of them were sent"


async def hears(way: Way, size: int, comes: bool) -> bool:
    with suppress(TimeoutError):
        async with (
            asyncio.timeout(BUSY if comes else HELD),
            way.client() as client,
            client.stream("GET", f"/{size}") as response,
        ):
            return bool(await anext(response.aiter_bytes()))
    return False


@asynccontextmanager
async def saying(asked: list[int]) -> AsyncIterator[str]:
    """The address of a server that sends one event, of as many bytes as the path says, and then says nothing.

    It adds to `asked` how many these were.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        size = int(request.split()[1].removeprefix(b"/"))
        event = b":" + b" " * (size - 3) + b"\n\n"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head + b"%x\r\n%b\r\n" % (len(event), event))
        asked.append(size)
        await reader.read()

    async with accepting(answer) as port:
        yield f"http://127.0.0.1:{port}"
