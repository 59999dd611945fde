"""Processes of a benchmark: the server on one core, the load on the other."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

SERVER_CORE, LOAD_CORE = 0, 1

START = 30.0
"""Seconds a server may take to answer."""

STOP = 20.0
"""Seconds a server may take to end before it is killed."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def allow_files(needed: int) -> None:
    """Let this process and its children open so many files, or end with a sentence."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        sys.exit(f"A process may open {hard} files here, {needed} are needed: raise it with `ulimit -Hn`.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def pinned(core: int, command: Sequence[str | Path]) -> list[str | Path]:
    return ["taskset", "--cpu-list", str(core), *command]


class Server:
    """A process that answers on `port` of the loopback address."""

    def __init__(self, command: Sequence[str | Path], port: int, folder: Path, env: Mapping[str, str]) -> None:
        self.port = port
        self._command = pinned(SERVER_CORE, command)
        self._folder = folder
        self._env = os.environ | env
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=self._folder, env=self._env, stdout=log, stderr=log)
        give_up = time.monotonic() + START
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"the server did not start:\n{(self._folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        try:
            self._process.wait(STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def resident(self) -> int:
        """Bytes of memory that the process and its children hold."""
        assert self._process is not None
        return sum(_resident(pid) for pid in [self._process.pid, *_children(self._process.pid)])

    def used(self) -> float:
        """Seconds that the process has used of its core."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@contextmanager
def running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
