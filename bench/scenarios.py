"""What is measured, one function each. All return plain numbers; each server is started anew in a folder of its own."""

import signal
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bench import loader
from bench.contestants import BARE, EVENT, QUART_CHAT, TEXT, Contestant
from bench.host import Server, running

Numbers = dict[str, float]

SETTLE = 2.0
"""Seconds before memory is read."""


@dataclass(frozen=True)
class Plan:
    """How much of everything. `readers` are the two sizes of a room."""

    build: Path
    readers: tuple[int, int]
    seconds: float
    calm_seconds: float
    rounds: int
    windows: int
    """Alternating pairs of runs in which quart-chat and a bare view are compared."""


class Bench:
    """Runs scenarios; every server has a folder beneath `build`, on a real disk."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._numbers = count(1)

    @contextmanager
    def server(self, contestant: Contestant) -> Iterator[Server]:
        folder = self.plan.build / "runs" / f"{next(self._numbers)}-{contestant.name.replace(' ', '-')}"
        with running(contestant.server(folder)) as server:
            yield server

    def alone(self, contestant: Contestant) -> Numbers:
        """One reader, one message at a time: what a message costs before it is fanned out."""
        with self.server(contestant) as server:
            arguments = [*contestant.load, "--lockstep"]
            found = loader.measure(self.plan.build, server.port, arguments, readers=1, posters=1, seconds=1.5)
        return {"last_ms": found["last_ms"]["p50"]}

    def one_poster(self, contestant: Contestant, readers: int) -> Numbers:
        """The next message is posted when everybody has the last one: no two are ever sent together."""
        with self.server(contestant) as server:
            empty = server.resident()
            arguments = [*contestant.load, "--lockstep"]
            options = {"readers": readers, "posters": 1, "seconds": self.plan.seconds, "warmup": 2, "drain": 60}
            with loader.load(self.plan.build, server.port, arguments, **options) as ready:
                time.sleep(SETTLE)
                idle = server.resident()
                ready.begin()
                found = ready.result()
        if abs(found["bytes_per_delivery"] / EVENT - 1) > 0.05:
            raise loader.Invalid(f"a delivery has {found['bytes_per_delivery']} bytes, not {EVENT} as the others have")
        return {
            "deliveries_per_s": found["deliveries_per_s"],
            "last_ms": found["last_ms"]["p50"],
            "bytes_per_delivery": found["bytes_per_delivery"],
            "deliveries_per_read": found["deliveries_per_read"],
            "idle_bytes": (idle - empty) / readers,
            "connect_s": found["connect_s"],
            "loader_busy": found["loader_busy"],
        }

    def many_posters(self, contestant: Contestant, readers: int) -> Numbers:
        """32 posters, each of whom posts again as soon as it is answered."""
        with self.server(contestant) as server:
            options = {"readers": readers, "posters": 32, "seconds": self.plan.seconds, "drain": 120}
            found = loader.measure(self.plan.build, server.port, contestant.load, **options)
        return {
            "deliveries_per_s": found["deliveries_per_s"],
            "posts_per_s": found["posts_per_s"],
            "bytes_per_delivery": found["bytes_per_delivery"],
            "loader_busy": found["loader_busy"],
        }

    def calm(self, contestant: Contestant, readers: int) -> Numbers:
        """Three messages a second: how long each takes to its last reader, from when it was due."""
        with self.server(contestant) as server:
            options = {"readers": readers, "posters": 8, "rate": 3, "seconds": self.plan.calm_seconds}
            found = loader.measure(self.plan.build, server.port, contestant.load, **options)
        return {"p50_ms": found["last_ms"]["p50"], "p99_ms": found["last_ms"]["p99"], "messages": found["posts"]}

    def storm(self, readers: int) -> Numbers:
        """The server is killed while people write, and started again: until everybody is back and has everything."""
        with self.server(QUART_CHAT) as server:
            arguments = [*QUART_CHAT.load, "--reconnect"]
            options = {"readers": readers, "posters": 2, "rate": 3, "seconds": 18, "drain": 60}
            with loader.load(self.plan.build, server.port, arguments, **options) as ready:
                ready.begin()
                time.sleep(5)
                server.stop(signal.SIGKILL)
                server.start()
                found = ready.result()
        if found["reconnects"] < readers or not found["back_s"]:
            raise loader.Invalid(f"only {found['reconnects']} readers came back")
        return {"back_s": found["back_s"], "reconnects": found["reconnects"], "messages": found["posts"]}

    def arrivals(self, readers: int) -> Numbers:
        """All readers come in the same second, while others post and read."""
        with self.server(QUART_CHAT) as server:
            return loader.crowd("arrivals", server, readers)

    def polls(self) -> Numbers:
        """100 readers by held polls, and 50 messages a second."""
        with self.server(QUART_CHAT) as server:
            return loader.crowd("polls", server, 100, 50, 2 * self.plan.seconds)

    def stuck(self) -> Numbers:
        """Long messages to 100 readers, alone and with 20 more who never read."""
        found: Numbers = {}
        options = {"readers": 100, "posters": 4, "rate": 100, "size": 8000, "seconds": 6}
        arguments = [argument for argument in QUART_CHAT.load if argument not in ("--size", str(TEXT))]
        with self.server(QUART_CHAT) as server:
            for name, count in (("alone", 0), ("with", 20)):
                with _never_reading(server.port, count):
                    before = server.resident()
                    result = loader.measure(self.plan.build, server.port, arguments, **options)
                    found[f"p50_ms_{name}"] = result["last_ms"]["p50"]
                    found[f"more_mib_{name}"] = (server.resident() - before) / 2**20
        return found

    def posts(self) -> Numbers:
        """32 posters and nobody who reads."""
        options = {"posters": 32, "seconds": 2}
        return self._against_bare("posts_per_s", lambda c: c.load, options)

    def pages(self) -> Numbers:
        """A room of 50 messages, opened again and again while ten a second are posted."""
        pages = {QUART_CHAT.name: "/rooms/lobby", BARE.name: "/page"}
        options = {"posters": 4, "rate": 10, "clients": 8, "seconds": 2, "warmup": 50}
        return self._against_bare("pages_per_s", lambda c: (*c.load, "--pages", pages[c.name]), options)

    def _against_bare(
        self, figure: str, arguments: Callable[[Contestant], tuple[str, ...]], options: dict[str, float]
    ) -> Numbers:
        """Both servers are up, and measured in turns: what the machine does meanwhile happens to both."""
        found: dict[str, list[float]] = {QUART_CHAT.name: [], BARE.name: []}
        with self.server(QUART_CHAT) as chat, self.server(BARE) as bare:
            for _ in range(self.plan.windows):
                for contestant, server in ((QUART_CHAT, chat), (BARE, bare)):
                    result = loader.measure(self.plan.build, server.port, arguments(contestant), **options)
                    found[contestant.name].append(result[figure])
        return {
            "quart-chat": statistics.median(found[QUART_CHAT.name]),
            "bare": statistics.median(found[BARE.name]),
        }


@contextmanager
def _never_reading(port: int, count: int) -> Iterator[None]:
    """So many streams whose client takes nothing."""
    with ExitStack() as stack:
        for _ in range(count):
            stream = stack.enter_context(socket.socket())
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stream.connect(("127.0.0.1", port))
            stream.sendall(b"GET /rooms/lobby/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        yield
