"""Who comes in first, when thousands come in at once.

After a network has returned, or a proxy was restarted, all readers of a room ask for their streams in the same second.
In the order of their coming everybody else waits behind them: whoever posts, opens a page, or has a stream already and
is sent something. So connections are looked at before the server has them. Those that ask for a stream or a poll wait
here, where one costs a socket and nothing more, and are let in a few at a time; so do those that have brought a lot,
which the server would take into its memory at once. All others go past them, and addresses take turns.
"""

import asyncio
import socket
from collections import OrderedDict, deque
from typing import Any

import structlog

log = structlog.get_logger()

AT_A_TIME = 256
"""Connections that are taken from the kernel before the event loop gets a turn: a few milliseconds."""

LET_IN = 8
"""Readers let in during one turn of the event loop, about as many milliseconds of work. Each takes some ten turns, and
so does a POST meanwhile."""

PASSED = 16
"""All others let in during one turn. One address that asks for hundreds of pages at once would otherwise have all of
them in the server before somebody else is looked at."""

LOTS = 16 * 1024
"""Bytes of a request that have come: few forms have so many, and of thousands of the largest a server would have all in
its memory before it could say anything about the first."""

PAUSE = 1.0
"""Seconds in which nothing is accepted where the system has nothing more to give, or is in another trouble."""

Accepted = tuple[socket.socket, Any]


class Arrivals(socket.socket):
    """Takes the place of a listening socket in `asyncio.start_server`, which asks it for connections by `accept`.

    It is readable when there is one to be had: a byte in a pair of sockets says so.
    """

    def __init__(self, listening: socket.socket) -> None:
        """`listening` is bound, and owned by this from here on."""
        told, self._bell = socket.socketpair()
        super().__init__(listening.family, listening.type, listening.proto, fileno=told.detach())
        self._bell.setblocking(False)
        self._listening = listening
        self._listening.setblocking(False)
        self._first = _Turns()
        self._patient = _Turns()
        self._passed = self._let_in = 0
        self._rung = False

    def listen(self, backlog: int = socket.SOMAXCONN, /) -> None:
        self._listening.listen(backlog)
        asyncio.get_running_loop().add_reader(self._listening, self._arrive)

    def accept(self) -> Accepted:
        """The next connection. Raises BlockingIOError where there is none, or enough were let in for now."""
        if self._first and self._passed < PASSED:
            self._passed += 1
            return self._first.next()
        if self._patient and self._let_in < LET_IN:
            self._let_in += 1
            return self._patient.next()
        self._passed = self._let_in = 0
        if self._rung:
            self._rung = False
            self.recv(1)
        if self._first or self._patient:
            # Not before the event loop has turned: it asks for connections until there are none.
            asyncio.get_running_loop().call_soon(self._ring)
        raise BlockingIOError

    def getsockname(self) -> Any:
        return self._listening.getsockname()

    def close(self) -> None:
        if self._listening.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._listening)
        self._listening.close()
        self._bell.close()
        for waiting in (self._first, self._patient):
            while waiting:
                waiting.next()[0].close()
        super().close()

    def _arrive(self) -> None:
        for _ in range(AT_A_TIME):
            try:
                connection, address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                break
            except OSError as error:
                self._pause(error)
                break
            connection.setblocking(False)
            (self._patient if _can_wait(connection) else self._first).append((connection, address))
        self._ring()

    def _ring(self) -> None:
        if not self._rung and (self._first or self._patient) and self._bell.fileno() >= 0:
            self._rung = True
            self._bell.send(b"!")

    def _pause(self, error: OSError) -> None:
        log.error("no more connections can be accepted for now", error=error.strerror)
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listening)
        loop.call_later(PAUSE, self._go_on)

    def _go_on(self) -> None:
        if self._listening.fileno() >= 0:
            asyncio.get_running_loop().add_reader(self._listening, self._arrive)


class _Turns:
    """Connections that wait. Their addresses take turns, so that nobody waits for all that another has opened."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[Accepted]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def append(self, accepted: Accepted) -> None:
        address = accepted[1]
        host = address[0] if isinstance(address, tuple) else ""  # through a Unix socket all are one
        self._waiting.setdefault(host, deque()).append(accepted)

    def next(self) -> Accepted:
        host, line = next(iter(self._waiting.items()))
        accepted = line.popleft()
        if line:
            self._waiting.move_to_end(host)
        else:
            del self._waiting[host]
        return accepted


def _can_wait(connection: socket.socket) -> bool:
    """Whether a stream or a poll is asked for, or a lot has come. Who has said nothing yet, or is encrypted, is like
    everybody else."""
    try:
        come = connection.recv(LOTS, socket.MSG_PEEK)
    except OSError:
        return False
    method, _, target = come.partition(b"\r\n")[0].partition(b" ")
    path = target.partition(b" ")[0].partition(b"?")[0]
    return len(come) == LOTS or (method == b"GET" and path.endswith((b"/stream", b"/poll")))
