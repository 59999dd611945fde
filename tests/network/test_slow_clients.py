"""Clients that say, send or take everything slowly, and clients that vanish: the chat goes on, and nothing stays."""

import asyncio
import ctypes
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest

from quart_chat.server import TCP_OPTIONS
from tests.network.programs import find, need
from tests.people import Person
from tests.serving import Server, serving
from tests.streaming.servers import hosted
from tests.streaming.wire import eventually, wire

CONNECTIONS = 200
"""Of each kind of slow client."""

SECONDS = 5
"""How long the slow clients keep it up."""

SLOW = {
    "headers": ("-H", "-i", "1", "-u", "{url}/rooms/lobby/stream"),
    "bodies": ("-B", "-i", "1", "-s", "8192", "-x", "10", "-u", "{url}/rooms/lobby/messages"),
    "reading": ("-X", "-n", "1", "-w", "1", "-y", "32", "-z", "1", "-k", "3", "-u", "{url}/rooms/lobby"),
}

PIDFD_GETFD = 438
"""The number of this system call on every platform (https://man7.org/linux/man-pages/man2/pidfd_getfd.2.html)."""

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="NOT RUN: open files are counted in /proc")


@asynccontextmanager
async def slow_clients(server: Server) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """The real tool with every kind of slowness, at the same time."""
    processes = []
    for kind, arguments in SLOW.items():
        with (server.folder / f"{kind}.log").open("wb") as log:
            processes.append(await asyncio.create_subprocess_exec(
                find("slowhttptest") or "", "-c", str(CONNECTIONS), "-r", str(CONNECTIONS), "-l", str(SECONDS),
                *(argument.format(url=server.url) for argument in arguments), cwd=server.folder, stdout=log, stderr=log,
            ))  # fmt: skip
    try:
        yield processes
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


@pytest.mark.long
async def test_chat_goes_on_while_hundreds_of_clients_are_slow(tmp_path: Path) -> None:
    need("slowhttptest")
    # What has ended is let go of after this time: Hypercorn waits for it where a client leaves between two requests.
    (tmp_path / "hypercorn.toml").write_text('keep_alive_timeout = 3\nalpn_protocols = ["http/1.1"]\nbacklog = 4096\n')
    fast = dict.fromkeys(("user_rate", "user_burst", "address_rate", "address_burst"), "10000")
    async with serving(tmp_path, **fast) as server, Person("Bob", server.url, address="127.0.0.2") as bob:
        async with Person("Alice", server.url, address="127.0.0.3") as alice, bob.listen() as stream:
            await alice.post_message("message 1")
            before, most, sent, seen = server.sockets, 0, 1, 0
            async with slow_clients(server) as tools:
                while any(tool.returncode is None for tool in tools):
                    sent += 1
                    await alice.post_message(f"message {sent}")
                    most = max(most, server.sockets)
            while seen < sent:
                seen += 1
                assert f"message {seen}<" in (await stream.next("message")).data
            for kind in SLOW:
                ended = (tmp_path / f"{kind}.log").read_text()
                assert "Hit test time limit" in ended or "No open connections left" in ended, ended
            assert most > before + CONNECTIONS, "the slow ones were there"
            await eventually(lambda: server.sockets <= before)
        assert "Traceback" not in server.log
        assert server.log == ""


async def test_headers_that_trickle_are_cut_off_in_time(tmp_path: Path) -> None:
    """The time that an idle connection is kept counts for them too, however many bytes come meanwhile."""
    toml = 'keep_alive_timeout = 1\nalpn_protocols = ["http/1.1"]\n'
    (tmp_path / "hypercorn.toml").write_text(toml)
    async with serving(tmp_path) as server, wire(server.bind) as slow:
        await slow.send(f"GET / HTTP/1.1\r\nHost: {server.bind}\r\n".encode())
        ended = asyncio.create_task(slow.read())
        number = 0
        while not ended.done():
            number += 1
            await asyncio.wait({ended}, timeout=0.05)
            try:
                await slow.send(b"X-%d: slow\r\n" % number)
            except ConnectionError:
                break
        with suppress(ConnectionError):
            assert not await ended
        assert number < 1000, "it was the time, not the size"
        assert slow.received == b""


async def test_body_that_trickles_is_refused_in_time(tmp_path: Path) -> None:
    async with (
        hosted(tmp_path, prepare=lambda app: app.config.update(BODY_TIMEOUT=0.5)) as host,
        wire(host.bind) as slow,
    ):
        head = f"POST /rooms/lobby/messages HTTP/1.1\r\nHost: {host.bind}\r\nOrigin: {host.url}\r\n"
        form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\ntext="
        await slow.send((head + form).encode())
        ended = asyncio.create_task(slow.read())
        while not ended.done():
            await asyncio.wait({ended}, timeout=0.05)
            with suppress(ConnectionError):  # the server may have ended it in between
                await slow.send(b"x")
        assert await ended
        assert slow.received.startswith(b"HTTP/1.1 408 ")
        slow.close()


async def test_accepted_connections_inherit_what_ends_silent_ones(tmp_path: Path) -> None:
    """Read from the server's own end of a connection, which the kernel lends to the server's parent."""
    async with serving(tmp_path) as server, Person("Bob", server.url) as bob, bob.listen():
        with lent(server) as ends:
            accepted = [end for end in ends if end.family == socket.AF_INET and _is_connected(end)]
            assert accepted
            for end in accepted:
                assert end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
                found = {name: end.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in TCP_OPTIONS}
                # It concerns the listening socket alone, and in steps of the kernel's own.
                del found["TCP_DEFER_ACCEPT"]
                assert found == {name: TCP_OPTIONS[name] for name in found}


async def test_connection_that_says_nothing_is_not_even_accepted(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, Person("Bob", server.url) as bob:
        await bob.client.get("/healthz")
        before = server.sockets
        async with wire(server.bind) as silent, wire(server.bind):
            for _ in range(20):
                await bob.client.get("/healthz")
            assert server.sockets == before
            await silent.request("/healthz")
            await silent.read_until(lambda at: at.received.endswith(b"ok\n"))
            assert server.sockets == before + 1


@contextmanager
def lent(server: Server) -> Iterator[list[socket.socket]]:
    """The sockets of a server, as of our own."""
    ends: list[socket.socket] = []
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(server.pid)
    try:
        for link in Path(f"/proc/{server.pid}/fd").iterdir():
            if link.readlink().name.startswith("socket:"):
                fd = libc.syscall(PIDFD_GETFD, pidfd, int(link.name), 0)
                if fd < 0:
                    pytest.skip(f"NOT RUN: the kernel lends no file of a child ({os.strerror(ctypes.get_errno())})")
                ends.append(socket.socket(fileno=fd))
        yield ends
    finally:
        os.close(pidfd)
        for end in ends:
            end.close()


def _is_connected(end: socket.socket) -> bool:
    try:
        end.getpeername()
    except OSError:
        return False
    return True


HOLD = """
import socket, sys, time
host, port = sys.argv[1].split(":")
with socket.create_connection((host, int(port))) as connection:
    connection.sendall(f"GET /rooms/lobby/stream HTTP/1.1\\r\\nHost: {sys.argv[1]}\\r\\n\\r\\n".encode())
    assert connection.recv(1)
    print("open", flush=True)
    time.sleep(600)
"""
"""A client that opens a stream and says nothing more: a script."""


class Elsewhere:
    """A network namespace, connected to this one by a pair of interfaces."""

    def __init__(self) -> None:
        self.name = f"qc-{os.getpid()}"
        self.here, self.there = f"qch{os.getpid()}", f"qct{os.getpid()}"
        self.network = f"10.231.{os.getpid() % 250}"

    def __enter__(self) -> "Elsewhere":
        if os.geteuid() != 0 or find("ip") is None:
            pytest.skip("NOT RUN: a peer that vanishes needs a network namespace, which needs root and iproute2")
        try:
            _ip("netns", "add", self.name)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"NOT RUN: a peer that vanishes needs a network namespace ({error.stderr.strip()})")
        _ip("link", "add", self.here, "type", "veth", "peer", "name", self.there, "netns", self.name)
        _ip("addr", "add", f"{self.network}.1/30", "dev", self.here)
        _ip("link", "set", self.here, "up")
        self.run("addr", "add", f"{self.network}.2/30", "dev", self.there)
        self.run("link", "set", self.there, "up")
        return self

    def __exit__(self, *_: object) -> None:
        _ip("netns", "del", self.name)
        subprocess.run([find("ip") or "", "link", "del", self.here], capture_output=True, check=False)

    def run(self, *arguments: str) -> None:
        _ip("-n", self.name, *arguments)

    def vanish(self) -> None:
        """Break off: nobody hears anything of the other side any more."""
        self.run("link", "set", self.there, "down")


def _ip(*arguments: str) -> None:
    subprocess.run([find("ip") or "", *arguments], capture_output=True, text=True, check=True)


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_peer_that_has_vanished_is_let_go_within_two_minutes(tmp_path: Path) -> None:
    """Nothing is heard of it: no end, no reset. What is written to it waits in the kernel, where nobody sees that."""
    with Elsewhere() as elsewhere:
        server = Server(tmp_path, {"heartbeat": "2"}, bind=f"{elsewhere.network}.1:0")
        await server.start()
        try:
            before = server.sockets
            peer = await asyncio.create_subprocess_exec(
                find("ip") or "", "netns", "exec", elsewhere.name, sys.executable, "-c", HOLD, server.bind,
                stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            try:
                assert peer.stdout is not None
                async with asyncio.timeout(20):
                    assert await peer.stdout.readline() == b"open\n"
                assert server.sockets == before + 1
                elsewhere.vanish()
                await within(120, lambda: server.sockets == before)
            finally:
                peer.kill()
                await peer.wait()
            assert server.log == ""
        finally:
            await server.kill()


async def within(seconds: float, is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0.2)
