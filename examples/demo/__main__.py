"""Starts a chat and a site that shows one of its rooms, on two addresses that are different sites to a browser."""

import argparse
import asyncio
import os
import secrets
import signal
import sys
import tempfile
from pathlib import Path

import hypercorn.asyncio
from hypercorn.config import Config as HypercornConfig

from examples.demo.site import create_site
from quart_chat.app import open_chat
from quart_chat.config import Config
from quart_chat.domain import embed_keys, messages
from quart_chat.domain.actors import CONSOLE, Asker, GuestKey
from quart_chat.domain.embed_keys import NewKey
from quart_chat.models import Draft

TALK = (
    ("Mila", "Is the rye from Tuesday back?"),
    ("Theo", "Since this morning. The dark one sells out by noon."),
    ("Mila", "Then I am on my way."),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--chat-port", type=int, default=8000)
    parser.add_argument("--site-port", type=int, default=9000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quart-chat-demo-") as folder:
        sys.exit(asyncio.run(demo(Path(folder), arguments.chat_port, arguments.site_port)))


async def demo(folder: Path, chat_port: int, site_port: int) -> int:
    """Run both until Ctrl+C. Returns the exit code."""
    database = f"sqlite:///{folder}/quart_chat.db"
    key = await _prepare(database)
    chat = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "quart_chat", "serve", "--bind", f"127.0.0.1:{chat_port}", "--database", database,
        stdout=asyncio.subprocess.PIPE, env=_environment(), start_new_session=True,
    )  # fmt: skip
    try:
        assert chat.stdout is not None
        address = (await chat.stdout.readline()).decode().partition("http://")[2].partition("/")[0]
        if not address:
            return await chat.wait()  # it has said why
        await _serve_site(f"http://{address}", key, site_port)
    finally:
        if chat.returncode is None:
            chat.terminate()
            await chat.wait()
    return 0


async def _prepare(database: str) -> NewKey:
    """Something to read, and a key for the site."""
    async with open_chat(Config(database_url=database, limits="off")) as chat:
        guests: dict[str, GuestKey] = {}
        for name, text in TALK:
            posted = await messages.post(
                chat, "lobby", Asker(guests.get(name), name, "demo"), Draft(text, secrets.token_urlsafe(18))
            )
            guests[name] = GuestKey(posted.author.key)
        return await embed_keys.create(chat, "lobby", CONSOLE, "HS256")


async def _serve_site(chat: str, key: NewKey, port: int) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    settings = HypercornConfig()
    settings.bind = [f"localhost:{port}"]
    settings.loglevel = "WARNING"

    async def until_stopped() -> None:
        print(f"The chat is running on {chat}/ and a site with its room on http://localhost:{port}/", flush=True)
        print("Stop both with Ctrl+C.", flush=True)
        await stopping.wait()

    site = create_site(chat, key_id=key.key.id, key=key.secret)
    await hypercorn.asyncio.serve(site, settings, shutdown_trigger=until_stopped)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("QUART_CHAT_")}


if __name__ == "__main__":
    main()
