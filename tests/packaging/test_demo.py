"""The demo: a chat and a site with its room, by one command."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

from tests.network.processes import free_port
from tests.people import client
from tests.serving import START, environment

ROOT = Path(__file__).parents[2]


async def test_demo_shows_a_room_in_a_site_whose_people_it_knows() -> None:
    ports = free_port(), free_port()
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "examples.demo", "--chat-port", str(ports[0]), "--site-port", str(ports[1]),
        cwd=ROOT, env=environment({}), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert demo.stdout is not None
        async with asyncio.timeout(START):
            line = (await demo.stdout.readline()).decode()
        chat, site = re.findall(r"(http://[^/]+)/", line + "/")
        async with client(site, Origin=site) as browser:
            page = (await browser.get("/")).text
            assert f'<script src="{chat}/embed.js" async>' in page
            assert (await browser.get("/chat-token")).status_code == 204
            await browser.post("/sign-in", data={"name": "Ana"})
            token = (await browser.get("/chat-token")).text
        async with client(chat, **{"Chat-Token": token, "Chat-Host": site}) as embed:
            known = await embed.get("/rooms/lobby/identity")
            assert ">Ana</bdi>" in known.text
            assert "Is the rye from Tuesday back?" in (await embed.get("/embed/lobby")).text
        demo.send_signal(signal.SIGINT)
        async with asyncio.timeout(START):
            assert await demo.wait() == 0
        assert not _listens(ports[0])
    finally:
        if demo.returncode is None:
            os.kill(demo.pid, signal.SIGKILL)


def _listens(port: int) -> bool:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in lines)
