"""`python -m bench`: prints one table, writes the results and the chart. Exits with 1 when a run was invalid."""

import argparse
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import contestants, loader, report
from bench.bars import Missing, bars, median
from bench.chart import chart
from bench.contestants import CHANNELS, NAIVE, NCHAN_PEER, QUART_CHAT, STARLETTE, Contestant
from bench.host import allow_files
from bench.scenarios import Bench, Numbers, Plan

ROOT = Path(__file__).parent.parent

CHANNELS_AT_MOST = 5000
"""Readers. Its in-memory layer looks through all channels for each delivery: a message to 10,000 took over a minute."""

Step = tuple[str, str, Callable[[], Numbers]]
"""The scenario, the contestant, and what measures it."""


def main() -> int:
    # So that whatever was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small round, results in build/bench")
    parser.add_argument("--rounds", type=int, help="rounds whose medians are taken (3)")
    asked = parser.parse_args()
    if lacking := contestants.tools():
        sys.exit(f"The benchmark needs {lacking} (on Debian: gcc, util-linux).")
    build = ROOT / "build" / "bench"
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True)
    loader.build(build)
    plan = (
        Plan(build, (1000, 3000), seconds=2, calm_seconds=5, rounds=asked.rounds or 1, windows=2)
        if asked.quick
        else Plan(build, (1000, 10_000), seconds=5, calm_seconds=16, rounds=asked.rounds or 3, windows=5)
    )
    allow_files(plan.readers[1] + 200)
    return _run(plan, Bench(plan), build if asked.quick else ROOT / "bench", build if asked.quick else ROOT / "docs")


def _run(plan: Plan, bench: Bench, results: Path, pictures: Path) -> int:
    peers = [QUART_CHAT, NCHAN_PEER, contestants.floor(plan.build), STARLETTE, NAIVE, CHANNELS]
    absent = {peer.name: peer.missing() for peer in peers if peer.missing()}
    there = [peer for peer in peers if peer.name not in absent]
    rounds: list[dict[str, Any]] = []
    invalid: list[str] = []
    few, many = plan.readers
    began = time.monotonic()
    for number in range(1, plan.rounds + 1):
        found: dict[str, Any] = {}
        rounds.append(found)
        for scenario, who, step in _steps(bench, there, few, many):
            try:
                figures = step()
            except (loader.Invalid, RuntimeError, subprocess.TimeoutExpired) as error:
                invalid.append(f"round {number}, {scenario}, {who}: {error}")
                print(f"[{_since(began)}] {invalid[-1]}: this run does not count", flush=True)
                continue
            found.setdefault(scenario, {})[who] = figures
            shown = ", ".join(f"{name} {value:,.1f}" for name, value in figures.items())
            print(f"[{_since(began)}] round {number}, {scenario}, {who}: {shown}", flush=True)
    verdict = bars(rounds, few, many)
    if CHANNELS in there and many > CHANNELS_AT_MOST:
        absent_at = f"Channels is not run with {many:,} readers: there a message takes it more than a minute."
        print(f"\n{absent_at}")
    print(f"\n{report.table(rounds, [peer.name for peer in peers], absent, few, many)}\n\n{report.verdicts(verdict)}\n")
    report.write(results / "results.json", rounds, verdict, absent, invalid)
    (pictures / "bench.svg").write_text(_picture(rounds, there, many))
    print(f"Written to {results / 'results.json'} and {pictures / 'bench.svg'}.")
    return 1 if invalid else 0


def _steps(bench: Bench, there: list[Contestant], few: int, many: int) -> Iterator[Step]:
    """Those that are compared follow each other closely."""
    fast = [peer for peer in there if peer not in (STARLETTE, NAIVE, CHANNELS)]
    yield "posts", "both", bench.posts
    yield "pages", "both", bench.pages
    yield "alone", QUART_CHAT.name, lambda: bench.alone(QUART_CHAT)
    for readers in (few, many):
        for peer in there:
            if peer is CHANNELS and readers > CHANNELS_AT_MOST:
                continue
            yield (
                f"one poster, {readers}",
                peer.name,
                lambda peer=peer, readers=readers: bench.one_poster(peer, readers),
            )  # type: ignore[misc]
        # The others answer before they have delivered, and fall further behind with every message that is offered.
        for peer in fast:
            yield (
                f"32 posters, {readers}",
                peer.name,
                lambda peer=peer, readers=readers: bench.many_posters(peer, readers),
            )  # type: ignore[misc]
    for peer in fast:
        yield "calm", peer.name, lambda peer=peer: bench.calm(peer, many)  # type: ignore[misc]
    yield "stuck", QUART_CHAT.name, bench.stuck
    yield "storm", QUART_CHAT.name, lambda: bench.storm(many)
    yield "arrivals", QUART_CHAT.name, lambda: bench.arrivals(many)
    yield "polls", QUART_CHAT.name, bench.polls


def _picture(rounds: list[dict[str, Any]], there: list[Contestant], many: int) -> str:
    values = {}
    for peer in there:
        try:
            values[peer.name] = median(rounds, f"one poster, {many}", peer.name, "deliveries_per_s")
        except Missing:
            continue
    note = "One message at a time, the same bytes to each, server on one core. Made by `make bench`."
    return chart(f"Deliveries per second to {many:,} readers", note, values)


def _since(began: float) -> str:
    minutes, seconds = divmod(int(time.monotonic() - began), 60)
    return f"{minutes:02d}:{seconds:02d}"


sys.exit(main())
