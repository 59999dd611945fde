"""What the configurations of deploy/ promise: who a request comes from, and that nobody upgrades a connection."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.network.certificates import Certificate
from tests.network.programs import need
from tests.network.proxies import COMPONENTS, Built, available, running
from tests.network.ways import Visitor
from tests.serving import serving

DEPLOYED = [name for name, component in COMPONENTS.items() if component.configuration == "deploy"]

BURST = 3
"""Messages that one address may send at once. It may send another one after a quarter of an hour."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def limited(
    tmp_path_factory: pytest.TempPathFactory, certificate: Certificate
) -> AsyncIterator[dict[str, Built]]:
    """The configurations in front of a server that believes them."""
    settings = {"trusted_proxies": "127.0.0.1", "address_burst": str(BURST), "address_rate": "0.001"}
    names = [name for name in available() if name in DEPLOYED]
    async with (
        serving(tmp_path_factory.mktemp("limited"), **settings) as server,
        running(server.bind, certificate, *names) as built,
    ):
        yield built


@pytest.mark.parametrize("name", DEPLOYED)
async def test_limit_counts_the_client_and_not_the_proxy(name: str, limited: dict[str, Built]) -> None:
    need(*COMPONENTS[name].needs)
    way = limited[name].way
    first = f"127.0.1.{2 * DEPLOYED.index(name) + 1}"
    second = f"127.0.1.{2 * DEPLOYED.index(name) + 2}"
    codes = []
    for number in range(BURST + 1):
        # Another guest each time, who claims to be somebody else.
        forged = {"X-Forwarded-For": f"192.0.2.{number}", "Forwarded": f"for=192.0.2.{number}"}
        async with Visitor("Mallory", way, address=first, **forged) as mallory:
            codes.append((await mallory.send("/rooms/lobby/messages", text="again", name="Mallory")).status_code)
    assert codes == [201] * BURST + [429]
    async with Visitor("Bob", way, address=second) as bob:
        assert (await bob.send("/rooms/lobby/messages", text="me too", name="Bob")).status_code == 201


@pytest.mark.parametrize("name", ["nginx-tls", "caddy-tls"])
async def test_posting_through_tls_needs_no_setting_but_the_trust(name: str, limited: dict[str, Built]) -> None:
    """Nothing but `Origin` says here that the page is the site's own, as in browsers of before 2020."""
    need(*COMPONENTS[name].needs)
    way = limited[name].way
    async with way.client("127.0.1.100", Origin=way.url) as alice:
        answer = await alice.post("/rooms/lobby/messages", data={"text": "over TLS", "name": "Alice"})
        assert answer.status_code == 303, answer.text
        assert answer.headers["Set-Cookie"].startswith("__Host-quart_chat_")
        assert "Secure" in answer.headers["Set-Cookie"]
        refused = await alice.post(
            "/rooms/lobby/messages", data={"text": "no"}, headers={"Origin": "https://evil.example"}
        )
        assert refused.status_code == 403
