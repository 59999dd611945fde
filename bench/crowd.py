"""Readers who all come at once, and readers by polls: `python -m bench.crowd arrivals|polls PORT PID ...` prints a line
of JSON. Exits with 1 when a message was lost, doubled or out of order, or somebody was never served."""

import itertools
import json
import re
import resource
import secrets
import select
import socket
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

MARK = re.compile(rb"@@([0-9]+)@@")
LENGTH = re.compile(rb"(?i)\r\ncontent-length: ([0-9]+)\r\n")
CURSOR = re.compile(rb"(?i)\r\nchat-cursor: (\S+)\r\n")

LONGEST = 120.0
"""Seconds after which a run is given up."""

SETTLE = 5.0
"""Seconds before memory is read."""


class Invalid(Exception):
    """A run that does not count."""


@dataclass(eq=False)
class Connection:
    """One request at a time. `heard` is called with whatever has come since it was sent."""

    socket: socket.socket
    heard: Callable[["Connection"], None]
    began: float
    request: bytes = b""
    received: bytes = b""
    marks: list[int] = field(default_factory=list)
    served_at: float = 0.0


class Crowd:
    """Connections to one server, and the clock."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._poll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._numbers = itertools.count(1)
        self.posted: dict[int, float] = {}
        self.acknowledged: dict[int, float] = {}

    def open(self, request: bytes, heard: Callable[[Connection], None]) -> Connection:
        connection = Connection(socket.socket(), heard, time.perf_counter(), request)
        connection.socket.setblocking(False)
        connection.socket.connect_ex(("127.0.0.1", self._port))
        self._connections[connection.socket.fileno()] = connection
        self._poll.register(connection.socket.fileno(), select.EPOLLOUT)
        return connection

    def send(self, connection: Connection, request: bytes) -> None:
        connection.began, connection.received = time.perf_counter(), b""
        connection.socket.sendall(request)

    def post(self) -> None:
        number = next(self._numbers)
        self.posted[number] = time.perf_counter()
        body = urlencode({"text": f"@@{number}@@", "name": "Ana", "key": secrets.token_urlsafe(18)}).encode()
        head = (
            f"POST /rooms/lobby/messages HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nHX-Request: true\r\n"
            f"Origin: http://127.0.0.1:{self._port}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )

        def heard(connection: Connection) -> None:
            if whole(connection):
                if not connection.received.startswith(b"HTTP/1.1 201"):
                    raise Invalid(f"a POST was answered with {connection.received[:80]!r}")
                self.acknowledged[number] = time.perf_counter() - self.posted[number]
                self.close(connection)

        self.open(head.encode() + body, heard)

    def get(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n\r\n".encode()

    def close(self, connection: Connection) -> None:
        del self._connections[connection.socket.fileno()]
        connection.socket.close()

    def step(self, seconds: float) -> None:
        for number, event in self._poll.poll(seconds):
            connection = self._connections.get(number)
            if connection is None:
                continue
            if event & select.EPOLLOUT:
                self._poll.modify(number, select.EPOLLIN)
                connection.socket.sendall(connection.request)
            else:
                self._receive(connection)

    def run(self, until: Callable[[], bool], what: str) -> None:
        give_up = time.perf_counter() + LONGEST
        while not until():
            self.step(0.01)
            if time.perf_counter() > give_up:
                raise Invalid(f"{what} took more than {LONGEST:.0f} s")

    def wait(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.step(min(left, 0.05))

    def _receive(self, connection: Connection) -> None:
        try:
            chunk = connection.socket.recv(256 * 1024)
        except BlockingIOError:
            return
        if not chunk:
            raise Invalid("the server closed a connection")
        connection.received += chunk
        connection.heard(connection)


def whole(connection: Connection) -> bool:
    """Whether the answer, which has a length, is there."""
    head, found, body = connection.received.partition(b"\r\n\r\n")
    length = LENGTH.search(head + b"\r\n")
    return bool(found and length and len(body) >= int(length[1]))


def note(connection: Connection, text: bytes) -> list[int]:
    """The numbers of the messages in it."""
    found = [int(match[1]) for match in MARK.finditer(text)]
    connection.marks += found
    return found


def agree(readers: list[Connection], order: list[int]) -> None:
    """Raises Invalid unless everybody has had, from some message on, each of them once and in this order."""
    for reader in readers:
        if reader.marks != order[len(order) - len(reader.marks) :]:
            raise Invalid(f"a reader had {reader.marks[-20:]}, not the end of {order[-20:]}")


def arrivals(port: int, pid: int, readers: int) -> dict[str, float]:
    """`readers` ask for their streams in the same second, while two messages a second are posted and somebody reads who
    was there before."""
    crowd = Crowd(port)
    late: dict[int, float] = {}

    def live(connection: Connection) -> None:
        if not connection.served_at and b"event: heartbeat" in connection.received:
            connection.served_at = time.perf_counter()
        text, _, rest = connection.received.rpartition(b"\n\n")
        for number in note(connection, text):
            if connection is before:
                late[number] = time.perf_counter() - crowd.posted[number]
        connection.received = rest

    before = crowd.open(crowd.get("/rooms/lobby/stream"), live)
    crowd.run(lambda: before.served_at > 0, "the first stream")
    for _ in range(10):
        crowd.post()
        crowd.wait(0.05)
    crowd.wait(1)
    calm = statistics.median(crowd.acknowledged.values())
    empty, first = resident(pid), len(crowd.posted)
    began = next_post = time.perf_counter()
    all_readers: list[Connection] = []
    while sum(reader.served_at > 0 for reader in all_readers) < readers:
        for _ in range(min(200, readers - len(all_readers))):
            all_readers.append(crowd.open(crowd.get("/rooms/lobby/stream"), live))
        if time.perf_counter() >= next_post:
            crowd.post()
            next_post += 0.5
        for _ in range(20):
            crowd.step(0 if len(all_readers) < readers else 0.005)
        if time.perf_counter() - began > LONGEST:
            raise Invalid(f"only {sum(reader.served_at > 0 for reader in all_readers)} readers were served")
    served = max(reader.served_at for reader in all_readers) - began
    crowd.run(lambda: len(late) == len(crowd.posted) == len(crowd.acknowledged), "what was posted")
    crowd.post()
    crowd.run(lambda: all(reader.marks[-1:] == [len(crowd.posted)] for reader in all_readers), "the last message")
    agree(all_readers, before.marks)
    crowd.wait(SETTLE)
    return {
        "served_s": served,
        "post_s": max(crowd.acknowledged[number] for number in crowd.acknowledged if number > first),
        "delivery_s": max(late[number] for number in late if number > first),
        "calm_post_ms": 1000 * calm,
        "bytes_per_stream": (resident(pid) - empty) / readers,
    }


def polls(port: int, pid: int, pollers: int, rate: float, seconds: float) -> dict[str, float]:
    """`pollers` read by polls, each asking again as soon as it is answered, while `rate` messages a second are posted;
    before that some one by one."""
    crowd = Crowd(port)
    late: list[float] = []

    def heard(connection: Connection) -> None:
        if not whole(connection):
            return
        head, _, body = connection.received.partition(b"\r\n\r\n")
        cursor = CURSOR.search(head + b"\r\n")
        if cursor is None:
            raise Invalid(f"a poll was answered with {head[:80]!r}")
        now = time.perf_counter()
        late.extend(now - crowd.posted[number] for number in note(connection, body))
        connection.served_at = now
        crowd.send(connection, crowd.get(f"/rooms/lobby/poll?after={cursor[1].decode()}&wait=25"))

    crowd.post()
    crowd.run(lambda: len(crowd.acknowledged) == 1, "the first POST")
    everybody = [crowd.open(crowd.get("/rooms/lobby/poll"), heard) for _ in range(pollers)]
    crowd.run(lambda: all(each.served_at for each in everybody), "the first polls")
    crowd.wait(1)

    def everybody_has_everything() -> bool:
        return all(len(each.marks) >= len(crowd.posted) - 1 for each in everybody)

    for _ in range(10):
        crowd.post()
        crowd.run(everybody_has_everything, "a single message")
        crowd.wait(0.5)
    single = statistics.median(late)
    late.clear()
    used, began = cpu(pid), time.perf_counter()
    next_post = began
    while time.perf_counter() - began < seconds:
        if time.perf_counter() >= next_post:
            crowd.post()
            next_post += 1 / rate
        crowd.step(max(0.0, next_post - time.perf_counter()))
    crowd.run(everybody_has_everything, "the last message")
    took = time.perf_counter() - began
    agree(everybody, everybody[0].marks)
    if sorted(everybody[0].marks) != list(range(2, len(crowd.posted) + 1)):
        raise Invalid("not every message has come, once")
    late.sort()
    return {
        "single_ms": 1000 * single,
        "messages_per_s": rate * seconds / took,
        "p50_ms": 1000 * late[len(late) // 2],
        "p95_ms": 1000 * late[int(0.95 * len(late))],
        "busy": (cpu(pid) - used) / took,
    }


def resident(pid: int) -> int:
    found = re.search(r"VmRSS:\s+([0-9]+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


def cpu(pid: int) -> float:
    """Seconds of a core that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    what, port, pid, *numbers = sys.argv[1:]
    scenario: Callable[..., dict[str, float]] = {"arrivals": arrivals, "polls": polls}[what]
    try:
        print(json.dumps(scenario(int(port), int(pid), int(numbers[0]), *map(float, numbers[1:]))))
    except Invalid as error:
        print(json.dumps({"problem": str(error)}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
