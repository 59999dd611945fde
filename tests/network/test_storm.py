"""Proxies are killed, frozen and started again under people who write and read through them: nothing is lost."""

import gc
import random
from pathlib import Path

import pytest

from tests.delivery.ledger import Ledger
from tests.network import storm
from tests.network.certificates import Certificate
from tests.network.programs import need
from tests.network.proxies import COMPONENTS, available, running
from tests.network.test_ways import POLLED
from tests.serving import serving

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
"""httpcore leaves a socket to the garbage collector where it is cancelled within a handshake."""

TOGETHER = [
    "nginx-deploy", "nginx-tls", "haproxy-deploy", "apache-deploy", "varnish-deploy", "caddy-deploy",
    "squid-plain", "tinyproxy-plain", "mitmproxy-forward",
]  # fmt: skip
"""One configuration of each program, which have their troubles in one room at once; each alone takes minutes."""

MESSAGES = 100
"""That are written at least."""


@pytest.mark.timeout(200)
async def test_messages_get_through_proxies_that_are_killed_and_frozen_exactly_once_and_in_order(
    tmp_path: Path, certificate: Certificate
) -> None:
    names = [name for name in TOGETHER if name in available()]
    each = -(-MESSAGES // max(1, len(names)))
    ledger = await _storm(tmp_path, certificate, each, *names)
    assert len(ledger.messages) >= MESSAGES


@pytest.mark.long
@pytest.mark.timeout(200)
@pytest.mark.parametrize("name", COMPONENTS)
async def test_hundred_messages_get_through_this_one(name: str, tmp_path: Path, certificate: Certificate) -> None:
    need(*COMPONENTS[name].needs)
    ledger = await _storm(tmp_path, certificate, MESSAGES, name)
    assert len(ledger.messages) >= MESSAGES
    assert ledger.retries > 0, "its troubles met somebody in the middle of something, or this has shown nothing"


async def _storm(folder: Path, certificate: Certificate, messages: int, *names: str) -> Ledger:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    async with (
        serving(folder, **storm.SETTINGS) as server,
        running(server.bind, certificate, *names) as components,
    ):
        ledger = await storm.run(server, storm.ways(components, sorted(POLLED)), messages, seed)
    print(ledger)
    gc.collect()
    return ledger
