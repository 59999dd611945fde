"""`quart-chat diagnose URL` tells by its exit code, and in words, whether live updates get through."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from tests.connections import accepting
from tests.network import forward, reverse
from tests.network.processes import free_port, started
from tests.network.programs import find, need
from tests.serving import Ended, run, serving

pytestmark = pytest.mark.xdist_group("diagnose command")
"""All of it is measured once."""


async def diagnose(folder: Path, url: str, *options: str, **variables: str) -> Ended:
    environment = [f"{name}={value}" for name, value in ({"NO_PROXY": "", "no_proxy": ""} | variables).items()]
    command = [sys.executable, "-m", "quart_chat", "diagnose", url, "--idle", "0.5", *options]
    return await run(folder, "env", "-u", "http_proxy", *environment, *command)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ended(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Ended]]:
    """The command, over every way there is a program for. It takes five seconds: they are gone at the same time."""
    folder = tmp_path_factory.mktemp("diagnose")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(folder, limits="off"))
        ways = {"direct": diagnose(folder, server.url), "json": diagnose(folder, f"{server.url}/rooms/lobby", "--json")}
        if find("nginx"):
            nginx = reverse.nginx_stock(server.bind)
            await stack.enter_async_context(started(nginx))
            ways["nginx"] = diagnose(folder, f"http://127.0.0.1:{nginx.port}")
        if find("mitmdump"):
            proxy = forward.mitmproxy()
            await stack.enter_async_context(started(proxy))
            ways["mitmdump"] = diagnose(folder, server.url, HTTP_PROXY=f"http://127.0.0.1:{proxy.port}")
        yield dict(zip(ways, await asyncio.gather(*ways.values()), strict=True))


async def test_direct_way_is_good(ended: dict[str, Ended]) -> None:
    assert ended["direct"].code == 0, ended["direct"]
    assert "Live updates get through this network." in ended["direct"].out
    assert "  ok  WebSockets" in ended["direct"].out
    assert "BAD" not in ended["direct"].out
    assert "stream: 6 events" in ended["direct"].err, "how far it is"


async def test_programs_get_json(ended: dict[str, Ended]) -> None:
    assert ended["json"].code == 0, ended["json"]
    told = json.loads(ended["json"].out)
    assert told["streaming"] is True
    assert {finding["key"]: finding["state"] for finding in told["findings"]}["spacing"] == "good"
    assert told["measurement"]["http"] == "1.1"
    assert (told["measurement"]["said"], told["measurement"]["arrived"]) == ([], [])


async def test_stock_nginx_is_good_and_named(ended: dict[str, Ended]) -> None:
    need("nginx")
    assert ended["nginx"].code == 0, ended["nginx"]
    assert "nginx" in ended["nginx"].out.partition("In between:")[2]
    assert "the upgrade is taken out" in ended["nginx"].out


async def test_scanner_of_whole_bodies_is_found(ended: dict[str, Ended]) -> None:
    need("mitmdump")
    assert ended["mitmdump"].code == 1, ended["mitmdump"]
    assert "The chat works by polling instead." in ended["mitmdump"].out
    assert " BAD  One by one: 6 events, sent one by one, came all at once" in ended["mitmdump"].out
    assert "from content scanning" in ended["mitmdump"].out


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:{port}", "Nothing to measure at 127.0.0.1:{port}: Connection refused."),
        ("ftp://127.0.0.1", "It must look like https://chat.example.org"),
        ("127.0.0.1:8000", "It must look like https://chat.example.org"),
        ("http://127.0.0.1:99999", "is no address"),
        ("http://", "It must look like https://chat.example.org"),
    ],
)
async def test_nothing_to_measure(tmp_path: Path, url: str, words: str) -> None:
    port = str(free_port())
    told = await diagnose(tmp_path, url.replace("{port}", port))
    assert (told.code, told.out) == (2, "")
    assert words.replace("{port}", port) in told.err
    assert told.err.count("\n") == 1


async def test_another_server_is_no_chat(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello")

    async with accepting(answer) as port:
        told = await diagnose(tmp_path, f"http://127.0.0.1:{port}")
    assert told.code == 2
    assert "There is no quart-chat" in told.err
