"""Through every component: the way that works. A buffer that holds events until the next heartbeat is found out."""

import asyncio
import re

import pytest
import pytest_asyncio

from tests.network.measure import Measured, measure, record
from tests.network.programs import need
from tests.network.proxies import COMPONENTS, Built
from tests.network.ways import Visitor
from tests.serving import Server
from tests.web.conftest import new_room

POLLED = {"caddy-encode", "mitmproxy-forward", "mitmproxy-connect"}
"""Those that hold streams back whatever the server says. Caddy does so up to 2.6.2; later ones heed `no-transform`."""

SECOND = 1000.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def measured(upstream: Server, components: dict[str, Built]) -> dict[str, Measured]:
    """All at once: most of the time is spent waiting for those that hold streams back."""

    async def through(name: str) -> tuple[str, Measured]:
        return name, await measure(components[name].way, await new_room(upstream))

    return dict(await asyncio.gather(*map(through, components)))


@pytest.mark.parametrize("name", COMPONENTS)
async def test_first_message_gets_through(name: str, measured: dict[str, Measured]) -> None:
    need(*COMPONENTS[name].needs)
    assert measured[name].way == ("poll" if name in POLLED else "stream")


@pytest.mark.measured
@pytest.mark.parametrize("name", COMPONENTS)
async def test_first_message_takes_less_than_a_second(
    name: str, upstream: Server, components: dict[str, Built]
) -> None:
    """Alone on the machine; these are the figures of the table."""
    need(*COMPONENTS[name].needs)
    found = await measure(components[name].way, await new_room(upstream))
    record(COMPONENTS[name], way=found.way, ms=round(found.ms, 1))
    assert found.ms < SECOND


@pytest.mark.parametrize("name", ["nginx-tls", "caddy-tls"])
async def test_browsers_speak_http2_to_a_tls_front(name: str, components: dict[str, Built]) -> None:
    need(*COMPONENTS[name].needs)
    async with Visitor("Alice", components[name].way) as alice, alice.listen() as stream:
        assert stream.response.http_version == "HTTP/2"
        assert stream.response.headers["Content-Type"].startswith("text/event-stream")


DEPLOYED = [name for name, component in COMPONENTS.items() if component.configuration == "deploy"]


@pytest.mark.parametrize("name", DEPLOYED)
async def test_pages_and_scripts_are_compressed_and_streams_are_not(name: str, components: dict[str, Built]) -> None:
    need(*COMPONENTS[name].needs)
    async with Visitor("Alice", components[name].way) as alice:
        page = await alice.client.get("/rooms/lobby")
        found = re.search(r"/static/[0-9a-f]+/", page.text)
        assert found, page.text
        script = await alice.client.get(f"{found[0]}room.js")
        assert page.headers.get("Content-Encoding") == "gzip"
        assert script.headers.get("Content-Encoding") == "gzip"
        async with alice.listen() as stream:
            assert "Content-Encoding" not in stream.response.headers


@pytest.mark.parametrize("name", COMPONENTS)
async def test_page_of_no_javascript_posts_and_reads(name: str, components: dict[str, Built]) -> None:
    need(*COMPONENTS[name].needs)
    async with Visitor("Alice", components[name].way) as alice:
        answer = await alice.send("/rooms/lobby/messages", htmx=False, text=f"through {name}", name="Alice")
        assert answer.status_code == 303
        assert answer.headers["Location"].endswith("/rooms/lobby")
        assert f"through {name}" in (await alice.client.get("/rooms/lobby")).text
