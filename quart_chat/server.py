"""Runs the app under Hypercorn, and stops it without losing anybody.

Hypercorn waits for open connections before it tells the app to stop, and on Python >= 3.12.1 waits for ever while a
stream is open. So the shutdown trigger is ours: it ends the streams first.
"""

import asyncio
import contextlib
import gc
import resource
import signal
import socket
import sys
import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

import hypercorn.asyncio
from hypercorn.config import Config as HypercornConfig
from hypercorn.config import Sockets
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.typing import ASGIFramework
from hypercorn.utils import LifespanFailureError
from quart import Quart

from quart_chat import assets, memory
from quart_chat.app import create_app
from quart_chat.arrivals import Arrivals
from quart_chat.config import Config
from quart_chat.errors import StartupError
from quart_chat.http.context import EXTENSION
from quart_chat.http.serving import Serving

SIGNALS = (signal.SIGINT, signal.SIGTERM)

ANSWERS = 2.0
"""Seconds that requests have to be answered in when the streams are gone. With the streams' own five this stays below
the ten after which `docker stop` kills."""

MARGIN = 1.0
"""Seconds for what comes after that: closing the database."""

SOCKET_UMASK = 0o111
"""For a Unix socket, whatever the umask is that keeps the database to ourselves: the proxy is another user, and must be
able to write to connect. Who may is a matter of the folder that it is in. `umask` in hypercorn.toml says otherwise."""

TCP_OPTIONS = {
    # A peer that has vanished without a word is asked for after half a minute of silence, and given up after a whole.
    "TCP_KEEPIDLE": 30,
    "TCP_KEEPINTVL": 10,
    "TCP_KEEPCNT": 3,
    # So is one that acknowledges nothing, or takes nothing, of what is sent to it: then the kernel never gets to ask.
    "TCP_USER_TIMEOUT": 60_000,
    # Whoever connects and says nothing costs no file, no task and no memory here, for some seconds.
    "TCP_DEFER_ACCEPT": 5,
}
"""What the kernel does about silent peers, in its own units: seconds, a count, milliseconds. Accepted connections
inherit it from the listening socket. Names as in `man 7 tcp`; not every platform has all of them."""

YOUNG = 10_000
"""Objects made before Python looks for garbage among them, instead of 700. What a request leaves behind is mostly freed
without that, and what a stream keeps is no garbage: thousands of streams connect in three quarters of the time."""


SWITCH = 0.001
"""Seconds after which a thread of the store gets the interpreter that the event loop has, instead of five. A post waits
for it some twenty times: that is what keeps it from waiting for a second while thousands of streams are opened."""


class _Settings(HypercornConfig):
    """Hypercorn's, with sockets that are open already."""

    opened: Sockets | None = None

    def create_sockets(self) -> Sockets:
        return self.opened or super().create_sockets()


def serve(config: Config, hypercorn_toml: Path | None) -> None:
    """Serve until SIGINT or SIGTERM. Raises StartupError when serving cannot begin."""
    settings = _hypercorn_config(config, hypercorn_toml)
    app = create_app(config, local=all(map(_is_loopback, settings.bind + settings.insecure_bind)))
    address = _listen(settings)
    _keep_to_http_1()
    _settle_memory()
    _allow_connections()
    sys.setswitchinterval(SWITCH)
    try:
        asyncio.run(_serve(app, settings, address))
    except LifespanFailureError as error:
        # Hypercorn puts the app's own sentence between quotes, behind words of its own.
        raise StartupError(str(error).partition("'")[2].removesuffix("'")) from error


def _keep_to_http_1() -> None:
    """Have every connection stay in HTTP/1.1. Hypercorn looks in one place whether one goes over to HTTP/2 without TLS,
    and no setting keeps it from that. A request for an upgrade is then answered as if it had not asked
    (https://www.rfc-editor.org/rfc/rfc9110#section-7.8), and what comes as HTTP/2 is refused and closed at once: where
    only its requests are refused, pings and settings without end keep everybody waiting."""

    async def stay(protocol: H11Protocol, event: object) -> None:
        pass

    H11Protocol._check_protocol = stay  # type: ignore[method-assign,assignment]


def _settle_memory() -> None:
    """What is there before the first request stays to the end: it is never looked through again."""
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    gc.collect()
    gc.freeze()


def _allow_connections() -> None:
    """Each is an open file. Shells often begin programs with 1,024, though the system allows many more."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _serve(app: Quart, settings: _Settings, address: str) -> None:
    stopping, drained = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_report)
    for number in SIGNALS:
        loop.add_signal_handler(number, stopping.set)

    serving: Serving = app.extensions[EXTENSION]

    async def shutdown_trigger() -> None:
        print(f"quart-chat is running on {address}/ (stop it with Ctrl+C)", flush=True)
        await stopping.wait()
        # A second signal ends the process at once.
        for number in SIGNALS:
            loop.remove_signal_handler(number)
        await serving.feeds.drain()
        drained.set()

    app_server: ASGIFramework = app
    server = asyncio.create_task(hypercorn.asyncio.serve(app_server, settings, shutdown_trigger=shutdown_trigger))
    last = asyncio.create_task(drained.wait())
    giving_back = asyncio.create_task(memory.give_back(lambda: serving.feeds.open_streams))
    await asyncio.wait({server, last}, return_when=asyncio.FIRST_COMPLETED)
    last.cancel()
    giving_back.cancel()
    await asyncio.wait({server}, timeout=ANSWERS + MARGIN)
    if server.done():
        await server
    else:
        await _cut_off(server, app)


async def _cut_off(server: asyncio.Task[None], app: Quart) -> None:
    """End what Hypercorn waits for without a bound.

    On Python 3.11 those are connections whose clients do not take what was sent to them, later every open connection.
    """
    print("Some requests did not end in time and were cut off.", file=sys.stderr)
    server.cancel()
    # Whatever Hypercorn makes of being cancelled there: nobody is left who should hear of it.
    await asyncio.gather(server, return_exceptions=True)
    if not app.shutdown_event.is_set():
        await app.shutdown()


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # Python 3.11 reports connections that are cut off at the end as if that were a fault, and Hypercorn those whose
    # peers have vanished: it knows only of such as break off.
    error = context.get("exception")
    if not isinstance(error, asyncio.CancelledError) and not ("transport" in context and isinstance(error, OSError)):
        loop.default_exception_handler(context)


def _hypercorn_config(config: Config, path: Path | None) -> _Settings:
    path = path or next(file for file in _candidates() if file.is_file())
    try:
        settings = cast(_Settings, _Settings.from_mapping(_checked(tomllib.loads(path.read_text("utf-8")))))
        settings.create_ssl_context()
    except (OSError, ValueError) as error:
        raise StartupError(f"The server settings in {path} cannot be used: {error}.") from error
    if settings.workers > 1:
        raise StartupError(
            f"{path} asks for {settings.workers} workers, but with QUART_CHAT_BROKER_URL=memory:// readers of one "
            "worker would not see what is posted to another. Set workers = 1."
        )
    if config.bind:
        settings.bind = [config.bind]
    if settings.umask is None:
        settings.umask = SOCKET_UMASK
    settings.graceful_timeout = min(settings.graceful_timeout, ANSWERS)
    # Hypercorn's own "Running on" would say it a second time.
    settings.loglevel = "WARNING"
    return settings


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """Hypercorn itself takes any name and any type, and then ignores them or fails at some later time."""
    for name, value in values.items():
        if not hasattr(HypercornConfig, name):
            raise ValueError(f"Hypercorn has no setting called {name!r}")
        if isinstance(getattr(HypercornConfig, name), int | float) and not isinstance(value, int | float):
            raise ValueError(f"{name} must be a number or true or false, not {value!r}")
    bind = values.get("bind", "127.0.0.1:8000")
    if not bind or not isinstance(bind, str | list) or not all(isinstance(address, str) for address in bind):
        raise ValueError('bind must be a list such as ["127.0.0.1:8000"]')
    return values


def _candidates() -> list[Path]:
    return [Path("hypercorn.toml"), assets.PACKAGE / "hypercorn.toml", assets.PACKAGE.parent / "hypercorn.toml"]


def _listen(settings: _Settings) -> str:
    """Open the listening sockets here, so that a port that is in use is one line and no traceback."""
    bind = settings.bind
    try:
        sockets = settings.create_sockets()
        opened = sockets.secure_sockets + sockets.insecure_sockets
        for listening in opened:
            _watch_peers(listening)
            listening.listen(settings.backlog)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise StartupError(
            f"Cannot listen on {', '.join(bind)}: {reason}. Choose another with --bind HOST:PORT."
        ) from error
    scheme = "https" if settings.ssl_enabled else "http"
    address = f"{scheme}://{_authority(opened[0])}"
    sockets.insecure_sockets = [Arrivals(listening) for listening in sockets.insecure_sockets]
    settings.opened = sockets
    return address


def _is_loopback(bind: str) -> bool:
    host = bind.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _watch_peers(listening: socket.socket) -> None:
    """Have the kernel end connections whose peers are gone. Nothing else would: a stream only ever writes."""
    if listening.family not in (socket.AF_INET, socket.AF_INET6):
        return
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in TCP_OPTIONS.items():
        if option := getattr(socket, name, None):
            listening.setsockopt(socket.IPPROTO_TCP, option, value)


def _authority(listening: socket.socket) -> str:
    name = listening.getsockname()
    if listening.family not in (socket.AF_INET, socket.AF_INET6):
        return str(name)
    host = f"[{name[0]}]" if listening.family == socket.AF_INET6 else name[0]
    return f"{host}:{name[1]}"
