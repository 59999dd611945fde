"""What all tests share: servers, and the people who use them."""

from collections.abc import AsyncIterator
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
