"""One server and one certificate for all tests of a run, behind every component that this machine has."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.network import certificates
from tests.network.certificates import Certificate
from tests.network.proxies import Built, available, running
from tests.serving import Server, serving


@pytest.fixture(scope="session")
def certificate() -> Certificate:
    return certificates.make()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def upstream(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server as an operator gets it, but for the limits; its heartbeats are 15 s apart."""
    async with serving(tmp_path_factory.mktemp("upstream"), limits="off") as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def components(upstream: Server, certificate: Certificate) -> AsyncIterator[dict[str, Built]]:
    async with running(upstream.bind, certificate, *available()) as built:
        yield built


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever needs all components runs in one process: to start them all takes longer than most tests."""
    for item in items:
        if "components" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("components"))
