"""`python -m bench.compare CHECKOUT`: this version beside another one, such as the last release, in one run.

Both are measured in turns, each time with servers started anew, so that whatever the machine does meanwhile happens to
both. Prints the median of each and how much more this version has. CPU is all that the server used, what it did before
the load's clock began included."""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from bench import loader
from bench.contestants import QUART_CHAT, Contestant
from bench.host import allow_files, running
from bench.scenarios import SETTLE, Numbers

ROOT = Path(__file__).parent.parent

FEW, MANY = 1000, 10_000


class Comparison:
    def __init__(self, build: Path, versions: dict[str, Path], seconds: float) -> None:
        self._build = build
        self._versions = {
            name: replace(QUART_CHAT, env=QUART_CHAT.env | {"PYTHONPATH": str(root)}) for name, root in versions.items()
        }
        self._seconds = seconds
        self._runs = 0

    def turns(self, rounds: int, step: Callable[[Contestant, Path], Numbers]) -> Iterator[tuple[str, list[float]]]:
        """Each figure's name, and the medians of the versions in their order."""
        found: dict[str, dict[str, list[float]]] = {}
        for number in range(rounds):
            order = list(self._versions.items())
            for name, version in order if number % 2 == 0 else reversed(order):
                self._runs += 1
                for figure, value in step(version, self._build / f"{self._runs}").items():
                    found.setdefault(figure, {}).setdefault(name, []).append(value)
        for figure, values in found.items():
            yield figure, [statistics.median(values[name]) for name in self._versions]

    def readers(self, count: int) -> Callable[[Contestant, Path], Numbers]:
        """The next message is posted when everybody has the last one."""

        def step(version: Contestant, folder: Path) -> Numbers:
            with running(version.server(folder)) as server:
                empty = server.resident()
                options = {"readers": count, "posters": 1, "seconds": self._seconds, "warmup": 2, "drain": 60}
                with loader.load(self._build, server.port, [*version.load, "--lockstep"], **options) as ready:
                    time.sleep(SETTLE)
                    idle, used = (server.resident() - empty) / count, server.used()
                    ready.begin()
                    found = ready.result()
                    used = server.used() - used
            return {
                f"deliveries/s, {count:,} readers": found["deliveries_per_s"],
                f"µs of CPU a message, {count:,} readers": 1e6 * used / found["posts"],
                f"bytes of memory of a stream, {count:,}": idle,
            }

        return step

    def posts(self, version: Contestant, folder: Path) -> Numbers:
        """32 posters and nobody who reads."""
        with running(version.server(folder)) as server:
            options, used = {"posters": 32, "seconds": self._seconds}, server.used()
            found = loader.measure(self._build, server.port, version.load, **options)
            return {"posts/s": found["posts_per_s"], "µs of CPU a post": 1e6 * (server.used() - used) / found["posts"]}

    def pages(self, version: Contestant, folder: Path) -> Numbers:
        """A room of 50 messages, opened again and again while ten a second are posted."""
        load = (*version.load, "--pages", "/rooms/lobby")
        with running(version.server(folder)) as server:
            options = {"posters": 4, "rate": 10, "clients": 8, "seconds": self._seconds, "warmup": 50}
            used = server.used()
            found = loader.measure(self._build, server.port, load, **options)
            return {"pages/s": found["pages_per_s"], "µs of CPU a page": 1e6 * (server.used() - used) / found["pages"]}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=__doc__)
    parser.add_argument("checkout", type=Path, help="the folder of the other version's checkout")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of runs whose medians are taken")
    parser.add_argument("--seconds", type=float, default=3)
    asked = parser.parse_args()
    build = ROOT / "build" / f"compare-{time.time_ns()}"
    build.mkdir(parents=True)
    loader.build(build)
    allow_files(MANY + 200)
    both = Comparison(build, {"other": asked.checkout.resolve(), "this": ROOT}, asked.seconds)
    print(f"{'':42} {'other':>12} {'this':>12}  more")
    for step in (both.posts, both.pages, both.readers(FEW), both.readers(MANY)):
        for figure, (other, this) in both.turns(asked.rounds, step):
            print(f"{figure:42} {other:12,.0f} {this:12,.0f} {100 * (this / other - 1):+5.1f} %", flush=True)


if __name__ == "__main__":
    main()
