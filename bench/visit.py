"""`python -m bench.visit`: what a newcomer waits for, and what the server does for one, over a line of 300 ms and
1.5 Mbit/s. Exits with 1 when a bar is missed.

A real Chromium opens a room of 50 messages with an empty cache. Between it and the server is a cable on which packets
are late and few at a time, so that connections have to open, and to grow, as they do far away. Where the system does
not allow that (it takes root and /dev/net/tun), or with `--emulate`, Chromium makes the line itself.
"""

import argparse
import asyncio
import json
import socket
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, CDPSession, async_playwright

from bench import report
from bench.bars import Bar
from quart_chat.view import htmx
from tests.browser.chromium import FLAGS, find_chromium
from tests.network.namespaces import FAR, Network, network
from tests.people import Person
from tests.serving import Server

RESULTS = Path(__file__).parent / "visit.json"

ROUND_TRIP = 0.3
"""Seconds."""

RATE = 1_500_000 / 8
"""Bytes per second, each way."""

VISITS = 5

MESSAGES = 50
WRITERS = 5

PATIENCE = 30
"""Seconds in which a page must be live."""

HTTPS = 443
"""Where the CDN would be."""

WATCH = """
  window.seen = {};
  const look = () => {
    const painted = performance.getEntriesByName("first-contentful-paint").length > 0;
    if (painted && document.querySelector("#messages .message")) seen.messages ??= performance.now();
    if (document.querySelector("#status[data-state=live]")) seen.live ??= performance.now();
    if (!seen.live) requestAnimationFrame(look);
  };
  look();
"""
"""Notes when the first messages were painted, and when the page said that it is live, in ms since it was asked for."""


@dataclass
class Seen:
    """One visit."""

    messages_s: float
    live_s: float
    requests: int
    kib: float
    cpu_ms: float = 0.0


@dataclass(frozen=True)
class Line:
    """A server, and how a browser gets to it. The CDN is `blocked`, or its packets are not answered."""

    server: Server
    flags: list[str]
    emulated: bool


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.visit", description=__doc__)
    parser.add_argument("--emulate", action="store_true", help="let Chromium make the line")
    parser.add_argument("--visits", type=int, default=VISITS, help=f"of each kind; medians are taken ({VISITS})")
    asked = parser.parse_args()
    return asyncio.run(_measure(asked.visits, asked.emulate))


async def _measure(visits: int, emulate: bool) -> int:
    seen: dict[str, list[Seen]] = {}
    try:
        for kind in ("blocked", "swallowed"):
            seen[kind] = await _visits(kind, visits, emulate)
    except pytest.skip.Exception as impossible:
        print(f"{impossible}. Chromium makes the line itself.")
        return await _measure(visits, True)

    def median(kind: str, figure: str) -> float:
        return statistics.median(getattr(each, figure) for each in seen[kind])

    bars = [
        Bar("live, CDN blocked", median("blocked", "live_s"), 3.0, most=True, unit="s"),
        Bar("first messages, CDN blocked", median("blocked", "messages_s"), 1.5, most=True, unit="s"),
        Bar("requests", median("blocked", "requests"), 14, most=True, unit=""),
        Bar("fetched", median("blocked", "kib"), 90, most=True, unit="KiB"),
        Bar("server CPU", statistics.mean(each.cpu_ms for each in seen["blocked"]), 12, most=True, unit="ms"),
        Bar("live, CDN swallowed", median("swallowed", "live_s"), 4.5, most=True, unit="s"),
    ]
    line = "emulated by Chromium" if emulate else "packets on a cable"
    for bar in bars:
        print(f"{bar.what:28} {bar.value:6.2f} {bar.unit:3}  at most {bar.bar:g}  {'' if bar.reached else 'MISSED'}")
    figures = {
        "line": f"{1000 * ROUND_TRIP:.0f} ms, {8 * RATE / 1e6:g} Mbit/s, {line}",
        "machine": report.machine(("quart", "hypercorn", "playwright")),
        "bars": [{**asdict(bar), "reached": bar.reached} for bar in bars],
        "visits": {kind: [asdict(each) for each in visited] for kind, visited in seen.items()},
    }
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"Over {figures['line']}. Written to {RESULTS}.")
    return 0 if all(bar.reached for bar in bars) else 1


async def _visits(kind: str, visits: int, emulate: bool) -> list[Seen]:
    with tempfile.TemporaryDirectory() as folder:
        async with (_emulated if emulate else _cable)(kind, Path(folder)) as line, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, *line.flags])
            # The first page makes a server read its templates; it is nobody's visit.
            await _visit(browser, line)
            seen = []
            for _ in range(visits):
                before = _cpu_ms(line.server)
                seen.append(await _visit(browser, line))
                seen[-1].cpu_ms = _cpu_ms(line.server) - before
                print(f"CDN {kind}: {seen[-1]}", flush=True)
            await browser.close()
            return seen


async def _visit(browser: Browser, line: Line) -> Seen:
    context = await browser.new_context(viewport={"width": 900, "height": 700})
    await context.add_init_script(WATCH)
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    sizes = await bytes_on_the_line(session)
    if line.emulated:
        conditions = {"latency": 1000 * ROUND_TRIP, "downloadThroughput": RATE, "uploadThroughput": RATE}
        await session.send("Network.emulateNetworkConditions", {"offline": False, **conditions})
    await page.goto(f"{line.server.url}/rooms/lobby", wait_until="commit")
    await page.locator("#status[data-state=live]").wait_for(timeout=1000 * PATIENCE)
    seen = await page.evaluate("new Promise((resolve) => setTimeout(() => resolve(seen), 100))")
    await context.close()
    return Seen(seen["messages"] / 1000, seen["live"] / 1000, len(sizes), sum(sizes.values()) / 1024)


async def bytes_on_the_line(session: CDPSession) -> dict[str, int]:
    """Every request of a page, and the bytes that have come for it: headers, and bodies as they are on the line."""
    sizes: dict[str, int] = {}

    def add(event: dict[str, object], size: object) -> None:
        name = str(event["requestId"])
        sizes[name] = sizes.get(name, 0) + int(size)  # type: ignore[call-overload]

    session.on("Network.requestWillBeSent", lambda event: add(event, 0))
    session.on("Network.responseReceived", lambda event: add(event, event["response"]["encodedDataLength"]))
    session.on("Network.dataReceived", lambda event: add(event, event["encodedDataLength"]))
    session.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    await session.send("Network.enable")
    return sizes


@asynccontextmanager
async def _cable(kind: str, folder: Path) -> AsyncIterator[Line]:
    """A server at the far end of a cable, and a browser at the near one. At the CDN's address nobody answers."""
    cdn = urlsplit(htmx.CDN).hostname
    async with network() as net, _serving(net.server(Server(folder, {"limits": "off"}))) as server:
        flags = [
            f"--host-resolver-rules=MAP {cdn} {f'{FAR}:{HTTPS}' if kind == 'swallowed' else '^NOTFOUND'}",
            # As it would be with TLS, but for the round trip that this takes.
            f"--unsafely-treat-insecure-origin-as-secure={server.url}",
        ]
        _slow(net)
        yield Line(server, flags, emulated=False)


def _slow(net: Network) -> None:
    net.cable.delay, net.cable.rate = ROUND_TRIP / 2, RATE
    net.cable.swallowed = HTTPS


@asynccontextmanager
async def _emulated(kind: str, folder: Path) -> AsyncIterator[Line]:
    """A server of this machine. What the CDN's address stands for takes connections, and says nothing."""
    cdn = urlsplit(htmx.CDN).hostname
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}" if kind == "swallowed" else "^NOTFOUND"
        async with _serving(Server(folder, {"limits": "off"})) as server:
            yield Line(server, [f"--host-resolver-rules=MAP {cdn} {address}"], emulated=True)


@asynccontextmanager
async def _serving(server: Server) -> AsyncIterator[Server]:
    """With a room in which people have talked."""
    await server.start()
    try:
        for number in range(WRITERS):
            async with Person(f"Writer {number}", server.url) as person:
                for message in range(MESSAGES // WRITERS):
                    await person.post_message(f"Message {message} of mine, with some words as people write them.")
        yield server
    finally:
        await server.kill()


def _cpu_ms(server: Server) -> float:
    """What its threads have used, to the nanosecond: a visit is as short as a tick of /proc/<pid>/stat."""
    threads = Path(f"/proc/{server.pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e6


if __name__ == "__main__":
    sys.exit(main())
