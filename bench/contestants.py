"""What is compared: how each is started, where its streams and posts are, and what it needs that may be missing."""

import importlib.util
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.host import Server, free_port

EVENT = 825
"""Bytes of an event on the wire, within a few percent: what quart-chat sends for a message of TEXT characters."""

TEXT = 100
"""Characters of a message in quart-chat. Its fragment is markup around them."""

PEER_TEXT = EVENT - 23
"""Characters of a message everywhere else, where an event is hardly more than its text."""

NGINX = Path("/usr/sbin/nginx")
NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")

Command = Callable[[int, Path], list[str | Path]]


@dataclass(frozen=True)
class Contestant:
    name: str
    about: str
    command: Command
    """From a port and an empty folder to the command that serves there."""
    load: tuple[str, ...] = ("--stream", "/stream", "--post", "/post", "--size", str(PEER_TEXT))
    env: dict[str, str] = field(default_factory=dict)
    missing: Callable[[], str] = lambda: ""
    """What this machine lacks; empty when nothing."""

    def server(self, folder: Path) -> Server:
        folder.mkdir(parents=True)
        port = free_port()
        return Server(self.command(port, folder), port, folder, self.env)


def _module(name: str) -> Command:
    return lambda port, folder: [sys.executable, "-m", name, str(port)]


def _lacks(*modules: str) -> Callable[[], str]:
    return lambda: ", ".join(name for name in modules if importlib.util.find_spec(name) is None)


def _nginx(port: int, folder: Path) -> list[str | Path]:
    settings = folder / "nginx.conf"
    settings.write_text(
        f"""
        load_module {NCHAN};
        daemon off;
        worker_processes 1;
        worker_rlimit_nofile 20000;
        pid {folder}/nginx.pid;
        error_log {folder}/error.log;
        events {{ worker_connections 16000; }}
        http {{
            access_log off;
            client_body_temp_path {folder}/body;
            proxy_temp_path {folder}/proxy;
            fastcgi_temp_path {folder}/fastcgi;
            uwsgi_temp_path {folder}/uwsgi;
            scgi_temp_path {folder}/scgi;
            keepalive_requests 1000000;
            server {{
                listen 127.0.0.1:{port} backlog=4096;
                location = /stream {{
                    nchan_subscriber eventsource;
                    nchan_channel_id room;
                    nchan_subscriber_first_message newest;
                }}
                location = /post {{ nchan_publisher; nchan_channel_id room; }}
                location = /healthz {{ return 200 "ok"; }}
            }}
        }}
        """
    )
    return [NGINX, "-c", settings, "-p", folder]


def _chat(port: int, folder: Path) -> list[str | Path]:
    return [sys.executable, "-m", "quart_chat", "serve", "--bind", f"127.0.0.1:{port}"]


def floor(build: Path) -> Contestant:
    return Contestant(
        "C floor",
        "one send(2) per delivery, nothing kept",
        lambda port, folder: [build / "floor", str(port)],
    )


QUART_CHAT = Contestant(
    "quart-chat",
    "durable commits, HTML fragments",
    _chat,
    ("--stream", "/rooms/lobby/stream", "--post", "/rooms/lobby/messages", "--form", "--size", str(TEXT)),
    {"QUART_CHAT_LIMITS": "off"},
)

NCHAN_PEER = Contestant(
    "Nchan",
    "nginx module in C, memory store",
    _nginx,
    missing=lambda: "" if NGINX.exists() and NCHAN.exists() else "nginx-light and libnginx-mod-nchan",
)

STARLETTE = Contestant(
    "starlette",
    "sse-starlette on uvicorn, a queue per reader",
    _module("bench.peers.starlette"),
    missing=_lacks("starlette", "sse_starlette", "uvicorn", "httptools"),
)

NAIVE = Contestant("naive", "Quart and Hypercorn, a queue and a yield per reader", _module("bench.peers.naive"))

CHANNELS = Contestant(
    "Channels",
    "Django Channels on Daphne, WebSockets",
    _module("bench.peers.channels"),
    ("--websocket", "--any-order", "--stream", "/stream", "--post", "/post", "--size", str(PEER_TEXT)),
    missing=_lacks("django", "channels", "daphne"),
)

BARE = Contestant(
    "bare Quart",
    "an empty view under the same server",
    _module("bench.peers.bare"),
    ("--post", "/post", "--form", "--size", str(TEXT)),
)


def tools() -> str:
    """What this machine lacks to measure anything; empty when nothing."""
    return ", ".join(name for name in ("cc", "taskset") if not shutil.which(name))
