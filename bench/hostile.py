"""`python -m bench.hostile`: hostile requests, fifty times each by one client, while others ask for something simple.

Prints a table. Exits with 1 where the others wait too long, or the memory does not come back.
"""

import asyncio
import multiprocessing
import multiprocessing.synchronize
import resource
import signal
import socket
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.attacks import ATTACKS, REHEARSED, Attack, Target, prepare
from bench.host import Server, free_port, running

P99 = 0.250
"""Seconds in which 99 of 100 answers to others have come."""

MEMORY = 1.10
"""Of what the server had before, what it may have afterwards."""

ASKING = 4
"""Others who ask at a time."""

ELSEWHERE = "127.0.0.2"
"""The address of others."""

PAUSE = 0.02
"""Seconds between an answer and the next question."""

LEAST = 3.0
"""Seconds for which others ask, however soon an attack is over."""

RECOVERY = 20.0
"""Seconds for memory to come back."""


@dataclass(frozen=True)
class Found:
    what: str
    seconds: float
    used: float
    """Of the server's core, in seconds, for the attack and for others."""
    answers: dict[str, int]
    p99: float
    worst: float
    before: int
    peak: int
    after: int

    @property
    def faults(self) -> list[str]:
        late = [f"{self.p99 * 1000:.0f} ms"] if self.p99 > P99 else []
        return late + ([f"{self.after / self.before:.2f} of the memory"] if self.after > MEMORY * self.before else [])


def main() -> int:
    # So that whatever was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    chosen = {what: attack for what, attack in ATTACKS.items() if all(word in what for word in sys.argv[1:])}
    columns = [f"{title:>8}" for title in ("took", "CPU", "p99", "worst", "before", "peak", "after")]
    print(" " * 34 + "".join(columns) + "  answers; times in seconds, memory in MiB", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        faults = {found.what: found.faults for found in _all(Path(folder), chosen) if found.faults}
    for what, missed in faults.items():
        print(f"MISSED: {what}: {', '.join(missed)}")
    return 1 if faults else 0


def _all(folder: Path, attacks: dict[str, Attack]) -> list[Found]:
    port = free_port()
    server = Server(
        [sys.executable, "-m", "quart_chat", "serve", "--bind", f"127.0.0.1:{port}"],
        port,
        folder,
        {"QUART_CHAT_TRUSTED_PROXIES": "127.0.0.1", "PYTHONUNBUFFERED": "1"},
    )
    results = []
    with running(server):
        head = asyncio.run(prepare(Target(port)))
        for attack in attacks.values():
            asyncio.run(_rehearse(attack, Target(port, head=head, repeated=REHEARSED)))
        for number, (what, attack) in enumerate(attacks.items()):
            # Each from another client: what one is refused is not what the next one is.
            target = Target(port, client=f"203.0.113.{number + 1}", head=head)
            found = _one(server, what, attack, target)
            results.append(found)
            print(_line(found), flush=True)
    return results


async def _rehearse(attack: Attack, target: Target) -> None:
    await attack(target)


def _one(server: Server, what: str, attack: Attack, target: Target) -> Found:
    before, used = server.resident(), server.used()
    stop = multiprocessing.Event()
    times: multiprocessing.Queue[list[float]] = multiprocessing.Queue()
    asking = multiprocessing.Process(target=_ask, args=(target.port, stop, times))
    asking.start()
    began = time.monotonic()
    peak = asyncio.run(_attack(server, attack, target))
    seconds = time.monotonic() - began
    time.sleep(max(0.0, LEAST - seconds))
    stop.set()
    answered = sorted(times.get(timeout=60))
    asking.join()
    used = server.used() - used
    after = _settled(server, before)
    p99 = answered[int(len(answered) * 0.99)]
    return Found(what, seconds, used, target.answers, p99, answered[-1], before, peak, after)


async def _attack(server: Server, attack: Attack, target: Target) -> int:
    """Bytes that the server has at most while it is attacked."""
    attacking = asyncio.ensure_future(attack(target))
    peak = server.resident()
    while not attacking.done():
        await asyncio.wait({attacking}, timeout=0.1)
        peak = max(peak, server.resident())
    await attacking
    return peak


def _settled(server: Server, before: int) -> int:
    give_up = time.monotonic() + RECOVERY
    while (after := server.resident()) > MEMORY * before and time.monotonic() < give_up:
        time.sleep(0.2)
    return after


def _ask(port: int, stop: multiprocessing.synchronize.Event, times: "multiprocessing.Queue[list[float]]") -> None:
    """Others, in a process of their own: how long each answer took, in seconds."""
    found: list[float] = []
    asked = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    while not stop.is_set():
        for _ in range(ASKING):
            began = time.monotonic()
            with socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(ELSEWHERE, 0)) as made:
                made.sendall(asked)
                while made.recv(4096):
                    pass
            found.append(time.monotonic() - began)
        stop.wait(PAUSE)
    times.put(found)


def _line(found: Found) -> str:
    times = (found.seconds, found.used, found.p99, found.worst)
    sizes = (f"{size / 2**20:.0f}" for size in (found.before, found.peak, found.after))
    answers = ", ".join(f"{count} x {status}" for status, count in sorted(found.answers.items())) or "-"
    cells = "".join(f"{cell:>8}" for cell in (*(f"{seconds:.3f}" for seconds in times), *sizes))
    return f"{found.what:34}{cells}  {answers}{'  MISSED' if found.faults else ''}"


if __name__ == "__main__":
    sys.exit(main())
