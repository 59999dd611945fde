"""Why there is no WebSocket in this project: which proxies let one through. The chat gets through all of them."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from tests.network import forward, websockets
from tests.network.certificates import Certificate
from tests.network.measure import record
from tests.network.processes import Program, started
from tests.network.programs import need
from tests.network.proxies import COMPONENTS, available, running
from tests.network.ways import Way

PASSED = {"caddy-stock", "caddy-encode", "haproxy-idle", "mitmproxy-forward"}
"""Those that let a WebSocket through as they come."""

TRIED = [name for name, component in COMPONENTS.items() if not component.tls]
"""Without TLS, that is, which the echoing server does not speak."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def passed(certificate: Certificate) -> AsyncIterator[dict[str, bool]]:
    names = [name for name in available() if name in TRIED]
    async with websockets.echoing() as target, running(target, certificate, *names) as components:
        results = await asyncio.gather(*(websockets.works(components[name].way, target) for name in names))
        yield dict(zip(names, results, strict=True))


async def test_websocket_works_without_a_proxy() -> None:
    async with websockets.echoing() as target:
        assert await websockets.works(Way(f"http://{target}"), target)


@pytest.mark.parametrize("name", TRIED)
async def test_websocket_fails_where_nobody_has_prepared_for_it(name: str, passed: dict[str, bool]) -> None:
    need(*COMPONENTS[name].needs)
    record(COMPONENTS[name], websocket=passed[name])
    assert passed[name] == (name in PASSED)


@pytest.mark.parametrize(("program", "make"), [("squid", forward.squid), ("tinyproxy", forward.tinyproxy)])
async def test_websocket_needs_a_tunnel_and_tunnels_go_to_443_alone(program: str, make: Callable[..., Program]) -> None:
    """Browsers ask for a tunnel also where there is no TLS; proxies allow it to the ports of TLS."""
    need(program)
    async with websockets.echoing() as target:
        stock, prepared = make(), make(connect=int(target.split(":")[1]))
        async with started(stock, prepared):
            for proxy, works in ((stock, False), (prepared, True)):
                way = Way(f"http://{target}", f"http://127.0.0.1:{proxy.port}")
                assert await websockets.works(way, target, tunnel=True) == works
