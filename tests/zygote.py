"""Python programs as forks of a process that has imported `quart-chat`: what every start has to read and compile is
read once.

A fork is a process like any other: it has its own number, is killed by SIGKILL, and ends as the command does. What
cannot be forked (another interpreter, another user, limits of its own) is started in the ordinary way.
"""

import asyncio
import atexit
import functools
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

COMMAND = (sys.executable, "-m", "quart_chat")

IMPORTED = ("quart_chat.cli", "quart_chat.server", "quart_chat.app")

MESSAGE = 1 << 20
"""Bytes that a start may take: arguments and environment."""

ROOT = Path(__file__).parents[1]
"""Where this module is found, whatever folder the tests are in."""

FILES = 3
"""Standard input, output and error."""

EXISTS = hasattr(os, "pidfd_open")


class Forked:
    """What `asyncio.subprocess.Process` is for a child."""

    def __init__(self, pid: int, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader | None) -> None:
        self.pid = pid
        self.stdout = stdout
        self.stderr = stderr
        self._handle = os.pidfd_open(pid)
        self._code: int | None = None

    @property
    def returncode(self) -> int | None:
        if self._code is None and select.select([self._handle], [], [], 0)[0]:
            self._code = _ask({"wait": self.pid})
            os.close(self._handle)
        return self._code

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            signal.pidfd_send_signal(self._handle, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        loop = asyncio.get_running_loop()
        while (code := self.returncode) is None:
            ended = loop.create_future()
            loop.add_reader(self._handle, lambda ended=ended: ended.done() or ended.set_result(None))
            try:
                await ended
            finally:
                loop.remove_reader(self._handle)
        return code

    async def communicate(self) -> tuple[bytes, bytes]:
        assert self.stderr is not None
        out, err = await asyncio.gather(self.stdout.read(), self.stderr.read())
        await self.wait()
        return out, err


async def fork(
    arguments: Sequence[str | Path], *, cwd: Path, env: dict[str, str], stderr: int = subprocess.PIPE
) -> Forked:
    """Start this interpreter with these arguments: `-m`, or `-P` and a script, and what the program itself is told.
    Nothing is to be read from its standard input."""
    out, stdout = await _pipe()
    err, errors = await _pipe() if stderr == subprocess.PIPE else (None, os.dup(stderr))
    nothing = os.open(os.devnull, os.O_RDONLY)
    mask = os.umask(0o077)
    os.umask(mask)
    what = {"arguments": [str(one) for one in arguments], "cwd": str(cwd), "env": env, "mask": mask}
    try:
        pid = _ask(what, [nothing, stdout, errors])
    finally:
        for each in (nothing, stdout, errors):
            os.close(each)
    return Forked(pid, out, err)


async def _pipe() -> tuple[asyncio.StreamReader, int]:
    """What is read here, and the end that is written to."""
    here, there = os.pipe()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(here, "rb", buffering=0)
    )
    return reader, there


@functools.cache
def _zygote() -> socket.socket:
    """Its end is the end of this process, which closes the socket."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    atexit.register(here.close)
    with there:
        there.set_inheritable(True)
        command = [sys.executable, "-m", "tests.zygote", str(there.fileno())]
        os.posix_spawn(sys.executable, command, os.environ | {"PYTHONPATH": str(ROOT)})
    return here


def _ask(what: dict[str, object], files: Sequence[int] = ()) -> int:
    socket.send_fds(_zygote(), [json.dumps(what).encode()], list(files))
    return int(_zygote().recv(MESSAGE))


def _serve(control: socket.socket) -> list[str] | None:
    """Answer what is asked. In a fork, returns the arguments that it is for; None when nobody asks any more."""
    while True:
        message, files, _, _ = socket.recv_fds(control, MESSAGE, FILES)
        if not message:
            return None
        what = json.loads(message)
        if "wait" in what:
            _, status = os.waitpid(what["wait"], 0)
            control.send(str(os.waitstatus_to_exitcode(status)).encode())
            continue
        pid = os.fork()
        if pid:
            control.send(str(pid).encode())
            for file in files:
                os.close(file)
            continue
        control.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
        for file in files:
            os.close(file)
        os.umask(what["mask"])
        os.chdir(what["cwd"])
        os.environ.clear()
        os.environ.update(what["env"])
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return list(what["arguments"])


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: whoever asks decides
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in IMPORTED:
        __import__(name)
    gc.freeze()  # what all forks have is looked through by none of them
    arguments = _serve(control)
    if arguments is None:
        return
    how, program, *_ = arguments
    sys.argv = arguments[1:]
    if how == "-m":
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    _main()
