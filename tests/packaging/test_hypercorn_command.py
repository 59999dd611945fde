"""`hypercorn -c hypercorn.toml "quart_chat:create_app()"`, for those who start Hypercorn themselves."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from quart_chat import assets
from tests.people import Person
from tests.serving import START, environment

SETTINGS = assets.PACKAGE.parent / "hypercorn.toml"


async def test_hypercorn_serves_the_app(tmp_path: Path) -> None:
    async with hypercorn(tmp_path) as (url, process):
        await until_it_answers(url, process)
        async with Person("Alice", url) as alice, alice.listen() as stream:
            await alice.post_message("hello")
            assert "hello" in (await stream.next("message")).data


async def test_several_workers_are_refused_with_what_to_do(tmp_path: Path) -> None:
    async with hypercorn(tmp_path, "-w", "2") as (_, process):
        async with asyncio.timeout(2 * START):
            _, said = await process.communicate()
    assert b"With QUART_CHAT_BROKER_URL=memory:// there can be only one" in said
    assert b"set workers = 1" in said


@asynccontextmanager
async def hypercorn(folder: Path, *arguments: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    bind = f"127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hypercorn", "-c", SETTINGS, "-b", bind, *arguments, "quart_chat:create_app()",
        cwd=folder, env=environment({"limits": "off"}), stderr=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        yield f"http://{bind}", process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(START):
                await process.communicate()


async def until_it_answers(url: str, process: asyncio.subprocess.Process) -> None:
    async with httpx.AsyncClient() as client, asyncio.timeout(2 * START):
        while True:
            try:
                await client.get(f"{url}/healthz")
                return
            except httpx.TransportError:
                assert process.returncode is None, "hypercorn ended"
                await asyncio.sleep(0.05)


def free_port() -> int:
    """A port that nobody uses now. Hypercorn does not say which one it chose."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
