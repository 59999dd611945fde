"""Commands that work on a chat's database, whether a server runs on it or not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from quart_chat.app import open_chat
from quart_chat.config import Config, load_config
from quart_chat.domain.chat import Chat
from quart_chat.errors import ChatError, RoomNotFound, StartupError

T = TypeVar("T")

database_option = click.option(
    "--database", metavar="URL", help="Where messages are kept. [default: sqlite:///quart_chat.db]"
)


class OneLine(click.ClickException):
    """What stops a command, in one line on standard error."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        click.echo(f"quart-chat: {self.message}", err=True)


def in_chat(database: str | None, room: str, do: Callable[[Chat], Awaitable[T]]) -> T:
    """Do something with a room of the chat in `database`, by default that of the settings; raises OneLine where it is
    refused. No database is made: who mistypes its name shall hear of it."""
    try:
        config = load_config(**{} if database is None else {"database_url": database})
        if not config.database_path.exists():
            raise StartupError(
                f"There is no database at {config.database_path}. Name the right one with --database, or have it made "
                "by `quart-chat serve`."
            )
        return asyncio.run(_in_chat(config, do))
    except StartupError as error:
        raise OneLine(str(error)) from error
    except RoomNotFound as error:
        raise OneLine(f"There is no room “{room}” in {config.database_path}.") from error
    except ChatError as error:
        raise OneLine(error.sentence) from error


async def _in_chat(config: Config, do: Callable[[Chat], Awaitable[T]]) -> T:
    async with open_chat(config, alone=False) as chat:
        return await do(chat)
