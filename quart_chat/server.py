"""Runs the app under Hypercorn, and stops it without losing anybody.

Hypercorn waits for open connections before it tells the app to stop, and on Python >= 3.12.1 waits for ever while a
stream is open. So the shutdown trigger is ours: it ends the streams first.
"""

import asyncio
import signal
import socket
import sys
from pathlib import Path

import hypercorn.asyncio
from hypercorn.config import Config as HypercornConfig
from hypercorn.typing import ASGIFramework
from hypercorn.utils import LifespanFailureError
from quart import Quart

from quart_chat import assets
from quart_chat.app import create_app
from quart_chat.config import Config
from quart_chat.errors import StartupError
from quart_chat.web.context import EXTENSION
from quart_chat.web.site import Site

GRACE = 8.0
"""Seconds from the signal to the end at most: five for streams, the rest for requests that are being answered."""


def serve(config: Config, hypercorn_toml: Path | None) -> None:
    """Serve until SIGINT or SIGTERM. Raises StartupError when serving cannot begin."""
    settings = _hypercorn_config(config, hypercorn_toml)
    app = create_app(config)
    address = _listen(settings)
    try:
        asyncio.run(_serve(app, settings, address))
    except LifespanFailureError as error:
        raise StartupError(str(error.args[0] if len(error.args) == 1 else error).removeprefix("startup ")) from error


async def _serve(app: Quart, settings: HypercornConfig, address: str) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)

    async def shutdown_trigger() -> None:
        print(f"quart-chat is running on {address}/ (stop it with Ctrl+C)", flush=True)
        await stopping.wait()
        site: Site = app.extensions[EXTENSION]
        await site.feeds.drain()

    app_server: ASGIFramework = app
    server = asyncio.create_task(hypercorn.asyncio.serve(app_server, settings, shutdown_trigger=shutdown_trigger))
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait({server, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    # A second signal ends the process at once.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)
    await asyncio.wait({server}, timeout=GRACE)
    if not server.done():
        print("Some requests did not end in time and were cut off.", file=sys.stderr)
        server.cancel()
        await asyncio.wait({server}, timeout=1.0)
        await app.shutdown()
        return
    await server


def _hypercorn_config(config: Config, path: Path | None) -> HypercornConfig:
    path = path or next(file for file in _candidates() if file.is_file())
    try:
        settings = HypercornConfig.from_toml(path)
    except (OSError, ValueError, TypeError) as error:
        raise StartupError(f"The server settings in {path} cannot be read: {error}.") from error
    if settings.workers > 1:
        raise StartupError(
            f"{path} asks for {settings.workers} workers, but with QUART_CHAT_BROKER_URL=memory:// readers of one "
            "worker would not see what is posted to another. Set workers = 1."
        )
    if config.bind:
        settings.bind = [config.bind]
    # Hypercorn's own "Running on" would say it a second time.
    settings.loglevel = "WARNING"
    return settings


def _candidates() -> list[Path]:
    return [Path("hypercorn.toml"), assets.PACKAGE / "hypercorn.toml", assets.PACKAGE.parent / "hypercorn.toml"]


def _listen(settings: HypercornConfig) -> str:
    """Open the listening sockets here, so that a port that is in use is one line and no traceback."""
    bind = settings.bind
    try:
        sockets = settings.create_sockets()
        opened = sockets.secure_sockets + sockets.insecure_sockets
        for listening in opened:
            listening.listen(settings.backlog)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StartupError(
            f"Cannot listen on {', '.join(bind)}: {reason}. Choose another with --bind HOST:PORT."
        ) from error
    scheme = "https" if settings.ssl_enabled else "http"
    address = f"{scheme}://{_authority(opened[0])}"
    settings.bind = [f"fd://{listening.detach()}" for listening in opened]
    return address


def _authority(listening: socket.socket) -> str:
    name = listening.getsockname()
    if listening.family not in (socket.AF_INET, socket.AF_INET6):
        return str(name)
    host = f"[{name[0]}]" if listening.family == socket.AF_INET6 else name[0]
    return f"{host}:{name[1]}"
