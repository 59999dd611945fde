"""The load: `load.c`, built and run. It counts every delivery to every reader, and says whether the run is valid."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.host import LOAD_CORE, Server, pinned

SOURCES = Path(__file__).parent

LONGEST = 300.0
"""Seconds after which a run is given up."""

Result = dict[str, Any]


class Invalid(Exception):
    """A run in which a delivery was lost, doubled or out of order, or which did not come to its end."""


def build(folder: Path) -> None:
    """Compile the loader and the floor into `folder`."""
    for name in ("load", "floor"):
        command = ["cc", "-O2", "-Wall", "-o", folder / name, SOURCES / f"{name}.c"]
        subprocess.run(command, check=True)


class Load:
    """A loader that has connected everybody and waits for the word to begin."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def begin(self) -> None:
        self._say()

    def result(self) -> Result:
        """Wait for the end. Raises Invalid."""
        out, _ = self._process.communicate(timeout=LONGEST)
        found: Result = json.loads(out.splitlines()[-1])
        if not found["valid"]:
            raise Invalid(found["problem"])
        return found

    def _say(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()


@contextmanager
def load(build: Path, port: int, arguments: Sequence[str], **options: float) -> Iterator[Load]:
    """A loader with these arguments, as of the moment when all its connections are open. Raises Invalid."""
    command = [build / "load", "--port", str(port), "--wait", *arguments]
    for name, value in options.items():
        command += [f"--{name}", f"{value:g}"]
    process = subprocess.Popen(
        pinned(LOAD_CORE, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline() or "{}")
        if "ready" not in first:
            raise Invalid(first.get("problem", "the loader did not connect"))
        yield Load(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def measure(build: Path, port: int, arguments: Sequence[str], **options: float) -> Result:
    """One whole run. Raises Invalid."""
    with load(build, port, arguments, **options) as ready:
        ready.begin()
        return ready.result()


def crowd(what: str, server: Server, *numbers: float) -> dict[str, float]:
    """One run of `bench.crowd`. Raises Invalid."""
    arguments = [str(server.port), str(server.pid), *(f"{number:g}" for number in numbers)]
    command = pinned(LOAD_CORE, [sys.executable, "-m", "bench.crowd", what, *arguments])
    ended = subprocess.run(command, cwd=SOURCES.parent, capture_output=True, text=True, timeout=LONGEST)
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1]) if ended.stdout else {"problem": ended.stderr}
    if "problem" in found:
        raise Invalid(str(found["problem"]))
    return found
