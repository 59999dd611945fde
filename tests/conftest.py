"""What all tests share: servers, and the people who use them."""

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.people import Person
from tests.serving import Server, serving


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server as an operator gets it, but for the rate limits."""
    async with serving(tmp_path, limits="off") as running:
        yield running


@pytest.fixture
async def alice(server: Server) -> AsyncIterator[Person]:
    async with Person("Alice", server.url) as person:
        yield person


@pytest.fixture
async def bob(server: Server) -> AsyncIterator[Person]:
    async with Person("Bob", server.url) as person:
        yield person


@pytest.fixture
async def mallory(server: Server) -> AsyncIterator[Person]:
    """Who does not belong, and tries."""
    async with Person("Mallory", server.url) as person:
        yield person


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "quart-chat-test", str(disk)]
    mounted = shutil.which("mount") and subprocess.run(command, capture_output=True, check=False).returncode == 0
    if not mounted:
        pytest.skip("a full disk needs the right to mount a tmpfs; SQLITE_FULL is tested by max_page_count instead")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)
